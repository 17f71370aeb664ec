"""The files of a lake that does not run: damaged ones, and another user's."""

import os

import pytest

from common.cli import guarded
from common.errors import CannotWrite, known
from common.lake.layout import local_site, passwords
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
