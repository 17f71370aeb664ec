"""One closed loop: a policy on one set of parameters, for several shares of the safety stock side by side.

Each share is a scenario; its SKUs and suppliers carry its number in front (`2|1029743`), so one statement a day decides for
all of them with the night's own SQL, and none sees another. SKU number k of scenario s is at place s × (number of SKUs) + k.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow
import pyarrow.compute as pc

from common.backtest.loop import Lines
from common.backtest.masters import Masters
from common.backtest.night import NightSql
from common.backtest.policy import Policy
from common.backtest.sales import Sales
from common.backtest.stock import Stock

# the columns that a simulated night fills; every other column of a contract is NULL
COLUMNS = {
    "pos_order_lines": ["sku", "quantity"],
    "warehouse_stock": ["warehouse_id", "sku", "available_qty", "reserved_qty", "safety_stock_qty"],
    "products": ["sku", "name", "pack_size", "status"],
    "suppliers": ["supplier_id", "name", "is_active", "lead_time_days", "currency"],
    "replenishment_rules": ["sku", "moq", "safety_stock"],
    "product_suppliers": [
        "sku", "supplier_id", "priority", "valid_from", "valid_to", "pack_size", "moq", "unit_cost", "currency", "lead_time_days",
    ],
}  # fmt: skip


class Arm:
    """The tables of all scenarios, and the day's decision by the night's SQL."""

    def __init__(
        self, policy: Policy, masters: Masters, sales: Sales, shares: list[int], night: NightSql, *, every_sku: bool = False
    ) -> None:
        """`every_sku` asks the SQL about all SKUs on all days, and not only about those that may need something."""
        self.policy, self.masters, self.sales, self.shares, self.night = policy, masters, sales, shares, night
        self.every_sku = every_sku or policy.adds_lines
        count = len(sales.skus)
        plain = pyarrow.array(sales.skus)
        self.names = pyarrow.chunked_array([pc.binary_join_element_wise(f"{s}|", plain, "") for s in range(len(shares))])
        self.names = self.names.combine_chunks()
        self._products = self._of_skus("products")
        self._rules = self._of_skus("replenishment_rules")
        self._offers = self._of_skus("product_suppliers").sort_by("place")
        suppliers = masters.tables["suppliers"]
        self._suppliers = pyarrow.concat_tables(
            [self._prefixed(suppliers, "supplier_id", s) for s in range(len(shares))]
        )
        safety = masters.safety(sales.skus)
        self.book_safety = np.concatenate([_share(masters.book_safety, percent) for percent in shares])
        self.safety = np.concatenate([_share(safety, percent) for percent in shares])
        assert len(self.book_safety) == len(shares) * count

    def opening(self, unmet: str) -> Stock:
        """Every SKU begins with exactly its safety stock: what no policy would add to or take from."""
        return Stock(self.safety.copy(), unmet)

    def decide(self, day: date, stock: Stock, demand: np.ndarray) -> Lines:
        """What the night orders, given the morning's stock and the day's demand."""
        asked = self._asked(stock, demand)
        self.night.put(day, self.tables(asked, stock, demand))
        found = self.night.orders(day)
        at = asked[pc.index_in(found["sku"], pc.take(self.names, asked)).to_numpy()]
        column = {name: found[name].to_numpy() for name in found.column_names if found.schema.field(name).type == pyarrow.int64()}
        moq, pack = column["moq_excess_qty"], column["pack_excess_qty"]
        return Lines(
            at, column["order_qty"], day.toordinal() + column["days_to_due"], moq, pack,
            column["order_qty"] - column["need_qty"] - moq - pack, column["cost_cents"], found["supplier_id"].combine_chunks(),
        )  # fmt: skip

    def tables(self, asked: np.ndarray, stock: Stock, demand: np.ndarray) -> dict[str, pyarrow.Table]:
        """The staged tables of a day for the SKUs at these places (sorted)."""
        names = pc.take(self.names, asked)
        sold = asked[demand[asked] > 0]
        mask = np.zeros(len(demand), bool)
        mask[asked] = True
        offers = self._offers.filter(pyarrow.array(mask[self._offers["place"].to_numpy()]))
        used = self._suppliers.filter(pc.is_in(self._suppliers["supplier_id"], pc.unique(offers["supplier_id"])))
        return {
            "pos_order_lines": pyarrow.table({"sku": pc.take(self.names, sold), "quantity": demand[sold]}),
            "warehouse_stock": pyarrow.table({
                "warehouse_id": pyarrow.repeat(pyarrow.scalar("W1"), len(asked)), "sku": names,
                "available_qty": stock.on_hand[asked], "reserved_qty": stock.owed[asked],
                "safety_stock_qty": self.book_safety[asked],
            }),
            "products": self._products.filter(pyarrow.array(mask[self._products["place"].to_numpy()])).drop("place"),
            "replenishment_rules": self._rules.filter(pyarrow.array(mask[self._rules["place"].to_numpy()])).drop("place"),
            "product_suppliers": offers.drop("place"),
            "suppliers": used,
        }  # fmt: skip

    def _asked(self, stock: Stock, demand: np.ndarray) -> np.ndarray:
        """Places of the SKUs that the night may order: with demand, or with less free than the safety stock.

        All others need nothing by the formula: 0 + safety stock - free <= 0. The SQL decides about the rest.
        """
        if self.every_sku:
            return np.arange(len(demand))
        return np.flatnonzero((demand > 0) | (stock.on_hand - stock.owed < self.safety))

    def _of_skus(self, table: str) -> pyarrow.Table:
        """A table of SKUs for all scenarios, with the place of each row's SKU; rows of other SKUs are left out."""
        rows = self.masters.tables[table]
        position = pc.index_in(rows["sku"], pyarrow.array(self.sales.skus))
        known = pc.is_valid(position)
        rows, position = rows.filter(known).select(self._columns(table, rows)), position.filter(known)
        parts = []
        for scenario, percent in enumerate(self.shares):
            part = self._prefixed(rows, "sku", scenario)
            if "supplier_id" in rows.column_names:
                part = self._prefixed(part, "supplier_id", scenario)
            if table == "replenishment_rules":
                part = part.set_column(
                    part.column_names.index("safety_stock"), "safety_stock",
                    pc.divide(pc.add(pc.multiply(part["safety_stock"], percent), 99), 100),
                )  # fmt: skip
            place = pc.add(position.cast(pyarrow.int64()), scenario * len(self.sales.skus))
            parts.append(part.append_column("place", place))
        return pyarrow.concat_tables(parts)

    @staticmethod
    def _columns(table: str, rows: pyarrow.Table) -> list[str]:
        return [name for name in COLUMNS[table] if name in rows.column_names]

    @staticmethod
    def _prefixed(rows: pyarrow.Table, name: str, scenario: int) -> pyarrow.Table:
        return rows.set_column(rows.column_names.index(name), name, pc.binary_join_element_wise(f"{scenario}|", rows[name], ""))


def _share(units: np.ndarray, percent: int) -> np.ndarray:
    return (units * percent + 99) // 100
