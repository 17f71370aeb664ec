"""`./submit.sh benchmark`: makes a day of N order lines in HDFS and stages it three ways, interleaved; prints a table."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import Failure, Usage
from common.settings import ROOT

if TYPE_CHECKING:  # --help must not wait for every client
    from common.benchmark.made import Day
    from common.benchmark.measure import Measured

WAYS = {  # module of each -> what it is
    "two_tiers": "the project's staging: Spark, both tiers",
    "duckdb_alone": "DuckDB alone, 2 threads (not exact)",
    "dataframe": "PySpark DataFrame functions, the plain way (not exact)",
}
_DOCUMENT = ROOT / "docs" / "benchmark.md"
_BEGIN, _END = "<!-- measured: {lines} -->", "<!-- end: {lines} -->"


def add_commands(commands: Any) -> None:
    """Adds benchmark."""
    parser = commands.add_parser("benchmark", help="measure staging against DuckDB and the plain DataFrame way")
    parser.add_argument("--lines", type=int, default=10_000_000, metavar="N", help="order lines, about (10000000)")
    parser.add_argument("--stores", type=int, default=150, metavar="N", help="stores, each of which sends one file (150)")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="runs of each way; the median counts (5)")
    parser.add_argument("--ways", default=",".join(WAYS), help=f"which ways, separated by commas ({','.join(WAYS)})")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmark.md")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(handler=_benchmark)


def _benchmark(args: argparse.Namespace) -> int:
    from common.benchmark.made import make
    from common.benchmark.measure import measured
    from common.cli import print_result, settings_of
    from common.lake import ensure_up

    ways = [way.strip() for way in args.ways.split(",")]
    if unknown := [way for way in ways if way not in WAYS]:
        raise Usage(f"there is no way {unknown[0]!r}: {', '.join(WAYS)}", next=f"./submit.sh benchmark --ways {','.join(WAYS)}")
    settings = settings_of(args)
    ensure_up(settings)
    day = make(settings, args.lines, args.stores)
    found: dict[str, list[Measured]] = {way: [] for way in ways}
    for run in range(args.runs):
        for way in ways:
            one = measured([sys.executable, "-m", f"common.benchmark.{way}", *day.arguments(), *args.set])
            found[way].append(one)
            print(f"  run {run + 1}: {way:<10} {one.wall:7.1f} s  {one.result}", file=sys.stderr, flush=True)
    table = _table(day, found)
    if args.write:
        _write(_DOCUMENT, args.lines, table)
    result = {way: [vars(m) for m in runs] for way, runs in found.items()}
    print_result(args, {"day": vars(day), "ways": result}, table)
    return 0


def _table(day: Day, found: dict[str, list[Measured]]) -> str:
    """Medians as a Markdown table; ratios are against DuckDB where it ran."""
    base = statistics.median(m.wall for m in found["duckdb_alone"]) if found.get("duckdb_alone") else None
    lines = [
        f"{day.lines:,} order lines, {day.size / 1e6:,.0f} MB of JSON Lines in {day.files} files, 0.1 % dirty;"
        f" median of {len(next(iter(found.values())))} interleaved runs.",
        "",
        "| way | wall s | × DuckDB | lines a second | CPU s | peak MB | accepted | rejected | set aside | duplicates |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for way, runs in found.items():
        wall = statistics.median(m.wall for m in runs)
        rows = json.loads(runs[0].result)
        counts = " | ".join(f"{rows[name]:,}" for name in ("accepted", "rejected", "set_aside", "duplicates"))
        ratio = f"{wall / base:.2f}" if base else "–"
        lines.append(
            f"| {WAYS[way]} | {wall:.1f} | {ratio} | {day.lines / wall:,.0f} | {statistics.median(m.cpu for m in runs):.1f}"
            f" | {max(m.peak_mb for m in runs):,.0f} | {counts} |"
        )
    return "\n".join(lines)


def _write(document: Path, lines: int, table: str) -> None:
    """Puts the table between the marks of this number of lines; appends them where they are not there."""
    begin, end = (mark.format(lines=lines) for mark in (_BEGIN, _END))
    try:
        text = document.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Failure("there is no docs/benchmark.md to write the table into", where=str(document)) from None
    head, found, rest = text.partition(begin)
    tail = rest.partition(end)[2] if found else "\n"
    document.write_text(f"{head.rstrip()}\n\n{begin}\n{table}\n{end}{tail}", encoding="utf-8")
