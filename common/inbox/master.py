"""Loads master data into PostgreSQL: one CSV a table, all in one transaction. The same data again changes nothing."""

from __future__ import annotations

from pathlib import Path

import psycopg2
from psycopg2 import sql

from common.clients.postgres import Postgres
from common.errors import BadData
from common.landing.master import TABLES


def load_master(postgres: Postgres, files: dict[str, Path], *, replace: bool = False) -> dict[str, int]:
    """Adds or changes the rows of the CSV files (with header, NULL as nothing); how many rows of each table changed.

    Rows that the files do not name stay, but the suppliers of a SKU are taken as a whole: others of the same SKU would
    contradict them. `replace` empties all tables first, in the same transaction.
    BadData names the constraint when the data breaks one.
    """
    try:
        with postgres.transaction() as cursor:
            if replace:
                tables = sql.SQL(", ").join(sql.Identifier("procurement", table) for table in TABLES)
                cursor.execute(sql.SQL("truncate {}").format(tables))
            changed = {table: _load(cursor, table, files[table]) for table in TABLES if table in files}
        with postgres.transaction() as cursor:
            cursor.execute(sql.SQL("analyze {}").format(
                sql.SQL(", ").join(sql.Identifier("procurement", table) for table in changed)))
        return changed
    except (psycopg2.IntegrityError, psycopg2.DataError) as error:
        raise BadData("the master data breaks a constraint; nothing was changed", where=str(error).strip()) from None


def _load(cursor: psycopg2.extensions.cursor, table: str, file: Path) -> int:
    with file.open(encoding="utf-8", newline="") as lines:
        columns = lines.readline().strip().split(",")
        lines.seek(0)
        names: dict[str, sql.Composable] = {
            "target": sql.Identifier("procurement", table),
            "loaded": sql.Identifier(f"loaded_{table}"),
            "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
            "key": sql.SQL(", ").join(map(sql.Identifier, TABLES[table])),
        }
        cursor.execute(sql.SQL(
            "create temporary table {loaded} on commit drop as select {columns} from {target} limit 0").format(**names))
        copy = sql.SQL("copy {loaded} ({columns}) from stdin (format csv, header true)").format(**names)
        cursor.copy_expert(copy.as_string(cursor), lines)
    removed = _remove_others(cursor, columns, names) if table == "product_suppliers" else 0
    rest = [c for c in columns if c not in TABLES[table]]
    updates = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(c)) for c in rest)
    old = sql.SQL(", ").join(sql.SQL("mine.{}").format(sql.Identifier(c)) for c in rest)
    new = sql.SQL(", ").join(sql.SQL("excluded.{}").format(sql.Identifier(c)) for c in rest)
    cursor.execute(sql.SQL(
        "insert into {target} as mine ({columns}) select {columns} from {loaded} order by {key} "
        "on conflict ({key}) do update set {updates} where ({old}) is distinct from ({new})"
    ).format(updates=updates, old=old, new=new, **names))
    return max(int(cursor.rowcount), removed)


def _remove_others(cursor: psycopg2.extensions.cursor, columns: list[str], names: dict[str, sql.Composable]) -> int:
    """Removes the suppliers that loaded SKUs have and the file does not say exactly so: two may have changed places."""
    same = sql.SQL(" and ").join(
        sql.SQL("mine.{0} {1} new.{0}").format(
            sql.Identifier(c), sql.SQL("=" if c in TABLES["product_suppliers"] else "is not distinct from"))
        for c in columns
    )
    cursor.execute(sql.SQL(
        "delete from {target} as mine where sku in (select sku from {loaded})"
        " and not exists (select from {loaded} as new where {same})"
    ).format(same=same, **names))
    return int(cursor.rowcount)
