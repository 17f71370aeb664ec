"""`./submit.sh backtest FROM..TO`: what policies would have done on the real year."""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.dates import date_range
from common.errors import CannotWrite, Usage
from common.lake.places import say

if TYPE_CHECKING:  # --help must not wait for every client
    from datetime import date

    from common.backtest.left_out import World
    from common.backtest.loop import Lines
    from common.backtest.policy import Policy
    from common.backtest.results import Result
    from common.backtest.stock import Stock
    from common.publish.run import Clients

UNMET = ("lost", "backordered")
PLAYED = ("net_demand", "purchase_orders")  # the stages of the night whose SQL each simulated day runs


def add_commands(commands: Any) -> None:
    """Adds backtest."""
    parser = commands.add_parser("backtest", help="try policies in a closed loop on the retailer's real year")
    parser.add_argument("dates", metavar="FROM..TO", help="business dates of 2017 that count")
    parser.add_argument("--policy", action="append", default=[], metavar="FILE", help="YAML: name and settings; repeatable")
    parser.add_argument("--parameters", default="demo", metavar="NAMES", help="parameter sets: demo,fine,coarse or all (demo)")
    parser.add_argument("--safety-stock", default="1", metavar="SHARES", help="shares of the safety stock, such as 0.5,1,2 (1)")
    parser.add_argument("--unmet", default="lost", choices=UNMET, help="what becomes of demand that is not met (lost)")
    parser.add_argument("--warm-up", type=int, default=28, metavar="DAYS", help="days before FROM that do not count (28)")
    parser.add_argument("--every-sku", action="store_true", help="ask the SQL about SKUs that can't need anything, too")
    parser.add_argument("--references", action="store_true", help="stockpyl's order-up-to policy (installs it, 40 MB), a bound")
    parser.add_argument("--output", metavar="DIR", help="for tables and page (output/backtest/FROM..TO in the lake's folder)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting, of all policies")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(handler=_backtest)


def _backtest(args: argparse.Namespace) -> int:
    from common.backtest.left_out import read_world
    from common.backtest.loop import Period
    from common.backtest.masters import SETS, set_named
    from common.backtest.page import page
    from common.backtest.policy import shares
    from common.backtest.results import as_json, csv_text, markdown_table, text_table
    from common.cli import print_result, settings_of
    from common.night import ready
    from common.stages import NIGHT

    settings, days = settings_of(args), date_range(args.dates)
    if not 0 <= args.warm_up <= 180:
        raise Usage("the warm-up has 0 to 180 days", next="./submit.sh backtest --help")
    sets = [set_named(name.strip()) for name in (",".join(SETS) if args.parameters == "all" else args.parameters).split(",")]
    percents, policies = shares(args.safety_stock), _policies(args)
    period = Period(days[0], days[-1], args.warm_up)
    clients = ready(settings)
    start = time.monotonic()
    world = read_world(settings, clients.trino, clients.hdfs, period)
    left_out = [name for name in NIGHT if name not in PLAYED]
    say(f"stages left out: {', '.join(left_out)}; receipts come whole and on their due date")
    say(f"{len(world.sales.skus):,} SKUs followed; left out: " + ", ".join(f"{n:,} {why}" for why, n in world.left_out.items()))
    with ThreadPoolExecutor(2) as pool:  # one at work in Trino while the other writes its day
        names = [kind.name for kind in sets]
        done = [pool.submit(run_arm, clients, world, p, names, percents, args.unmet, args.every_sku) for p in policies]
        played = [result for each in done for result in each.result()]
    results: list[Result] = []
    for kind in sets:
        results += [result for result in played if result.parameters == kind.name]
        if args.references:
            results += run_references(clients, world, kind.name, percents, args.unmet)
    seconds = time.monotonic() - start
    say(f"{len(period.all_days())} days of {len(results)} scenarios took {seconds:.1f} s")
    folder = Path(args.output) if args.output else settings.path("paths.output") / "backtest" / args.dates
    result = {
        "from": str(period.first), "to": str(period.last), "warm_up_days": period.warm_up, "unmet": args.unmet,
        "skus": len(world.sales.skus), "left_out": world.left_out, "stages_left_out": left_out, "scenarios": as_json(results),
    }  # fmt: skip
    files = {
        "backtest.json": json.dumps(result, indent=1) + "\n", "backtest.csv": csv_text(results),
        "backtest.md": markdown_table(results) + "\n",
    }  # fmt: skip
    _write(folder, {**files, "backtest.html": page(result, results, settings["business.currency"])})
    print_result(args, result, f"{text_table(results)}\n\ntables and page: {folder}")
    return 0


def run_arm(
    clients: Clients, world: World, policy: Policy, parameters: list[str], percents: list[int], unmet: str,
    every_sku: bool = False,
) -> list[Result]:  # fmt: skip
    """One closed loop: a policy on several sets of parameters, each with each share of the safety stock."""
    import numpy as np

    from common.backtest.arm import COLUMNS, Arm, Scenario
    from common.backtest.loop import simulate
    from common.backtest.masters import SETS
    from common.backtest.night import NightSql
    from common.backtest.results import Result

    settings = clients.settings
    masters = {name: world.masters(SETS[name]) for name in parameters}
    asked = [(name, percent) for name in parameters for percent in percents]
    with NightSql(clients.trino, clients.hdfs, settings["hdfs.warehouse"], policy.settings, COLUMNS) as night:
        scenarios = [Scenario(masters[name], percent) for name, percent in asked]
        arm = Arm(policy, scenarios, world.sales, night, every_sku=every_sku)
        cents = np.tile(world.cents, len(scenarios))
        days = world.period.all_days()

        def tell(day: date, _stock: Stock, _lines: Lines) -> None:
            if not (number := days.index(day) + 1) % 10:
                say(f"{policy.name}: {day}, day {number} of {len(days)}")

        tallies = simulate(world.period, world.sales, len(scenarios), arm.opening(unmet), arm, cents, each_day=tell)
    return [Result(policy.name, *one, tally) for one, tally in zip(asked, tallies, strict=True)]


def run_references(clients: Clients, world: World, parameters: str, percents: list[int], unmet: str) -> list[Result]:
    """The order-up-to policy of stockpyl with several service levels, and the bounds, on one set of parameters."""
    import numpy as np

    from common.backtest import reference
    from common.backtest.left_out import read_terms
    from common.backtest.loop import simulate
    from common.backtest.masters import SETS
    from common.backtest.results import BOUND, STOCKPYL, Result
    from common.backtest.stock import Stock

    newsvendor = reference.stockpyl()
    terms = reference.Terms.of(read_terms(clients.settings, clients.trino, clients.hdfs, world, SETS[parameters]))
    service = reference.SERVICE
    opening = world.masters(SETS[parameters]).safety(world.sales.skus)
    decider = reference.OrderUpTo(newsvendor, world.sales, terms)
    stock, cents = Stock(np.tile(opening, len(service)), unmet), np.tile(world.cents, len(service))
    tallies = simulate(world.period, world.sales, len(service), stock, decider, cents)
    found = [Result(STOCKPYL, parameters, level, tally) for level, tally in zip(service, tallies, strict=True)]
    least = reference.bounds(world.period, world.sales, opening, terms.pack, world.cents, percents)
    return [*found, *(Result(BOUND, parameters, percent, tally) for percent, tally in least.items())]


def _policies(args: argparse.Namespace) -> list[Policy]:
    from common.backtest.policy import policy, policy_file

    found = [policy_file(file, args.set) for file in args.policy]
    if not found:
        if any(text.partition("=")[0].strip() == "planning.policy" for text in args.set):
            raise Usage("without --policy both policies are played", next="put planning.policy into a file, then --policy FILE")
        found = [policy("formula", args.set)]
        found.append(policy("order_up_to", ["planning.policy=order_up_to", *args.set]))
    if len({p.name for p in found}) < len(found):
        raise Usage("two policies have one name", next="give each file a name of its own")
    return found


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"the results can't be written: {error.strerror}", where=str(folder)) from None
