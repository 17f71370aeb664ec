"""`index.html` beside the dates: every night that is published, newest first, with its totals and its report.

It names what counts, so it is made after a link was renamed. A run killed in between leaves it one night behind until
the next export or `./submit.sh report`.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from common.publish.export import REPORT, published, read_manifest, readable_manifest, replace_file
from common.report.render import index

INDEX = "index.html"
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.pointer)?")


def write_index(root: Path) -> Path:
    """Makes the index again from the manifests of what is published; returns its path. One writer at a time."""
    handle = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        replace_file(root, root / INDEX, index(nights(root)))
    finally:
        os.close(handle)
    return root / INDEX


def nights(root: Path) -> list[dict[str, Any]]:
    """The published nights, newest first: date, run, totals, and where the report lies, if there is one."""
    days = {found[1] for name in os.listdir(root) if (found := _DAY.fullmatch(name))}
    listed = []
    for day in sorted(map(date.fromisoformat, days), reverse=True):
        directory = published(root, day)
        if directory is not None:
            is_link = (root / day.isoformat()).is_dir()
            place = day.isoformat() if is_link else directory.relative_to(root).as_posix()
            listed.append(_night(day, directory, place))
    return listed


def _night(day: date, directory: Path, place: str) -> dict[str, Any]:
    totals, run_id = _head(directory)
    return {
        "day": day,
        "run_id": run_id,
        "href": f"{place}/{REPORT}" if (directory / REPORT).exists() else "",
        "orders": totals["orders"],
        "lines": totals["lines"],
        "units": totals["order_qty"],
        "cost": [(currency, Decimal(cost)) for currency, cost in totals["cost"].items()],
        "exceptions": totals["exceptions"],
    }


def _head(directory: Path) -> tuple[dict[str, Any], int]:
    """Totals and run of a manifest, from its first lines: the rest has a line for every order, and nights are many."""
    found: dict[str, Any] = {}
    with readable_manifest(directory) as lines:
        for line in lines:
            name, _, value = line.strip().rstrip(",").partition(": ")
            if name in ('"totals"', '"run_id"'):
                found[name.strip('"')] = json.loads(value)
            elif name == '"orders"':
                break
    tree = found if len(found) == 2 else read_manifest(directory)
    return tree["totals"], tree["run_id"]
