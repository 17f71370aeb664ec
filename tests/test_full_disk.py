"""A disk that is full, a real one of 64 KB: exit code 73, and no part of a file stays."""

import os
import subprocess
from argparse import Namespace
from datetime import date

import pytest

from common.cli import guarded
from common.errors import BadData, CannotWrite, known
from common.inbox.sending import Sender
from common.publish.export import point, published, write_run

DAY = date(2017, 12, 23)


@pytest.fixture
def disk(tmp_path):
    """A folder on a disk with room for 16 blocks of 4 KB, of files and folders."""
    place = tmp_path / "64 KB"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", place], check=True)


def files_below(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)


def test_an_export_that_has_no_room_leaves_nothing_and_what_was_published_stays(disk):
    first = write_run(disk, DAY, 1, {"S1.json": b"1" * 5000})
    point(disk, DAY, first)
    before = files_below(disk)
    with pytest.raises(CannotWrite, match="No space left") as full:
        write_run(disk, DAY, 2, {f"S{n}.json": b"2" * 5000 for n in range(20)})
    assert full.value.next == "free space, then run again"
    assert files_below(disk) == before and published(disk, DAY) == first
    write_run(disk, DAY, 2, {"S1.json": b"2" * 5000})


@pytest.mark.parametrize("room", [0, 4096, 60 << 10], ids=["nothing fits", "the file fits, its checksum does not", "a part fits"])
def test_a_sender_that_has_no_room_leaves_no_part_of_a_file(disk, room):
    sender = Sender(Namespace(path=lambda key: disk), "orders", DAY)
    taken = os.statvfs(disk).f_bavail * 4096 - room
    (disk / "taken").write_bytes(b"x" * taken)
    with pytest.raises(CannotWrite, match="No space left"):
        sender.send("a.jsonl", [b"1" * 4096] * (1 if room == 4096 else 40))
    assert not [file for file in files_below(disk) if file.endswith(".part")]


def test_a_full_disk_that_nobody_looked_for_is_73_too(capsys):
    def fill():
        with open("/dev/full", "wb") as full:
            full.write(b"x")

    assert guarded(fill) == 73
    assert "the disk is full" in capsys.readouterr().err


def test_what_says_that_a_disk_is_full_is_known_and_nothing_else_is():
    spark = RuntimeError("Job aborted\njava.io.IOException: No space left on device\n\tat Foo.java")
    assert known(spark).exit_code == 73 and known(spark).where == "java.io.IOException: No space left on device"
    for error in (BadData("No space left on device"), OSError(13, "Permission denied"), ValueError("x")):
        assert known(error) is error
