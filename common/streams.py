"""stdout and stderr of a command whose readers may go away, or whose disk may be full. Standard library only."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

from common.errors import CannotWrite


@contextmanager
def lasting_streams() -> Iterator[None]:
    """Meanwhile no print ends a command because nobody reads it: it goes on to its end, and ends with its own code.

    What stderr can't take, progress and errors, is lost. A result that stdout can't take is CannotWrite, but for one whose
    reader has gone, as `head` does when it has seen enough.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what an encoding lacks is no reason to end
    with open(os.devnull, "w", encoding="utf-8") as nobody:  # where the shell has closed one
        results, progress = _Results(sys.stdout or nobody), _Progress(sys.stderr or nobody)
        with redirect_stdout(cast(TextIO, results)), redirect_stderr(cast(TextIO, progress)):
            yield


class _Lasting:
    """A stream, but for what happens when a write fails."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Progress(_Lasting):
    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _Results(_Lasting):
    def write(self, text: str) -> int:
        with _no_reader_needed():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with _no_reader_needed():
            self._stream.flush()


@contextmanager
def _no_reader_needed() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        pass
    except OSError as error:
        what = f"the result can't be written: {error.strerror or error}"
        raise CannotWrite(what, where="stdout", next="free space, then the same command again") from error
