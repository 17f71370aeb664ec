"""What lies in the inbox for one date, and whether each file is complete.

A file is complete when its sender's `<name>.sha256` is there (and is right), or when it has not changed for
`inbox.settle_seconds`. Hidden files and temporary names are somebody's upload in progress.
"""

from __future__ import annotations

import hashlib
import io
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import BadData, NoInput
from common.inbox.sending import CHECKSUM
from common.landing.manifest import is_safe_name

_UNFINISHED = (".part", ".tmp", ".filepart", "._COPYING_")


@dataclass
class Arrivals:
    """The files of one inbox folder: `complete` by name with the SHA-256 that the sender gave, if any; the rest is arriving."""

    folder: Path
    complete: dict[str, str | None] = field(default_factory=dict)
    arriving: list[str] = field(default_factory=list)

    def sha256(self, name: str) -> str:
        """SHA-256 of a complete file as it is now; BadData when its sender says otherwise."""
        with self._reading(name), self.open(name) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        self.verify(name, found)
        return found

    def open(self, name: str) -> io.BufferedReader:
        """The bytes of a complete file. NoInput when it can't be read, or is there no more."""
        with self._reading(name):
            return (self.folder / name).open("rb")

    def size(self, name: str) -> int:
        """Bytes of a complete file; NoInput likewise."""
        with self._reading(name):
            return (self.folder / name).stat().st_size

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        path = self.folder / name
        try:
            yield
        except OSError as error:
            raise NoInput(f"{name} can't be read: {error.strerror}", where=str(path), next=f"ls -l '{path}'") from None

    def verify(self, name: str, found: str) -> None:
        """BadData when a checksum is not that of the sender."""
        told = self.complete[name]
        if told is not None and told != found:
            raise BadData(
                f"{name} is not what its sender sent: its SHA-256 is {found[:12]}..., {name}{CHECKSUM} says {told[:12]}...",
                where=str(self.folder / name),
                next="have the sender send it again",
            )


def arrivals(folder: Path, settle_seconds: int, *, wait: bool = True) -> Arrivals | None:
    """What has arrived, after waiting at most `settle_seconds` for files that change no more; None without such a folder."""
    deadline = time.monotonic() + settle_seconds
    while True:
        found = _look(folder, settle_seconds)
        if found is None or not found.arriving or not wait or time.monotonic() >= deadline:
            return found
        time.sleep(min(0.5, settle_seconds))


def _look(folder: Path, settle_seconds: int) -> Arrivals | None:
    try:
        names = sorted(file.name for file in folder.iterdir())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NoInput(f"the inbox can't be read: {error.strerror}", where=str(folder)) from None
    found = Arrivals(folder)
    for name in names:
        if name.endswith(CHECKSUM):
            if name.removesuffix(CHECKSUM) not in names and not name.startswith("."):
                found.arriving.append(name.removesuffix(CHECKSUM))
        elif name.startswith(".") or name.endswith(_UNFINISHED):
            found.arriving.append(name)
        else:
            _place(found, name, name + CHECKSUM in names, settle_seconds)
    if not names and not _is_settled(folder, settle_seconds):
        found.arriving.append("(the folder is new and empty)")
    return found


def _place(found: Arrivals, name: str, has_checksum: bool, settle_seconds: int) -> None:
    path = found.folder / name
    try:
        is_there = stat.S_ISREG(path.lstat().st_mode)
        told = _told(path) if has_checksum and is_there else None
        is_complete = has_checksum or _is_settled(path, settle_seconds)
    except FileNotFoundError:  # its sender is just putting another in its place
        found.arriving.append(name)
        return
    except OSError as error:
        raise NoInput(f"{name} or its checksum can't be read: {error.strerror}", where=str(found.folder)) from None
    if not is_safe_name(name) or not is_there:
        raise BadData(
            f"{name!r} is no name of a raw file",
            where=str(found.folder),
            next="rename it to *.jsonl, *.json or *.csv (or one of these with .gz), or remove it",
        )
    if is_complete:
        found.complete[name] = told
    else:
        found.arriving.append(name)


def _is_settled(path: Path, seconds: int) -> bool:
    return time.time() - path.stat().st_mtime >= seconds


def _told(path: Path) -> str:
    """The checksum in `<name>.sha256`, in the format of sha256sum."""
    file = path.with_name(path.name + CHECKSUM)
    text = file.read_text(encoding="utf-8", errors="replace").split()
    if not text or len(text[0]) != 64 or set(text[0].lower()) - set("0123456789abcdef"):
        raise BadData("a checksum file holds no SHA-256", where=str(file), next=f"sha256sum {path.name} > {file.name}")
    return text[0].lower()
