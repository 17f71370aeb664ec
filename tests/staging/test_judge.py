"""The rules, one edge case at a time; for each the fast way and the judge alone give the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from common.contracts import contract
from tests.staging.memory import LINE_BYTES, both, stock

CLEAN = (
    '{"order_id": "A", "store_id": "S001", "ordered_at": "2017-12-23T07:18:14", '
    '"lines": [{"line_no": 1, "sku": "SKU-0001", "quantity": 1, "unit_price": 5.71}]}'
)
OTHER = CLEAN.replace('"A"', '"other"')
CASES = yaml.safe_load((Path(__file__).parent / "edge_cases.yml").read_text(encoding="utf-8"))
HEADER = b"order_id,store_id,ordered_at,line_no,sku,quantity,unit_price\n"
ROW = "A,S001,2017-12-23T07:18:14,1,SKU-0001,1,5.71"
STOCK_HEADER = b"snapshot_date,warehouse_id,sku,available,reserved,safety_stock\n"


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
@pytest.mark.parametrize("place", ["first", "second"])
def test_order_json(case, place):
    line = case.get("line") or CLEAN.replace(*case["replace"])
    lines = [line, OTHER] if place == "first" else [OTHER, line]
    result = both({"a.jsonl": "\n".join(lines).encode()})
    accepted, *reasons = case["gives"]
    assert len(result.accepted) == accepted + 1
    assert sorted(r for row in result.reasons() for r in row) == sorted(reasons)
    assert {row[0] for row in result.refused} <= {case.get("action", "reject")}
    counts = result.counts["a.jsonl"]
    assert counts.duplicates == case.get("duplicates", 0)
    assert sorted(counts.extra) == case.get("extra", [])


RAW_CASES = {
    "not UTF-8": (CLEAN.replace('"A"', '"\udcff"').encode("utf-8", "surrogateescape"), "not_utf8"),
    "overlong UTF-8": (CLEAN.encode().replace(b'"A"', b'"\xc0\x80"'), "not_utf8"),
    "surrogate in UTF-8": (CLEAN.encode().replace(b'"A"', b'"\xed\xa0\x80"'), "not_utf8"),
    "past 10FFFF": (CLEAN.encode().replace(b'"A"', b'"\xf4\x90\x80\x80"'), "not_utf8"),
    "carriage return within": (CLEAN.encode() + b"\r" + CLEAN.encode(), "malformed_json"),
    "deeply nested": (b"[" * 100_000, "malformed_json"),
    "number of 5,000 digits": (CLEAN.encode().replace(b"5.71", b"9" * 5000), "malformed_json"),
    "too long": (CLEAN.encode() + b" " * LINE_BYTES, "line_too_long"),
}


@pytest.mark.parametrize("name", RAW_CASES)
def test_raw_line(name):
    raw, reason = RAW_CASES[name]
    result = both({"a.jsonl": OTHER.encode() + b"\n" + raw + b"\n"})
    assert len(result.accepted) == 1
    assert result.reasons() == [[reason]]
    (row,) = result.refused
    if reason == "not_utf8":
        assert row[5].encode("latin-1") == raw
    elif reason == "line_too_long":
        assert row[5].encode() == raw[:LINE_BYTES]
    else:
        assert row[5].encode() == raw


CSV_CASES = {
    "clean": (ROW, 1, []),
    "quoted": ('"A",S001,2017-12-23T07:18:14,1,"SKU-0001",1,5.71', 1, []),
    "doubled quote": ('"A""B",S001,2017-12-23T07:18:14,1,SKU-0001,1,5.71', 1, []),
    "comma in quotes": ('"A,B",S001,2017-12-23T07:18:14,1,SKU-0001,1,5.71', 1, []),
    "open quote": (ROW.replace("A", '"A', 1), 0, ["malformed_csv"]),
    "text after quote": (ROW.replace("A", '"A"x', 1), 0, ["malformed_csv"]),
    "too few fields": (ROW[: ROW.rindex(",")], 0, ["wrong_number_of_fields"]),
    "too many fields": (ROW + ",7", 0, ["wrong_number_of_fields"]),
    "blank quantity": (ROW.replace(",1,5.71", ",,5.71"), 0, ["quantity_missing"]),
    "quantity NaN": (ROW.replace(",1,5.71", ",NaN,5.71"), 0, ["quantity_invalid"]),
    "quantity with blank": (ROW.replace(",1,5.71", ", 1,5.71"), 0, ["quantity_invalid"]),
    "return": (ROW.replace(",1,5.71", ",-1,5.71"), 0, ["quantity_negative"]),
    "three decimals": (ROW.replace("5.71", "5.714"), 0, ["unit_price_invalid"]),
    "trailing zero": (ROW.replace("5.71", "5.710"), 1, []),
    "unknown store": (ROW.replace("S001", "S9"), 0, ["store_id_unknown"]),
    "unknown SKU": (ROW.replace("SKU-0001", "X"), 0, ["sku_unknown"]),
    "other date": (ROW.replace("-23T", "-24T"), 0, ["other_business_date"]),
    "backslash": (ROW.replace("A", "A\\", 1), 1, []),
    "beyond ASCII": (ROW.replace("SKU-0001", "Ünï-✓"), 1, []),
    "carriage return": (ROW + "\r", 1, []),
    "blank line": ("", 0, []),
}


@pytest.mark.parametrize("name", CSV_CASES)
def test_order_csv(name):
    text, accepted, reasons = CSV_CASES[name]
    other = ROW.replace("A,", "other,", 1)
    result = both({"a.csv": HEADER + f"{other}\n{text}\n".encode()})
    assert len(result.accepted) == accepted + 1
    assert [r for row in result.reasons() for r in row] == reasons


STOCK_CASES = {
    "clean": ("2017-12-23,W1,SKU-0001,10,3,5", 1, [], None),
    "no safety stock": ("2017-12-23,W1,SKU-0001,10,3,", 1, [], None),
    "negative available": ("2017-12-23,W1,SKU-0001,-10,3,5", 1, [], None),
    "2^63 - 1": ("2017-12-23,W1,SKU-0001,9223372036854775807,0,", 1, [], None),
    "2^63": ("2017-12-23,W1,SKU-0001,9223372036854775808,0,", 0, ["available_invalid"], "SKU-0001"),
    "negative reserved": ("2017-12-23,W1,SKU-0001,10,-3,5", 0, ["reserved_invalid"], "SKU-0001"),
    "negative safety stock": ("2017-12-23,W1,SKU-0001,10,3,-5", 0, ["safety_stock_invalid"], "SKU-0001"),
    "no available": ("2017-12-23,W1,SKU-0001,,3,5", 0, ["available_missing"], "SKU-0001"),
    "fraction": ("2017-12-23,W1,SKU-0001,1.5,3,5", 0, ["available_invalid"], "SKU-0001"),
    "other date": ("2017-12-22,W1,SKU-0001,10,3,5", 0, ["other_business_date"], "SKU-0001"),
    "no such date": ("2017-02-30,W1,SKU-0001,10,3,5", 0, ["snapshot_date_invalid"], "SKU-0001"),
    "unknown warehouse": ("2017-12-23,W9,SKU-0001,10,3,5", 0, ["warehouse_id_unknown"], "SKU-0001"),
    "unknown SKU": ("2017-12-23,W1,X-1,10,3,5", 0, ["sku_unknown"], "X-1"),
    "no SKU": ("2017-12-23,W1,,10,3,5", 0, ["sku_missing"], None),
    "too few fields": ("2017-12-23,W1,SKU-0001,10", 0, ["wrong_number_of_fields"], "SKU-0001"),
    "much too few fields": ("2017-12-23,W1", 0, ["wrong_number_of_fields"], None),
    "too many fields": ("2017-12-23,W1,SKU-0001,10,3,5,7", 0, ["wrong_number_of_fields"], "SKU-0001"),
    "no field for the SKU": ("2017-12-23,W1,10,3,5", 0, ["wrong_number_of_fields"], None),
    "a field before the SKU": ("2017-12-23,W1,x,SKU-0001,10,3,5", 0, ["wrong_number_of_fields"], None),
    "open quote": ('2017-12-23,W1,"SKU-0001,10,3,5', 0, ["malformed_csv"], "SKU-0001"),
    "several": ("2017-12-22,W9,SKU-0001,x,,y", 0, ["other_business_date", "warehouse_id_unknown", "available_invalid",
                                                   "reserved_missing", "safety_stock_invalid"], "SKU-0001"),
}  # fmt: skip


@pytest.mark.parametrize("name", STOCK_CASES)
def test_stock(name):
    text, accepted, reasons, sku = STOCK_CASES[name]
    result = stock({"w1.csv": STOCK_HEADER + f"2017-12-23,W2,SKU-0002,1,0,\n{text}\n".encode()})
    assert len(result.accepted) == accepted + 1
    assert [r for row in result.reasons() for r in row] == reasons
    assert [row[4] for row in result.refused] == ([sku] if reasons else [])


def test_sku_of_a_stock_row_that_is_not_utf8_is_held():
    result = stock({"w1.csv": STOCK_HEADER + b"2017-12-23,W1,SKU-0001,10,\xff,5\n"})
    assert [(row[4], row[6]) for row in result.refused] == [("SKU-0001", ["not_utf8"])]


def test_what_is_left_of_a_damaged_sku_names_none():
    """As if it named one, that SKU's stock would be taken for zero: so every SKU without a stock row is held."""
    result = stock({"w1.csv": STOCK_HEADER + b"2017-12-23,W1,SKU-\xff001,10,3,5\n"})
    assert [(row[4], row[6]) for row in result.refused] == [(None, ["not_utf8"])]


def test_a_field_as_long_as_the_line_may_be():
    rows = [f"{ROW},{'x' * 10}", f"B{ROW},{'x' * 140_000}"]
    result = both({"a.csv": (HEADER.decode().strip() + ",note\n" + "\n".join(rows)).encode()})
    assert len(result.accepted) == 2 and result.counts["a.csv"].rejected == 0 and result.counts["a.csv"].extra == {"note"}


def test_names_of_fields_that_nobody_asked_for_are_fit_for_the_ledger():
    """PostgreSQL's jsonb has no NUL and no half of a surrogate pair; a name from elsewhere must not end the night."""
    order = json.loads(CLEAN)
    odd = [json.dumps(order | {"order_id": f"A{n}", name: 1}) for n, name in enumerate(("t\0", "\ud800", "y" * 500))]
    many = [json.dumps(order | {"order_id": f"B{n}", f"z{n:04d}": 1}) for n in range(300)]
    counts = both({"a.jsonl": "\n".join([*odd, *many]).encode()}).counts["a.jsonl"]
    assert counts.rejected == 0
    assert sorted(counts.extra) == ["?", "t?", "y" * 100, *(f"z{n:04d}" for n in range(47))]


def test_every_reason_is_declared():
    """The contract knows every code that the cases here give, and each code of the contract is given by a case here."""
    given = {"staging.pos_order_lines": set(), "staging.warehouse_stock": set()}
    for case in CASES:
        given["staging.pos_order_lines"] |= set(case["gives"][1:])
    given["staging.pos_order_lines"] |= {r for _, _, rs in CSV_CASES.values() for r in rs} | {r for _, r in RAW_CASES.values()}
    given["staging.pos_order_lines"] |= {"ordered_at_ambiguous", "store_id_invalid"}  # test_days.py, as order_id_invalid
    given["staging.warehouse_stock"] = {r for _, _, rs, _ in STOCK_CASES.values() for r in rs}
    given["staging.warehouse_stock"] |= {"not_utf8", "line_too_long", "conflicting_duplicate"}
    given["staging.warehouse_stock"] |= {"snapshot_date_missing", "warehouse_id_missing", "warehouse_id_invalid", "sku_invalid"}
    for table, codes in given.items():
        assert {rule.code for rule in contract(table).rules} == codes
