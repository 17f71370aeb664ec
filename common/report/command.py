"""`./submit.sh report <date>`: makes the report of a night again, beside the order files that are published."""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

from common.dates import date_range
from common.errors import CannotWrite, NoInput, Usage
from common.landing.master import settings_of_night
from common.publish import export
from common.publish.release import parse_order
from common.publish.run import Clients, Run
from common.report.facts import read_facts
from common.report.index import write_index
from common.report.render import report
from common.report.view import Exported, charted_skus
from common.settings import load_settings


def add_commands(commands: Any) -> None:
    """Adds report."""
    parser = commands.add_parser("report", help="make the page that shows a night, report.html, and the index of all nights")
    parser.add_argument("dates", metavar="DATE", help="business date YYYY-MM-DD, or FROM..TO")
    parser.add_argument("--to", metavar="FILE", help="write one page there instead, and leave what is published alone")
    parser.add_argument("--json", action="store_true", help="print the paths as JSON")
    parser.set_defaults(handler=_report)


def _report(args: argparse.Namespace) -> int:
    from common.cli import print_result
    from common.night import ready

    days = date_range(args.dates)
    if args.to and len(days) > 1:
        raise Usage(f"--to takes one page, {args.dates} are {len(days)}", next=f"./submit.sh report {days[0]} --to {args.to}")
    clients = ready(load_settings())
    root = export.orders_root(clients.settings)
    written = [str(_write(clients, root, day, args.to)) for day in days]
    if not args.to:
        written.append(str(write_index(root)))
    print_result(args, {"written": written}, "\n".join(written))
    return 0


def _write(clients: Clients, root: Path, day: date, to: str | None) -> Path:
    directory = export.published(root, day)
    if directory is None:
        raise NoInput(f"nothing was exported for {day}", where=str(root / str(day)), next=f"./submit.sh export_orders {day}")
    run = Run(clients, day, 0, argparse.Namespace())
    run.settings = settings_of_night(clients.hdfs, day, clients.settings)
    exported = exported_in(directory, day)
    facts = read_facts(run, charted_skus(exported.exceptions))
    home = None if to else export.way_home(by_link=(root / str(day)).is_symlink())
    page = report(exported, facts, run.settings["planning.history_days"], home)
    if to is None:
        export.replace_file(root, directory / export.REPORT, page)
        return root / str(day) / export.REPORT
    try:
        Path(to).write_bytes(page)
    except OSError as error:
        raise CannotWrite(f"can't write the report: {error.strerror}", where=to) from None
    return Path(to)


def exported_in(directory: Path, day: date) -> Exported:
    """What a published directory holds; BadData where a file of it was altered."""
    manifest = export.read_manifest(directory)
    orders = [
        (parse_order(day, export.read_verified(directory, entry["file"])), entry["revision"], entry["file"])
        for entry in manifest["orders"]
    ]
    exceptions = json.loads(export.read_verified(directory, "exceptions.json"))["exceptions"]
    cancelled = [entry["order_number"] for entry in manifest["cancelled"]]
    return Exported(day, manifest["run_id"], orders, cancelled, exceptions)
