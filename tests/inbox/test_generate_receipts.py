"""Goods received as `generate` makes them: of real order files, the same bytes every time, and what staging must make of them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from common.inbox.generate import Generator, Plan
from common.inbox.generate_receipts import FAULTS, FIELDS, _booked
from common.publish import export
from common.publish.order_files import Line, Order, order_bytes
from common.settings import load_settings
from common.staging.days import business_day
from common.staging.judge import Rules
from common.staging.judge_receipts import receipt_csv, receipt_json

DAY, DUE = date(2026, 3, 4), date(2026, 3, 7)
SKUS = [f"G{n:06d}" for n in range(1, 401)]


@pytest.fixture
def settings(tmp_path):
    """Settings with an inbox and an output of the test's own; one order of 400 lines is exported."""
    made = load_settings([f"paths.inbox={tmp_path / 'inbox'}", f"paths.output={tmp_path / 'output'}"])
    lines = tuple(Line(n, sku, "x", 12, 1, 12, Decimal("1.00"), Decimal("12.00"), DUE) for n, sku in enumerate(SKUS, 1))
    order = Order(DAY, "20260304-G01", "G01", "One", "USD", lines)
    entry = {"order_number": order.order_number, "file": "G01.json", "supplier_id": "G01", "revision": 1}
    listed = {"run_id": 1, "totals": {}, "orders": [entry], "cancelled": [], "files": []}
    files = {"G01.json": order_bytes(order, 1), export.MANIFEST: json.dumps(listed).encode()}
    root = export.orders_root(made)
    export.point(root, DAY, export.write_run(root, DAY, 1, files))
    return made


def sent(settings, day, **options):
    result = Generator(settings, Plan(day, stores=1, orders=1, skus=5, receipts=True, **options)).send(replace=True)["receipts"]
    folder = settings.path("paths.inbox") / "receipts" / str(day)
    files = sorted(f for f in folder.iterdir() if f.suffix != ".sha256") if folder.exists() else []
    return result, {file.name: file.read_bytes() for file in files}


def rows_of(files):
    found = []
    for name, data in files.items():
        lines = data.decode().splitlines()
        if name.endswith(".csv"):
            assert lines.pop(0) == ",".join(FIELDS)
            found += [dict(zip(FIELDS, line.split(","), strict=True)) for line in lines]
        else:
            found += [{name: json.dumps(v).strip('"') for name, v in json.loads(line).items()} for line in lines]
    return found


def test_nothing_due_is_no_folder(settings):
    result, files = sent(settings, DUE - timedelta(days=1))
    assert (result["read"], files) == (0, {})


def test_most_comes_whole_on_the_due_date_some_in_parts_late_never_or_too_much(settings):
    _, first = sent(settings, DUE, warehouses=4)
    _, second = sent(settings, DUE + timedelta(days=2), warehouses=4)
    came = {sku: [int(row["quantity"]) for row in rows_of(first) + rows_of(second) if row["sku"] == sku] for sku in SKUS}
    kinds = {tuple(quantities) for quantities in came.values()}
    assert kinds == {(12,), (6, 6), (13,), (0,), ()}
    assert sum(quantities == [12] for quantities in came.values()) > 300


def test_the_same_arguments_give_the_same_bytes(settings):
    assert sent(settings, DUE, dirty=5.0) == sent(settings, DUE, dirty=5.0)
    assert sent(settings, DUE, seed=2)[1] != sent(settings, DUE)[1]


def test_the_parts_of_a_line_add_up():
    for chance in range(80, 88):
        for units in (1, 2, 7):
            parts = [_booked(chance, units, days) for days in (0, 2)]
            assert sum(part[0] for part in parts if part) == units


@pytest.mark.parametrize("warehouses", [1, 2])
def test_the_judge_finds_the_planted_faults(settings, warehouses):
    """Whatever a fault is, what must become of it is what the rules say of it."""
    result, files = sent(settings, DUE, dirty=100.0, warehouses=warehouses)
    assert set(result["planted"]) == set(FAULTS)
    rules = Rules(business_day(DUE, "America/New_York", "24:00"), set(SKUS), {"20260304-G01"}, 1 << 20)
    found = {"accepted": 0, "refused": 0}
    seen = {}
    for name, data in files.items():
        for line in data.splitlines(keepends=True)[name.endswith(".csv") :]:
            verdict = (receipt_csv if name.endswith(".csv") else receipt_json)(line, FIELDS, rules)
            found["refused"] += len(verdict.refused)
            for row in verdict.rows:
                seen.setdefault(row[:3], []).append(row)
    alike = [rows for rows in seen.values() if len(set(rows)) == 1]
    conflicting = sum(len(rows) for rows in seen.values() if len(set(rows)) > 1)
    assert len(alike) == result["accepted"]
    assert found["refused"] + conflicting == result["rejected"] + result["set_aside"]
    assert sum(len(rows) - 1 for rows in alike) == result["duplicates"]
