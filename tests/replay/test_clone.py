"""Another clone, beside this one and under an awkward path, gets nothing but the raw folders and gives the same bytes."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.clients.hdfs import Hdfs
from common.settings import ROOT, lake_addresses
from tests.replay.nights import FIRST, SECOND, THIRD, files_of

pytestmark = pytest.mark.master_data

_BRING_UP = """
import sys
from pathlib import Path
from common.lake.local import LocalLake
from tests.lake.own_lake import bring_up
bring_up(LocalLake(Path(sys.argv[1]), "procurement"))
"""


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """A clone of what is committed; its lake, one of its own, starts while the fixtures after this one make the nights."""
    folder = tmp_path_factory.mktemp("second") / "zweiter Klon, çà et là"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    kept = ("PATH", "HOME", "LANG", "XDG_CACHE_HOME", "USER", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    env = {name: value for name, value in os.environ.items() if name in kept}

    def submit(*arguments):
        return subprocess.run(
            [str(folder / "submit.sh"), *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
        )

    # a process of its own: what it changes for its lake alone is not to be met by the one that this process starts meanwhile
    starts = subprocess.Popen([sys.executable, "-c", _BRING_UP, str(folder / "lake")], cwd=ROOT)
    yield folder, submit, starts.wait
    submit("lake", "down")
    shutil.rmtree(folder)


def copy_raw(source, target, days):
    """Copies the raw folders of the dates, and nothing else; side by side, since HDFS makes a writer wait at each close."""
    kinds = [entry.path for entry in source.list("/raw") if not entry.name.startswith(".")]
    folders = [entry.path for kind in kinds for entry in source.list(kind) if entry.name in days]
    with ThreadPoolExecutor(48) as pool:
        list(pool.map(target.mkdirs, folders))
        paths = [entry.path for entries in pool.map(source.list, folders) for entry in entries]
        list(pool.map(lambda path: target.write(path, source.read(path)), paths))
    return {folder.split("/")[2] for folder in folders}


def test_a_clone_that_receives_only_raw_gives_the_same_bytes(clone, nights, settings, hdfs):
    """All three nights: the third depends on what the two before it released, and on the receipts of the second.

    The clone's own settings are others: a replay takes those that the nights keep.
    """
    folder, submit, wait_for_lake = clone
    assert wait_for_lake() == 0
    conf = folder / "conf" / "settings.yml"
    text = conf.read_text(encoding="utf-8")
    for key, here, there in (("policy", "formula", "order_up_to"), ("currency", "USD", "EUR"), ("spike_min_qty", "10", "1")):
        text, found = re.subn(rf"(?m)^(  {key}: ){here}\b", rf"\g<1>{there}", text)
        assert found == 1
    conf.write_text(text, encoding="utf-8")
    other = Hdfs(lake_addresses(folder / "lake")["HDFS_URL"])
    assert other.url != hdfs.url
    days = (FIRST, SECOND, THIRD)
    assert copy_raw(hdfs, other, days) == {"master", "orders", "receipts", "stock"}
    night = submit("backfill", f"{FIRST}..{THIRD}")
    assert night.returncode == 0, night.stderr
    assert f"planning.policy is 'formula', as on the night of {FIRST}; today's is 'order_up_to'" in night.stderr
    for day in days:
        theirs = files_of(folder / "lake" / "output", day)
        assert len(theirs) > 4
        assert theirs == files_of(settings.path("paths.output"), day)
    assert submit("lake", "status").returncode == 0
    assert submit("lake", "down").returncode == 0  # the tests after this one need the memory
