"""Commands of the people who run the pipeline: status, unlock, retention, settings, test."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import date
from typing import TYPE_CHECKING, Any

from common.dates import business_date
from common.errors import Usage
from common.settings import ROOT, load_settings

if TYPE_CHECKING:
    from common.publish.run import Clients

WORKERS = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")  # two left a tenth of two cores idle
"""How pytest runs the whole suite: tests/conftest.py says what goes together, and in which order."""

# what `status --json` says of each stage of a run
_STATUS = (
    "business_date", "run_id", "command", "run_status", "stage", "status", "rows", "started_at", "ended_at", "error",
)  # fmt: skip


def add_commands(commands: Any) -> None:
    """Adds status, unlock, retention, settings and test."""
    status = commands.add_parser("status", help="the ledger: runs, stages, rows, times, what is stale")
    status.add_argument("date", nargs="?", metavar="DATE", help="business date; without it the latest dates")
    status.add_argument("--json", action="store_true", help="print as JSON")
    status.set_defaults(handler=_status)
    free = commands.add_parser("unlock", help="end the session of a hanging run, which then can't publish any more")
    free.add_argument("date", metavar="DATE", help="business date")
    free.set_defaults(handler=_unlock)
    keep = commands.add_parser("retention", help="remove run directories that are no longer published and old enough")
    keep.add_argument("--days", type=int, help="age in days; default: setting retention.run_days")
    keep.set_defaults(handler=_retention)
    show = commands.add_parser("settings", help="every setting in force")
    show.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="try an override")
    show.add_argument("--json", action="store_true", help="print as JSON")
    show.set_defaults(handler=_settings)
    # what follows is pytest's: with no prefix of options, an option is an argument like any other
    test = commands.add_parser("test", help="lint, types and the test suite on the real lake", add_help=False, prefix_chars="\0")
    test.add_argument("pytest_arguments", nargs="*")
    test.set_defaults(handler=_test)


def _status(args: argparse.Namespace) -> int:
    from common.night import ready
    from common.publish.stale import backfill_command, stale, stale_later

    settings = load_settings()
    day = business_date(args.date) if args.date else None
    clients = ready(settings)
    rows = clients.postgres.rows(
        "select r.business_date, r.run_id, r.command, r.status, s.stage, s.status, s.rows, s.started_at, s.ended_at, s.error"
        " from ops.runs r left join ops.stages s using (run_id)"
        " where r.run_id in (select run_id from ops.runs where %s::date is null or business_date = %s"
        " order by run_id desc limit 10) order by r.run_id, s.started_at",
        (day, day),
    )
    own = stale(clients, [day] if day else sorted({row[0] for row in rows}))
    later = stale_later(clients, [day]) if day else []
    drifted = _drift(clients, day) if day else {}
    others = _settings_drift(clients, day) if day else []
    if args.json:
        tree = {
            "runs": [dict(zip(_STATUS, row, strict=True)) for row in rows],
            "stale": [str(item) for item in own],
            "stale_later": [str(item) for item in later],
            "master_drift": drifted,
            "settings_drift": {key: {"snapshot": kept, "today": today} for key, kept, today in others},
        }
        print(json.dumps(tree, default=str, indent=1))
        return 0
    _print_runs(clients, rows, day)
    for item in own + later:
        print(f"stale: {item}")
    if len(dates := {item.day for item in own + later}) > 1:
        print(f"later dates depend on earlier ones: {backfill_command(sorted(dates))} makes them in order")
    for table, count in drifted.items():
        print(f"master data: {count:,} rows of {table} changed since the snapshot; ./submit.sh adhoc master_drift {day}")
    for key, kept, today in others:
        print(f"settings: {key} is {kept!r} in the snapshot, {today!r} today")
    if others:
        print(f"the date keeps its settings; ./submit.sh snapshot_master {day} --refresh-master takes today's")
    return 0


def _print_runs(clients: Clients, rows: list[tuple[Any, ...]], day: date | None) -> None:
    from common.publish.ledger import lock_holder

    if not rows:
        print("nothing has run yet" if not day else f"nothing has run for {day}")
    last = None
    for on, run_id, command, run_status, stage, state, counts, start, end, error in rows:
        if run_id != last:
            print(f"run {run_id} of {on}: {command}, {run_status}")
            last = run_id
        if stage:
            seconds = f"{(end - start).total_seconds():6.1f} s" if end else "        "
            text = ", ".join(f"{n:,} {k}" for k, n in (counts or {}).items())
            print(f"  {stage:<16} {state:<10} {seconds}  {text}{'  ' + error.splitlines()[0] if error else ''}")
    if day and (holder := lock_holder(clients.postgres, day)):
        print(f"locked by {holder}")


def _settings_drift(clients: Clients, day: date) -> list[tuple[str, Any, Any]]:
    """The settings that are others in the date's snapshot than today: key, value there, value today."""
    from common.landing.master import kept_settings

    today = clients.settings
    kept = kept_settings(clients.hdfs, day, today)
    return [(key, value, today[key]) for key, value in kept.items() if key in today and value != today[key]]


def _drift(clients: Clients, day: date) -> dict[str, int]:
    from common.adhoc import drift

    return drift(clients.trino, day) if clients.metastore.partition("staging.products", day) else {}


def _unlock(args: argparse.Namespace) -> int:
    from common.night import ready
    from common.publish.ledger import lock_holder, unlock

    day = business_date(args.date)
    clients = ready(load_settings())
    holder = lock_holder(clients.postgres, day)
    ended = unlock(clients.postgres, day)
    print(f"ended the session of {holder or 'an unrecorded run'}" if ended else f"{day} is not locked")
    return 0


def _retention(args: argparse.Namespace) -> int:
    from common.night import ready
    from common.publish.retention import remove_old

    settings = load_settings()
    days = settings["retention.run_days"] if args.days is None else args.days
    if days < 1:
        raise Usage(f"--days {days} would remove what a run is making now", next="give at least 1")
    cleaned = remove_old(ready(settings), time.time() - days * 86400)
    for day, run in cleaned.skipped.items():
        print(f"{day} is left alone: the run of {run} is under way", file=sys.stderr)
    print(f"removed {cleaned.removed} run directories that are not published and older than {days} days")
    return 0


def _settings(args: argparse.Namespace) -> int:
    settings = load_settings(args.set)
    if args.json:
        print(json.dumps(dict(settings), indent=1))
    else:
        for key in settings:
            print(f"{key} = {settings[key]!r}")
    return 0


def _test(args: argparse.Namespace) -> int:
    """Lint, types, then the suite (the whole of it in three workers); all of them run, the first failure's exit code counts."""
    python = sys.executable
    # hundreds of commands and jobs run: each would compile all of this project anew
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    code = 0
    for command in (
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "mypy"],
        [python, "-m", "pytest", *(args.pytest_arguments or WORKERS)],
    ):
        print("+", *command[1:], file=sys.stderr, flush=True)
        failed = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        code = code or failed
    return code
