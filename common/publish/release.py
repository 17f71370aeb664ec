"""Release: what was exported is released, and a release is never changed behind a supplier's back.

audit.released_orders (Delta, append only) holds every revision of every order. A plan that gives the bytes already
released changes nothing. One that differs is refused unless the user says `--revise`; then the orders that changed get
the next revision, an order that is gone is recorded as cancelled, and all others keep their revision and their bytes.

The renamed link (common/publish/export.py) is the moment of release; the record follows it. A run killed between the
two leaves files that the record does not know: `unrecorded` finds them in the directory that the link points to, and
the next run records them before it decides anything. So each revision is recorded exactly once.

This module decides, from rows and orders alone; common/publish/delta_tables.py writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from common.errors import BadData, NotAllowed
from common.publish.export import read_manifest, read_verified
from common.publish.order_files import COLUMNS, Line, Order, group_orders, money, order_bytes, sha256

TABLE = "audit.released_orders"
NEW, CHANGED, UNCHANGED, CANCELLED = "new", "changed", "unchanged", "cancelled"
_SHOWN_ORDERS, _SHOWN_LINES = 5, 3


@dataclass(frozen=True)
class Head:
    """The revision of an order that the record says is in force."""

    order_number: str
    supplier_id: str
    revision: int
    status: str
    order_sha256: str


# every recorded revision of a date, by order number and revision
History = Mapping[tuple[str, int], Order]


@dataclass(frozen=True)
class Decision:
    """What becomes of one order: its status against the record, its revision, and its file (none when cancelled)."""

    order_number: str
    supplier_id: str
    status: str
    revision: int
    order: Order | None
    data: bytes
    is_recorded: bool


def heads_sql(day: date) -> str:
    """The recorded revisions of a date, without their lines."""
    return (
        "select distinct order_number, supplier_id, revision, status, order_sha256"
        f" from delta.{TABLE} where business_date = date '{day}'"
    )


def history_sql(day: date) -> str:
    """Every line of every recorded revision of a date."""
    return f"select revision, {', '.join(COLUMNS)} from delta.{TABLE} where business_date = date '{day}'"


def heads_of(rows: Iterable[Sequence[Any]]) -> dict[str, Head]:
    """The highest revision of each order, from rows of `heads_sql`; BadData where one revision was recorded twice."""
    seen: dict[tuple[str, int], Head] = {}
    for row in rows:
        head = Head(*row)
        if seen.setdefault((head.order_number, head.revision), head) != head:
            raise BadData(f"revision {head.revision} of order {head.order_number} is recorded twice", where=f"delta.{TABLE}")
    heads: dict[str, Head] = {}
    for _, head in sorted(seen.items()):
        heads[head.order_number] = head
    return heads


def history_of(day: date, rows: Iterable[Sequence[Any]]) -> dict[tuple[str, int], Order]:
    """The recorded orders from rows of `history_sql`."""
    by_revision: dict[int, list[Sequence[Any]]] = {}
    for revision, *row in rows:
        by_revision.setdefault(revision, []).append(row)
    return {
        (order.order_number, revision): order
        for revision, of_revision in by_revision.items()
        for order in group_orders(day, of_revision)
    }


def decide(orders: Iterable[Order], heads: Mapping[str, Head]) -> list[Decision]:
    """What becomes of each planned and each recorded order, sorted by supplier id."""
    decisions = []
    planned = {order.order_number: order for order in orders}
    for number, order in planned.items():
        head = heads.get(number)
        revision = head.revision if head else 1
        data = order_bytes(order, revision)
        if head is None:
            decisions.append(Decision(number, order.supplier_id, NEW, 1, order, data, False))
        elif head.status != CANCELLED and sha256(data) == head.order_sha256:
            decisions.append(Decision(number, order.supplier_id, UNCHANGED, revision, order, data, True))
        else:
            data = order_bytes(order, revision + 1)
            decisions.append(Decision(number, order.supplier_id, CHANGED, revision + 1, order, data, False))
    for number, head in heads.items():
        if number not in planned:
            was_cancelled = head.status == CANCELLED
            revision = head.revision if was_cancelled else head.revision + 1
            decisions.append(Decision(number, head.supplier_id, CANCELLED, revision, None, b"", was_cancelled))
    return sorted(decisions, key=lambda decision: decision.supplier_id)


def needs_history(decisions: Iterable[Decision]) -> bool:
    """Whether the lines of recorded revisions are needed: to say what differs, or to list earlier changes."""
    return any(d.revision > 1 for d in decisions)


def refuse_changes(day: date, decisions: Sequence[Decision], heads: Mapping[str, Head], history: History) -> None:
    """NotAllowed, naming suppliers and what differs, when the plan is not what was released."""
    differing = [d for d in decisions if not d.is_recorded]
    if not heads or not differing:
        return
    shown = [f"{d.order_number}: {_sentence(d, history)}" for d in differing[:_SHOWN_ORDERS]]
    if len(differing) > len(shown):
        shown.append(f"and {len(differing) - len(shown)} more")
    orders = "1 order" if len(differing) == 1 else f"{len(differing)} orders"
    raise NotAllowed(
        f"the plan of {day} differs from what was released in {orders}; what is published stays as it is\n  "
        + "\n  ".join(shown),
        where=f"delta.{TABLE}",
        next=f"./submit.sh export_orders {day} --revise   (releases the next revision of these orders)",
    )


def differences(old: Order | None, new: Order | None) -> dict[str, Any]:
    """What changed between two revisions of an order; a side that orders nothing is None or has zero quantities."""
    before = {line.sku: line for line in (old.lines if old else ()) if line.order_qty}
    after = {line.sku: line for line in (new.lines if new else ()) if line.order_qty}
    changed = []
    for sku in sorted(before.keys() & after.keys()):
        if other := _fields(before[sku], after[sku]):
            quantities = {"old_order_qty": before[sku].order_qty, "new_order_qty": after[sku].order_qty}
            changed.append({"sku": sku, **quantities, "fields": other})
    names = ("supplier_name", "currency") if old and new else ()
    header = {name: {"old": getattr(old, name), "new": getattr(new, name)} for name in names}
    return {
        "added": [{"sku": sku, "order_qty": after[sku].order_qty} for sku in sorted(after.keys() - before.keys())],
        "removed": [{"sku": sku, "order_qty": before[sku].order_qty} for sku in sorted(before.keys() - after.keys())],
        "changed": changed,
        "header": {name: values for name, values in header.items() if values["old"] != values["new"]},
    }


def changes(decisions: Iterable[Decision], history: History) -> list[dict[str, Any]]:
    """For each order with more than one revision, what each revision changed; the manifest's list."""
    found = []
    for decision in decisions:
        for revision in range(2, decision.revision + 1):
            old = history.get((decision.order_number, revision - 1))
            new = history.get((decision.order_number, revision), decision.order)
            found.append(
                {
                    "order_number": decision.order_number,
                    "supplier_id": decision.supplier_id,
                    "revision": revision,
                    "status": CHANGED if new and new.order_qty else CANCELLED,
                    **differences(old, new),
                }
            )
    return found


def release_rows(decisions: Iterable[Decision], history: History, run_id: int) -> list[dict[str, Any]]:
    """The rows that the record lacks: the lines of new revisions; those of a cancelled order with quantity 0."""
    rows = []
    for decision in decisions:
        if decision.is_recorded:
            continue
        order = decision.order or _cancelled(history.get((decision.order_number, decision.revision - 1)))
        if order is None:
            continue
        header = {
            "business_date": order.business_date,
            "order_number": decision.order_number,
            "revision": decision.revision,
            "status": decision.status,
            "run_id": run_id,
            "supplier_id": order.supplier_id,
            "supplier_name": order.supplier_name,
            "currency": order.currency,
            "order_sha256": sha256(decision.data) if decision.order else "",
        }
        rows += [header | vars(line) for line in order.lines]
    return rows


def unrecorded(directory: Path, day: date, heads: Mapping[str, Head]) -> tuple[list[Decision], int]:
    """What the directory that counts has released and the record does not know, and the run that released it.

    It is what a run left that was killed after its link was renamed. BadData when such a file was altered since.
    """
    manifest = read_manifest(directory)
    missing = []
    for entry in manifest["orders"]:
        number, revision = entry["order_number"], entry["revision"]
        if number not in heads or heads[number].revision < revision:
            data = read_verified(directory, entry["file"])
            status = NEW if revision == 1 else CHANGED
            missing.append(Decision(number, entry["supplier_id"], status, revision, parse_order(day, data), data, False))
    for entry in manifest["cancelled"]:
        number, revision = entry["order_number"], entry["cancelled_by_revision"]
        if number in heads and heads[number].revision < revision:
            missing.append(Decision(number, entry["supplier_id"], CANCELLED, revision, None, b"", False))
    return sorted(missing, key=lambda decision: decision.supplier_id), manifest["run_id"]


def parse_order(day: date, data: bytes) -> Order:
    """The order that a file of ours says."""
    tree = json.loads(data)
    lines = tuple(
        Line(
            line["line_no"], line["sku"], line["name"], line["order_qty"], line["packs"], line["pack_size"],
            Decimal(line["unit_cost"]), Decimal(line["line_cost"]), date.fromisoformat(line["due_date"]),
        )
        for line in tree["lines"]
    )  # fmt: skip
    supplier = tree["supplier"]
    return Order(day, tree["order_number"], supplier["supplier_id"], supplier["name"], tree["currency"], lines)


def _cancelled(order: Order | None) -> Order | None:
    if order is None:
        return None
    nothing = Decimal("0.00")
    return replace(order, lines=tuple(replace(line, order_qty=0, packs=0, line_cost=nothing) for line in order.lines))


def _fields(old: Line, new: Line) -> dict[str, dict[str, Any]]:
    # the number of a line shifts when another one comes or goes: no change of this line
    pairs = {name: (_plain(a), _plain(getattr(new, name))) for name, a in vars(old).items() if name != "line_no"}
    return {name: {"old": a, "new": b} for name, (a, b) in pairs.items() if a != b}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return money(value)
    return value.isoformat() if isinstance(value, date) else value


def _sentence(decision: Decision, history: History) -> str:
    old = history.get((decision.order_number, decision.revision - 1))
    found = differences(old, decision.order)
    if decision.status == NEW:
        return f"not ordered before, now {len(found['added'])} lines"
    if decision.status == CANCELLED:
        return f"no longer ordered, was revision {decision.revision - 1} with {len(found['removed'])} lines"
    parts = [text for change in found["changed"] for text in _change(change)]
    parts += [f"SKU {line['sku']} added ({line['order_qty']})" for line in found["added"]]
    parts += [f"SKU {line['sku']} removed ({line['order_qty']})" for line in found["removed"]]
    parts += [f"{name} {v['old']!r} -> {v['new']!r}" for name, v in found["header"].items()]
    if not parts:
        return "the same lines, but the form of the file changed"
    more = f", and {len(parts) - _SHOWN_LINES} more" if len(parts) > _SHOWN_LINES else ""
    return ", ".join(parts[:_SHOWN_LINES]) + more


def _change(change: dict[str, Any]) -> list[str]:
    sku = change["sku"]
    if "order_qty" in change["fields"]:
        return [f"SKU {sku} {change['old_order_qty']} -> {change['new_order_qty']}"]
    return [f"SKU {sku} {name} {value['old']} -> {value['new']}" for name, value in change["fields"].items()]
