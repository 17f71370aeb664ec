"""The decision of a simulated night: the SQL of `sql/planning/`, rendered as the real night renders it, over other tables.

All tables of a simulated day lie in one Parquet file, told apart by the column `kind`; `net_demand` is a subquery of
`order_decisions`, so that a day is one statement. What a model reads and a backtest does not have is an empty table.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow
import pyarrow.csv
import pyarrow.parquet

from common.clients.hdfs import Hdfs
from common.clients.trino import Trino
from common.contracts import all_contracts, contract
from common.planning import Facts, render

_CENTS = "cast(unit_cost * 100 as bigint)"
ORDER = {  # of each order line: column -> its SQL over order_decisions, its type here
    "sku": ("sku", pyarrow.string()),
    "supplier_id": ("supplier_id", pyarrow.string()),
    "order_qty": ("order_qty", pyarrow.int64()),
    "need_qty": ("net_demand_qty", pyarrow.int64()),
    "moq_excess_qty": ("moq_excess_qty", pyarrow.int64()),
    "pack_excess_qty": ("pack_excess_qty", pyarrow.int64()),
    "cost_cents": (_CENTS, pyarrow.int64()),
    "days_to_due": ("date_diff('day', date '{day}', due_date)", pyarrow.int64()),
}
TERMS = {  # of each SKU, ordered or not
    "sku": ("sku", pyarrow.string()),
    "outcome": ("outcome", pyarrow.string()),
    "supplier_id": ("supplier_id", pyarrow.string()),
    "pack_size": ("pack_size", pyarrow.int64()),
    "moq": ("moq", pyarrow.int64()),
    "lead_time_days": ("lead_time_days", pyarrow.int64()),
    "cost_cents": (_CENTS, pyarrow.int64()),
}


class NightSql:
    """The night's SQL over tables that are replaced every simulated day; a context manager, which removes what it made."""

    def __init__(
        self, trino: Trino, hdfs: Hdfs, warehouse: str, settings: Mapping[str, Any], tables: Mapping[str, list[str]]
    ) -> None:
        """`tables`: the columns that `put` will be given, by table name without schema."""
        self._trino, self._hdfs, self._settings = trino, hdfs, settings
        self.columns = {name: [c for c in contract(_full(name)).columns if c.name in tables[name]] for name in tables}
        self.name = f"backtest_{secrets.token_hex(6)}"
        self._folder = f"{warehouse}/_backtest/{self.name}"

    def __enter__(self) -> NightSql:
        types = {c.name: c.type for columns in self.columns.values() for c in columns}
        listed = ", ".join(f"{name} {kind}" for name, kind in types.items())
        place = f"{self._hdfs.url.rstrip('/')}{self._folder}"
        self._hdfs.mkdirs(self._folder)
        self._trino.execute(
            f"create table hive.scratch.{self.name} (kind varchar, business_date date, {listed}) "
            f"with (format = 'PARQUET', external_location = '{place}')"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._trino.execute(f"drop table if exists hive.scratch.{self.name}")
        self._hdfs.delete(self._folder)

    def put(self, day: date, tables: Mapping[str, pyarrow.Table]) -> None:
        """Replaces all tables; rows without `business_date` are of the day."""
        out = io.BytesIO()
        whole = pyarrow.concat_tables([_marked(name, rows, day) for name, rows in tables.items()], promote_options="default")
        with pyarrow.parquet.ParquetWriter(out, whole.schema, compression="snappy") as writer:
            start = 0
            for rows in tables.values():  # a row group for each table: a scan reads its own alone
                if len(rows):
                    writer.write_table(whole.slice(start, len(rows)), row_group_size=len(rows))
                start += len(rows)
        self._hdfs.write(f"{self._folder}/day.parquet", out.getvalue(), overwrite=True)

    def orders(self, day: date) -> pyarrow.Table:
        """The order lines of the day, with the columns of ORDER."""
        return self._rows(day, ORDER, "outcome = 'ordered'")

    def terms(self, day: date) -> pyarrow.Table:
        """What becomes of each SKU and on which terms, with the columns of TERMS; null is not known."""
        return self._rows(day, TERMS, "true")

    def _rows(self, day: date, columns: Mapping[str, tuple[str, pyarrow.DataType]], where: str) -> pyarrow.Table:
        """Columns of the day's decisions, as one text: the client takes values apart one by one, at more than the query costs."""
        listed = ", ".join(f"coalesce(cast({sql.format(day=day)} as varchar), '')" for sql, _ in columns.values())
        text = self._trino.one(
            f"select array_join(array_agg(concat_ws(chr(9), {listed})), chr(10)) from ({self.decisions(day)}) where {where}"
        )
        types = {name: kind for name, (_, kind) in columns.items()}
        if not text:
            return pyarrow.table({name: pyarrow.array([], kind) for name, kind in types.items()})
        return pyarrow.csv.read_csv(
            io.BytesIO(text.encode()),
            pyarrow.csv.ReadOptions(column_names=list(types)),
            pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False),
            pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
        )

    def decisions(self, day: date) -> str:
        """The SQL of planning.order_decisions for the day."""
        facts = Facts(
            order_lines_run=1, stock_run=1, published_days=int(self._settings["planning.history_days"]),
            previous_stock_dates=(day - timedelta(days=1),),
        )  # fmt: skip
        references = {c.table: self._relation(c.table) for c in all_contracts()}
        need = render("net_demand", day, self._settings, references, facts)
        references["net_demand"] = f"(select *, date '{day}' as business_date from ({need}))"
        return render("order_decisions", day, self._settings, references, facts)

    def _relation(self, table: str) -> str:
        """How a model reads a table: from the day's file, or an empty one; columns that are not there are NULL."""
        given = {c.name for c in self.columns.get(table, [])}
        columns = [
            f"cast({c.name} as {c.type}) as {c.name}" if c.name in given else f"cast(null as {c.type}) as {c.name}"
            for c in contract(_full(table)).columns
        ]
        listed = ", ".join(columns)
        if not given:
            return f"(select {listed}, cast(null as date) as business_date where false)"
        return f"(select {listed}, business_date from hive.scratch.{self.name} where kind = '{table}')"


def _full(table: str) -> str:
    return next(c.name for c in all_contracts() if c.table == table)


def _marked(table: str, rows: pyarrow.Table, day: date) -> pyarrow.Table:
    if "business_date" not in rows.column_names:
        rows = rows.append_column("business_date", pyarrow.repeat(pyarrow.scalar(day), len(rows)))
    return rows.append_column("kind", pyarrow.repeat(pyarrow.scalar(table), len(rows)))
