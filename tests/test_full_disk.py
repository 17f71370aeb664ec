"""A disk that is full, a real one of 64 KB, and what says that one is: exit code 73, and no part of a file stays."""

import os
import subprocess
from argparse import Namespace
from datetime import date

import pytest
from trino.exceptions import TrinoQueryError

from common.cli import guarded
from common.clients import hdfs, trino
from common.clients.retry import Away
from common.contracts import contract
from common.errors import BadData, CannotWrite, TryAgain, known
from common.inbox.sending import Sender
from common.publish import delta_tables
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


NO_ROOM = {
    "a disk": "java.io.IOException: No space left on device",
    "every DataNode": "File /x could only be written to 0 of the 1 minReplication nodes. There are 1 datanode(s) running and"
    " 1 node(s) are excluded in this operation.",
    "quota of bytes": "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException: The DiskSpace quota of /x is exceeded",
    "quota of names": "org.apache.hadoop.hdfs.protocol.NSQuotaExceededException: The NameSpace quota of /x is exceeded",
    "the NameNode's disk": "SafeModeException: Cannot create file/x. Name node is in safe mode.\nResources are low on NN.",
}
NO_DATANODE = (
    "File /x could only be written to 0 of the 1 minReplication nodes. There are 0 datanode(s) running and"
    " 0 node(s) are excluded in this operation."
)


def as_each_client_hears(text):
    """What the clients through which HDFS is written to make of the same words of it."""
    said = {"message": text, "errorName": "HIVE_WRITER_CLOSE_ERROR", "errorType": "EXTERNAL", "failureInfo": {}}
    return [
        hdfs._failure("write", "/x", RuntimeError(text), "hdfs://here"),
        trino._failure(TrinoQueryError(said)),
        delta_tables._failure(RuntimeError(text), contract("audit.rejected_rows"), "/x"),
    ]


@pytest.mark.parametrize("text", NO_ROOM.values(), ids=NO_ROOM)
def test_a_full_hdfs_is_73_whichever_client_hears_of_it(text):
    assert [failure.exit_code for failure in as_each_client_hears(text)] == [73, 73, 73]


def test_an_hdfs_without_a_datanode_is_not_full():
    assert [type(failure) for failure in as_each_client_hears(NO_DATANODE)] == [Away, Away, TryAgain]
