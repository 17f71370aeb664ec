"""A whole lake of the test's own, in a folder with a space and letters beyond ASCII, broken in every way and started again."""

import os
import shutil
import signal
import socket
import stat
import subprocess
from pathlib import Path
from threading import Timer

import pytest

from common.check import Checks
from common.cli import run
from common.clients.hdfs import Hdfs
from common.clients.metastore import Metastore
from common.clients.trino import Trino
from common.contracts import contract
from common.errors import CannotWrite, Misconfigured, Unavailable
from common.lake.hdfs_daemons import NameNode
from common.lake.layout import local_site, write_private
from common.lake.postgresql import Postgresql
from common.night import ready
from common.settings import ROOT, load_settings
from tests.lake.own_lake import bring_up, quiet

pytestmark = pytest.mark.own_lake


@pytest.fixture
def settings(own, monkeypatch):
    """The settings of a session that uses that lake."""
    monkeypatch.setenv("PROCUREMENT_LAKE_DIR", str(own.home))
    return load_settings()


def service(lake, name):
    return next(s for s in lake.services() if s.name == name)


def kill(lake, *names):
    for name in names:
        process = service(lake, name).process
        os.kill(process.pid(), signal.SIGKILL)
        while not process.has_ended():
            pass


def test_a_lake_that_is_up_is_left_alone(own):
    ports, pids = own.site().ports, [s.process.pid() for s in own.services()]
    assert own.is_up() and not own.up(quiet)
    assert own.site().ports == ports and [s.process.pid() for s in own.services()] == pids


def test_secrets_are_readable_by_their_owner_alone(own):
    password = own.site().passwords["procurement"]
    holders = [
        f for f in own.home.rglob("*") if f.suffix in (".json", ".xml", ".properties", ".conf") and password in f.read_text()
    ]
    assert {f.name for f in holders} == {"addresses.json", "passwords.json"}
    for file in [*holders, own.home / "conf" / "metastore" / "metastore-site.xml"]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for process in (s.process for s in own.services()):
        command = Path(f"/proc/{process.pid()}/cmdline").read_text()
        assert not [p for p in own.site().passwords.values() if p in command]


def test_everything_serves_on_loopback_only_but_the_metastore(own):
    """The metastore 3.1.3 has no setting for it; docs say so."""
    table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    for name, port in own.site().ports.items():
        listening = [line.split()[1] for line in table.splitlines()[1:] if line.split()[3] == "0A"]
        places = {place.rpartition(":")[0][-8:] for place in listening if int(place.rpartition(":")[2], 16) == port}
        assert places == ({"0100007F"} if name != "metastore" else places), name


def test_killed_parts_with_stale_pid_files_come_back_and_nothing_is_lost(own, settings):
    hdfs = Hdfs(settings.service("HDFS_URL"))
    hdfs.write("/kept", b"content", overwrite=True)
    with service(own, "postgresql").connect("procurement", "procurement") as cursor:
        cursor.execute("create table if not exists kept as select 42 as n")
    names = ("postgresql", "namenode", "datanode", "metastore")
    kill(own, *names)
    for name in names:
        service(own, name).process.pid_file.write_text(f"{os.getppid()}\n")
    (own.home / "data" / "postgresql" / "postmaster.pid").write_text(f"{os.getpid()}\n{own.home}\n")
    assert not own.is_up()
    assert bring_up(own)
    assert Hdfs(settings.service("HDFS_URL")).read("/kept") == b"content"
    with service(own, "postgresql").connect("procurement", "procurement") as cursor:
        cursor.execute("select n from kept")
        assert cursor.fetchone() == (42,)
    assert not [r for r in Checks(settings).run() if r.failed]


def test_a_check_names_what_is_down_and_what_to_do(own, settings):
    kill(own, "metastore")
    results = {r.service: r for r in Checks(settings).run()}
    assert {"metastore", "catalog hive", "catalog delta"} == {name for name, r in results.items() if r.failed}
    assert "lake up" in results["metastore"].next
    assert not results["hdfs"].failed and results["hdfs"].version == "3.5.0"
    taken = own.site().ports["metastore"]
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", taken))
        other.listen()
        with pytest.raises(Unavailable, match=f"port {taken}, kept for metastore, is taken"):
            own.up(quiet)
        Timer(0.5, other.close).start()  # as one that is dying gives it back
        assert bring_up(own)


def test_a_fresh_metastore_of_a_cluster_gets_its_schemas_from_the_first_to_need_them(own, settings, monkeypatch):
    for name, address in {"PROCUREMENT_ENV": "cluster", **own.site().addresses()}.items():
        monkeypatch.setenv(name, address)
    cluster = load_settings()
    trino = Trino(cluster.service("TRINO_URL"), cluster["trino.user"])
    trino.execute("drop schema hive.scratch cascade")
    metastore = Metastore(cluster.service("METASTORE_URI"), cluster.service("HDFS_URL"))
    with pytest.raises(Misconfigured, match=r"the metastore refused to register scratch\.mine: .*scratch"):
        metastore.create_scratch(contract("staging.stores"), "mine", "/tests/mine")
    assert not [r for r in Checks(cluster).run() if r.failed]
    trino.execute("drop schema hive.scratch")
    ready(cluster)
    assert ("scratch",) in trino.rows("show schemas from hive")


def test_a_half_formatted_namenode_is_formatted_again_and_a_full_one_never(own, tmp_path):
    site = local_site(tmp_path, "procurement")
    site.render()
    current = tmp_path / "data" / "namenode" / "current"
    current.mkdir(parents=True)
    (current / "VERSION").write_text("half")
    NameNode(site).prepare()
    assert [p for p in current.glob("fsimage_*") if p.suffix != ".md5"]
    (current / "edits_0000000000000000001-0000000000000000009").write_bytes(b"names")
    (current / "VERSION").unlink()
    with pytest.raises(CannotWrite, match="is damaged") as failure:
        NameNode(site).prepare()
    assert "reset" in failure.value.next


def test_a_database_whose_making_was_killed_is_made_again_and_a_full_one_never(tmp_path):
    site = local_site(tmp_path, "procurement")
    site.render()
    server = Postgresql(site)
    (tmp_path / "run").mkdir()
    for leftover in ("postgresql", "postgresql.new"):
        (tmp_path / "data" / leftover / "base").mkdir(parents=True)
    server.prepare()
    assert (server.data / "PG_VERSION").read_text() == "18\n"
    (server.data / "PG_VERSION").unlink()
    with pytest.raises(CannotWrite, match="damaged and not empty"):
        server.prepare()


def test_a_file_is_rewritten_only_when_it_says_something_else(tmp_path):
    file = tmp_path / "a" / "b"
    write_private(file, "one")
    before = file.stat().st_ino
    write_private(file, "one")
    assert file.stat().st_ino == before
    write_private(file, "two")
    assert file.read_text() == "two" and stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_outside_program_gets_in_by_the_env_lines(own):
    names = ["TRINO_URL", "DATABASE_URL", "WEBHDFS_URL", "METASTORE_URI"]
    bash = f'eval "$("{ROOT}/submit.sh" lake env)" && printenv {" ".join(names)}'
    environment = os.environ | {"PROCUREMENT_LAKE_DIR": str(own.home)}
    done = subprocess.run([shutil.which("bash"), "-c", bash], env=environment, capture_output=True, text=True, check=True)
    addresses = own.site().addresses()
    assert done.stdout.split() == [addresses[name] for name in names]


def test_reset_removes_what_is_the_lakes_and_only_when_it_is_meant(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PROCUREMENT_LAKE_DIR", str(tmp_path))
    (tmp_path / "data" / "namenode").mkdir(parents=True)
    (tmp_path / "mine.txt").write_text("kept")
    assert run(["lake", "reset"]) == 77
    assert "./submit.sh lake reset --yes" in capsys.readouterr().err and (tmp_path / "data" / "namenode").is_dir()
    assert run(["lake", "reset", "--yes"]) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
