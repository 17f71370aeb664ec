"""Damaged input at random: the two tiers give exactly what the judge alone gives, and no line is lost."""

from __future__ import annotations

import json
import random
import re

import pytest

from common.staging.feeds import RECEIPTS, STOCK
from tests.staging.memory import RELEASED, SKUS, STORES, both, run, share_proven

NUMBERS = [
    b"0", b"-1", b"1.0", b"1e2", b"1E2", b"01", b"+1", b'"7"', b'" 7"', b'"7.10"', b"7.1", b"7.100", b"7.101", b"999999999",
    b"1000000000", b"2147483648", b"9999999999.99", b"10000000000.00", b"NaN", b"Infinity", b"null", b"true", b'""', b"[]",
    b"{}", b".5", b"5.", b"0.00", b"-0", b"-0.0", b"0x1", b"1_0", b"7.0000000000000000001", b"00.1", b"\xd9\xa1", b"",
]  # fmt: skip
TEXTS = [
    b'"', b"\\", b"\\n", b"\\u0041", b"\\ud83d\\ude00", b"\\ud800", b"\xff", b"\xc3\xa9", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"\xc0\x80", b"\r", b"\t", b"\x0b", b"\x0c", b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b" ", b"\n", b"\n\n", b",", b"{",
    b"}", b"[", b"]", b"null", b', "sku": "SKU-0001"', b', "quantity": 3', b'"order_id": "X", ', b', "note": "x"', b"\x7f",
]  # fmt: skip
TIMES = [b"T24:00:00", b"T23:59:60", b"T23:59:59.999999", b" 10:00:00", b"T10:00:00+00:00", b"t10:00:00z", b"T10:60:00Z", b""]


def order(random_, number):
    lines = [
        {
            "line_no": n,
            "sku": random_.choice(SKUS),
            "quantity": random_.randint(1, 30),
            "unit_price": random_.randint(1, 9999) / 100,
        }
        for n in range(1, random_.randint(2, 5))
    ]
    at = f"2017-12-23T{random_.randint(0, 23):02}:{random_.randint(0, 59):02}:00"
    return {"order_id": f"O{number}", "store_id": random_.choice(STORES), "ordered_at": at, "lines": lines}


def json_lines(random_, count):
    return [json.dumps(order(random_, n), ensure_ascii=random_.random() < 0.5).encode() for n in range(count)]


def csv_lines(random_, count):
    found = []
    for n in range(count):
        o = order(random_, n)
        for line in o["lines"]:
            head = [o["order_id"], o["store_id"], o["ordered_at"]]
            found.append(",".join(map(str, [*head, *line.values()])).encode())
    return found[:count]


def stock_lines(random_):
    """Every SKU in both warehouses, some of them twice."""
    rows = [(w, sku) for w in ("W1", "W2") for sku in SKUS]
    rows += random_.sample(rows, 30)
    random_.shuffle(rows)
    return [
        f"2017-12-23,{w},{sku},{random_.randint(-5, 999)},{random_.randint(0, 9)},{random_.choice(['', 3, 7])}".encode()
        for w, sku in rows
    ]


def receipt(random_, number):
    return {
        "receipt_id": f"R{number // 3}",
        "order_number": random_.choice(RELEASED),
        "sku": random_.choice(SKUS),
        "quantity": random_.randint(1, 300),
        "received_on": f"2017-12-{random_.randint(10, 23)}",
        "is_final": random_.random() < 0.5,
    }


def hurt(random_, line):
    """One random damage: to a number, a time, or any byte."""
    kind = random_.randrange(9)
    if kind <= 2 and (numbers := list(re.finditer(rb"(?<=[ ,])[0-9.]+(?=[,}]|$)", line))):
        at = random_.choice(numbers)
        return line[: at.start()] + random_.choice(NUMBERS) + line[at.end() :]
    place = random_.randrange(len(line) + 1)
    if kind <= 5:
        return line[:place] + random_.choice(TEXTS) + line[place:]
    if kind == 6:
        return line[:place] + line[place + random_.randrange(1, 9) :]
    if kind == 7:
        return line[:place] + bytes([random_.randrange(1, 256)]) + line[place + 1 :]
    return re.sub(rb"T\d\d:\d\d:\d\d", random_.choice(TIMES), line)


def damaged(random_, lines, share):
    return [hurt(random_, line) if random_.random() < share else line for line in lines]


def as_utf8(lines):
    return [line for line in lines if line.decode("utf-8", "ignore").encode() == line]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("form", ["any bytes", "UTF-8", "CRLF"])
def test_orders_as_json(seed, form):
    random_ = random.Random(seed)
    lines = damaged(random_, json_lines(random_, 1200), 0.6)
    lines = as_utf8(lines) if form == "UTF-8" else lines
    data = (b"\r\n" if form == "CRLF" else b"\n").join(lines)
    result = both({"a.jsonl": b'{"lines": []}\n' + data}, size=random_.choice([5_000, 50_000, 1 << 20]))
    assert share_proven(result) > 0.05
    assert result.refused


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("form", ["any bytes", "UTF-8", "CRLF"])
def test_orders_as_csv(seed, form):
    random_ = random.Random(seed)
    columns = ["order_id", "store_id", "ordered_at", "line_no", "sku", "quantity", "unit_price"]
    lines = [line.split(b",") for line in csv_lines(random_, 1200)]
    turn = random_.sample(range(7), 7)  # columns in another order
    header = ",".join(columns[n] for n in turn).encode()
    lines = damaged(random_, [b",".join(line[n] for n in turn) for line in lines], 0.5)
    lines = as_utf8(lines) if form == "UTF-8" else lines
    data = (b"\r\n" if form == "CRLF" else b"\n").join([header, *lines])
    result = both({"a.csv": data}, size=random_.choice([5_000, 50_000, 1 << 20]))
    assert share_proven(result) > 0.05
    assert result.refused


@pytest.mark.parametrize("seed", range(4))
def test_stock(seed):
    random_ = random.Random(seed)
    lines = damaged(random_, stock_lines(random_), 0.3)
    data = b"\n".join([b"snapshot_date,warehouse_id,sku,available,reserved,safety_stock", *lines])
    result = both({"w.csv": data}, STOCK, size=random_.choice([3_000, 1 << 20]))
    assert share_proven(result) > 0.2
    assert result.refused


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("form", ["any bytes", "UTF-8", "CRLF"])
def test_receipts(seed, form):
    """JSON and CSV of one date, some of the CSV rows the very receipts of the JSON file."""
    random_ = random.Random(seed)
    records = [receipt(random_, n) for n in range(900)]
    lines = [json.dumps(r, ensure_ascii=random_.random() < 0.5).encode() for r in records]
    names = random_.sample(list(records[0]), 6)  # columns in another order
    rows = [",".join(str(r[n]).lower() if n == "is_final" else str(r[n]) for n in names).encode() for r in records[850:]]
    rows += [row.replace(b"R", b"T") for row in rows]
    rows = [",".join(names).encode(), *damaged(random_, rows, 0.3)]
    lines = damaged(random_, lines, 0.5)
    lines, rows = (as_utf8(lines), as_utf8(rows)) if form == "UTF-8" else (lines, rows)
    end = b"\r\n" if form == "CRLF" else b"\n"
    files = {"a.jsonl": end.join(lines), "b.csv": end.join(rows)}
    result = both(files, RECEIPTS, size=random_.choice([5_000, 50_000, 1 << 20]))
    assert share_proven(result) > 0.2
    assert result.refused and sum(c.duplicates for c in result.counts.values())


def test_clean_receipts_go_the_fast_way_alone():
    random_ = random.Random(0)
    records = [receipt(random_, 3 * n) | {"sku": SKUS[n % 100]} for n in range(300)]
    text = "\n".join(map(json.dumps, records)).encode()
    for data in (text, text.replace(b": ", b":").replace(b", ", b",")):
        assert share_proven(both({"a.jsonl": data}, RECEIPTS)) == 1


def test_clean_input_goes_the_fast_way_alone():
    random_ = random.Random(0)
    data = b"\n".join(json_lines(random_, 500))
    for text in (data, data.replace(b": ", b":").replace(b", ", b","), data.replace(b'00", "lines', b'00Z", "lines')):
        assert share_proven(both({"a.jsonl": text})) > 0.99 or text.count(b"Z")


def test_a_fast_way_that_accepts_too_much_would_be_seen(monkeypatch):
    """The comparison itself: with a grammar that lets a leading zero pass, both() fails."""
    from common.staging import grammar

    real = grammar._kinds

    def loose(*arguments):
        kinds, shift = real(*arguments)
        return {**kinds, "count": "[0-9]{1,9}"}, shift

    monkeypatch.setattr(grammar, "_kinds", loose)
    grammar._csv.cache_clear()
    header = b"order_id,store_id,ordered_at,line_no,sku,quantity,unit_price\n"
    try:
        with pytest.raises(AssertionError):
            both({"a.csv": header + b"A,S001,2017-12-23T10:00:00,1,SKU-0001,07,5.71\n"})
    finally:
        grammar._csv.cache_clear()


@pytest.mark.parametrize("size", [300, 1000, 10_000])
def test_the_size_of_blocks_changes_nothing(size):
    random_ = random.Random(7)
    files = {
        "a.jsonl": b"\n".join(damaged(random_, json_lines(random_, 300), 0.2)),
        "b.csv": b"\n".join([b"order_id,store_id,ordered_at,line_no,sku,quantity,unit_price", *csv_lines(random_, 300)]),
    }
    whole, cut = run(files), run(files, size=size)
    assert (whole.accepted, whole.refused) == (cut.accepted, cut.refused)
    assert {f: c.duplicates for f, c in whole.counts.items()} == {f: c.duplicates for f, c in cut.counts.items()}
