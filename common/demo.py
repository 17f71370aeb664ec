"""`./submit.sh demo`: the real retailer's day and its history, from raw files to supplier orders, on the local lake."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any

from common.dates import window_before
from common.lake.places import say
from common.settings import load_settings
from common.stages import NIGHT, stage

if TYPE_CHECKING:
    from common.publish.run import Clients

DAY = date(2017, 12, 23)  # the busiest day of the real year
STAGED = ("ingest", "snapshot_master", "stage_master", "stage_orders", "stage_stock")
_DAYS_AT_ONCE = 3


def add_commands(commands: Any) -> None:
    """Adds demo."""
    parser = commands.add_parser("demo", help=f"run the night of {DAY} on a real retailer's data")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(handler=_demo)


def _demo(args: argparse.Namespace) -> int:
    from common.cli import print_result, stage_parser
    from common.night import ready
    from common.publish.engine import run_stages
    from common.publish.summary import summary, summary_text

    settings = load_settings()
    clients = ready(settings)
    start = time.monotonic()
    try:
        prepare(clients)
        options = stage_parser("all", argparse.ArgumentParser()).parse_args([str(DAY)])
        say(f"the night of {DAY}")
        night = time.monotonic()
        run_stages(clients, [stage(n) for n in NIGHT], DAY, options, command="all")
        say(f"the night took {time.monotonic() - night:.1f} s, everything {time.monotonic() - start:.1f} s")
        result = summary(clients, DAY)
    finally:
        clients.stop()
    print_result(args, result, summary_text(result))
    return 0


def prepare(clients: Clients) -> None:
    """Lands and stages the day's history and puts the day's own files into the inbox; what is there already stays."""
    from common.cli import stage_parser
    from common.inbox.retailer import write_days
    from common.publish.engine import run_stages

    days = window_before(DAY, clients.settings["planning.history_days"])
    missing = [d for d in (*days, DAY) if not clients.hdfs.exists(f"{clients.settings['hdfs.raw']}/orders/{d}/_manifest.json")]
    if missing:
        say(f"writing {len(missing)} real days as raw files into {clients.settings.path('paths.inbox')}")
        write_days(clients.settings, clients.postgres, missing, replace=True)
    todo = [day for day in days if not clients.metastore.partition("staging.warehouse_stock", day)]

    def stage_day(day: date) -> None:
        options = stage_parser("stage", argparse.ArgumentParser()).parse_args([str(day), "--quiet"])
        run_stages(clients, [stage(n) for n in STAGED], day, options, command="demo")

    # a date is mostly waiting: for HDFS to close a file, for a commit, for the metastore
    with ThreadPoolExecutor(_DAYS_AT_ONCE) as dates:
        for number, (day, _) in enumerate(zip(todo, dates.map(stage_day, todo), strict=True), 1):
            say(f"history {number} of {len(todo)}: {day}")
