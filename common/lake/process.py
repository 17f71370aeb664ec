"""Starts, finds and stops one service's process.

A process is ours when its environment carries the mark of this lake and service: a pid file that outlived its process,
or whose number now belongs to another program, deceives nobody, and a process whose pid file was lost is found again.
Root without the right to trace others, as in a container, sees no environment of PostgreSQL, which runs as another user:
there it is the data folder in the command line that tells.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from common.errors import NotAllowed, Unavailable

_MARK = "PROCUREMENT_LAKE_SERVICE"
_STATE, _THREADS, _STARTED = 0, 17, 19  # places in what _stat gives (proc(5))
_SHOWN_SECONDS = 5  # the longest that a process may take to show what it is
_LOG_LIMIT = 50_000_000  # bytes; a larger log is set aside at the next start


class Process:
    """The process of service `name` of the lake in `home`."""

    def __init__(self, home: Path, name: str) -> None:
        self.home, self.name = home, name
        self.pid_file = home / "run" / f"{name}.pid"
        self.log = home / "logs" / f"{name}.log"
        self._mark = f"{_MARK}={home}:{name}"
        self._marks = [f"\0{mark}\0".encode() for mark in (self._mark, f"-D\0{home / 'data' / name}")]

    def pid(self) -> int | None:
        """The number of the running process, or None."""
        try:
            known = int(self.pid_file.read_text())
        except (FileNotFoundError, ValueError):
            known = 0
        if known and self._is_ours(known):
            return known
        found = [int(p) for p in os.listdir("/proc") if p.isdigit() and self._is_ours(int(p))]
        if not found:
            return None
        first = min(found, key=_started)  # a server's own children carry the mark too
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        self.pid_file.write_text(f"{first}\n")
        return first

    def _is_ours(self, pid: int) -> bool:
        try:
            return self._is_marked(_shown(pid))
        except OSError:
            return False

    def _is_marked(self, shown: bytes) -> bool:
        return any(mark in b"\0" + shown for mark in self._marks)

    def start(self, command: list[str], environment: dict[str, str]) -> int:
        """Starts the command in the lake's folder, detached from the terminal; output goes to the log."""
        for folder in (self.pid_file.parent, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            os.replace(self.log, self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command,
                cwd=self.home,
                env=environment | dict([self._mark.split("=", 1)]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid_file.write_text(f"{child.pid}\n")
        deadline = time.monotonic() + _SHOWN_SECONDS
        while child.poll() is None and not self._is_ours(child.pid):
            if time.monotonic() > deadline:  # it could never be found again, nor stopped
                child.kill()
                child.wait()
                raise Unavailable(f"{self.name} was started, but the system does not show it", where=f"/proc/{child.pid}")
            time.sleep(0.001)  # for an instant after its start a process shows no environment
        return child.pid

    def stop(self, patience: float, sign: int) -> bool:
        """Asks the process to end, kills it after `patience` seconds. False when there was none."""
        pid = self.pid()
        if pid is None:
            self.pid_file.unlink(missing_ok=True)
            return False
        _signal(pid, sign)
        deadline = time.monotonic() + patience
        while not self._is_gone(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not self._is_gone(pid):
            _signal(pid, signal.SIGKILL)
            while not self._is_gone(pid):
                time.sleep(0.05)
        self.pid_file.unlink(missing_ok=True)
        return True

    def has_ended(self) -> bool:
        """Whether the process of the pid file is gone, without a look at all other processes."""
        try:
            return self._is_gone(int(self.pid_file.read_text()))
        except (FileNotFoundError, ValueError):
            return True

    def _is_gone(self, pid: int) -> bool:
        """Whether nothing is left of our process `pid`: its files are closed, its ports are free."""
        _reap(pid)
        try:
            if shown := _shown(pid):
                return not self._is_marked(shown)
            # One that shows nothing is taking on another program, as setpriv takes on PostgreSQL, or it is ending.
            # The first thread of a killed one may be gone while others still hold its ports.
            stat = _stat(pid)
        except OSError:
            return True
        return stat[_STATE] in "ZX" and int(stat[_THREADS]) <= 1

    def log_tail(self, lines: int) -> list[str]:
        """The last lines of the log."""
        try:
            with self.log.open("rb") as handle:
                handle.seek(max(0, self.log.stat().st_size - 200 * lines))
                return handle.read().decode(errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return []


def _shown(pid: int) -> bytes:
    """What the process shows of its environment, or of its command line where the environment is closed to us.

    Nothing at its end or while it takes on another program; OSError when it is gone.
    """
    try:
        try:
            return Path(f"/proc/{pid}/environ").read_bytes()
        except PermissionError:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
    except ProcessLookupError:  # it is still listed, its memory has been given back
        return b""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name, from the state on; OSError when the process is gone."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _started(pid: int) -> int:
    try:
        return int(_stat(pid)[_STARTED])
    except OSError:
        return 1 << 62


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):  # a child of ours that ended stays until it is waited for
        os.waitpid(pid, os.WNOHANG)


def _signal(pid: int, sign: int) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        pass
    except PermissionError:
        what = f"process {pid} of the lake is another user's"
        raise NotAllowed(what, where=f"/proc/{pid}", next="the same command as that user") from None
