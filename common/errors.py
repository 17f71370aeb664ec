"""What a scheduler sees: one class of failure for each exit code of sysexits.h.

Everything that a user, an input or a service can cause is raised as one of these, with the place and the next
command to type. Whatever else escapes is a bug of ours and ends with 70.
"""

from __future__ import annotations

import errno
import os
import pwd
from contextlib import suppress
from pathlib import Path


class _Told(BaseException):
    """A clear sentence, the place, and what to type next.

    what   one sentence: what failed and why
    where  file, line, table or query id
    next   the next command to type
    """

    def __init__(self, what: str, *, where: str | None = None, next: str | None = None) -> None:
        super().__init__(what)
        self.what, self.where, self.next = what, where, next

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.next:
            lines.append(f"  next:  {self.next}")
        return "\n".join(lines)


class Failure(_Told, Exception):
    """Why a command, or a part of it, could not be done."""

    exit_code = 70


class Usage(Failure):
    """The command line is wrong; no service was touched."""

    exit_code = 64


class BadData(Failure):
    """The input breaks a rule that stops the night; what is published is untouched."""

    exit_code = 65


class NoInput(Failure):
    """An input that the stage needs is not there or not published."""

    exit_code = 66


class Unavailable(Failure):
    """A service can't be reached or does not answer as it should."""

    exit_code = 69


class CannotWrite(Failure):
    """Disk full, or a place that can't be written."""

    exit_code = 73


class TryAgain(Failure):
    """Locked, busy, timed out or outside the window: the same command may succeed later."""

    exit_code = 75


class Stopped(_Told):
    """The process was told to end; nothing else of the command may begin.

    No Failure and no Exception: whoever goes on after one of those, ours or a library's, must not go on after this.
    """

    exit_code = TryAgain.exit_code


class NotAllowed(Failure):
    """Refused on purpose, such as changing what was released to a supplier."""

    exit_code = 77


class Misconfigured(Failure):
    """A setting or a contract is wrong."""

    exit_code = 78


# of a disk, of HDFS, and of a NameNode whose own disk is so full that it goes into safe mode
_NO_ROOM = ("No space left", "Disk quota", "QuotaExceeded", "could only be written to 0", "Resources are low on NN")


def says_no_room(text: str) -> bool:
    """Whether these words of a library or a service say that a disk, HDFS or a quota is full. No DataNode at all is not full."""
    return any(sign in text for sign in _NO_ROOM) and "There are 0 datanode(s) running" not in text


def known(error: BaseException) -> BaseException:
    """The error itself; CannotWrite where it says, from wherever and through whatever library, that there is no room, or that
    a file or folder of this machine is closed to us."""
    text = next(filter(says_no_room, str(error).splitlines()), "")
    if isinstance(error, Failure):
        return error
    if isinstance(error, PermissionError) and error.filename is not None:
        what = f"a file can't be read or written: {error.strerror}"
        hint = "the same command as that user, or chown what is to be yours"
        return CannotWrite(what, where=f"{os.fsdecode(error.filename)}; {_owner(error.filename)}", next=hint)
    if not (text or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)):
        return error
    where = str(getattr(error, "filename", None) or text.strip()[:300])
    return CannotWrite("the disk is full", where=where, next="free space, then the same command again")


def _owner(path: str | bytes) -> str:
    """Whose it is, or the nearest folder above it that shows that."""
    file = Path(os.fsdecode(path)).absolute()
    for there in (file, *file.parents):
        with suppress(OSError):
            number = there.stat().st_uid
            name = str(number)
            with suppress(KeyError):
                name = pwd.getpwuid(number).pw_name
            return f"{'it' if there == file else there} belongs to {name}"
    return "it does not show to whom it belongs"
