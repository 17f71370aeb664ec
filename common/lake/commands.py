"""`./submit.sh lake ...`: the local lake's commands."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable
from typing import Any

from common.errors import NotAllowed, Unavailable, Usage
from common.lake import artifacts
from common.lake.layout import SERVICES
from common.lake.local import LocalLake
from common.lake.places import say
from common.settings import SERVICES as ADDRESSES
from common.settings import Settings, load_settings

Handler = Callable[[argparse.Namespace], int]


def add_commands(subparsers: Any) -> None:
    """Adds `lake` and `setup`; each sets `handler=<function(args) -> exit code>`."""
    lake = subparsers.add_parser(
        "lake", help="the local lake: up, down, status, env, logs, reset",
        description="PostgreSQL, HDFS, Hive metastore and Trino as plain processes on loopback, in one ignored folder.",
    )  # fmt: skip
    parts = lake.add_subparsers(dest="part", required=True, metavar="up|down|status|env|logs|reset")
    _add(parts, "up", _up, "start what does not run, wait until all serve")
    _add(parts, "down", _down, "stop everything; data stays")
    status = _add(parts, "status", _status, "what runs, where, and whether it serves; exit 69 if something does not")
    status.add_argument("--json", action="store_true", help="for machines")
    _add(parts, "env", _env, 'export lines for outside programs: eval "$(./submit.sh lake env)"')
    logs = _add(parts, "logs", _logs, "the end of the services' logs")
    logs.add_argument("service", nargs="?", choices=SERVICES, help="only this one's")
    logs.add_argument("-n", "--lines", type=int, default=40, help="lines of each (40)")
    reset = _add(parts, "reset", _reset, "stop the lake and remove everything in it")
    reset.add_argument("--yes", action="store_true", help="really: there are no prompts")
    _add(subparsers, "setup", _setup, "download what the local lake needs, and nothing else")


def _add(parts: Any, name: str, handler: Handler, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = parts.add_parser(name, help=text, description=text)
    parser.set_defaults(handler=handler)
    return parser


def _lake() -> tuple[LocalLake, Settings]:
    settings = load_settings()
    if settings.environment != "local":
        raise Usage(
            f"the local lake belongs to the environment local, this is {settings.environment}",
            next="unset PROCUREMENT_ENV",
        )
    return LocalLake(settings.lake_dir, settings["trino.user"]), settings


def _up(_: argparse.Namespace) -> int:
    lake, _settings = _lake()
    if not lake.up(say):
        say("lake: is up")
    return 0


def _down(_: argparse.Namespace) -> int:
    lake, _settings = _lake()
    if not lake.down(say):
        say("lake: was down")
    return 0


def _status(args: argparse.Namespace) -> int:
    lake, _settings = _lake()
    rows = lake.status()
    if args.json:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            print(f"{row['service']:<11} {row['pid'] or '-':>8} {row['address']:<22} {row['state']}")
    return 0 if all(row["state"] == "serves" for row in rows) else Unavailable.exit_code


def _env(_: argparse.Namespace) -> int:
    _none, settings = _lake()
    for name in ADDRESSES:
        print(f"export {name}={shlex.quote(settings.service(name))}")
    return 0


def _logs(args: argparse.Namespace) -> int:
    lake, _settings = _lake()
    for service in lake.services():
        if args.service in (None, service.name):
            print(f"==> {service.process.log}")
            print("\n".join(service.process.log_tail(args.lines)))
    return 0


def _reset(args: argparse.Namespace) -> int:
    lake, _settings = _lake()
    if not args.yes:
        raise NotAllowed(
            "reset removes every file of the lake: HDFS, database, inbox, output, logs",
            where=str(lake.home),
            next="./submit.sh lake reset --yes",
        )
    lake.reset(say)
    say(f"lake: removed from {lake.home}")
    return 0


def _setup(_: argparse.Namespace) -> int:
    artifacts.ensure()
    say("setup: everything is there")
    return 0
