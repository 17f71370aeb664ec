"""The rules of receipts, one case at a time, in JSON and CSV; for each the fast way and the judge alone give the same."""

from __future__ import annotations

import json

import pytest

from common.contracts import contract
from common.staging.feeds import RECEIPTS
from tests.staging.memory import RELEASED, both

CLEAN = {
    "receipt_id": "R1", "order_number": RELEASED[0], "sku": "SKU-0001", "quantity": 48, "received_on": "2017-12-23",
    "is_final": False,
}  # fmt: skip
OTHER = {**CLEAN, "receipt_id": "other"}
HEADER = ",".join(CLEAN)

# what differs from the clean receipt; reasons of the refusal, none where it is accepted
BOTH = [
    ({}, []),
    ({"received_on": "2017-12-01"}, []),
    ({"received_on": "2015-02-28"}, []),
    ({"received_on": "2017-12-24"}, ["received_on_future"]),
    ({"received_on": "2017-02-30"}, ["received_on_invalid"]),
    ({"received_on": "23.12.2017"}, ["received_on_invalid"]),
    ({"received_on": None}, ["received_on_missing"]),
    ({"quantity": 0}, ["quantity_zero"]),
    ({"quantity": 0, "is_final": True}, []),
    ({"quantity": -48}, []),
    ({"quantity": 2147483647}, []),
    ({"quantity": -2147483647}, []),
    ({"quantity": 2147483648}, ["quantity_invalid"]),
    ({"quantity": 1.5}, ["quantity_invalid"]),
    ({"quantity": None}, ["quantity_missing"]),
    ({"is_final": None}, ["is_final_missing"]),
    ({"is_final": "yes"}, ["is_final_invalid"]),
    ({"receipt_id": None}, ["receipt_id_missing"]),
    ({"order_number": None}, ["order_number_missing"]),
    ({"order_number": "20171219-NOBODY"}, ["order_number_unknown"]),
    ({"order_number": "20171219-NOBODY", "sku": "X"}, ["order_number_unknown", "sku_unknown"]),
    ({"sku": "X"}, ["sku_unknown"]),
    ({"sku": None}, ["sku_missing"]),
    ({"sku": "Ünï-✓"}, []),
    ({"quantity": None, "is_final": None}, ["is_final_missing", "quantity_missing"]),
]
JSON_ONLY = [
    ('"quantity": 48', '"quantity": "48"', []),
    ('"quantity": 48', '"quantity": "4.8"', ["quantity_invalid"]),
    ('"quantity": 48', '"quantity": true', ["quantity_invalid"]),
    ('"quantity": 48', '"quantity": NaN', ["malformed_json"]),
    ('"is_final": false', '"is_final": "true"', []),
    ('"is_final": false', '"is_final": 0', ["is_final_invalid"]),
    ('"is_final": false', '"is_final": "False"', ["is_final_invalid"]),
    ('"receipt_id": "R1"', '"receipt_id": 1', ["receipt_id_invalid"]),
    ('"receipt_id": "R1"', '"receipt_id": "\\u0052"', []),
    ('"received_on": "2017-12-23"', '"received_on": 20171223', ["received_on_invalid"]),
    ("{", '{"sku": "SKU-0002", ', ["duplicate_key"]),
    ("}", ', "dock": 3}', []),
    ("}", "", ["malformed_json"]),
]


def judged(files):
    """(accepted rows besides the other receipt, actions, reasons)."""
    result = both(files, RECEIPTS)
    accepted = [row for row in result.accepted if row[0] != "other"]
    return accepted, {row[0] for row in result.refused}, sorted(r for row in result.reasons() for r in row)


def csv_row(record):
    return ",".join("" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in record.values())


@pytest.mark.parametrize(("change", "reasons"), BOTH, ids=[json.dumps(change) for change, _ in BOTH])
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_receipt(change, reasons, form):
    record = {**CLEAN, **change}
    if form == "json":
        files = {"a.jsonl": f"{json.dumps(record)}\n{json.dumps(OTHER)}".encode()}
    else:
        files = {"a.csv": f"{HEADER}\n{csv_row(record)}\n{csv_row(OTHER)}\n".encode()}
    accepted, actions, given = judged(files)
    assert given == reasons
    assert len(accepted) == (not reasons)
    assert actions == ({"set_aside"} if reasons == ["order_number_unknown"] else {"reject"} if reasons else set())
    if not reasons:
        assert accepted[0][3] == record["quantity"] and accepted[0][5] is record["is_final"]


@pytest.mark.parametrize(("old", "new", "reasons"), JSON_ONLY)
def test_a_receipt_as_json(old, new, reasons):
    line = json.dumps(CLEAN).replace(old, new, 1)
    accepted, _, given = judged({"a.jsonl": f"{json.dumps(OTHER)}\n{line}\n".encode()})
    assert (given, len(accepted)) == (reasons, not reasons)


@pytest.mark.parametrize("line", ["null", "[]", "7", '"x"'])
def test_what_is_no_object(line):
    assert judged({"a.jsonl": f"{line}\n{json.dumps(OTHER)}".encode()})[2] == ["not_an_object"]


def test_columns_in_another_order_and_rows_with_too_few_fields():
    turned = dict(reversed(CLEAN.items()))
    data = f"{','.join(turned)}\n{csv_row(turned)}\n{csv_row(turned).rpartition(',')[0]}\n"
    accepted, _, reasons = judged({"a.csv": data.encode()})
    assert (len(accepted), reasons) == (1, ["wrong_number_of_fields"])


def test_copies_count_once_whatever_the_format_and_different_ones_not_at_all():
    twice, changed = {**CLEAN, "receipt_id": "R2"}, {**CLEAN, "receipt_id": "R3"}
    files = {
        "a.jsonl": "\n".join(map(json.dumps, [CLEAN, twice, changed])).encode(),
        "b.csv": "\n".join([HEADER, csv_row(twice), csv_row({**changed, "quantity": 47})]).encode(),
    }
    result = both(files, RECEIPTS)
    assert [row[0] for row in result.accepted] == ["R1", "R2"]
    assert [row[6] for row in result.accepted] == ["a.jsonl", "a.jsonl"]
    assert result.counts["b.csv"].duplicates == 1
    assert result.reasons() == [["conflicting_duplicate"], ["conflicting_duplicate"]]


def test_one_receipt_books_several_skus_and_orders():
    rows = [CLEAN, {**CLEAN, "sku": "SKU-0002"}, {**CLEAN, "order_number": RELEASED[1]}]
    assert len(both({"a.jsonl": "\n".join(map(json.dumps, rows)).encode()}, RECEIPTS).accepted) == 3


def test_every_reason_of_the_contract_has_a_case():
    raised = {reason for _, reasons in BOTH for reason in reasons} | {r for *_, reasons in JSON_ONLY for r in reasons}
    elsewhere = {
        "not_an_object", "wrong_number_of_fields", "conflicting_duplicate",  # above
        "not_utf8", "line_too_long", "malformed_csv",  # of a line, whatever it says: test_judge.py
        "order_number_invalid", "sku_invalid",  # of a text, whatever it names: test_judge.py
    }  # fmt: skip
    assert raised | elsewhere == {rule.code for rule in contract("staging.receipts").rules}
