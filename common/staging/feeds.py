"""The kinds of raw files, orders, stock and receipts: which columns, which rules, what a duplicate is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from common.contracts import contract
from common.staging import judge, judge_receipts
from common.staging.tables import staged_schema

Judge = Callable[[bytes, Sequence[str], judge.Rules], judge.Verdict]
Key = Callable[[bytes, Sequence[str]], tuple[str, ...] | None]


@dataclass(frozen=True)
class Feed:
    """One staged table made from raw files.

    table    the staged table
    kinds    raw field -> what it holds, in the words of grammar.py
    names    staged column -> raw field
    place    staged column of the store, the warehouse, or the order received: compared with a list, like the SKU
    group    staged columns that rows are hashed by in the search of duplicates: all copies of a row share them
    judges   `json`, `csv` -> the rules
    keys     `json`, `csv` -> the key of a line for that search
    is_snapshot  whether each place sends one snapshot, so that two are compared
    is_nested    whether a JSON record holds several rows, in `lines`
    """

    table: str
    kinds: dict[str, str]
    names: dict[str, str]
    place: str
    group: tuple[str, ...]
    judges: dict[str, Judge]
    keys: dict[str, Key]
    is_snapshot: bool = False
    is_nested: bool = False

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Staged columns that come from a row itself, in the judge's order."""
        return tuple(n for n in self.schema.names if not n.startswith("source_"))

    @property
    def schema(self) -> pa.Schema:
        """The staged table's Arrow schema."""
        return staged_schema(self.table)

    @cached_property
    def grain(self) -> tuple[str, ...]:
        """What identifies a row."""
        return contract(self.table).grain

    @cached_property
    def actions(self) -> dict[str, str]:
        """Reason -> action, from the contract."""
        return {rule.code: rule.action for rule in contract(self.table).rules}

    @cached_property
    def limits(self) -> dict[str, int]:
        """Limits of rejected rows and of a line's length, from the contract."""
        raw = contract(self.table).raw
        return raw.limits if raw else {}

    def action(self, reasons: Sequence[str]) -> str:
        """What becomes of a row: `set_aside` only when every reason says so."""
        return "set_aside" if all(self.actions[r] == "set_aside" for r in reasons) else "reject"


ORDERS = Feed(
    table="staging.pos_order_lines",
    kinds={
        "order_id": "text",
        "store_id": "text",
        "ordered_at": "instant",
        "line_no": "count",
        "sku": "text",
        "quantity": "count",
        "unit_price": "money",
    },
    names={n: n for n in judge.ORDER_FIELDS},
    place="store_id",
    group=("order_id",),
    judges={"json": judge.order_json, "csv": judge.order_csv},
    keys={"json": judge.order_json_key, "csv": judge.order_csv_key},
    is_nested=True,
)

STOCK = Feed(
    table="staging.warehouse_stock",
    kinds={
        "snapshot_date": "day",
        "warehouse_id": "text",
        "sku": "text",
        "available": "whole",
        "reserved": "natural",
        "safety_stock": "natural or nothing",
    },
    names={
        "warehouse_id": "warehouse_id",
        "sku": "sku",
        "available_qty": "available",
        "reserved_qty": "reserved",
        "safety_stock_qty": "safety_stock",
    },
    place="warehouse_id",
    group=("warehouse_id", "sku"),
    judges={"csv": judge.stock_csv},
    keys={"csv": judge.stock_csv_key},
    is_snapshot=True,
)

RECEIPTS = Feed(
    table="staging.receipts",
    kinds={
        "receipt_id": "text",
        "order_number": "text",
        "sku": "text",
        "quantity": "count",
        "received_on": "recent day",
        "is_final": "flag",
    },
    names={n: n for n in judge_receipts.FIELDS},
    place="order_number",
    group=("receipt_id", "order_number", "sku"),
    judges={"json": judge_receipts.receipt_json, "csv": judge_receipts.receipt_csv},
    keys={"json": judge_receipts.receipt_json_key, "csv": judge_receipts.receipt_csv_key},
)

FEEDS = {feed.table: feed for feed in (ORDERS, STOCK, RECEIPTS)}
