"""HDFS through hdfs-native (Rust, no JVM): the only module that opens a connection to it."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import hdfs_native

from common.clients.retry import Away, Retry, answer_within
from common.errors import CannotWrite, Failure, Misconfigured, NoInput, Stopped, Unavailable, says_no_room

T = TypeVar("T")
_WRITE_BYTES = 8 << 20
# answers of a NameNode that serves: asking again changes nothing
_REFUSED = ("FileAlreadyExists", "ParentNotDirectory", "InvalidPathException", "PathIsNotEmpty")
_REFUSALS = (FileExistsError, IsADirectoryError, NotADirectoryError, ValueError, TypeError)
_MORE_LINES = r"\s*(?:\\n|\n)"  # of Java, some of them spelled \n
_ANSWER_SECONDS = 60  # the longest that a server may take for one call
_CONFIG = {
    "dfs.client.use.datanode.hostname": "true",
    # enough to find the active one of several NameNodes; its own patience with one that is away would last for minutes
    "dfs.client.failover.max.attempts": "4",
    "dfs.client.failover.sleep.base.millis": "50",
    "dfs.client.failover.sleep.max.millis": "200",
}


@dataclass(frozen=True)
class Entry:
    """A file or folder: its name, absolute path, size in bytes and time of last change (ms since 1970, UTC)."""

    name: str
    path: str
    size: int
    is_dir: bool
    modified_ms: int


class Hdfs:
    """Files in HDFS. Paths are absolute, without scheme or host. Misconfigured where the address leads to no host.

    retry_seconds  how long a call is repeated while a server that served before is away. Every call may be repeated: what
                   is written lies under a name that nobody else writes.
    """

    def __init__(self, url: str, *, retry_seconds: int = 0) -> None:
        self.url, self._retry = url, Retry(retry_seconds)
        self._client = self._connected()

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return self.stat(path) is not None

    def stat(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        try:
            return _entry(self._call("look up", path, lambda client: client.get_file_info(path)))
        except NoInput:
            return None

    def list(self, path: str) -> list[Entry]:
        """What lies directly in a folder, sorted by name; NoInput if there is no such folder."""
        found = self._call("list", path, lambda client: [_entry(s) for s in client.list_status(path)])
        return sorted((e for e in found if e.path != path), key=lambda e: e.name)

    def open(self, path: str) -> Reader:
        """A file opened for reading."""
        return Reader(self._call, path)

    def read(self, path: str) -> bytes:
        """The whole content of a small file."""
        return self._call("read", path, lambda client: bytes(client.read(path).read()))

    def read_range(self, path: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`."""
        return self._call("read", path, lambda client: bytes(client.read(path).read_range(offset, length)))

    def write(self, path: str, data: bytes | Callable[[], Iterable[bytes]], *, overwrite: bool = False) -> None:
        """A whole file at once, parents too; a half-written one is removed when this fails.

        data  the bytes, or what gives them block by block, from the first one on for each attempt
        """
        tries = _Writing(self._once, path, data, overwrite)
        try:
            self._retry(tries.attempt)
        except (Failure, Stopped):
            with contextlib.suppress(Failure, Away):
                tries.remove()
            raise

    def mkdirs(self, path: str) -> None:
        """A folder and its parents; nothing happens when it is there."""
        self._call("make the folder", path, lambda client: client.mkdirs(path, 0o755, True))

    def rename(self, old: str, new: str, *, overwrite: bool = False) -> None:
        """Moves a file or folder in one step."""
        is_repeated = False

        def move(client: Any) -> None:
            nonlocal is_repeated
            was_repeated, is_repeated = is_repeated, True
            try:
                client.rename(old, new, overwrite)
            except FileNotFoundError:
                if not was_repeated:
                    raise
                client.get_file_info(new)  # it had landed, only the answer was lost

        self._call("rename", f"{old} to {new}", move)

    def delete(self, path: str) -> None:
        """Removes a file or a whole folder; nothing happens when it is not there."""
        with contextlib.suppress(NoInput):
            self._call("delete", path, lambda client: client.delete(path, True))

    def _call(self, verb: str, path: str, action: Callable[[Any], T]) -> T:
        return self._retry(lambda: self._once(verb, path, action))

    def _once(self, verb: str, path: str, action: Callable[[Any], T]) -> T:
        client = self._client
        try:
            return answer_within(_ANSWER_SECONDS, lambda: action(client))
        except FileNotFoundError:
            raise NoInput(f"HDFS has no {path}", where=self.url) from None
        except Failure:
            raise
        except Exception as error:  # hdfs-native raises plain RuntimeError for most of what the servers say
            self._client = self._connected()  # the old one keeps its connection, dead or not
            raise _failure(verb, path, error, self.url) from error

    def _connected(self) -> Any:
        try:
            return hdfs_native.Client(self.url, _CONFIG)
        except Exception as error:  # it has asked nobody yet, but its settings for the hosts of a nameservice
            raise Misconfigured(
                f"HDFS can't be at {self.url}: {error}",
                where="HDFS_URL",
                next="export HDFS_URL=hdfs://HOST:PORT, or HADOOP_CONF_DIR with the hdfs-site.xml that knows the nameservice",
            ) from error


class Reader(io.RawIOBase):
    """A file opened for reading. When a server went away it is opened again, and read on from the same place."""

    def __init__(self, call: Callable[[str, str, Callable[[Any], Any]], Any], path: str) -> None:
        self._call, self._path = call, path
        self._at = 0
        self._file: Any = None
        self._size = self._ask(lambda file: len(file))

    def __len__(self) -> int:
        return int(self._size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self)}[whence]
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, all that is left if it is -1."""
        left = max(0, len(self) - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        data = bytes(self._ask(lambda file: file.read_range(self._at, wanted))) if wanted else b""
        self._at += len(data)
        return data

    def readall(self) -> bytes:
        return self.read()

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        def ask(client: Any) -> Any:
            file, self._file = self._file or client.read(self._path), None
            answer = question(file)
            self._file = file  # only one that answered is asked again
            return answer

        return self._call("read", self._path, ask)


class _Writing:
    """The attempts to write one file."""

    def __init__(self, once: Any, path: str, data: bytes | Callable[[], Iterable[bytes]], overwrite: bool) -> None:
        self._once, self._path, self._data, self._overwrite = once, path, data, overwrite
        self._is_ours = False

    def attempt(self) -> None:
        """Writes the file from its beginning."""
        options = hdfs_native.WriteOptions(overwrite=self._overwrite or self._is_ours, create_parent=True)
        try:
            out = self._once("create", self._path, lambda client: client.create(self._path, options))
        except Away:
            self._is_ours = True  # it may be there: nobody else writes under this name
            raise
        self._is_ours = True
        blocks = (self._data,) if isinstance(self._data, bytes) else _joined(self._data())
        for block in filter(None, blocks):
            self._once("write", self._path, lambda _, block=block: out.write(block))
        self._once("write", self._path, lambda _: out.close())

    def remove(self) -> None:
        """Removes what the attempts left."""
        if self._is_ours:
            self._once("delete", self._path, lambda client: client.delete(self._path, True))


def _joined(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks, several small ones together."""
    some = bytearray()
    for block in blocks:
        some += block
        if len(some) >= _WRITE_BYTES:
            yield bytes(some)
            some.clear()
    yield bytes(some)


def _entry(status: Any) -> Entry:
    path = str(status.path)
    return Entry(path.rsplit("/", 1)[-1], path, int(status.length), bool(status.isdir), int(status.modification_time))


def _failure(verb: str, path: str, error: Exception, url: str) -> Failure | Away:
    text = str(error) or type(error).__name__
    where = f"{url}: {re.split(_MORE_LINES, text)[0][:300]}"
    if says_no_room(text):
        return CannotWrite(f"HDFS can't {verb} {path}: no room", where=where, next="free space in HDFS, then run again")
    if isinstance(error, PermissionError) or "AccessControlException" in text:
        hint = "have the owner of the folder let the user in that this command runs as"
        return CannotWrite(f"HDFS can't {verb} {path}: no permission", where=where, next=hint)
    if isinstance(error, _REFUSALS) or any(sign in text for sign in _REFUSED):
        return Unavailable(f"HDFS can't {verb} {path}", where=where, next="./submit.sh check")
    return Away(f"HDFS was asked to {verb} {path} and is away", where)
