"""DuckDB doing the same work with 2 threads, from the same HDFS: parse, judge, duplicates, rejects with reasons, Parquet.

It is the yardstick for speed, not for exactness: docs/architecture.md says what its JSON reader lets pass.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
from hdfs_native.fsspec import HdfsFileSystem

from common.benchmark.made import DAY, settings_at
from common.clients.hdfs import Hdfs
from common.staging.days import business_day

_LINES = "struct(line_no varchar, sku varchar, quantity varchar, unit_price varchar)[]"
_COLUMNS = f"{{order_id: 'varchar', store_id: 'varchar', ordered_at: 'varchar', lines: '{_LINES}'}}"
_COPY = "(format parquet, compression zstd, compression_level 1)"
_STAGED = "order_id, line_no, store_id, moment as ordered_at, sku, quantity, unit_price, file, line"
_WHOLE = "quantity is not null and not contains(l.quantity, '.') and not contains(l.quantity, 'e')"
_EXACT = "unit_price >= 0 and unit_price = try_cast(l.unit_price as decimal(18,6))"


def statements(raw: str, folder: str, shift: str, first: str, last: str) -> list[str]:
    """The whole staging as SQL; `shift` is the zone's offset of the date, `first` and `last` bound its instants."""
    return [
        f"create temp table sku as select sku from '{folder}/master/sku/0.parquet'",
        f"create temp table store as select store_id from '{folder}/master/store_id/0.parquet'",
        f"""create temp table records as select filename as file, order_id, store_id, ordered_at, lines
            from read_json('{raw}/*.jsonl', format = 'newline_delimited', ignore_errors = true, filename = true,
                columns = {_COLUMNS})""",
        "create temp table firsts as select file, min(rowid) as first_row from records group by file",
        "create temp table suspect as select order_id from records group by order_id having count(*) > 1",
        f"""set preserve_insertion_order = false; create temp table judged as
            with orders as (
                select file, records.rowid - first_row + 1 as line, order_id, store_id, lines,
                    try_cast(left(ordered_at, 19) as timestamp) - interval '{shift}' as moment,
                    list_unique(list_transform(lines, lambda x: x.line_no)) < len(lines)
                        or order_id in (from suspect) as doubtful,
                    order_id <> '' and moment >= '{first}' and moment < '{last}' and store_id in (from store) as order_ok
                from records join firsts using (file)
            ),
            each as (
                select * exclude (lines), unnest(case when len(lines) > 0 then lines else [null] end) as l from orders
            )
            select *, try_cast(l.line_no as integer) as line_no, l.sku as sku, try_cast(l.quantity as bigint) as quantity,
                try_cast(l.unit_price as decimal(12,2)) as unit_price,
                coalesce(order_ok and line_no >= 1 and l.sku in (from sku) and {_WHOLE} and {_EXACT}, false) as ok
            from each""",
        "create temp table odd as select * from judged where not ok or quantity < 1 or doubtful",
        """create temp table dup as select *, row_number() over same as nth, count(*) over key as n_key,
                count(*) over copies as n_same
            from odd where ok and quantity >= 1
            window key as (partition by order_id, line_no),
                copies as (partition by order_id, line_no, store_id, moment, sku, quantity, unit_price),
                same as (copies order by file, line)""",
        f"""copy (select {_STAGED} from judged where ok and quantity >= 1 and doubtful is not true
            union all select {_STAGED} from dup where n_key = n_same and nth = 1) to 'accepted.parquet' {_COPY}""",
        f"""copy (select file, line, order_id, l, list_filter([
                case when order_id is null then 'order_id_missing' end,
                case when moment is null then 'ordered_at_invalid'
                    when moment < '{first}' or moment >= '{last}' then 'other_business_date' end,
                case when store_id not in (from store) then 'store_id_unknown' end,
                case when coalesce(line_no, 0) < 1 then 'line_no_invalid' end,
                case when sku is null then 'sku_missing' when sku not in (from sku) then 'sku_unknown' end,
                case when not coalesce({_WHOLE}, false) then 'quantity_invalid' when quantity < 0 then 'quantity_negative'
                    when quantity = 0 then 'quantity_zero' end,
                case when not coalesce({_EXACT}, false) then 'unit_price_invalid' end],
                lambda x: x is not null) as reasons
            from odd where not ok or quantity < 1
            union all select file, line, order_id, l, ['conflicting_duplicate'] from dup where n_key <> n_same)
            to 'rejected.parquet' {_COPY}""",
    ]


def main(folder: str, overrides: list[str]) -> None:
    """Stages the day once and prints its counts as JSON."""
    settings = settings_at(folder, overrides)
    url = settings.service("HDFS_URL")
    hdfs, parts = Hdfs(url), urlsplit(url)
    day = business_day(DAY, settings["business.time_zone"], settings["business.day_ends"])
    offset = day.constant_offset()
    assert offset is not None
    shift = f"{int(offset.total_seconds() // 3600)} hours"
    first, last = (t.replace(tzinfo=None).isoformat(" ") for t in (day.start, day.end))
    db = duckdb.connect(config={"threads": 2})
    db.register_filesystem(HdfsFileSystem(host=parts.hostname, port=parts.port))
    with tempfile.TemporaryDirectory() as scratch:
        for sql in statements(f"{url}{folder}/raw/orders/{DAY}", f"{url}{folder}", shift, first, last):
            db.execute(sql.replace("to '", f"to '{scratch}/"))
        counts = db.execute(f"""
            select (select count(*) from '{scratch}/accepted.parquet'),
                (select count(*) from '{scratch}/rejected.parquet' where reasons <> ['quantity_negative']),
                (select count(*) from '{scratch}/rejected.parquet' where reasons = ['quantity_negative']),
                (select count(*) from dup where n_key = n_same and nth > 1)""").fetchall()[0]
        for name in ("accepted", "rejected"):
            hdfs.write(f"{folder}/duckdb/{name}.parquet", Path(scratch, f"{name}.parquet").read_bytes(), overwrite=True)
    names = ("accepted", "rejected", "set_aside", "duplicates")
    print(json.dumps(dict(zip(names, counts, strict=True))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
