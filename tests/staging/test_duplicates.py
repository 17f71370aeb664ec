"""Duplicates of a day against a plain dictionary: across files, formats and blocks."""

from __future__ import annotations

import io
import json
import random
from collections import defaultdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.staging import duplicates
from common.staging.attempts import parquet
from common.staging.feeds import ORDERS
from common.staging.lines import blocks
from common.staging.prove import hashes
from common.staging.rejects import portions
from common.staging.tables import refused_schema, table_of, text_bytes
from common.staging.two_tier import Work, connect, stage
from tests.staging.memory import DAY, LINE_BYTES, STORES, both, known_of, run, stock

HEADER = "order_id,store_id,ordered_at,line_no,sku,quantity,unit_price"


def as_json(order_id, lines):
    return json.dumps(
        {
            "order_id": order_id,
            "store_id": STORES[0],
            "ordered_at": "2017-12-23T10:00:00",
            "lines": [{"line_no": n, "sku": "SKU-0001", "quantity": q, "unit_price": 1} for n, q in lines],
        }
    )


def as_csv(order_id, lines):
    return "\n".join(f"{order_id},{STORES[0]},2017-12-23T10:00:00,{n},SKU-0001,{q},1" for n, q in lines)


def expected(rows):
    """{(order, line): quantity} kept, copies, rejected rows; rows are (order, line, quantity)."""
    found = defaultdict(list)
    for order_id, line, quantity in rows:
        found[order_id, line].append(quantity)
    kept = {key: qs[0] for key, qs in found.items() if len(set(qs)) == 1}
    copies = sum(len(qs) - 1 for qs in found.values() if len(set(qs)) == 1)
    return kept, copies, sum(len(qs) for qs in found.values() if len(set(qs)) > 1)


@pytest.mark.parametrize("seed", range(6))
def test_against_a_dictionary(seed):
    random_ = random.Random(seed)
    files, rows = defaultdict(list), []
    for _ in range(250):
        order_id = f"O{random_.randint(1, 150)}"
        lines = [(n, random_.choice([1, 1, 1, 2])) for n in range(1, random_.randint(2, 4))]
        rows += [(order_id, *line) for line in lines]
        name = random_.choice(["a.jsonl", "b.jsonl", "c.csv", "d.csv"])
        files[name].append((as_csv if name.endswith("csv") else as_json)(order_id, lines))
    data = {n: "\n".join([HEADER, *texts] if n.endswith("csv") else texts).encode() for n, texts in files.items()}
    result = both(data, size=random_.choice([500, 4000, 1 << 20]))
    kept, copies, rejected = expected(rows)
    assert {(r[0], r[1]): r[5] for r in result.accepted} == kept
    assert sum(c.duplicates for c in result.counts.values()) == copies
    assert len(result.refused) == rejected
    assert {tuple(r) for r in result.reasons()} <= {("conflicting_duplicate",)}


def test_the_first_copy_by_file_and_line_is_kept():
    order = as_json("A", [(1, 5)])
    files = {"b.jsonl": order.encode(), "a.jsonl": f"{as_json('B', [(1, 1)])}\n{order}\n{order}".encode()}
    result = both(files)
    assert sorted((r[0], r[7], r[8]) for r in result.accepted) == [("A", "a.jsonl", 2), ("B", "a.jsonl", 1)]
    assert (result.counts["a.jsonl"].duplicates, result.counts["b.jsonl"].duplicates) == (1, 1)


def test_line_10_comes_after_line_9():
    lines = [as_json(f"B{n}", [(1, 1)]) for n in range(8)] + [as_json("A", [(1, 5)])] * 3
    result = both({"a.jsonl": "\n".join(lines).encode()})
    assert [r[8] for r in result.accepted if r[0] == "A"] == [9]


def test_buckets_give_what_one_bucket_gives():
    random_ = random.Random(3)
    text = "\n".join(as_json(f"O{random_.randint(1, 60)}", [(1, random_.choice([1, 2]))]) for _ in range(300)).encode()
    one, many = run({"a.jsonl": text}), run({"a.jsonl": text}, parts=7)
    assert (one.accepted, one.refused) == (many.accepted, many.refused)


def test_a_row_that_a_rule_refuses_is_no_duplicate():
    zero = as_json("A", [(1, 0)])
    result = both({"a.jsonl": f"{zero}\n{as_json('A', [(1, 5)])}\n{as_json('A', [(1, -5)])}".encode()})
    assert [r[5] for r in result.accepted] == [5]
    assert sorted(row[0] for row in result.refused) == ["reject", "set_aside"]


def test_the_rejected_copies_keep_their_raw_text_and_element():
    one, other = as_json("A", [(1, 5), (2, 1)]), as_json("A", [(1, 6)])
    result = both({"a.jsonl": f"{one}\n{other}".encode()})
    assert [(row[2], row[3], row[5]) for row in sorted(result.refused, key=lambda r: r[2])] == [(1, 1, one), (2, 1, other)]
    assert [(r[1], r[5]) for r in result.accepted] == [(2, 1)]


def test_stock_duplicates():
    rows = ["W1,SKU-0001,5,0,", "W1,SKU-0001,5,0,", "W1,SKU-0002,5,0,", "W1,SKU-0002,5,0,1", "W2,SKU-0001,5,0,"]
    text = "snapshot_date,warehouse_id,sku,available,reserved,safety_stock\n" + "\n".join(f"2017-12-23,{r}" for r in rows)
    result = stock({"w.csv": text.encode()})
    assert sorted((r[0], r[1]) for r in result.accepted) == [("W1", "SKU-0001"), ("W2", "SKU-0001")]
    assert [row[4] for row in result.refused] == ["SKU-0002", "SKU-0002"]
    assert result.counts["w.csv"].duplicates == 1


def test_order_ids_made_of_parts_are_not_taken_for_duplicates():
    """DuckDB's own hash has 320,000 collisions among these 2.6 million texts."""
    ids = pa.array([f"{store:08d}-{number:08d}" for store in range(13) for number in range(20_000)])
    found = hashes(connect(), [ids])
    assert len(duplicates.twice([found])[0]) == 0


def test_a_long_record_keeps_its_raw_text_once():
    lines = [(n, 0) for n in range(1, 2001)]
    result = both({"a.jsonl": as_json("A", lines).encode()})
    sizes = sorted(len(row[5]) for row in result.refused)
    assert (len(sizes), sizes[0], sizes[-2], sizes[-1]) == (2000, 16_384, 16_384, len(as_json("A", lines)))


def wide(order_id, day="2017-12-23"):
    return as_json(order_id, [(n, 1) for n in range(1, 161)]).replace("2017-12-23", day)


def test_what_is_set_apart_takes_memory_for_each_text_once():
    """Of orders of 160 lines: of another date, sent twice. A text in each of its rows takes 160 times the file's size."""
    text = "\n".join(wide(f"O{n}") for n in range(40)).encode()
    other = "\n".join(wide(f"O{n}", "2017-12-20") for n in range(40)).encode()
    db, work = connect(), Work(ORDERS, DAY, known_of(ORDERS))
    late, first, again = (
        list(blocks(name, io.BytesIO(data), 0, (), list(ORDERS.kinds), 1 << 24, LINE_BYTES))
        for name, data in (("c.jsonl", other), ("a.jsonl", text), ("b.jsonl", text))
    )
    suspects, share = duplicates.twice([duplicates.scan(db, work, found) for found in (first, again)])
    assert share == 1
    refused, apart = (stage(db, work, found, suspects) for found in (late, [*first, *again]))
    assert (len(refused.refused), len(apart.suspect)) == (6400, 12800)
    assert refused.refused.nbytes < 3 * len(other) and apart.suspect.nbytes < 6 * len(text)
    for part in duplicates.buckets(db, ORDERS, apart.suspect, 4):
        assert 0 < len(parquet(part)) < 100_000
        assert pq.read_table(pa.BufferReader(parquet(part)))["raw"].nbytes < len(text)
        settled = duplicates.settle(db, ORDERS, part, work.known.skus)
        assert (len(settled.accepted), len(settled.refused)) == (len(part) // 2, 0)


def test_a_commit_has_few_rows_and_little_text():
    rows = [("reject", "a.jsonl", n, None, None, "x" * (n % 7) * 100, ["zero_quantity"]) for n in range(100)]
    tables = [table_of(rows[:60], refused_schema()), table_of(rows[60:], refused_schema())]
    counts = []
    for most_rows, most_bytes in ((1000, 1 << 20), (7, 1 << 20), (1000, 1500), (4, 1500), (1000, 1)):
        made = list(portions(tables, most_rows, most_bytes))
        assert [row["source_line"] for table in made for row in table.to_pylist()] == list(range(100))
        for table in made:
            assert len(table) <= most_rows and (len(table) == 1 or text_bytes(table["raw"]).sum() <= most_bytes)
        counts.append(len(made))
    assert counts[0] == 1 and counts[1] == 15 and 100 >= counts[4] > counts[3] > counts[2] > 20
