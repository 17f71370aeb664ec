"""Where the pipeline keeps what it downloads and what it runs. Standard library only: used before anything is installed."""

from __future__ import annotations

import fcntl
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Holds an exclusive lock on `file` (made if missing): one process at a time, freed by a crash."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
