"""Open orders: every case of the model, and thousands of histories of orders and receipts against plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import strategies as st
from planning_cases import MAIN_COLUMN, cases, frame, place
from planning_world import DAY, World, plan
from samples import made
from stored_world import StoredWorld

CASES = cases("open_orders")
TOGETHER = [pytest.param(case, id=f"{case.prefix} {case.name}") for case in CASES if case.alone is None]
ALONE = [pytest.param(case, id=f"{case.prefix} {case.name}") for case in CASES if case.alone is not None]
QUANTITIES = ("released_qty", "received_qty", "cancelled_qty", "open_qty", "given_up_qty", "over_received_qty")


def judge(case, rows):
    """The lines of the case's SKU, oldest order first."""
    rows = sorted((row for row in rows if row["sku"] == case.sku), key=lambda row: row["order_date"])
    expected = [] if case.expect == "no line" else case.expect if isinstance(case.expect, list) else [case.expect]
    assert len(rows) == len(expected), rows
    for row, expect in zip(rows, expected, strict=True):
        wanted = {name: str(value) if isinstance(value, date) else value for name, value in expect.items()}
        assert {name: case.unprefixed(row[name]) for name in wanted} == wanted


@pytest.mark.parametrize("case", TOGETHER)
def test_open_orders(planned, case):
    judge(case, planned("open_orders"))


@pytest.mark.parametrize("case", ALONE)
def test_with_other_settings(trino, case):
    world = frame(World())
    place(world, case)
    judge(case, plan(trino, world, "open_orders", settings=case.alone["settings"])["open_orders"])


def test_the_main_column_is_what_a_case_expects():
    assert MAIN_COLUMN["open_orders"] == "open_qty"


# -- against plain Python ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Booking:
    """One receipt as it was sent: `sent` and `received` days before the date."""

    number: int
    quantity: int
    is_final: bool
    sent: int


@dataclass(frozen=True)
class Line:
    """One SKU of one order: its quantity in each revision (None: not on it), and what was booked."""

    ago: int
    due: int
    revisions: tuple[int | None, ...]
    bookings: tuple[Booking, ...]


units = st.integers(0, 60) | st.sampled_from([2**31 - 1, 2**53 + 1, 2**62])
bookings = st.builds(
    Booking, number=st.integers(1, 4), quantity=st.integers(-20, 60), is_final=st.sampled_from([False, False, False, True]),
    sent=st.integers(-1, 12),
)  # fmt: skip
lines = st.builds(
    Line, ago=st.integers(1, 14) | st.integers(1, 14) | st.integers(-1, 95), due=st.integers(-16, 5),
    revisions=st.lists(st.none() | units, min_size=1, max_size=3).map(tuple), bookings=st.lists(bookings, max_size=4).map(tuple),
)  # fmt: skip


def expected(line, grace=7, window=90, shown=7):
    """What becomes of a line, in plain integers; None where it is not listed."""
    if not 1 <= line.ago <= window:
        return None
    ordered = [n for n, quantity in enumerate(line.revisions) if quantity]
    seen = [b for b in line.bookings if 0 <= b.sent <= window]
    first = {}
    for booking in sorted(seen, key=lambda b: -b.sent):
        first.setdefault(booking.number, booking)
    if not ordered and not first:
        return None
    released = line.revisions[ordered[-1]] if ordered else 0
    received = max(0, sum(b.quantity for b in first.values()))
    missing = max(0, released - received)
    days_over = -line.due - grace  # days since the last day of grace
    if not ordered:
        reason = "not_ordered"
    elif received >= released:
        reason = "received"
    elif ordered[-1] < len(line.revisions) - 1:
        reason = "withdrawn"
    elif any(b.is_final for b in first.values()):
        reason = "final"
    else:
        reason = "late" if days_over > 0 else None
    touched = any(b.sent == 0 for b in seen)
    if reason and not touched and (not ordered or days_over > (shown if reason == "late" else 1)):
        return None
    return {
        "released_qty": released, "received_qty": received, "closed_reason": reason,
        "cancelled_qty": missing if reason in ("withdrawn", "final") else 0,
        "open_qty": missing if reason is None else 0,
        "given_up_qty": missing if reason == "late" else 0,
        "over_received_qty": max(0, received - released),
        "repeated_receipt_count": len(seen) - len(first),
    }  # fmt: skip


def put(world, name, line):
    """An order of its own, with a second SKU that every revision has."""
    day = DAY - timedelta(days=line.ago)
    order = {"order_number": f"{day:%Y%m%d}-{name}", "business_date": day}
    for revision, quantity in enumerate(line.revisions, 1):
        common = order | {"revision": revision, "due_date": DAY + timedelta(days=line.due), "supplier_id": name}
        world.add("released_orders", **common, line_no=1, sku=f"{name}-other", order_qty=1)
        if quantity is not None:
            world.add("released_orders", **common, line_no=2, sku=name, order_qty=quantity)
    sent = {}
    for booking in line.bookings:
        sent.setdefault((booking.number, booking.sent), booking)  # staging lets one receipt pass once a date
    for booking in sent.values():
        world.add(
            "receipts", order_number=order["order_number"], sku=name, receipt_id=str(booking.number),
            quantity=booking.quantity, is_final=booking.is_final, business_date=DAY - timedelta(days=booking.sent),
        )  # fmt: skip
    return Line(line.ago, line.due, line.revisions, tuple(sent.values()))


def test_two_thousand_lines_against_plain_python(trino, hdfs):
    histories = {f"L{number}": line for number, line in enumerate(made(lines, 2000))}
    with StoredWorld(trino, hdfs) as world:
        histories = {name: put(world, name, line) for name, line in histories.items()}
        found = {row["sku"]: row for row in plan(trino, world, "open_orders")["open_orders"]}
    wanted = {name: result for name, line in histories.items() if (result := expected(line))}
    assert len(wanted) > 1000, len(wanted)
    assert {row["closed_reason"] for row in found.values()} == {None, "received", "withdrawn", "final", "late", "not_ordered"}
    for name, result in wanted.items():
        assert {column: found[name][column] for column in result} == result, (name, histories[name])
    assert {name for name in found if not name.endswith("-other")} == set(wanted)
    for row in found.values():
        values = {name: row[name] for name in QUANTITIES}
        assert values["released_qty"] + values["over_received_qty"] == (
            values["received_qty"] + values["cancelled_qty"] + values["open_qty"] + values["given_up_qty"]
        )
