"""Overlays on inline rows, read back from Trino and compared with the same change in plain Python integers."""

from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from math import ceil

import pytest

from common.errors import Failure
from common.plan_world import World as PlanWorld
from common.plan_world import query
from common.settings import load_settings
from common.what_if.scenario import Scenario, count_matches, parse_all
from tests.planning.planning_world import DAY, FACTS, World

YESTERDAY = DAY - timedelta(days=1)


@pytest.fixture(scope="module")
def world():
    """Ten SKUs: with and without rules, offers, stock and sales; two suppliers, two warehouses, a day of history."""
    made = World()
    made.add("suppliers", supplier_id="S1", lead_time_days=4).add("suppliers", supplier_id="S2", lead_time_days=9)
    made.add("warehouses", warehouse_id="W1").add("warehouses", warehouse_id="W2").add("stores", store_id="1")
    for n in range(10):
        sku = f"K{n}"
        made.add("products", sku=sku, pack_size=n + 1 if n else None, department="DAIRY" if n % 2 else None)
        if n % 3:
            made.add("replenishment_rules", sku=sku, moq=10 * n if n != 4 else None, safety_stock=n if n != 5 else None)
        if n < 8:
            made.add("product_suppliers", sku=sku, supplier_id="S1", moq=7 if n == 2 else None, unit_cost=f"{n}.55")
        if n < 4:
            made.add("product_suppliers", sku=sku, supplier_id="S2", priority=2, pack_size=10, lead_time_days=2, unit_cost="1.00")
        for warehouse in ("W1", "W2")[: n % 3]:
            made.add("warehouse_stock", sku=sku, warehouse_id=warehouse, available_qty=n * 3 - 4, reserved_qty=n,
                     safety_stock_qty=n)
        for day in (DAY, YESTERDAY):
            for line in range(n % 4):
                made.add(
                    "pos_order_lines", sku=sku, order_id=f"O{line}", line_no=n + 1, store_id=str(line % 2), quantity=line + 1,
                    business_date=day,
                )  # fmt: skip
    return made


def read(trino, world, *texts, columns, table, where="true"):
    """The rows of a table after the changes, as tuples of some of its columns."""
    references = world.references()
    scenario = Scenario(DAY, lambda name, day: references[name])
    for change in parse_all(texts):
        scenario.apply(change)
    return sorted(trino.rows(f"select {columns} from {scenario.reference(table)} where {where}"), key=str)


def matched(trino, world, *texts):
    references = world.references()
    scenario = Scenario(DAY, lambda name, day: references[name])
    for change in parse_all(texts):
        scenario.apply(change)
    return count_matches(trino, scenario)


def totals(world, factor=1, keep=lambda row: True):
    """Units of each SKU and day, those of the rows that `keep` scaled as one and rounded up."""
    found = {}
    for row in world.rows["pos_order_lines"]:
        both = found.setdefault((row["sku"], row["business_date"]), [0, 0])
        both[keep(row)] += row["quantity"]
    scaled = {key: other + ceil(Fraction(factor) * chosen) for key, (other, chosen) in found.items()}
    return {key: units for key, units in scaled.items() if units}


def sums(trino, world, *texts):
    rows = read(trino, world, *texts, columns="sku, business_date, quantity", table="pos_order_lines")
    found = {}
    for sku, day, quantity in rows:
        assert quantity > 0
        found[sku, day] = found.get((sku, day), 0) + quantity
    return found


@pytest.mark.parametrize("factor", ["1.3", "0.5", "0", "3", "0.000001"])
def test_scaled_demand_is_rounded_up_once_a_sku_and_day_and_has_its_history(trino, world, factor):
    assert sums(trino, world, f"demand*{factor}") == totals(world, Fraction(factor))
    some = sums(trino, world, f"demand*{factor} where sku in (K3, K7) and store_id = 1")
    assert some == totals(world, Fraction(factor), lambda row: row["sku"] in ("K3", "K7") and row["store_id"] == "1")


def test_no_line_is_lost_or_moved(trino, world):
    columns = "order_id, line_no, store_id, sku, business_date, source_file"
    before = read(trino, world, "demand*1", columns=columns, table="pos_order_lines")
    assert before == read(trino, world, "demand*1.7 where sku != K3", columns=columns, table="pos_order_lines")
    assert len(before) == len(world.rows["pos_order_lines"])


def test_demand_that_is_set_is_the_total_of_the_date_alone(trino, world):
    usual = totals(world)
    raised = sums(trino, world, "demand+5 where sku in (K3, K4)")
    assert raised == {**usual, ("K3", DAY): usual["K3", DAY] + 5, ("K4", DAY): 5}
    assert sums(trino, world, "demand=2 where sku in (K3, K4)") == {**usual, ("K3", DAY): 2, ("K4", DAY): 2}
    without = {key: units for key, units in usual.items() if key != ("K3", DAY)}
    assert sums(trino, world, "demand-100 where sku = K3") == sums(trino, world, "demand=0 where sku = K3") == without
    # from left to right: nothing is left, then five units come back
    assert sums(trino, world, "demand*0", "demand+5 where sku=K3")["K3", DAY] == 5
    assert sums(trino, world, "demand+5 where sku=K3", "demand*0") == {}


@pytest.mark.parametrize("n", range(8))
def test_terms_are_those_that_the_plan_would_take(trino, world, n):
    """The plan's own supplier terms, by the SQL of the night, and then the same times three or two."""
    references = world.references()
    plan = PlanWorld(DAY, dict(load_settings()), references, FACTS)
    columns = "pack_size, moq, lead_time_days"
    usual = trino.rows(f"select {columns} from ({query(plan, 'order_decisions')}) where sku = 'K{n}'")[0]
    changed = read(
        trino, world, "pack_size*3", "moq*2", "lead_time_days+1", table="product_suppliers", columns=columns,
        where=f"sku = 'K{n}' and supplier_id = 'S1'",
    )[0]  # fmt: skip
    times = [None if value is None else value * factor for value, factor in zip(usual[:2], (3, 2), strict=True)]
    assert list(changed) == [*times, usual[2] + 1]


def test_terms_are_changed_in_the_offers_that_were_chosen(trino, world):
    read_moq = {"columns": "sku, supplier_id, moq", "table": "product_suppliers"}
    before = read(trino, world, "moq=5 where supplier_id=S2", **read_moq)
    assert {moq for _, supplier, moq in before if supplier == "S2"} == {5}
    assert {moq for sku, supplier, moq in before if supplier == "S1" and sku != "K2"} == {None}
    dairy = read(trino, world, "moq=5 where department != DAIRY", **read_moq)
    assert {sku for sku, _, moq in dairy if moq == 5} == {f"K{n}" for n in range(0, 8, 2)}


def test_cents_are_rounded_up(trino, world):
    rows = read(trino, world, "unit_cost*1.1 where supplier_id=S1", columns="sku, unit_cost", table="product_suppliers",
                where="supplier_id = 'S1'")  # fmt: skip
    cent = Decimal("0.01")
    assert rows == [(f"K{n}", (Decimal(f"{n}.55") * Decimal("1.1")).quantize(cent, ROUND_CEILING)) for n in range(8)]


def test_stock_is_changed_row_by_row_of_the_date(trino, world):
    old = {(r["sku"], r["warehouse_id"]): r["available_qty"] for r in world.rows["warehouse_stock"]}
    columns = "sku, warehouse_id, available_qty"
    rows = read(trino, world, "available*0.5 where warehouse_id=W2", table="warehouse_stock", columns=columns)
    assert {row[:2]: row[2] for row in rows} == {k: ceil(Fraction(v, 2)) if k[1] == "W2" else v for k, v in old.items()}
    rows = read(trino, world, "reserved-4", table="warehouse_stock", columns="sku, reserved_qty", where="warehouse_id = 'W1'")
    assert dict(rows) == {r["sku"]: max(0, r["reserved_qty"] - 4) for r in world.rows["warehouse_stock"]}


def test_safety_stock(trino, world):
    rules = {r["sku"]: r["safety_stock"] for r in world.rows["replenishment_rules"]}
    scaled = read(trino, world, "safety_stock*1.2", table="replenishment_rules", columns="sku, safety_stock")
    assert dict(scaled) == {sku: None if value is None else ceil(Fraction(6, 5) * value) for sku, value in rules.items()}
    columns = "sku, warehouse_id, safety_stock_qty"
    snapshots = {row[0]: row[2] for row in read(trino, world, "safety_stock*1.2", table="warehouse_stock", columns=columns)}
    assert snapshots == {r["sku"]: ceil(Fraction(6, 5) * r["safety_stock_qty"]) for r in world.rows["warehouse_stock"]}
    # K0: no rule and no snapshot; K5: a rule that leaves it to two snapshots; K6: no rule, no snapshot; K8: rule 8
    text = "safety_stock+2 where sku in (K0, K5, K8)"
    raised = read(trino, world, text, table="replenishment_rules", columns="sku, safety_stock")
    assert dict(raised) == {**rules, "K0": 2, "K5": 12, "K8": 10}
    moqs = dict(read(trino, world, "safety_stock=2", table="replenishment_rules", columns="sku, moq"))
    assert moqs == {f"K{n}": 1 if n % 3 == 0 else None if n == 4 else 10 * n for n in range(10)}


def test_words_and_flags(trino, world):
    text = "status=blocked where category=MILK and sku not in (K1, K2)"
    rows = read(trino, world, text, table="products", columns="sku, status")
    assert {sku for sku, status in rows if status == "active"} == {"K1", "K2"}
    rows = read(trino, world, "is_active=false where supplier_id=S2", table="suppliers", columns="supplier_id, is_active")
    assert dict(rows) == {"S1": True, "S2": False}


def test_rows_are_counted_as_each_change_finds_them(trino, world):
    texts = "moq=5 where supplier_id=S2", "moq*2", "safety_stock=3 where sku=K0", "is_active=true"
    assert [counted["rows"] for counted in matched(trino, world, *texts)] == [4, 12, 1, 2]
    for text in ("moq=5 where supplier_id=S3", "demand*2 where sku=K4", "available+1 where warehouse_id=W3"):
        with pytest.raises(Failure, match="matches no row") as refused:
            matched(trino, world, "moq*2", text)
        assert refused.value.exit_code == 65 and "change 2" in refused.value.where
    with pytest.raises(Failure, match="past what their column holds") as refused:
        matched(trino, world, "unit_cost*1000000", "unit_cost*1000000")
    assert refused.value.exit_code == 65


def test_a_name_with_quotes_finds_only_itself(trino):
    world = World().add("suppliers", supplier_id="S1").add("suppliers", supplier_id="O'Hara' or 1=1 --")
    text = "is_active=false where supplier_id='O''Hara'' or 1=1 --'"
    rows = read(trino, world, text, table="suppliers", columns="supplier_id, is_active")
    assert dict(rows) == {"S1": True, "O'Hara' or 1=1 --": False}
