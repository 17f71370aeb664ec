"""What every service of the lake has in common."""

from __future__ import annotations

import os
import signal
import socket
from abc import ABC, abstractmethod
from pathlib import Path

from common.lake import java
from common.lake.layout import Site
from common.lake.process import Process


class Service(ABC):
    """One service of a lake. `needs` are those that must serve before `prepare`."""

    name: str
    needs: tuple[str, ...] = ()
    needs_after: tuple[str, ...] = ()  # those that must serve before `after_start`
    patience = 10.0  # seconds that it gets to end by itself
    stop_signal = signal.SIGTERM

    def __init__(self, site: Site) -> None:
        self.site = site
        self.process = Process(site.home, self.name)

    @abstractmethod
    def prepare(self) -> None:
        """Makes what must be there before the start; finds it there the next time; repairs what a crash left half made."""

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def not_ready(self) -> str | None:
        """Why it does not serve yet, or None: it does, seen by really asking it. Costs milliseconds when it serves."""

    def environment(self) -> dict[str, str]:
        """The process's environment."""
        return base_environment()

    def after_start(self) -> None:  # noqa: B027  most services need nothing here
        """Makes what can only be made by asking the running service."""

    @classmethod
    def stop(cls, home: Path) -> bool:
        """Ends its process in the lake in `home`, whatever its files are worth. False when there was none."""
        return Process(home, cls.name).stop(cls.patience, cls.stop_signal)

    def ports(self) -> list[str]:
        """The names of the ports on which it listens."""
        return [self.name]

    def is_listening(self) -> bool:
        """Whether something accepts connections on its first port."""
        address = (self.site.hosts[self.name], self.site.ports[self.ports()[0]])
        try:
            socket.create_connection(address, timeout=2).close()
        except OSError:
            return False
        return True


def base_environment() -> dict[str, str]:
    """What a service inherits: the search path, and one locale and zone for all, so that any file name works."""
    return {
        "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "JAVA_HOME": str(java.runtime()),
    }


def jvm(heap: str, *options: str) -> list[str]:
    """The start of a Java service's command: small, quick to start, and it ends itself when its memory ends."""
    return [
        str(java.binary()),
        f"-Xmx{heap}",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:+IgnoreUnrecognizedVMOptions",
        "-XX:-UsePerfData",
        "-Duser.timezone=UTC",
        "-Dfile.encoding=UTF-8",
        "-Djava.net.preferIPv4Stack=true",
        *options,
    ]
