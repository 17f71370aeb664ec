"""Another clone, beside this one and under an awkward path, gets nothing but the raw folders and gives the same bytes.

Its lake is its own, so that services may go away in the middle of a run there.
"""

import getpass
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from common.clients.hdfs import Hdfs
from common.lake.local import LocalLake
from common.settings import ROOT, lake_addresses
from tests.replay.nights import FIRST, SECOND, THIRD

pytestmark = pytest.mark.master_data


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone of what is committed, with a lake of its own, stopped at the end."""
    folder = tmp_path_factory.mktemp("second") / "zweiter Klon, çà et là"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    kept = ("PATH", "HOME", "LANG", "XDG_CACHE_HOME", "USER", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    env = {name: value for name, value in os.environ.items() if name in kept}

    def start(*arguments, **more):
        return subprocess.Popen(
            [str(folder / "submit.sh"), *arguments], cwd=folder, env=env | more, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def submit(*arguments):
        return subprocess.run(
            [str(folder / "submit.sh"), *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
        )

    submit.start = start
    up = submit("lake", "up")
    assert up.returncode == 0, up.stderr
    yield folder, submit
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


def test_a_clone_that_receives_only_raw_gives_the_same_bytes(nights, clone, settings, hdfs):
    """All three nights: the third depends on what the two before it released, and on the receipts of the second."""
    folder, submit = clone
    other = Hdfs(lake_addresses(folder / "lake")["HDFS_URL"])
    assert other.url != hdfs.url
    days = (FIRST, SECOND, THIRD)
    assert copy_raw(hdfs, other, days) == {"master", "orders", "receipts", "stock"}
    night = submit("backfill", f"{FIRST}..{THIRD}")
    assert night.returncode == 0, night.stderr
    for day in days:
        theirs = files_of(folder / "lake" / "output", day)
        assert len(theirs) > 4
        assert theirs == files_of(settings.path("paths.output"), day)
    assert submit("lake", "status").returncode == 0


def files_of(output, day):
    """What a date's order files and lists of exceptions hold; what names runs, manifest and report, is left out."""
    files = sorted((output / "supplier_orders" / day).iterdir())
    return {file.name: file.read_bytes() for file in files if not file.name.startswith("_") and file.suffix != ".html"}


@pytest.fixture
def stopped(clone, tmp_path):
    """Begins `net_demand` of the clone and stops services when it reaches a barrier; how it goes on without them."""
    folder, submit = clone
    lake, reached = LocalLake(folder / "lake", "procurement"), tmp_path / "reached"

    def begin(barrier, services, patience):
        setting = {"PROCUREMENT_SERVICES__RETRY_SECONDS": str(patience)}
        drill = {"PROCUREMENT_BARRIER": barrier, "PROCUREMENT_BARRIER_FILE": str(reached)}
        run = submit.start("net_demand", FIRST, "--force", **setting, **drill)
        while not reached.exists():
            assert run.poll() is None, run.stdout.read()
            time.sleep(0.05)
        for service in lake.services():
            if service.name in services:
                service.stop()
        reached.unlink()
        return run

    yield begin
    assert submit("lake", "up").returncode == 0


@pytest.mark.parametrize(
    ("service", "barrier", "said"),
    [
        ("namenode", "built_before_audit", "away"),
        ("metastore", "audited_before_flip", "the metastore was asked to"),
        ("trino", "built_before_audit", "Trino was asked to"),
        ("postgresql", "audited_before_flip", "has lost its PostgreSQL session"),
    ],
)
def test_a_service_that_goes_away_and_stays_away_ends_a_run_with_75(stopped, service, barrier, said):
    run = stopped(barrier, [service], patience=2)
    output, _ = run.communicate(timeout=180)
    assert run.returncode == 75, output
    assert said in output and "./submit.sh" in output and "Traceback" not in output, output


def test_services_that_come_back_let_a_run_finish_and_the_bytes_are_the_same(clone, stopped):
    folder, submit = clone
    before = files_of(folder / "lake" / "output", FIRST)
    run = stopped("built_before_audit", ["namenode", "datanode", "metastore", "trino"], patience=300)
    time.sleep(3)
    assert run.poll() is None, run.stdout.read()
    assert submit("lake", "up").returncode == 0
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 0, output
    rest = submit("all", FIRST)
    assert rest.returncode == 0, rest.stderr
    assert files_of(folder / "lake" / "output", FIRST) == before


def set_quota(folder, path, room):
    """Bounds what may be written below a folder of the clone's HDFS: to nothing more than there is, or not at all (-1)."""
    webhdfs = lake_addresses(folder / "lake")["WEBHDFS_URL"]
    query = urlencode({"op": "SETQUOTA", "user.name": getpass.getuser(), "namespacequota": 2**63 - 1, "storagespacequota": room})
    with urlopen(Request(f"{webhdfs}{path}?{query}", method="PUT"), timeout=30):
        pass


@pytest.mark.parametrize(
    ("stage", "table"), [("stage_orders", "staging.pos_order_lines"), ("net_demand", "planning.net_demand")]
)
def test_a_full_hdfs_ends_a_run_with_73_and_leaves_no_part_of_a_file(clone, stage, table):
    """One stage writes by Spark, the other by Trino."""
    folder, submit = clone
    other = Hdfs(lake_addresses(folder / "lake")["HDFS_URL"])
    root = f"/warehouse/_runs/{table}"
    before = [entry.path for entry in other.list(f"{root}/{FIRST}")]
    set_quota(folder, root, 1)
    try:
        full = submit(stage, FIRST, "--force")
    finally:
        set_quota(folder, root, -1)
    assert full.returncode == 73 and "free space in HDFS" in full.stderr, full.stderr
    assert [entry.path for entry in other.list(f"{root}/{FIRST}")] == before
    assert submit(stage, FIRST, "--force").returncode == 0
