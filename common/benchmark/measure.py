"""Runs a program and measures its whole process tree: wall, CPU seconds, peak memory."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from common.errors import Failure

_EVERY_SECONDS = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """One run: seconds of wall and CPU, peak of proportional memory in MB (shared pages count once), last line printed."""

    wall: float
    cpu: float
    peak_mb: float
    result: str


def measured(command: list[str]) -> Measured:
    """Runs a command in a session of its own and watches every process of that session; Failure when it fails."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        watch = _Watch(process.pid)
        watch.start()
        out, err = process.communicate()
        wall = time.perf_counter() - start
        watch.stop()
    if process.returncode:
        raise Failure(f"{' '.join(command[2:4])} failed with {process.returncode}", where=err[-2000:])
    return Measured(wall, watch.cpu, watch.peak_mb, out.strip().rsplit("\n", 1)[-1])


class _Watch(threading.Thread):
    def __init__(self, session: int) -> None:
        super().__init__(daemon=True)
        self._session, self._done = session, threading.Event()
        self._cpu: dict[tuple[int, int], float] = {}
        self.peak_mb = 0.0

    @property
    def cpu(self) -> float:
        return sum(self._cpu.values())

    def run(self) -> None:
        while not self._done.wait(_EVERY_SECONDS):
            self._look()

    def stop(self) -> None:
        self._done.set()
        self.join()

    def _look(self) -> None:
        total = 0
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) != self._session:
                    continue
                self._cpu[int(folder.name), int(fields[19])] = (int(fields[11]) + int(fields[12])) / _TICKS
                for line in (folder / "smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
            except (OSError, ValueError, IndexError):
                continue
        self.peak_mb = max(self.peak_mb, total / 1024)
