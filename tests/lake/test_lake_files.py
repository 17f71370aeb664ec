"""The files of a lake that does not run: damaged ones, another user's, and what a reset makes of them."""

import errno
import fcntl
import os
import shutil
import threading

import pytest

from common.cli import guarded, run
from common.errors import CannotWrite, known
from common.lake import local
from common.lake.layout import local_site, passwords
from common.lake.places import locked
from common.lake.process import Process
from common.settings import lake_addresses, load_settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of a lake that was started before."""
    monkeypatch.setenv("PROCUREMENT_LAKE_DIR", str(tmp_path))
    local_site(tmp_path, "procurement").render()
    return tmp_path


READERS = {
    "addresses.json": lambda home: lake_addresses(home),
    "ports.json": lambda home: local_site(home, "procurement"),
    "passwords.json": lambda home: passwords(home / "passwords.json"),
}


@pytest.mark.parametrize("content", [b"", b'{"TRINO_URL": ', b"\xff", b"[1]"])
@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_named(home, capsys, name, content):
    (home / name).write_bytes(content)
    assert guarded(lambda: len(str(READERS[name](home)))) == 78
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == ["error: the file is damaged", f"  where: {home / name}"]
    assert said[2].strip().startswith("next:  ./submit.sh lake")


def test_damaged_addresses_are_made_again_by_the_next_start(home):
    before = lake_addresses(home)
    (home / "addresses.json").write_bytes(b"\xff")
    local_site(home, "procurement").render()
    assert lake_addresses(home) == before and load_settings().service("TRINO_URL") == before["TRINO_URL"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is somebody else for a moment")
@pytest.mark.parametrize("name", READERS)
def test_a_file_of_another_user_is_named_with_its_owner(home, capsys, name):
    """As after one `sudo ./submit.sh lake up`."""

    def as_nobody():
        os.seteuid(65534)
        try:
            return len(str(READERS[name](home)))
        finally:
            os.seteuid(0)

    assert guarded(as_nobody) == 73
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "error: a file can't be read or written: Permission denied"
    assert said[1] == f"  where: {home / name}; it belongs to root"


def test_what_is_closed_to_us_is_told_with_the_nearest_owner_that_shows(home):
    failure = known(PermissionError(13, "Permission denied", str(home / "new" / "file")))
    assert isinstance(failure, CannotWrite) and failure.where.startswith(f"{home / 'new' / 'file'}; {home} belongs to ")


@pytest.mark.parametrize("name", ["ports.json", "passwords.json", "addresses.json"])
def test_a_reset_of_a_lake_with_damaged_files_stops_what_runs_and_removes_all(home, name):
    services = [Process(home, kind.name) for kind in local.KINDS]
    for service in services:
        service.start(["sleep", "60"], {"PATH": os.environ["PATH"]})
    (home / name).write_text("")
    assert run(["lake", "reset", "--yes"]) == 0
    assert not list(home.iterdir()) and not [service for service in services if service.pid()]


def test_a_reset_empties_what_lies_on_another_disk_and_leaves_the_way_there(home, tmp_path_factory):
    other, kept = tmp_path_factory.mktemp("disk"), tmp_path_factory.mktemp("kept")
    (kept / "file").touch()
    for name in ("data", "output"):
        (other / name / "below").mkdir(parents=True)
        (other / name / "below" / "file").touch()
        (other / name / "link").symlink_to(kept)
        (home / name).symlink_to(other / name)
    (home / "inbox").symlink_to(other / "nowhere")
    assert run(["lake", "reset", "--yes"]) == 0
    assert sorted(path.name for path in home.iterdir()) == ["data", "output"]
    assert (home / "data").readlink() == other / "data" and not any(any((other / name).iterdir()) for name in ("data", "output"))
    assert (kept / "file").exists()


def test_a_reset_that_can_not_remove_the_data_leaves_the_passwords_that_open_it(home, monkeypatch, capsys):
    def busy(path):
        with (home / "run" / "lake.lock").open("a") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        raise OSError(errno.EBUSY, "Device or resource busy", str(path))

    (home / "data").mkdir()
    monkeypatch.setattr(shutil, "rmtree", busy)
    assert run(["lake", "reset", "--yes"]) == 73
    assert f"error: can't remove it: Device or resource busy\n  where: {home / 'data'}" in capsys.readouterr().err
    assert (home / "passwords.json").exists()


def test_who_waited_for_a_lock_that_was_removed_holds_the_one_that_is_there(tmp_path):
    file = tmp_path / "run" / "lake.lock"
    inside, leave = threading.Event(), threading.Event()

    def wait():
        with locked(file):
            inside.set()
            leave.wait(10)

    with locked(file):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not inside.wait(0.2)
        shutil.rmtree(file.parent)
    assert inside.wait(10)
    with file.open("a") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    leave.set()
    waiting.join()
