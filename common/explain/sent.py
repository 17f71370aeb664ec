"""What the supplier was sent: the date's exported order file, beside what was decided."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from common.errors import Failure
from common.explain.facts import Row
from common.publish.export import orders_root, published, read_manifest, read_verified
from common.settings import Settings

_SAME = ("order_qty", "packs", "pack_size", "unit_cost", "line_cost", "due_date")


def sent_order(settings: Settings, day: date, supplier_id: str) -> dict[str, Any] | None:
    """The exported order of a supplier: its file, revision, status and `lines` by SKU; None where there is none here."""
    directory = published(orders_root(settings), day)
    if directory is None:
        return None
    listed = next((o for o in read_manifest(directory)["orders"] if o["supplier_id"] == supplier_id and o.get("file")), None)
    if listed is None:
        return None
    order = json.loads(read_verified(directory, listed["file"]))
    link = orders_root(settings) / day.isoformat()
    return {
        "file": str(link / listed["file"]),
        "order_number": order["order_number"],
        "revision": order["revision"],
        "status": listed["status"],
        "lines": {line["sku"]: line for line in order["lines"]},
    }


def sent_line(settings: Settings, day: date, line: Row | None, decision: Row) -> tuple[dict[str, Any] | None, list[str]]:
    """What was sent of one line, and what is to be said where that is not what was decided; `decision` is that of the SKU."""
    try:
        if line is None:
            return None, _still_sent(settings, day, decision)
        order = sent_order(settings, day, line["supplier_id"])
    except Failure as failure:
        return None, [f"{failure.what} ({failure.where})"]
    if order is None:
        return None, [f"not exported yet, or not here: ./submit.sh export_orders {day}"]
    sent = order.pop("lines").get(line["sku"])
    made = order | {"line": sent}
    if sent is None:
        return made, [f"the exported order {order['file']} has no line of it: ./submit.sh export_orders {day}"]
    differ = [f"{name} {sent[name]}, not {line[name]}" for name in _SAME if str(sent[name]) != str(line[name])]
    if differ:
        return made, [f"the exported order is of another plan, with {'; '.join(differ)}: ./submit.sh export_orders {day}"]
    return made, []


def _still_sent(settings: Settings, day: date, decision: Row) -> list[str]:
    """What is to be said of a SKU that is not ordered (any more) and that its supplier's exported order has."""
    order = sent_order(settings, day, decision["supplier_id"]) if decision.get("supplier_id") else None
    sent = order["lines"].get(decision["sku"]) if order else None
    if order is None or sent is None:
        return []
    return [f"the exported order {order['file']} has {sent['order_qty']:,} of it still: ./submit.sh export_orders {day} --revise"]
