"""Where the pipeline keeps what it downloads and what it runs. Standard library only: used before anything is installed."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common.errors import CannotWrite

ROOT = Path(__file__).resolve().parent.parent.parent


def home() -> Path | None:
    """The user's home folder: `HOME`, else the password database's; None when neither is a folder that can be written."""
    candidates = [os.environ.get("HOME") or ""]
    with suppress(KeyError):
        candidates.append(pwd.getpwuid(os.getuid()).pw_dir)
    for text in candidates:
        if os.path.isabs(text) and os.path.isdir(text) and os.access(text, os.W_OK):
            return Path(text)
    return None


def cache_dir() -> Path:
    """The folder of everything downloaded, shared between clones; in the ignored folder of the clone if there is no home."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):
        return Path(given) / "procurement-pipeline"
    where = home()
    return where / ".cache" / "procurement-pipeline" if where else ROOT / "lake" / "cache"


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def locked(file: Path, waiting: str = "") -> Iterator[None]:
    """Holds an exclusive lock on `file` (made if missing): one process at a time, freed by a crash. Says `waiting` if busy."""
    while True:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = open(file, "a", encoding="utf-8")  # noqa: SIM115  closed below
        except OSError as error:
            raise CannotWrite(f"can't write there: {error.strerror}", where=str(file)) from None
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if waiting:
                    say(waiting)
                fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(file, handle.fileno()):  # else the one before has removed it, and others hold another there
                yield
                return


def _is_at(file: Path, handle: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def need_disk(folder: Path, gigabytes: float, purpose: str) -> None:
    """Raises CannotWrite if the disk under `folder`, which need not exist yet, has less free than that."""
    there = folder
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free / 1e9
    if free < gigabytes:
        raise CannotWrite(
            f"{purpose} needs {gigabytes:g} GB of free disk; {there} has {free:.1f} GB",
            where=str(folder),
            next="free some space, or keep it on another disk: export XDG_CACHE_HOME=<folder>",
        )
