"""Runs a stage for one date or several, the whole night (`all`), or nights in date order (`backfill`)."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date
from typing import Any

from common.dates import date_range
from common.errors import Failure
from common.publish.engine import Done, run_stages
from common.publish.run import Clients
from common.publish.stale import backfill_command, stale_later
from common.publish.window import check_window, enter_window
from common.settings import Settings
from common.stages import NIGHT, stage


def stage_command(name: str, args: argparse.Namespace) -> int:
    """A stage, `all` or `backfill`, for every date given; prints a table of what happened."""
    from common.cli import print_result, settings_of

    settings = settings_of(args)
    days = date_range(args.dates)
    clients = ready(settings)
    names = NIGHT if name in ("all", "backfill") else (name,)
    end = enter_window(settings) if len(names) > 1 else None
    results: list[dict[str, Any]] = []
    failure: Failure | None = None
    try:
        for day in days:
            start = time.monotonic()
            if not args.quiet:
                print_heading(name, day)
            try:
                if results:
                    check_window(settings, end)
                done = run_stages(clients, [stage(n) for n in names], day, args, command=name, window_end=end)
                results.append(_result(day, done, time.monotonic() - start))
            except Failure as error:
                failure = failure or error
                results.append({"business_date": str(day), "status": "failed", "exit_code": error.exit_code, "error": str(error)})
                if name != "backfill" or settings["night.backfill_on_failure"] == "stop":
                    break
    except BaseException:
        clients.trino.cancel()
        raise
    finally:
        clients.stop()
    _tell_stale(clients, [date.fromisoformat(r["business_date"]) for r in results if _has_built(r)])
    if failure and len(days) == 1:
        raise failure
    print_result(args, results[0] if len(results) == 1 else results, _table(results))
    if failure:
        raise failure
    return 0


def _has_built(result: dict[str, Any]) -> bool:
    return any(stage["state"] == "built" for stage in result.get("stages", []))


def _tell_stale(clients: Clients, days: list[date]) -> None:
    """Which later dates are stale since these ran, to stderr. That it can't be told is no failure of what has run."""
    try:
        later = sorted({item.day for item in stale_later(clients, days)})
    except Failure as failure:
        print(f"note: whether later dates are stale now can't be told: {failure.what}", file=sys.stderr, flush=True)
        return
    if later:
        named = f"{later[0]}" if len(later) == 1 else f"{len(later)} from {later[0]} to {later[-1]}"
        print(f"note: later dates are stale now, {named}: {backfill_command(later)}", file=sys.stderr, flush=True)


def ready(settings: Settings) -> Clients:
    """Clients of services that serve: the local lake is started on demand, the schemas are there and up to date."""
    from common.migrate import migrate

    if settings.environment == "local":  # a cluster's package has no local lake
        from common.lake import ensure_up

        ensure_up(settings)
    clients = Clients(settings)
    migrate(clients.postgres)
    if settings.environment != "local":  # there it was the lake's start that made them
        clients.metastore.ensure_schemas(settings["hdfs.warehouse"])
    return clients


def print_heading(name: str, day: date) -> None:
    """What is about to run, to stderr."""
    print(f"{name} {day}", file=sys.stderr, flush=True)


def _result(day: date, done: list[Done], seconds: float) -> dict[str, Any]:
    stages = [
        {"stage": d.stage, "state": d.state, "seconds": round(d.seconds, 1), "rows": d.rows, "run_id": d.run_id} for d in done
    ]
    return {"business_date": str(day), "status": "succeeded", "seconds": round(seconds, 1), "stages": stages}


def _table(results: list[dict[str, Any]]) -> str:
    lines = []
    for result in results:
        if result["status"] == "failed":
            lines.append(f"{result['business_date']}  failed ({result['exit_code']})  {result['error'].splitlines()[0]}")
            continue
        built = sum(s["state"] == "built" for s in result["stages"])
        lines.append(
            f"{result['business_date']}  succeeded  {result['seconds']:6.1f} s  {built} of {len(result['stages'])} stages ran"
        )
    return "\n".join(lines)
