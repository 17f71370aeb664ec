"""Made-up input: any number of stores, orders and SKUs, with or without faults. Same arguments, same bytes, anywhere.

Names come from Faker (a fixed locale, a fixed seed); rows from integer hashes (draw.py), as whole Arrow columns. A file is
written in blocks of orders, so memory does not grow with the day. Faults: faults.py; what was planted, and what must
become of it, is written to `inbox/truth/<D>.json`, which `ingest` does not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.errors import Usage
from common.inbox.draw import Draw, Whole
from common.inbox.faults import LINE_FIELDS, ORDER_FIELDS, Order, Outcome, Truth, fault, kinds_for
from common.inbox.sending import Sender
from common.settings import Settings

FORMATS = ("json", "csv", "mixed")
MOST_LINES, MOST_UNITS = 9, 12  # of an order, of a line: an order has 5 lines on average
OPENS, CLOSES = 6 * 3600, 22 * 3600  # seconds of the calendar day on which the orders are taken
_BLOCK = 40_000  # orders held in memory at a time, a file being written


@dataclass(frozen=True)
class Plan:
    """The arguments of `generate`: all that the bytes depend on, besides the business time zone."""

    day: date
    stores: int = 20
    orders: int = 2000
    skus: int = 500
    warehouses: int = 3
    dirty: float = 0.0
    seed: int = 1
    format: str = "mixed"
    receipts: bool = False

    def check(self) -> None:
        """Usage when an argument makes no sense."""
        for name, least, most in (("stores", 1, 9999), ("orders", 0, 99_999_999), ("skus", 1, 999_999), ("warehouses", 1, 99)):
            if not least <= getattr(self, name) <= most:
                raise Usage(f"--{name} must be from {least} to {most}", next="./submit.sh generate --help")
        if not 0 <= self.dirty <= 100 or self.format not in FORMATS:
            raise Usage("--dirty is a percentage, --format one of " + ", ".join(FORMATS), next="./submit.sh generate --help")

    @property
    def per_million(self) -> int:
        """Share of faulty orders, as a whole number: no float decides anything."""
        return round(self.dirty * 10_000)


def sku_name(n: int) -> str:
    """The n-th SKU, from 0."""
    return f"G{n + 1:06d}"


def store_name(n: int) -> str:
    """The n-th store, from 0."""
    return f"G{n + 1:04d}"


class Generator:
    """One business date of a plan."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        plan.check()
        self.plan, self.settings, self.draw = plan, settings, Draw(plan.seed)
        skus = range(plan.skus)
        cents = 49 + self.draw.below(2950, "price", skus)
        self._sku, self._price = [sku_name(n) for n in skus], [f"{c // 100}.{c % 100:02d}" for c in cents.tolist()]
        self._sku_id = pa.array(self._sku)
        self._price_text = pa.array(self._price)
        hours, minutes = map(int, settings["business.day_ends"].split(":"))
        ends = 3600 * hours + 60 * minutes
        # a business date that ends before the stores open is the calendar day before
        taken, self._closes = (plan.day, min(CLOSES, ends)) if ends > OPENS else (plan.day - timedelta(days=1), CLOSES)
        midnight = datetime.combine(taken, datetime.min.time())
        self._clock = pa.array([(midnight + timedelta(seconds=s)).isoformat() for s in range(OPENS, self._closes)])
        noon = datetime.combine(taken, datetime.min.time().replace(hour=12), ZoneInfo(settings["business.time_zone"]))
        self._offset = noon.isoformat()[19:]

    def send(self, *, replace: bool = False) -> dict[str, Any]:
        """Writes orders, stock, and receipts if wanted, and the truth beside them; what was written, as the truth file says."""
        from common.inbox.generate_receipts import send_receipts
        from common.inbox.generate_stock import send_stock

        sender = Sender(self.settings, "orders", self.plan.day, replace=replace)
        stores = [s for s in range(self.plan.stores) if len(self.orders_of(s))]
        sender.expect(self.file_name(s) for s in stores)
        truths = {s: Truth() for s in stores}
        with ThreadPoolExecutor(2) as pool:
            sizes = list(pool.map(lambda s: sender.send(self.file_name(s), self.blocks(s, truths[s])), stores))
        total = Truth()
        for truth in truths.values():
            total.add(truth)
        arguments = {name: value for name, value in asdict(self.plan).items() if name != "receipts" or value}
        result: dict[str, Any] = {
            "plan": arguments | {"day": self.plan.day.isoformat()},
            "orders": {"files": len(stores), "bytes": sum(sizes), **total.as_json()},
            "files": {self.file_name(s): truth.as_json() for s, truth in truths.items()},
            "stock": send_stock(self.settings, self.plan, self.draw, replace=replace),
        }
        if self.plan.receipts:
            result["receipts"] = send_receipts(self.settings, self.plan, self.draw, replace=replace)
        _write_truth(self.settings.path("paths.inbox") / "truth" / f"{self.plan.day}.json", result)
        return result

    def orders_of(self, store: int) -> range:
        """Which orders, by number, the store sends: larger and smaller stores, shares in whole numbers."""
        weights = 1 + self.draw.below(4, "store weight", range(self.plan.stores))
        ends = np.cumsum(weights) * self.plan.orders // int(weights.sum())
        return range(int(ends[store - 1]) if store else 0, int(ends[store]))

    def is_csv(self, store: int) -> bool:
        return self.plan.format == "csv" or (self.plan.format == "mixed" and store % 4 == 3)

    def file_name(self, store: int) -> str:
        return f"store_{store_name(store)}.{'csv' if self.is_csv(store) else 'jsonl'}"

    def blocks(self, store: int, truth: Truth) -> Iterator[bytes]:
        """The file of one store; `truth` is filled on the way."""
        is_json, orders = not self.is_csv(store), self.orders_of(store)
        if self.plan.per_million and store == 0:
            yield b"\xef\xbb\xbf"
            truth.note("byte_order_mark", Outcome())
        if not is_json:
            yield (",".join((*ORDER_FIELDS, *LINE_FIELDS)) + "\n").encode()
        for first in range(orders.start, orders.stop, _BLOCK):
            numbers = np.arange(first, min(first + _BLOCK, orders.stop), dtype=np.int64)
            yield from self._block(store, numbers, is_json, truth)

    def _block(self, store: int, numbers: Whole, is_json: bool, truth: Truth) -> Iterator[bytes]:
        counts = 1 + self.draw.below(MOST_LINES, "lines", numbers)
        starts = np.concatenate(([0], np.cumsum(counts)))
        owner = np.repeat(np.arange(len(numbers)), counts)
        line_no = np.arange(starts[-1]) - starts[owner] + 1
        key = numbers[owner] * 16 + line_no
        sku = self.draw.low(self.plan.skus, "sku", key)
        units = 1 + self.draw.low(MOST_UNITS, "units", key)
        heads = self._heads(store, numbers, is_json)
        lines = self._lines(line_no, sku, units, is_json)
        if not is_json:
            lines = pc.binary_join_element_wise(heads.take(pa.array(owner)), lines, "")
        joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(starts, pa.int32()), lines), ", " if is_json else "")
        records = pc.binary_join_element_wise(heads, joined, "]}\n", "") if is_json else joined
        ends = np.frombuffer(records.buffers()[1], np.int32)[records.offset : records.offset + len(records) + 1]
        data, at = memoryview(records.buffers()[2]), int(ends[0])
        faulty = np.flatnonzero(self.draw.below(1_000_000, "dirty", numbers) < self.plan.per_million)
        clean = int(counts.sum() - counts[faulty].sum())
        truth.lines.add(Outcome(accepted=clean))
        for n in faulty.tolist():
            yield bytes(data[at : int(ends[n])])
            lines_of = slice(int(starts[n]), int(starts[n + 1]))
            order = self._order(store, int(numbers[n]), sku[lines_of].tolist(), units[lines_of].tolist(), is_json)
            yield self._plant(order, truth).encode()
            at = int(ends[n + 1])
        yield bytes(data[at : int(ends[-1])])

    def _heads(self, store: int, numbers: Whole, is_json: bool) -> Any:
        """The fields of each order, up to its lines."""
        order = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), 8, "0")
        at = self._clock.take(pa.array(self.draw.below(self._closes - OPENS, "second", numbers)))
        day, zone = f"{self.plan.day:%Y%m%d}", self._zone_of(store)
        if is_json:
            parts = (f'{{"order_id": "{day}-', order, f'", "store_id": "{store_name(store)}", "ordered_at": "', at,
                     f'{zone}", "lines": [')  # fmt: skip
        else:
            parts = (f"{day}-", order, f",{store_name(store)},", at, f"{zone},")
        return pc.binary_join_element_wise(*parts, "")

    def _lines(self, line_no: Whole, sku: Whole, units: Whole, is_json: bool) -> Any:
        """The text of each order line."""
        no, id_, quantity, price = (
            pc.cast(pa.array(line_no), pa.string()), self._sku_id.take(pa.array(sku)),
            pc.cast(pa.array(units), pa.string()), self._price_text.take(pa.array(sku)),
        )  # fmt: skip
        if is_json:
            return pc.binary_join_element_wise(
                '{"line_no": ', no, ', "sku": "', id_, '", "quantity": ', quantity, ', "unit_price": ', price, "}", ""
            )
        return pc.binary_join_element_wise(no, ",", id_, ",", quantity, ",", price, "\n", "")

    def _zone_of(self, store: int) -> str:
        """Every second store writes the offset of its times, the others leave it out."""
        return self._offset if store % 2 else ""

    def _order(self, store: int, number: int, skus: list[int], units: list[int], is_json: bool) -> Order:
        """One order as its record spells it."""
        second = int(self.draw.below(self._closes - OPENS, "second", np.array([number]))[0])
        head = {
            "order_id": f"{self.plan.day:%Y%m%d}-{number:08d}",
            "store_id": store_name(store),
            "ordered_at": self._clock[second].as_py() + self._zone_of(store),
        }
        lines = [
            {"line_no": str(n), "sku": self._sku[s], "quantity": str(u), "unit_price": self._price[s]}
            for n, (s, u) in enumerate(zip(skus, units, strict=True), 1)
        ]
        return Order(head, lines, is_json)

    def _plant(self, order: Order, truth: Truth) -> str:
        """Each file goes through the kinds in turn, beginning at one of its own, so that small days have all of them."""
        kinds = kinds_for("json" if order.is_json else "csv")
        store = int(order.head["store_id"][1:])
        turn = sum(truth.planted.values()) + store * 7
        chosen = kinds[turn % len(kinds)]
        if order.is_json and store == 1 and "line_too_long" not in truth.planted:
            chosen = fault("line_too_long")
        text, outcome = chosen.plant(order)
        truth.note(chosen.kind, outcome)
        return text


def _write_truth(file: Path, truth: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.write_text(json.dumps(truth, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(file)
