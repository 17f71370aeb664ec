"""The command line: `./submit.sh <command> ...`, and `main(STAGE)` for each jobs/<stage>.py.

Results go to stdout, progress and errors to stderr; the exit code is that of common.errors. Nothing here knows a rule.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from types import FrameType
from typing import NoReturn

from common.dates import date_range
from common.errors import Failure, Stopped, Usage, known
from common.settings import Settings, load_settings
from common.stages import NIGHT, SENT, Stage
from common.streams import lasting_streams
from common.terminal import printable

OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "--replace": (
        ("ingest", "all"),
        "take files whose content differs from what has landed; the old ones are kept aside",
    ),
    "--adopt": (("ingest",), "make the manifest for files that someone put into the raw folders by hand"),
    "--refresh-master": (
        ("snapshot_master", "all", "backfill"),
        "take today's master data instead of the date's snapshot",
    ),
    "--accept-short-snapshot": (
        ("stage_stock", "all", "backfill"),
        "go on when a warehouse's snapshot is missing or short",
    ),
    "--revise": (("export_orders", "all", "backfill"), "write the next revision of orders that were released already"),
}

STAGED = (*NIGHT, "all", "backfill")
"""The commands that run stages."""

# the rooms with commands of their own, in the order of --help; a command imports its own room alone, since importing
# all of them costs more than most commands do
ROOMS = {
    "common.demo": ("demo",),
    "common.dictionary": ("dictionary",),
    "common.operate": ("status", "unlock", "retention", "settings", "test"),
    "common.inbox.commands": ("retailer", "generate", "init_master_data"),
    "common.calendars": ("calendar",),
    "common.explain.commands": ("explain",),
    "common.adhoc": ("adhoc",),
    "common.report.command": ("report",),
    "common.diff.commands": ("diff",),
    "common.backtest.commands": ("backtest",),
    "common.exceptions.worklist": ("worklist",),
    "common.exceptions.spikes": ("spikes",),
    "common.what_if.commands": ("what-if",),
    "common.benchmark.commands": ("benchmark",),
    "common.lake.commands": ("lake", "setup"),
    "common.check": ("check",),
    "common.package": ("package",),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise Usage(message, next=f"{self.prog} --help")


def stage_parser(name: str, parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Adds what every stage takes, and the options that this one takes."""
    parser.add_argument("dates", metavar="DATE", help="business date YYYY-MM-DD, or FROM..TO")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    parser.add_argument("--force", action="store_true", help="run even when nothing has changed")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    for option, (stages, meaning) in OPTIONS.items():
        if name in stages:
            parser.add_argument(option, action="store_true", help=meaning)
    if name == "ingest":
        parser.add_argument("--kind", action="append", choices=SENT, help="only this kind of files; may be given again")
        parser.add_argument("--withdraw", action="append", metavar="FILE", help="take a landed file out of the date")
    if name in ("all", "backfill"):
        parser.add_argument("--from", dest="from_stage", choices=NIGHT, help="start at this stage")
        parser.add_argument("--window", help="as the setting night.window, such as 22:00-00:00; outside it: 75")
    return parser


def main(stage: Stage | str, arguments: Sequence[str] | None = None) -> int:
    """The command line of one job file, a stage's or that of `all`: `python jobs/<stage>.py DATE [options]`."""
    from common.night import stage_command

    name = stage if isinstance(stage, str) else stage.name
    parser = stage_parser(name, _Parser(prog=f"./submit.sh {name}"))
    return guarded(lambda: stage_command(name, parser.parse_args(arguments)))


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings in force for a command line; its dates are checked before anything else is touched."""
    if getattr(args, "dates", None):
        date_range(args.dates)
    window = getattr(args, "window", None)
    given = [f"night.window={window}", "night.outside_window=refuse"] if window else []
    return load_settings([*given, *args.set])


def guarded(action: Callable[[], int]) -> int:
    """Runs a command: failures become a clear text and their exit code, and so does SIGTERM, which nothing else may catch."""

    def terminated(_signal: int, _frame: FrameType | None) -> None:
        raise Stopped("stopped by SIGTERM", next="run the same command again")

    signal.signal(signal.SIGTERM, terminated)
    with lasting_streams():
        try:
            code = action()
            sys.stdout.flush()  # a result that is lost is no success
            return code
        except KeyboardInterrupt:
            print("error: interrupted", file=sys.stderr)
            return 130
        except (Exception, Stopped) as error:
            failure = known(error)
            if isinstance(failure, Failure | Stopped):
                print("error:", printable(str(failure), keep="\n"), file=sys.stderr)
                return failure.exit_code
            print(f"error: a bug of ours: {type(error).__name__}: {error}", file=sys.stderr)
            traceback.print_exc()
            return 70


def print_result(args: argparse.Namespace, result: object, text: str) -> None:
    """The result on stdout: text for people, JSON with --json."""
    print(json.dumps(result, indent=1, sort_keys=True, default=str) if args.json else text)


def parser(typed: str | None = None) -> argparse.ArgumentParser:
    """The whole command line; where `typed` is a command of ROOMS, that room's commands alone, and nothing else imported."""
    top = _Parser(prog="./submit.sh", description="The nightly procurement pipeline.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name in STAGED:
        sub = stage_parser(name, commands.add_parser(name, help=_purpose(name)))
        sub.set_defaults(handler=_stage_handler(name))
    if typed not in STAGED:
        for room in [room for room, names in ROOMS.items() if typed in names] or ROOMS:
            import_module(room).add_commands(commands)
    return top


def _stage_handler(name: str) -> Callable[[argparse.Namespace], int]:
    def handler(args: argparse.Namespace) -> int:
        from common.night import stage_command  # imported when needed: --help must not wait for every client

        return stage_command(name, args)

    return handler


def _purpose(name: str) -> str:
    return {
        "ingest": "land the inbox's files of a date in HDFS, with a manifest",
        "snapshot_master": "snapshot the master data of a date from PostgreSQL",
        "stage_master": "stage the master snapshot as Parquet tables",
        "stage_orders": "validate and stage the order lines",
        "stage_stock": "validate and stage the stock snapshots",
        "stage_receipts": "validate and stage the goods received, where there are any",
        "net_demand": "compute what each SKU lacks",
        "purchase_orders": "choose suppliers, apply MOQ and packs",
        "exceptions": "list what a planner must look at",
        "export_orders": "write one order file a supplier",
        "all": "run every stage of a date in order",
        "backfill": "run `all` for a range of dates in order",
    }[name]


def run(arguments: Sequence[str] | None = None) -> int:
    """Entry of ./submit.sh."""
    return guarded(lambda: _dispatch(arguments))


def _dispatch(arguments: Sequence[str] | None) -> int:
    typed = sys.argv[1:] if arguments is None else arguments
    args = parser(typed[0] if typed else None).parse_args(typed)
    code: int = args.handler(args)
    return code


def leave(code: int) -> NoReturn:
    """Ends the process with that exit code, and does not take the interpreter down first.

    A thread of a native library that asks for it meanwhile would abort the process: 134 instead of the code, once in
    hundreds of commands. What must be closed is closed before.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(run())
