"""One closed loop: a policy on several sets of parameters, each with several shares of the safety stock, side by side.

Each set with a share is a scenario; its SKUs and suppliers carry its number in front (`2|1029743`), so that one statement a
day decides for all of them with the night's own SQL, and none sees another. SKU number k of scenario s is at place
s × (number of SKUs) + k.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow
import pyarrow.compute as pc

from common.backtest.loop import Lines
from common.backtest.masters import Masters
from common.backtest.night import NightSql
from common.backtest.policy import PAST_DAYS, Policy
from common.backtest.sales import Sales
from common.backtest.stock import Stock

# the columns that a simulated night fills; every other column of a contract is NULL
COLUMNS = {
    "pos_order_lines": ["store_id", "sku", "quantity"],
    "warehouse_stock": ["warehouse_id", "sku", "available_qty", "reserved_qty", "safety_stock_qty"],
    "products": ["sku", "name", "pack_size", "status"],
    "suppliers": ["supplier_id", "name", "is_active", "lead_time_days", "currency"],
    "replenishment_rules": ["sku", "moq", "safety_stock"],
    "product_suppliers": [
        "sku", "supplier_id", "priority", "valid_from", "valid_to", "pack_size", "moq", "unit_cost", "currency", "lead_time_days",
    ],
    "open_orders": [
        "order_number", "supplier_id", "sku", "due_date", "released_qty", "received_qty", "cancelled_qty", "open_qty",
        "is_closed",
    ],
}  # fmt: skip
MOST = 50_000
"""SKUs that one statement is asked about: with 28 days of history each, as many as a small Trino's memory holds."""


@dataclass(frozen=True)
class Scenario:
    """Master data, and the percentage of the safety stock with which they are played."""

    masters: Masters
    percent: int = 100


class Arm:
    """The tables of all scenarios, and the day's decision by the night's SQL."""

    def __init__(
        self, policy: Policy, scenarios: Sequence[Scenario], sales: Sales, night: NightSql, *, every_sku: bool = False,
        most: int = MOST,
    ) -> None:  # fmt: skip
        """`every_sku` asks the SQL about all SKUs on all days, and not only about those that may need something.

        A statement is about at most `most` SKUs, or about one scenario.
        """
        self.policy, self.scenarios, self.sales, self.night, self._most = policy, scenarios, sales, night, most
        self.every_sku = every_sku or policy.adds_lines
        plain = pyarrow.array(sales.skus)
        names = [pc.binary_join_element_wise(f"{s}|", plain, "") for s in range(len(scenarios))]
        self.names = pyarrow.chunked_array(names).combine_chunks()
        self._products = self._of_skus("products")
        self._rules = self._of_skus("replenishment_rules")
        self._offers = self._of_skus("product_suppliers").sort_by("place")
        self._suppliers = pyarrow.concat_tables(
            [self._prefixed(one.masters.tables["suppliers"], "supplier_id", s) for s, one in enumerate(scenarios)]
        )
        self.book_safety = np.concatenate([share_of(one.masters.book_safety, one.percent) for one in scenarios])
        self.safety = np.concatenate([share_of(one.masters.safety(sales.skus), one.percent) for one in scenarios])
        self._past: list[tuple[date, np.ndarray, np.ndarray]] = []  # snapshots of the days before
        self._supplier = np.full(len(self.names), "", object)  # that the open orders of a SKU went to
        self._horizon = np.concatenate([self._longest_lead(one.masters) for one in scenarios]) + 1
        self._nobody = np.zeros(len(self.names), np.int64)  # what is owed where nothing is

    def opening(self, unmet: str) -> Stock:
        """Every SKU begins with exactly its safety stock: what no policy would add to or take from."""
        return Stock(self.safety.copy(), unmet)

    def decide(self, day: date, stock: Stock, demand: np.ndarray) -> Lines:
        """What the night orders, given the morning's stock and the day's demand."""
        parts = [self._decide(day, asked, stock, demand) for asked in self._parted(self._asked(day, stock, demand))]
        if self.policy.reads_history:
            owed = stock.owed.copy() if stock.owed.any() else self._nobody
            self._past = [*self._past, (day, stock.on_hand.copy(), owed)][-PAST_DAYS:]
        return Lines.joined(parts)

    def _parted(self, asked: np.ndarray) -> Iterator[np.ndarray]:
        """The places of each statement: as many scenarios as it may be about, and one at least."""
        ends = np.searchsorted(asked, len(self.sales.skus) * np.arange(1, len(self.scenarios) + 1)).tolist()
        start = 0
        for end, following in zip(ends, [*ends[1:], None], strict=True):
            if following is None or following - start > self._most:
                yield asked[start:end]
                start = end

    def _decide(self, day: date, asked: np.ndarray, stock: Stock, demand: np.ndarray) -> Lines:
        """What the night orders of the SKUs at these places."""
        tables = self.tables(asked, stock, demand)
        self.night.put(day, self._with_past(day, asked, stock, tables) if self.policy.reads_history else tables)
        found = self.night.orders(day)
        at = asked[pc.index_in(found["sku"], pc.take(self.names, asked)).to_numpy()]
        self._supplier[at] = found["supplier_id"].to_pylist()
        column = {name: found[name].to_numpy() for name in found.column_names if found.schema.field(name).type == pyarrow.int64()}
        moq, pack = column["moq_excess_qty"], column["pack_excess_qty"]
        return Lines(
            at, column["order_qty"], day.toordinal() + column["days_to_due"], moq, pack,
            column["order_qty"] - column["need_qty"] - moq - pack, column["cost_cents"], found["supplier_id"].combine_chunks(),
        )  # fmt: skip

    def tables(self, asked: np.ndarray, stock: Stock, demand: np.ndarray) -> dict[str, pyarrow.Table]:
        """The staged tables of a day for the SKUs at these places (sorted)."""
        mask = np.zeros(len(demand), bool)
        mask[asked] = True
        sold = asked[demand[asked] > 0]
        offers = self._offers.filter(pyarrow.array(mask[self._offers["place"].to_numpy()]))
        used = self._suppliers.filter(pc.is_in(self._suppliers["supplier_id"], pc.unique(offers["supplier_id"])))
        return {
            "pos_order_lines": self._lines(sold, demand[sold]),
            "warehouse_stock": self._snapshot(asked, stock.on_hand, stock.owed),
            "products": self._products.filter(pyarrow.array(mask[self._products["place"].to_numpy()])).drop("place"),
            "replenishment_rules": self._rules.filter(pyarrow.array(mask[self._rules["place"].to_numpy()])).drop("place"),
            "product_suppliers": offers.drop("place"),
            "suppliers": used,
        }  # fmt: skip

    def _lines(self, sold: np.ndarray, units: np.ndarray) -> pyarrow.Table:
        """Order lines of a day: one a SKU, of one store."""
        store = pyarrow.repeat(pyarrow.scalar("1"), len(sold))
        return pyarrow.table({"store_id": store, "sku": pc.take(self.names, sold), "quantity": units})

    def _snapshot(self, asked: np.ndarray, on_hand: np.ndarray, owed: np.ndarray) -> pyarrow.Table:
        """The snapshot of the one warehouse: what is owed to customers is reserved."""
        return pyarrow.table({
            "warehouse_id": pyarrow.repeat(pyarrow.scalar("W1"), len(asked)), "sku": pc.take(self.names, asked),
            "available_qty": on_hand[asked], "reserved_qty": owed[asked], "safety_stock_qty": self.book_safety[asked],
        })  # fmt: skip

    def _asked(self, day: date, stock: Stock, demand: np.ndarray) -> np.ndarray:
        """Places of the SKUs that the night may order; the SQL decides about them. All others need nothing.

        By the formula those whose demand and safety stock are more than what is free. By order_up_to those whose safety
        stock and requirement are more than what is free and on order, the requirement taken as large as it can be: spikes
        count in full, for the longest lead time. With too few days in stock the formula decides, and so it does here.
        """
        if self.every_sku:
            return np.arange(len(demand))
        free = stock.on_hand - stock.owed
        lacks = demand + self.safety - free > 0
        if self.policy.is_order_up_to:
            days, units = self._stocked(day, stock)
            most = -(-units * self._horizon // np.maximum(days, 1))
            covers = days >= self.policy.settings["planning.min_history_days"]
            lacks = np.where(covers, most + self.safety - free - stock.on_order > 0, lacks)
        return np.flatnonzero(lacks)

    def _stocked(self, day: date, stock: Stock) -> tuple[np.ndarray, np.ndarray]:
        """Of each SKU the days of the window with sales of anybody on which it was in stock, and its units sold on them."""
        days, units = np.zeros(len(self.names), np.int16), np.zeros(len(self.names), np.int64)
        for past, on_hand, owed in self._before(day, stock):
            at, sold = self._sold(past)
            if len(at):
                is_stocked = on_hand > owed
                days += is_stocked
                units[at] += sold * is_stocked[at]
        return days, units

    def _sold(self, day: date) -> tuple[np.ndarray, np.ndarray]:
        """Places, in their order, and units of what was sold on a day."""
        at, units = self.sales.of(day)
        starts = len(self.sales.skus) * np.arange(len(self.scenarios))
        return (starts[:, None] + at).ravel(), np.tile(units, len(starts))

    def _with_past(
        self, day: date, asked: np.ndarray, stock: Stock, tables: dict[str, pyarrow.Table]
    ) -> dict[str, pyarrow.Table]:
        """The tables with the window's order lines and snapshots, and the open orders; before the first day all was as on it."""
        lines, snapshots = [_dated(tables["pos_order_lines"], day)], [_dated(tables["warehouse_stock"], day)]
        mask = np.zeros(len(self.names), bool)
        mask[asked] = True
        for past, on_hand, owed in self._before(day, stock):
            snapshots.append(_dated(self._snapshot(asked, on_hand, owed), past))
            at, units = self._sold(past)
            told = mask[at]
            told[:1] = True  # a line of anybody: a day on which nobody sold anything is one with closed stores
            lines.append(_dated(self._lines(at[told], units[told]), past))
        coming = [self._open_orders(asked, due, units) for due, units in stock.arrivals.items()]
        more = {"pos_order_lines": pyarrow.concat_tables(lines), "warehouse_stock": pyarrow.concat_tables(snapshots)}
        return {**tables, **more, **({"open_orders": pyarrow.concat_tables(coming)} if coming else {})}

    def _before(self, day: date, stock: Stock) -> list[tuple[date, np.ndarray, np.ndarray]]:
        """The days of the window with what was on hand and owed in the morning; before the first one it was as on it."""
        known = {past: (on_hand, owed) for past, on_hand, owed in self._past}
        first = known[min(known)] if known else (stock.on_hand, stock.owed)
        days = [day - timedelta(days=n) for n in range(1, PAST_DAYS + 1)]
        return [(past, *known.get(past, first)) for past in days]

    def _open_orders(self, asked: np.ndarray, due: int, units: np.ndarray) -> pyarrow.Table:
        """What is due on a day, as one order of each supplier; orders of several days are one here."""
        at = asked[units[asked] > 0]
        nothing, supplier = np.zeros(len(at), np.int64), pyarrow.array(self._supplier[at], pyarrow.string())
        return pyarrow.table({
            "order_number": pc.binary_join_element_wise(f"{due}-", supplier, ""),
            "supplier_id": supplier, "sku": pc.take(self.names, at),
            "due_date": pyarrow.repeat(pyarrow.scalar(date.fromordinal(due)), len(at)),
            "released_qty": units[at], "received_qty": nothing, "cancelled_qty": nothing, "open_qty": units[at],
            "is_closed": np.zeros(len(at), bool),
        })  # fmt: skip

    def _longest_lead(self, masters: Masters) -> np.ndarray:
        """The longest lead time of any of a SKU's suppliers, in days."""
        offers, suppliers = (masters.tables[t] for t in ("product_suppliers", "suppliers"))
        at = pc.index_in(offers["supplier_id"], suppliers["supplier_id"].combine_chunks())
        lead = pc.coalesce(offers["lead_time_days"], pc.take(suppliers["lead_time_days"], at))
        longest = np.zeros(len(self.sales.skus), np.int64)
        place = pc.index_in(offers["sku"], pyarrow.array(self.sales.skus))
        known = pc.is_valid(place).to_numpy()
        np.maximum.at(longest, place.to_numpy()[known].astype(np.int64), lead.to_numpy()[known].astype(np.int64))
        return longest

    def _of_skus(self, table: str) -> pyarrow.Table:
        """A table of SKUs for all scenarios, with the place of each row's SKU; rows of other SKUs are left out."""
        parts, skus = [], pyarrow.array(self.sales.skus)
        for scenario, one in enumerate(self.scenarios):
            rows = one.masters.tables[table]
            position = pc.index_in(rows["sku"], skus)
            known = pc.is_valid(position)
            part = self._prefixed(rows.filter(known).select(self._columns(table, rows)), "sku", scenario)
            if "supplier_id" in part.column_names:
                part = self._prefixed(part, "supplier_id", scenario)
            if table == "replenishment_rules":
                part = part.set_column(
                    part.column_names.index("safety_stock"), "safety_stock",
                    pc.divide(pc.add(pc.multiply(part["safety_stock"], one.percent), 99), 100),
                )  # fmt: skip
            place = pc.add(position.filter(known).cast(pyarrow.int64()), scenario * len(self.sales.skus))
            parts.append(part.append_column("place", place))
        return pyarrow.concat_tables(parts)

    @staticmethod
    def _columns(table: str, rows: pyarrow.Table) -> list[str]:
        return [name for name in COLUMNS[table] if name in rows.column_names]

    @staticmethod
    def _prefixed(rows: pyarrow.Table, name: str, scenario: int) -> pyarrow.Table:
        return rows.set_column(rows.column_names.index(name), name, pc.binary_join_element_wise(f"{scenario}|", rows[name], ""))


def share_of(units: np.ndarray, percent: int) -> np.ndarray:
    """So many percent of whole units, rounded up."""
    return (units * percent + 99) // 100


def _dated(rows: pyarrow.Table, day: date) -> pyarrow.Table:
    return rows.append_column("business_date", pyarrow.repeat(pyarrow.scalar(day), len(rows)))
