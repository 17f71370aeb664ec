"""The local lake as a whole: up, down, status, reset."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import Any

from common.errors import CannotWrite, TryAgain, Unavailable
from common.lake import artifacts
from common.lake.hdfs_daemons import DataNode, NameNode
from common.lake.hive_metastore import HiveMetastore
from common.lake.layout import Site, local_site, port_is_free
from common.lake.places import locked
from common.lake.postgresql import Postgresql
from common.lake.service import Service
from common.lake.trino_node import TrinoNode

KINDS: tuple[type[Service], ...] = (Postgresql, NameNode, DataNode, HiveMetastore, TrinoNode)
_MEMORY_GB = 6  # Trino 2, the others 1.5, a night's Spark 2.5
_DYING_SECONDS = 2  # a service killed a moment ago may hold its port as long as its memory is being given back
START_SECONDS = 120  # a service that does not serve by then has failed
# in the order in which a reset removes them: no data is left that no password opens, and the lock goes last
_OURS = (
    "data", "logs", "tmp", "spark", "benchmark", "inbox", "output",
    "conf", "addresses.json", "ports.json", "passwords.json", "run",
)  # fmt: skip
_STOPS: tuple[tuple[type[Service], ...], ...] = ((TrinoNode,), (HiveMetastore,), (DataNode, NameNode, Postgresql))


class LocalLake:
    """The lake in the folder `home`. `owner` is the Trino user who may write."""

    def __init__(self, home: Path, owner: str) -> None:
        self.home, self.owner = home, owner

    def site(self) -> Site:
        """Its addresses; made at the first call."""
        return local_site(self.home, self.owner)

    def services(self) -> list[Service]:
        """Its services."""
        site = self.site()
        return [kind(site) for kind in KINDS]

    def is_up(self) -> bool:
        """Whether every process runs and listens: a look that costs milliseconds."""
        if not (self.home / "addresses.json").exists():
            return False
        return all(not s.process.has_ended() and s.is_listening() for s in self.services())

    def up(self, say: Callable[[str], None]) -> bool:
        """Starts what does not run, side by side, and waits until all serve. False when all served already."""
        artifacts.ensure()
        with self._locked():
            self._make_home()
            site = self.site()
            site.render()
            services = [kind(site) for kind in KINDS]
            began = time.monotonic()
            idle = [s for s in services if s.process.pid() is None]
            # of what runs it is asked only if nothing is to be started: without PostgreSQL the metastore answers after 20 s
            if not idle and all(s.not_ready() is None for s in services):
                return False
            _refuse_taken_ports(idle)
            _need_memory(idle)
            say(f"lake: starting {', '.join(s.name for s in idle) or 'nothing new'} in {self.home}")
            _start_all(services, idle, say)
            say(f"lake: up after {time.monotonic() - began:.1f} s")
            return True

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.home / "run" / "lake.lock")

    def _make_home(self) -> None:
        try:
            for folder in ("run", "logs", "data", "tmp"):
                (self.home / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(f"can't make the lake's folder: {error.strerror}", where=str(self.home)) from None

    def status(self) -> list[dict[str, Any]]:
        """Each service: pid, address, and `serves` or why not."""
        if not (self.home / "addresses.json").exists():
            raise Unavailable("the local lake was never started", where=str(self.home), next="./submit.sh lake up")
        rows = []
        for service in self.services():
            pid = service.process.pid()
            reason = service.not_ready() if pid else "is not running"
            port = service.site.ports[service.ports()[0]]
            rows.append({"service": service.name, "pid": pid, "address": f"127.0.0.1:{port}", "state": reason or "serves"})
        return rows

    def down(self, say: Callable[[str], None]) -> bool:
        """Stops every process, the readers before what they read from. False when none ran."""
        if not self.home.exists():
            return False
        with self._locked():
            return self._stop(say)

    def _stop(self, say: Callable[[str], None]) -> bool:
        stopped = False
        for group in _STOPS:
            with ThreadPoolExecutor(len(group)) as pool:
                stopped |= any(list(pool.map(lambda kind: kind.stop(self.home), group)))
        if stopped:
            say("lake: down")
        return stopped

    def reset(self, say: Callable[[str], None]) -> None:
        """Stops the lake and removes everything in it, ports and passwords too; damaged ones are no hindrance.

        A folder on another disk, by a link or a mount, is emptied and stays. CannotWrite where something can't be removed.
        """
        if self.home.exists():
            with self._locked():
                self._stop(say)
                for name in _OURS:
                    _remove(self.home / name)


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and (path.is_symlink() or path.is_mount()):
            for part in list(path.iterdir()):
                if part.is_symlink():  # leads to what is not the lake's
                    part.unlink()
                else:
                    _remove(part)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise CannotWrite(f"can't remove it: {error.strerror}", where=str(error.filename or path)) from error


def _need_memory(idle: list[Service]) -> None:
    """Raises TryAgain when the machine has less memory left than the services and a night need."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    sizes = {name: int(rest.split()[0]) / 1e6 for name, rest in (line.split(":") for line in lines)}
    total, available = sizes["MemTotal"], sizes["MemAvailable"]
    needed = _MEMORY_GB if len(idle) == len(KINDS) else _MEMORY_GB / 2
    if available < needed:
        kind = Unavailable if total < needed else TryAgain
        raise kind(
            f"the lake and a night need {needed:g} GB of memory; {available:.1f} of {total:.1f} GB are available",
            next="end other programs, then type the same command again",
        )


def _refuse_taken_ports(idle: list[Service]) -> None:
    deadline = time.monotonic() + _DYING_SECONDS
    for service in idle:
        for name in service.ports():
            port = service.site.ports[name]
            while not port_is_free(port) and time.monotonic() < deadline:
                time.sleep(0.05)
            if not port_is_free(port):
                raise Unavailable(
                    f"port {port}, kept for {service.name}, is taken by another program",
                    where=str(service.site.home / "ports.json"),
                    next=f"end that program (ss -ltnp 'sport = {port}' shows it), then ./submit.sh lake up",
                )


def _start_all(services: list[Service], idle: list[Service], say: Callable[[str], None]) -> None:
    """Every service on a thread of its own; one that needs another waits for that one's `done`."""
    done = {s.name: Event() for s in services}
    failed = Event()

    def run(service: Service) -> None:
        try:
            for needed in service.needs:
                while not done[needed].wait(0.1):
                    if failed.is_set():
                        return
            began = time.monotonic()
            if service in idle:
                service.prepare()
                service.process.start(service.command(), service.environment())
            _wait(service, failed)
            if failed.is_set():
                return
            for needed in service.needs_after:
                while not done[needed].wait(0.1):
                    if failed.is_set():
                        return
            service.after_start()
            done[service.name].set()
            say(f"lake: {service.name} serves ({time.monotonic() - began:.1f} s)")
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(len(services)) as pool:
        for future in [pool.submit(run, s) for s in services]:
            future.result()


def _wait(service: Service, failed: Event) -> None:
    deadline = time.monotonic() + START_SECONDS
    while (reason := service.not_ready()) is not None:
        ended = service.process.has_ended()
        if ended or time.monotonic() > deadline:
            what = "ended at its start" if ended else f"does not serve after {START_SECONDS} s: {reason}"
            tail = "\n    ".join(service.process.log_tail(8))
            raise Unavailable(
                f"{service.name} {what}; the last lines of its log:\n    {tail}",
                where=str(service.process.log),
                next=f"./submit.sh lake logs {service.name}",
            )
        if failed.wait(0.15):
            return
