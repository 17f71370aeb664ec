"""How a sender puts files into the inbox: `inbox/<kind>/<D>/<name>`, with `<name>.sha256` beside it, written last.

A file appears whole: it is written under a temporary name that `ingest` does not read, and renamed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from common.errors import CannotWrite, NotAllowed
from common.settings import Settings

CHECKSUM = ".sha256"
UNFINISHED = ".part"


def inbox_folder(settings: Settings, kind: str, day: date) -> Path:
    """`inbox/<kind>/D`, of orders, stock or receipts."""
    return settings.path("paths.inbox") / kind / day.isoformat()


class Sender:
    """Fills one folder of the inbox. What it writes replaces a file of the same name; others make it refuse."""

    def __init__(self, settings: Settings, kind: str, day: date, *, replace: bool = False) -> None:
        """`replace` empties the folder first."""
        self.folder = inbox_folder(settings, kind, day)
        self.names: set[str] = set()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if replace:
                for file in self._present():
                    file.unlink()
        except OSError as error:
            raise CannotWrite(f"the inbox can't be written: {error.strerror}", where=str(self.folder)) from None

    def expect(self, names: Iterable[str]) -> None:
        """Refuses when the folder holds files that are not about to be written: two senders would be mixed."""
        allowed = {name for n in names for name in (n, n + CHECKSUM)}
        if foreign := sorted(f.name for f in self._present() if f.name not in allowed and not f.name.endswith(UNFINISHED)):
            raise NotAllowed(
                f"the folder holds {len(foreign)} files of another sender, the first is {foreign[0]!r}",
                where=str(self.folder),
                next="the same command with --replace, which empties the folder first",
            )

    def send(self, name: str, blocks: Iterable[bytes]) -> int:
        """One file and its checksum; its size in bytes. The old checksum goes first, so that no pair is ever mixed."""
        target, digest, size = self.folder / name, hashlib.sha256(), 0
        part, checksum = self.folder / f".{name}{UNFINISHED}", self.folder / f".{name}{CHECKSUM}{UNFINISHED}"
        try:
            with part.open("wb") as out:
                for block in blocks:
                    digest.update(block)
                    size += out.write(block)
            self._seal(part, target, checksum, digest.hexdigest())
        except OSError as error:
            for unfinished in (part, checksum):
                unfinished.unlink(missing_ok=True)
            raise CannotWrite(f"{name} can't be written: {error.strerror}", where=str(self.folder)) from None
        self.names.add(name)
        return size

    def _seal(self, part: Path, target: Path, beside: Path, sha256: str) -> None:
        checksum = target.with_name(target.name + CHECKSUM)
        checksum.unlink(missing_ok=True)
        os.replace(part, target)
        beside.write_bytes(f"{sha256}  {target.name}\n".encode())
        os.replace(beside, checksum)

    def _present(self) -> list[Path]:
        return sorted(f for f in self.folder.iterdir() if f.is_file() or f.is_symlink())
