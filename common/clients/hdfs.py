"""HDFS through hdfs-native (Rust, no JVM): the only module that opens a connection to it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import hdfs_native

from common.errors import CannotWrite, Failure, NoInput, Unavailable

T = TypeVar("T")
_WRITE_BYTES = 8 << 20


@dataclass(frozen=True)
class Entry:
    """A file or folder: its name, absolute path, size in bytes and time of last change (ms since 1970, UTC)."""

    name: str
    path: str
    size: int
    is_dir: bool
    modified_ms: int


class Hdfs:
    """Files in HDFS. Paths are absolute, without scheme or host."""

    def __init__(self, url: str) -> None:
        self.url = url
        config = {"dfs.client.use.datanode.hostname": "true"}
        self._client = self._try("connect", url, lambda: hdfs_native.Client(url, config))

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return self.stat(path) is not None

    def stat(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        try:
            return _entry(self._try("look up", path, lambda: self._client.get_file_info(path)))
        except NoInput:
            return None

    def list(self, path: str) -> list[Entry]:
        """What lies directly in a folder, sorted by name; NoInput if there is no such folder."""
        found = self._try("list", path, lambda: [_entry(s) for s in self._client.list_status(path)])
        return sorted((e for e in found if e.path != path), key=lambda e: e.name)

    def open(self, path: str) -> Any:
        """A file opened for reading: `read`, `seek`, `tell`, `read_range(offset, length)`, `len()`."""
        return self._try("open", path, lambda: self._client.read(path))

    def read(self, path: str) -> bytes:
        """The whole content of a small file."""
        return self._try("read", path, lambda: bytes(self._client.read(path).read()))

    def read_range(self, path: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`."""
        return self._try("read", path, lambda: bytes(self._client.read(path).read_range(offset, length)))

    def create(self, path: str, *, overwrite: bool = False) -> Any:
        """A new file opened for writing, as a buffered writer; parents are made. Close it to make it whole."""
        options = hdfs_native.WriteOptions(overwrite=overwrite, create_parent=True)
        raw = self._try("create", path, lambda: self._client.create(path, options))
        return io.BufferedWriter(_Writer(raw), _WRITE_BYTES)

    def write(self, path: str, data: bytes | Iterable[bytes], *, overwrite: bool = False) -> None:
        """A whole file at once; a half-written one is removed when this fails."""

        def put() -> None:
            with self.create(path, overwrite=overwrite) as out:
                for block in (data,) if isinstance(data, bytes) else data:
                    out.write(block)

        try:
            self._try("write", path, put)
        except Failure:
            self.delete(path)
            raise

    def mkdirs(self, path: str) -> None:
        """A folder and its parents; nothing happens when it is there."""
        self._try("make the folder", path, lambda: self._client.mkdirs(path, 0o755, True))

    def rename(self, old: str, new: str, *, overwrite: bool = False) -> None:
        """Moves a file or folder in one step."""
        self._try("rename", f"{old} to {new}", lambda: self._client.rename(old, new, overwrite))

    def delete(self, path: str) -> None:
        """Removes a file or a whole folder; nothing happens when it is not there."""

        def remove() -> None:
            with contextlib.suppress(FileNotFoundError):
                self._client.delete(path, True)

        self._try("delete", path, remove)

    def _try(self, verb: str, path: str, action: Callable[[], T]) -> T:
        try:
            return action()
        except FileNotFoundError:
            raise NoInput(f"HDFS has no {path}", where=self.url) from None
        except Failure:
            raise
        except Exception as error:  # hdfs-native raises plain RuntimeError for most of what the servers say
            raise _failure(verb, path, error) from error


class _Writer(io.RawIOBase):
    """hdfs-native's writer, given bytes only: it takes any other buffer byte by byte, at ten times the CPU."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return int(self._raw.write(bytes(data)))

    def close(self) -> None:
        if not self.closed:
            try:
                self._raw.close()
            finally:
                super().close()


def _entry(status: Any) -> Entry:
    path = str(status.path)
    return Entry(path.rsplit("/", 1)[-1], path, int(status.length), bool(status.isdir), int(status.modification_time))


def _failure(verb: str, path: str, error: Exception) -> Failure:
    text = " ".join(str(error).split())
    if "NSQuotaExceeded" in text or "DSQuotaExceeded" in text or "could only be written to 0" in text:
        return CannotWrite(f"HDFS can't {verb} {path}: no room", where=text[:300], next="free space in HDFS, then run again")
    if "SafeMode" in text:
        return Unavailable(f"HDFS can't {verb} {path}: safe mode", where=text[:300], next="./submit.sh check")
    return Unavailable(f"HDFS can't {verb} {path}", where=text[:300], next="./submit.sh check")
