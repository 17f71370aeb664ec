"""Another clone, beside this one and under an awkward path, gets nothing but the raw folders and gives the same bytes."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.clients.hdfs import Hdfs
from common.dates import window_before
from common.demo import DAY
from common.settings import ROOT, lake_addresses
from tests.replay.nights import orders_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone of what is committed, with a lake of its own, stopped at the end."""
    folder = tmp_path_factory.mktemp("second") / "zweiter Klon, çà et là"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    kept = ("PATH", "HOME", "LANG", "XDG_CACHE_HOME", "USER", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    env = {name: value for name, value in os.environ.items() if name in kept}

    def submit(*arguments):
        return subprocess.run(
            [str(folder / "submit.sh"), *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
        )

    up = submit("lake", "up")
    assert up.returncode == 0, up.stderr
    yield folder, submit
    submit("lake", "down")
    shutil.rmtree(folder)


def copy_raw(source, target, days):
    """Copies the raw folders of the dates, and nothing else; side by side, since HDFS makes a writer wait at each close."""
    folders = [f"/raw/{kind}/{day}" for kind in ("orders", "stock", "master") for day in days]
    with ThreadPoolExecutor(48) as pool:
        list(pool.map(target.mkdirs, folders))
        paths = [entry.path for entries in pool.map(source.list, folders) for entry in entries]
        list(pool.map(lambda path: target.write(path, source.read(path)), paths))


def test_a_clone_that_receives_only_raw_gives_the_same_bytes(demo, clone, settings, hdfs):
    folder, submit = clone
    other = Hdfs(lake_addresses(folder / "lake")["HDFS_URL"])
    assert other.url != hdfs.url
    days = [*window_before(DAY, settings["planning.history_days"]), DAY]
    copy_raw(hdfs, other, days)
    history = f"{days[0]}..{days[-2]}"
    for stage in ("stage_master", "stage_orders", "stage_stock"):
        staged = submit(stage, history)
        assert staged.returncode == 0, staged.stderr
    night = submit("all", str(DAY))
    assert night.returncode == 0, night.stderr
    theirs = {}
    for file in sorted((folder / "lake" / "output" / "supplier_orders" / str(DAY)).iterdir()):
        if not file.name.startswith("_") and file.suffix != ".html":
            theirs[file.name] = file.read_bytes()
    ours = orders_of(settings, str(DAY))
    assert theirs.keys() == ours.keys()
    mine = settings.path("paths.output") / "supplier_orders" / str(DAY)
    assert [name for name, data in theirs.items() if data != (mine / name).read_bytes()] == []
    assert submit("lake", "status").returncode == 0
