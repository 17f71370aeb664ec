"""The arithmetic of `explain` is a second implementation: over every case it comes to what the night's SQL comes to."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from planning_cases import cases, frame, place
from planning_world import DAY, World, plan, relation

from common.adhoc import queries
from common.contracts import contract
from common.explain.arithmetic import compare, disagreements
from common.explain.facts import Facts
from common.settings import load_settings

READ = {"integer": int, "bigint": int, "date": lambda v: v if isinstance(v, date) else date.fromisoformat(v)}


def stored(table, rows):
    """Rows of a world as Parquet gives them back."""
    of = contract(f"staging.{table}").columns
    kinds = {c.name: Decimal if c.type.startswith("decimal") else READ.get(c.type, lambda v: v) for c in of}
    return [{name: None if row.get(name) is None else kind(row[name]) for name, kind in kinds.items()} for row in rows]


def facts_of(world, results, sku):
    """What `explain` reads of one SKU."""

    def of(table):
        return stored(table, [row for row in world.rows[table] if row.get("sku") == sku and row["business_date"] == DAY])

    def planned(model):
        return next((row for row in results[model] if row["sku"] == sku), None)

    window = [row for row in world.rows["pos_order_lines"] if row["business_date"] < DAY]
    days = [DAY - timedelta(days=n) for n in range(28, 0, -1)]
    opened = {row["business_date"] for row in window} & set(days)
    sold = {day: sum(r["quantity"] for r in window if (r["sku"], r["business_date"]) == (sku, day)) for day in days}
    free = {}
    for row in world.rows["warehouse_stock"]:
        if row["sku"] == sku and row["business_date"] in opened:
            free[row["business_date"]] = free.get(row["business_date"], 0) + row["available_qty"] - row["reserved_qty"]
    on_order = [row for row in results.get("open_orders", []) if row["sku"] == sku]
    return Facts(
        DAY, planned("order_decisions"), planned("net_demand"), planned("purchase_order_lines"),
        next(iter(of("products")), None), next(iter(of("replenishment_rules")), None), of("product_suppliers"),
        {row["supplier_id"]: row for row in stored("suppliers", world.rows["suppliers"])},
        of("pos_order_lines"), of("warehouse_stock"), [], sold,
        open_orders=on_order, free=free, calendar=stored("calendar_days", world.rows["calendar_days"]),
        settings=dict(load_settings()),
    )  # fmt: skip


@pytest.mark.parametrize("model", ["net_demand", "order_decisions", "purchase_order_lines"])
def test_every_case_comes_to_the_same(trino, model):
    world, placed = frame(World()), [case for case in cases(model) if case.alone is None]
    for case in placed:
        place(world, case)
    results = plan(trino, world, "purchase_order_lines")
    differ, compared = {}, 0
    for case in placed:
        found = compare(facts_of(world, results, case.sku))
        compared += len(found)
        if lines := list(disagreements(found)):
            differ[case.name] = lines
    assert not differ
    assert compared > 30 * len(placed)


def test_the_steps_of_why_ordered_add_up_to_the_order(trino):
    """The query of sql/adhoc over every case at once, with every option in use."""
    world, placed = frame(World()), [case for case in cases("order_decisions") if case.alone is None]
    for case in placed:
        place(world, case)
    results = plan(trino, world, "order_decisions")
    sql = queries()["why_ordered"].read_text(encoding="utf-8").replace("and sku = '$sku'", "")
    sql = sql.replace("$business_date", DAY.isoformat()).replace("select step,", "select need.sku, step,")
    for model in ("net_demand", "order_decisions"):
        rows = [row | {"business_date": DAY} for row in results[model]]
        sql = sql.replace(f"from hive.planning.{model}", f"from {relation(f'planning.{model}', rows)}")
    sums, said = {}, {}
    for sku, _, what, change, quantity, _ in trino.rows(sql):
        sums[sku] = sums.get(sku, 0) + (change or 0)
        said.setdefault(sku, {})[what] = (change, quantity, sums[sku])
    decided = {row["sku"]: row for row in results["order_decisions"]}
    assert {row["bound_by"] for row in decided.values()} >= {"need", "moq", "pack", "level", "maximum", "fill"}
    assert len({row["outcome"] for row in decided.values()}) > 10
    for sku, row in decided.items():
        if row["outcome"] != "overflow":
            assert sums[sku] == row["order_qty"], (sku, said[sku])
            # and so does what each step says that it comes to
            assert all(quantity == so_far for _, quantity, so_far in said[sku].values() if quantity is not None), (sku, said[sku])
