"""Master data of a backtest: three sets of the parameters that the real data does not have, and which SKUs can be ordered.

A till knows neither packs nor minimum order quantities, lead times or safety stocks. What comes out of a backtest depends
on them, so it is run on three sets, from fine to coarse. `docs/backtest.md` says what each means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

import numpy as np
import pyarrow
import pyarrow.compute as pc

from common.contracts import contract
from common.errors import Usage
from common.inbox.retailer import Retailer

TABLES = ("products", "suppliers", "replenishment_rules", "product_suppliers")


@dataclass(frozen=True)
class ParameterSet:
    """One set of derived parameters.

    pack, lead  numerator and denominator by which the demo's pack sizes and lead times are multiplied, rounded up
    moq_packs   the MOQ in packs; None keeps the demo's
    past_only   safety stock from sales before the warm-up; else the demo's, which knows the whole year
    """

    name: str
    meaning: str
    pack: tuple[int, int] = (1, 1)
    lead: tuple[int, int] = (1, 1)
    moq_packs: int | None = None
    past_only: bool = True


SETS = {
    each.name: each
    for each in (
        ParameterSet(
            "demo",
            "master data exactly as the demo's: packs 1 to 48, MOQ one to three packs, lead times 1 to 10 days, "
            "safety stock that knows the year",
            past_only=False,
        ),
        ParameterSet(
            "fine",
            "a quarter of the demo's packs, MOQ one pack, a third of its lead times; safety stock from past sales",
            (1, 4), (1, 3), 1,
        ),
        ParameterSet(
            "coarse",
            "twice the demo's packs, MOQ two packs, twice its lead times; safety stock from past sales",
            (2, 1), (2, 1), 2,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Masters:
    """Master data of one parameter set: staged tables by name, and each SKU's safety stock in the warehouses' own books."""

    tables: Mapping[str, pyarrow.Table]
    book_safety: np.ndarray

    def safety(self, skus: list[str]) -> np.ndarray:
        """The safety stock that counts for each SKU: the rule's where it is set, else the warehouses' own."""
        rule = self.rule_safety(skus)
        return np.where(rule < 0, self.book_safety, rule)

    def rule_safety(self, skus: list[str]) -> np.ndarray:
        """The safety stock that the rule sets for each SKU; -1 where it is not set."""
        rules = self.tables["replenishment_rules"]
        at = pc.index_in(pyarrow.array(skus), rules["sku"].combine_chunks())
        found = pc.take(rules["safety_stock"].combine_chunks(), at)
        return pc.fill_null(found, -1).to_numpy().astype(np.int64)


def set_named(name: str) -> ParameterSet:
    """A parameter set by name, or Usage."""
    if name not in SETS:
        raise Usage(f"there is no parameter set {name!r}", next=f"one of {', '.join(SETS)}")
    return SETS[name]


def read_masters(retailer: Retailer) -> dict[str, pyarrow.Table]:
    """The demo's master data, with the columns that the night's SQL reads in the types of the contracts."""
    return {table: staged(table, retailer.master_table(table)) for table in TABLES}


def staged(table: str, rows: pyarrow.Table) -> pyarrow.Table:
    """Rows with the types of `staging.<table>`; columns that the contract does not have are dropped."""
    known = {column.name: column.type for column in contract(f"staging.{table}").columns}
    names = [name for name in rows.column_names if name in known]
    return pyarrow.table({name: rows[name].cast(arrow_type(known[name])) for name in names})


def arrow_type(trino: str) -> pyarrow.DataType:
    """Arrow's type for a contract's."""
    plain = {
        "varchar": pyarrow.string(), "boolean": pyarrow.bool_(), "integer": pyarrow.int32(), "bigint": pyarrow.int64(),
        "date": pyarrow.date32(), "timestamp(6)": pyarrow.timestamp("us"), "array(varchar)": pyarrow.list_(pyarrow.string()),
    }  # fmt: skip
    if trino in plain:
        return plain[trino]
    precision, scale = trino.removeprefix("decimal(").removesuffix(")").split(",")
    return pyarrow.decimal128(int(precision), int(scale))


def derived(given: Mapping[str, pyarrow.Table], kind: ParameterSet, book: np.ndarray, sold: np.ndarray, days: int) -> Masters:
    """The master data of a set.

    given  the demo's tables; products are sorted by SKU
    book   safety stock of each product in the demo's warehouses
    sold   units of each product sold in the `days` days before the warm-up
    """
    products, offers, rules, suppliers = (
        given[t] for t in ("products", "product_suppliers", "replenishment_rules", "suppliers")
    )
    products = _with(products, "pack_size", _scaled(products["pack_size"], kind.pack))
    offers = _with(offers, "pack_size", _scaled(offers["pack_size"], kind.pack))
    offers = _with(offers, "lead_time_days", _scaled(offers["lead_time_days"], kind.lead))
    suppliers = _with(suppliers, "lead_time_days", _scaled(suppliers["lead_time_days"], kind.lead))
    if kind.moq_packs is not None:
        pack = _looked_up(rules["sku"], products["sku"], products["pack_size"])
        rules = _with(rules, "moq", _in_packs(rules["moq"], pack, kind.moq_packs))
        pack = _looked_up(offers["sku"], products["sku"], products["pack_size"])
        offers = _with(offers, "moq", _in_packs(offers["moq"], pc.coalesce(offers["pack_size"], pack), kind.moq_packs))
    if kind.past_only:
        book = _safety(products["sku"], offers, suppliers, sold, days)
        set_in_rule = pc.is_valid(rules["safety_stock"])
        own = _looked_up(rules["sku"], products["sku"], pyarrow.chunked_array([pyarrow.array(book)]))
        rules = _with(rules, "safety_stock", pc.if_else(set_in_rule, own, pyarrow.scalar(None, pyarrow.int64())))
    tables = {"products": products, "suppliers": suppliers, "replenishment_rules": rules, "product_suppliers": offers}
    return Masters(tables, book)


def _safety(
    skus: pyarrow.ChunkedArray, offers: pyarrow.Table, suppliers: pyarrow.Table, sold: np.ndarray, days: int
) -> np.ndarray:
    """Twice the root of what past sales make likely within the lead time, and one: the demo's rule, without the future."""
    first = offers.filter(pc.equal(offers["priority"], 1))
    maker = _looked_up(skus, first["sku"], first["supplier_id"])
    lead = pc.fill_null(_looked_up(maker, suppliers["supplier_id"], suppliers["lead_time_days"]), 1).to_pylist()
    pairs = zip(sold.tolist(), lead, strict=True)
    return np.array([isqrt(4 * units * time // max(days, 1)) + 1 for units, time in pairs], np.int64)


def _with(table: pyarrow.Table, name: str, values: pyarrow.ChunkedArray) -> pyarrow.Table:
    at = table.column_names.index(name)
    return table.set_column(at, name, values.cast(table.schema.field(name).type))


def _scaled(values: pyarrow.ChunkedArray, by: tuple[int, int]) -> pyarrow.ChunkedArray:
    """Whole numbers times a fraction, rounded up; null stays null."""
    times = pc.multiply(values.cast(pyarrow.int64()), by[0])
    return pc.divide(pc.add(times, by[1] - 1), by[1])


def _in_packs(moq: pyarrow.ChunkedArray, pack: pyarrow.ChunkedArray, packs: int) -> pyarrow.ChunkedArray:
    """So many packs where an MOQ is set; one that is not set stays so."""
    return pc.if_else(pc.is_valid(moq), pc.multiply(pack.cast(pyarrow.int64()), packs), pyarrow.scalar(None, pyarrow.int64()))


def _looked_up(keys: pyarrow.ChunkedArray, names: pyarrow.ChunkedArray, values: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """The value of each key, null where there is none; the first one where a name stands twice."""
    at = pc.index_in(keys, names.combine_chunks())
    return pc.take(values, at)
