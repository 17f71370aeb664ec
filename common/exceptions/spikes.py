"""`./submit.sh spikes measure`: how many planted spikes the night's rule finds on the real year, and how often it alarms.

The rule is the one of the night, `sql/planning/exceptions/spike_rule.sql`, over the year's daily units in Trino. On every
night a part of the SKUs that sold in their window get a spike of max(10, 5 x the mean of their selling days) on top of what
they really sold; an alarm is what the rule says of the real units. Thresholds are chosen on the first half of the year
and measured on the second. docs/spikes.md says what came out.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from string import Template
from typing import TYPE_CHECKING, Any

from common.errors import BadData
from common.exceptions.codes import expressions
from common.settings import ROOT, load_settings

if TYPE_CHECKING:
    from common.publish.run import Clients

SEED = 20171223
BUCKETS = 20  # a night plants into one of so many parts of the SKUs
CLASSES = (("slow", 1, 3), ("medium", 4, 11), ("fast", 12, 28))  # by selling days in the window of 28
GRID = tuple((units, factor) for factor in (1, 2, 3, 4) for units in (6, 8, 9, 10, 11, 12))
SECOND_HALF = date(2017, 7, 1)
RECALL_PERCENT, ALARMS_A_NIGHT = 95, 10  # what is asked of the rule
DOCUMENT = ROOT / "docs" / "spikes.md"
_MARKS = ("<!-- measured -->\n", "<!-- end of measured -->\n")


@dataclass(frozen=True)
class Outcome:
    """What one pair of thresholds gives on one half of the year.

    planted, found  by class; alarms and nights: of the real units
    """

    half: int
    units: int
    factor: int
    planted: dict[str, int]
    found: dict[str, int]
    alarms: int
    nights: int
    worst_night: int

    def recall(self, speed: str) -> float:
        """Found of planted, in percent."""
        return 100 * self.found[speed] / self.planted[speed]

    @property
    def alarms_a_night(self) -> float:
        """The mean over the nights."""
        return self.alarms / self.nights

    @property
    def is_good(self) -> bool:
        """Whether it does what is asked."""
        recalls = [self.recall(speed) for speed, _, _ in CLASSES]
        return min(recalls) >= RECALL_PERCENT and self.alarms_a_night <= ALARMS_A_NIGHT


def add_commands(commands: Any) -> None:
    """Adds spikes."""
    parser = commands.add_parser("spikes", help="measure the spike rule on the real year: planted spikes found, alarms a night")
    parser.add_argument("what", choices=("measure",), help="measure: thresholds from the first half, results of the second")
    parser.add_argument("--seed", type=int, default=SEED, help=f"which SKUs get a spike on which night (default {SEED})")
    parser.add_argument("--write", action="store_true", help=f"write the result into {DOCUMENT.relative_to(ROOT)}")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.set_defaults(handler=_measure)


def _measure(args: argparse.Namespace) -> int:
    from common.night import ready

    settings = load_settings()
    clients = ready(settings)
    outcomes = measure(clients, args.seed)
    in_force = (settings["planning.spike_min_qty"], settings["planning.spike_factor"])
    chosen = choose(outcomes)
    text = report(outcomes, chosen, in_force)
    if args.write:
        write(text)
    if args.json:
        print(json.dumps({"chosen": chosen, "in_force": in_force, "outcomes": [vars(o) for o in outcomes]}, indent=1))
    else:
        print(text, end="")
    return 0


def measure(clients: Clients, seed: int, grid: Sequence[tuple[int, int]] = GRID) -> list[Outcome]:
    """The outcome of every pair of thresholds (units, factor) on each half."""
    settings = clients.settings
    if settings["planning.history_days"] != 28:
        raise BadData("spikes are measured with a window of 28 days", where="setting planning.history_days")
    with _year(clients) as table:
        cases = f"{table}_cases"
        clients.trino.execute(f"create table hive.scratch.{cases} as {_cases_sql(f'hive.scratch.{table}', seed)}")
        try:
            rows = clients.trino.rows(_count_sql(f"hive.scratch.{cases}", settings["planning.min_history_days"], grid))
        finally:
            clients.trino.execute(f"drop table hive.scratch.{cases}")
    return _outcomes(rows, grid)


@contextmanager
def _year(clients: Clients) -> Iterator[str]:
    """A scratch table with the year's units by SKU and day, as staging would accept them: `sku, business_date, day_qty`."""
    import pyarrow.parquet as pq

    from common.inbox.retailer import Retailer

    out = io.BytesIO()
    pq.write_table(Retailer(clients.settings).daily_units(), out)
    name = f"spike_units_{time.time_ns()}"
    folder = f"{clients.settings['hdfs.warehouse']}/_spikes/{name}"
    clients.hdfs.write(f"{folder}/units.parquet", out.getvalue())
    try:
        clients.trino.execute(
            f"create table hive.scratch.{name} (sku varchar, business_date date, day_qty bigint)"
            f" with (format = 'PARQUET', external_location = '{clients.hdfs.url.rstrip('/')}{folder}')"
        )
        yield name
    finally:
        clients.trino.execute(f"drop table if exists hive.scratch.{name}")
        clients.hdfs.delete(folder)


def _cases_sql(year: str, seed: int) -> str:
    """Every SKU-night that is asked about: the planted ones, and the real ones that any thresholds of the grid could alarm at.

    xxhash64 of SKU and seed puts a SKU into its part; a night plants into the part of its number in the year.
    """
    least = min(units for units, _ in GRID)
    return f"""
        with
            units as (
                select
                    *,
                    mod(mod(from_big_endian_64(xxhash64(to_utf8('{seed:d} ' || sku))), {BUCKETS}) + {BUCKETS}, {BUCKETS}) as part
                from {year}
            ),

            nights as (
                select distinct
                    business_date as night,
                    mod(date_diff('day', date '2017-01-01', business_date), {BUCKETS}) as part
                from units
                where business_date between date '2017-01-29' and date '2017-12-31'
            ),

            windows as (
                select
                    nights.night,
                    units.sku,
                    array_agg(day_qty order by day_qty desc) as days_desc,
                    count(*) as selling_days,
                    greatest(10, 5 * sum(day_qty) / count(*)) as planted_qty
                from units
                inner join nights on nights.part = units.part
                where units.business_date between nights.night - interval '28' day and nights.night - interval '1' day
                group by nights.night, units.sku
            ),

            planted as (
                select
                    windows.night,
                    true as is_planted,
                    selling_days,
                    coalesce(units.day_qty, 0) + planted_qty as demand_qty,
                    days_desc
                from windows
                left join units on units.sku = windows.sku and units.business_date = windows.night
            ),

            real_days as (
                select
                    today.business_date as night,
                    false as is_planted,
                    count(before.day_qty) as selling_days,
                    today.day_qty as demand_qty,
                    array_agg(before.day_qty order by before.day_qty desc) filter (where before.day_qty is not null) as days_desc
                from units as today
                inner join nights on nights.night = today.business_date
                left join units as before on before.sku = today.sku
                    and before.business_date between today.business_date - interval '28' day
                        and today.business_date - interval '1' day
                where today.day_qty >= {least}
                group by today.business_date, today.sku, today.day_qty
            )

        select * from planted
        union all
        select * from real_days
        union all
        -- every night counts, one without a single large day, too
        select night, false, 0, 0, null from nights"""


def _count_sql(cases: str, min_history_days: int, grid: Sequence[tuple[int, int]]) -> str:
    """By night and class: the SKU-nights, and those at which each pair of thresholds alarms, by the rule of the night."""
    rule = expressions()
    alarms = ", ".join(
        f"count_if({Template(rule['is_spike']).substitute(_thresholds(pair, min_history_days))}) as found_{number}"
        for number, pair in enumerate(grid)
    )
    speed = " ".join(f"when selling_days between {low} and {high} then '{name}'" for name, low, high in CLASSES)
    return f"""
        select night, if(is_planted, case {speed} end) as speed, count(*), {alarms}
        from (select *, {rule['third_largest_qty']} as third_largest_qty from {cases} as windows)
        group by 1, 2
        order by 1, 2"""


def _thresholds(pair: tuple[int, int], min_history_days: int) -> dict[str, int]:
    return {
        "spike_min_qty": pair[0], "spike_factor": pair[1], "published_days": 28, "min_history_days": int(min_history_days),
    }  # fmt: skip


def _outcomes(rows: Sequence[tuple[Any, ...]], grid: Sequence[tuple[int, int]]) -> list[Outcome]:
    outcomes = []
    for half in (1, 2):
        of_half = [row for row in rows if (row[0] >= SECOND_HALF) == (half == 2)]
        real = [row for row in of_half if row[1] is None]
        for number, (units, factor) in enumerate(grid, 3):
            planted, found = {}, {}
            for speed, _, _ in CLASSES:
                of_speed = [row for row in of_half if row[1] == speed]
                planted[speed], found[speed] = (sum(row[column] for row in of_speed) for column in (2, number))
            alarms = [row[number] for row in real]
            outcomes.append(Outcome(half, units, factor, planted, found, sum(alarms), len(real), max(alarms)))
    return outcomes


def choose(outcomes: Sequence[Outcome]) -> tuple[int, int] | None:
    """The thresholds that the first half gives: of those that do what is asked the one with the fewest alarms; None: none does.

    A class that finds all that is asked needs no more, an alarm costs somebody a look.
    """
    good = [o for o in outcomes if o.half == 1 and o.is_good]
    best = min(good, key=lambda o: (o.alarms, -min(o.recall(speed) for speed, _, _ in CLASSES)), default=None)
    return (best.units, best.factor) if best else None


def report(outcomes: Sequence[Outcome], chosen: tuple[int, int] | None, in_force: tuple[int, int]) -> str:
    """Both halves of every pair as a Markdown table, and what was chosen, measured on the second half."""
    lines = [
        f"Chosen on the first half: {_words(chosen)}. In force: {_words(in_force)}.",
        "",
        "| units, factor | half | recall " + " | recall ".join(f"{name}, %" for name, _, _ in CLASSES)
        + " | alarms a night | worst night | as asked |",
        "|---|---|" + "---|" * (len(CLASSES) + 3),
    ]  # fmt: skip
    for outcome in sorted(outcomes, key=lambda o: (o.factor, o.units, o.half)):
        pair = f"{outcome.units}, {outcome.factor}"
        shown = f"**{pair}**" if (outcome.units, outcome.factor) == in_force else pair
        recalls = " | ".join(f"{outcome.recall(name):.2f}" for name, _, _ in CLASSES)
        lines.append(
            f"| {shown} | {outcome.half} | {recalls} | {outcome.alarms_a_night:.2f} | {outcome.worst_night}"
            f" | {'yes' if outcome.is_good else ''} |"
        )
    for half in (1, 2):
        of = next(o for o in outcomes if o.half == half)
        planted = ", ".join(f"{n:,} {name}" for name, n in of.planted.items())
        lines += ["", f"Half {half}: {of.nights} nights; planted: {planted}."]
    return "\n".join(lines) + "\n"


def write(text: str) -> None:
    """Puts the result between the marks of docs/spikes.md."""
    document = DOCUMENT.read_text(encoding="utf-8")
    begin, end = _MARKS
    if not re.search(f"{begin}.*{end}", document, re.S):
        raise BadData("the marks of the measured part are gone", where=str(DOCUMENT.relative_to(ROOT)))
    head, tail = document.partition(begin)[0], document.partition(end)[2]
    DOCUMENT.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")


def _words(pair: tuple[int, int] | None) -> str:
    return "no pair does what is asked" if pair is None else f"at least {pair[0]} units and more than {pair[1]} times"
