"""What runs in the containers of docker-compose.yml: one service in the foreground, or a command of the client.

python -m common.lake.serve <service>            runs it, makes what it needs, ends on SIGTERM
python -m common.lake.serve healthy <service>    exit 0 once it serves (the health check)
python -m common.lake.serve client <command>     runs a command with the services' addresses in its environment
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from common.errors import Failure, Misconfigured, Unavailable
from common.lake.layout import SERVICES, compose_site
from common.lake.local import KINDS
from common.lake.service import Service
from common.settings import load_settings

_HOME = Path(os.environ.get("PROCUREMENT_LAKE_DIR", "/lake"))
_SHARED = Path(os.environ.get("PROCUREMENT_SHARED_DIR", "/shared"))
_START_SECONDS = 120


def service(name: str) -> Service:
    """The service of that name, on this container's site."""
    site = compose_site(_HOME, _SHARED, load_settings()["trino.user"])
    for kind in KINDS:
        if kind.name == name:
            return kind(site)
    raise Misconfigured(f"there is no service {name!r}; there are {', '.join(SERVICES)}")


def serve(name: str) -> int:
    """Runs the service until it ends or is told to; exit code as the process's."""
    running = service(name)
    ready = _HOME / "run" / f"{name}.ready"
    for folder in ("run", "logs", "data", "tmp"):
        (_HOME / folder).mkdir(parents=True, exist_ok=True)
    ready.unlink(missing_ok=True)
    running.site.render()
    running.prepare()
    child = subprocess.Popen(running.command(), cwd=_HOME, env=running.environment(), stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: child.send_signal(running.stop_signal))
    signal.signal(signal.SIGINT, lambda *_: child.send_signal(running.stop_signal))
    deadline = time.monotonic() + _START_SECONDS
    while child.poll() is None:
        if running.not_ready() is None:
            running.after_start()
            ready.touch()
            break
        if time.monotonic() > deadline:
            child.kill()
            raise Unavailable(f"{name} does not serve after {_START_SECONDS} s: {running.not_ready()}")
        time.sleep(0.3)
    return abs(child.wait())


def healthy(name: str) -> int:
    """0 if the service serves and all that is made after its start is there."""
    ready = _HOME / "run" / f"{name}.ready"
    return 0 if ready.exists() and service(name).not_ready() is None else Unavailable.exit_code


def client(command: list[str]) -> None:
    """Becomes the command."""
    site = compose_site(_HOME, _SHARED, load_settings()["trino.user"])
    site.render()
    os.execvpe(command[0], command, {**os.environ, **site.addresses()})


def main(arguments: list[str]) -> int:
    """The command line above."""
    match arguments:
        case ["healthy", name]:
            return healthy(name)
        case ["client", *command] if command:
            client(command)
        case [name]:
            return serve(name)
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(failure.exit_code)
