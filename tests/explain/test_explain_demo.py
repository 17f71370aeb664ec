"""Explain on the demo's night, as a user types it, and against everything that was exported that night."""

import gzip
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.explain.arithmetic import compare, disagreements
from common.explain.explanation import explanation
from common.explain.facts import facts_of, facts_of_skus
from common.explain.lineage import DECISIONS, STOCK, lineage
from common.explain.options import counted_window
from common.explain.order import order_explanation
from common.explain.stored import all_rows
from common.publish.export import orders_root, published, read_manifest
from common.publish.run import Clients

DAY = date(2017, 12, 23)


@pytest.fixture(scope="module")
def clients(demo, settings):
    return Clients(settings)


@pytest.fixture(scope="module")
def read(clients):
    return lineage(clients, DAY)


@pytest.fixture(scope="module")
def by_outcome(clients, read):
    """A SKU of every outcome and of every rule that bound: the one with the most demand."""
    rows = all_rows(clients.hdfs, read.locations[DECISIONS], ("sku", "outcome", "bound_by", "requirement_qty"))
    rows.sort(key=lambda r: (r["outcome"], r["bound_by"] or "", -(r["requirement_qty"] or 0), r["sku"]))
    return {key: next(found)["sku"] for key, found in groupby(rows, key=lambda r: (r["outcome"], r["bound_by"]))}


def test_every_line_of_the_night_is_explained_as_it_was_exported(clients, read, settings):
    """All order files of the night, all lines: the steps add up to the file's number, and all arithmetic agrees."""
    directory = published(orders_root(settings), DAY)
    orders = [json.loads((directory / order["file"]).read_bytes()) for order in read_manifest(directory)["orders"]]
    sent = {line["sku"]: (order, line) for order in orders for line in order["lines"]}
    facts = facts_of_skus(clients, read, sent.keys(), history=False)
    assert len(sent) > 4000 and facts.keys() == sent.keys()
    for sku, (order, line) in sent.items():
        found = explanation(facts[sku], read, 1)
        assert found["checks"]["differences"] == []
        assert sum(step["change"] for step in found["steps"]) == line["order_qty"]
        assert found["sentence"].startswith(f"{line['order_qty']:,} ordered from {order['supplier']['supplier_id']}: ")
        of_line = {name: str(found["order"][name]) for name in ("line_no", "packs", "pack_size", "line_cost", "due_date")}
        assert of_line == {name: str(line[name]) for name in of_line}
        assert found["order"]["order_number"] == order["order_number"]


def test_what_was_not_ordered_comes_to_the_same_too(clients, read):
    rows = all_rows(clients.hdfs, read.locations[DECISIONS], ("sku", "outcome"))
    others = [row["sku"] for row in rows if row["outcome"] not in ("ordered", "enough_stock")]
    enough = [row["sku"] for row in rows if row["outcome"] == "enough_stock"][::50]
    facts = facts_of_skus(clients, read, [*others, *enough], history=False)
    assert Counter(found.decision["outcome"] for found in facts.values())["no_supplier"] > 20
    assert [line for found in facts.values() for line in disagreements(compare(found))] == []


@pytest.mark.parametrize(
    ("outcome", "bound_by", "says"),
    [
        ("ordered", "moq", "lifted to the MOQ"),
        ("ordered", "pack", "packs? of"),
        ("ordered", "need", "ordered from"),
        ("enough_stock", None, "not ordered, there is enough"),
        ("no_supplier", None, "not ordered, .*supplier"),
        ("invalid_terms", None, "not ordered, the terms are not usable"),
        ("not_planned", None, "not ordered, the product"),
    ],
)
def test_a_sku_of_every_outcome(by_outcome, command, outcome, bound_by, says):
    sku = by_outcome[outcome, bound_by]
    done = command("explain", DAY, sku)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(sku) and re.match(f".*{says}", lines[1])
    assert max(map(len, lines)) <= 80 and "\x1b" not in done.stdout
    assert re.search(r"computed again from these rows: all \d+ numbers agree", done.stdout)
    assert all(f"/raw/{kind}/" in done.stdout for kind in ("orders", "stock", "master"))


def test_the_places_it_names_hold_what_it_says(clients, read, by_outcome):
    """Each raw line is looked up in HDFS: it has that SKU, and the units."""
    sku = by_outcome["ordered", "moq"]
    found = explanation(facts_of(clients, read, sku), read, 1000)
    lines, stock = found["sources"]["order_lines"]["shown"], found["sources"]["stock_rows"]["shown"]
    assert sum(row["quantity"] for row in lines) == found["formula"]["demand_qty"] > 20
    assert [row["quantity"] for row in lines] == sorted((row["quantity"] for row in lines), reverse=True)
    for row in lines:
        text = raw_line(clients, "orders", row)
        if ".jsonl" in row["source_file"]:
            order = json.loads(text)
            (line,) = [one for one in order["lines"] if int(one["line_no"]) == row["line_no"]]
            assert (order["order_id"], line["sku"], int(line["quantity"])) == (row["order_id"], sku, row["quantity"])
        else:
            assert {row["order_id"], sku, str(row["quantity"])} <= set(text.split(","))
    assert {row["warehouse_id"] for row in stock} == {"W1", "W2", "W3"}
    for row in stock:
        assert [row["warehouse_id"], sku, str(row["available_qty"])] == raw_line(clients, "stock", row).split(",")[1:4]


def raw_line(clients, kind, row):
    data = clients.hdfs.read(f"/raw/{kind}/{DAY}/{row['source_file']}")
    text = gzip.decompress(data) if row["source_file"].endswith(".gz") else data
    return text.decode().splitlines()[row["source_line"] - 1]


@pytest.fixture
def altered(hdfs, tmp_path):
    """`altered(location, sku, **values)`: a copy of a directory in which the rows of a SKU have other values."""
    root = "/tests/explained"

    def copy(location, sku, **values):
        (entry,) = hdfs.list(location)
        table = pq.read_table(pa.BufferReader(hdfs.read(entry.path)))
        rows = [row | values if row["sku"] == sku else row for row in table.to_pylist()]
        pq.write_table(pa.Table.from_pylist(rows, table.schema), tmp_path / "copy.parquet")
        name = location.strip("/").replace("/", "_")
        hdfs.write(f"{root}/{name}/copy.parquet", (tmp_path / "copy.parquet").read_bytes(), overwrite=True)
        return f"{root}/{name}"

    hdfs.delete(root)
    yield copy
    hdfs.delete(root)


def test_a_row_that_was_tampered_with_is_told(clients, read, by_outcome, altered):
    """A copy of the decisions in which one SKU has a pack more: explain says which numbers can't be."""
    sku = by_outcome["ordered", "pack"]
    row = facts_of(clients, read, sku).decision
    more = {"order_qty": row["order_qty"] + row["pack_size"], "packs": row["packs"] + 1}
    tampered = read.at(order_decisions=altered(read.locations[DECISIONS], sku, **more))
    told = explanation(facts_of(clients, tampered, sku), tampered, 5)["checks"]
    right = explanation(facts_of(clients, read, sku), read, 5)["checks"]
    other = explanation(facts_of(clients, tampered, by_outcome["ordered", "moq"]), tampered, 5)["checks"]
    assert told["differences"] == [
        f"planning.order_decisions.order_qty: stored {more['order_qty']}, computed {row['order_qty']}",
        f"planning.order_decisions.packs: stored {more['packs']}, computed {row['packs']}",
    ]
    assert right["agrees"] and other["agrees"] and not told["agrees"]


def test_an_order_s_windows_are_computed_again(clients, read, altered):
    """A night in which one SKU is planned by order_up_to, each day before with the stock of the date: a wrong window is told."""
    rows = all_rows(clients.hdfs, read.locations[DECISIONS], ("sku", "supplier_id", "outcome", "position_qty", "requirement_qty"))
    busy = max((r for r in rows if r["outcome"] == "ordered" and r["position_qty"] > 0), key=lambda r: r["requirement_qty"])
    sku, supplier_id = busy["sku"], busy["supplier_id"]
    days = dict.fromkeys(read.history, read.locations[STOCK])
    facts = facts_of(clients, read, sku)
    counted = counted_window(replace(facts, free=dict.fromkeys(days, 1)))

    def told(units):
        said = {"policy": "order_up_to", "policy_source": "supplier_sku", "window_demand_qty": units, "window_days": len(counted)}
        decisions = altered(read.locations[DECISIONS], sku, **said, horizon_days=5, on_order_qty=0)
        offers = altered(read.locations["staging.product_suppliers"], sku, policy="order_up_to")
        changed = replace(read.at(order_decisions=decisions, product_suppliers=offers), stock_history=days)
        differences = order_explanation(clients, changed, supplier_id, 3)["checks"]["differences"]
        return [text for text in differences if "window_" in text]

    assert sum(counted) > 0 and len(counted) > 20
    assert told(sum(counted)) == []
    wrong = sum(counted) + 1
    assert told(wrong) == [f"planning.order_decisions.window_demand_qty: stored {wrong}, computed {sum(counted)}"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((DAY, "milk"), 66, r"there is no SKU 'milk' on 2017-12-23.*FLUID MILK.*next:  \./submit\.sh explain 2017-12-23 \d+"),
        ((DAY, "fluid", "milk"), 66, "FLUID MILK"),
        ((DAY, "102974"), 66, r"1029743 .*next:  \./submit\.sh explain 2017-12-23 1029743"),
        ((DAY, "5978656"), 66, "rejected row.*no product has it"),
        (("2017-12-21", "1029743"), 66, r"is not planned.*nearest planned dates: .*2017-12-23.*\./submit\.sh all 2017-12-21"),
        ((DAY, "1029743", "--run", "999999"), 66, "run 999999 decided nothing for 2017-12-23.*runs that did: "),
        (("2017-12-32", "1029743"), 64, "not a business date"),
        ((DAY,), 64, "give one SKU, or one supplier"),
        ((DAY, "1029743", "--supplier", "S0069"), 64, "give one SKU, or one supplier"),
        ((DAY, "10\n29"), 64, "give one SKU"),
        ((DAY, "1029743", "--lines", "-1"), 64, "'-1' is not a whole number"),
        ((DAY, "1029743", "--lines", "all"), 64, "'all' is not a whole number"),
        ((DAY, "--supplier", "S00690"), 66, r"there is no supplier 'S00690'.*S0069"),
    ],
)
def test_what_can_not_be_explained_says_what_could(demo, command, arguments, code, says):
    done = command("explain", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert re.search(says, done.stderr, re.S), done.stderr
    assert "next:" in done.stderr


def test_json_has_everything_that_the_screen_has(by_outcome, command):
    done = command("explain", DAY, by_outcome["ordered", "pack"], "--json", "--lines", "0")
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert {"sentence", "formula", "steps", "order", "suppliers", "exceptions", "history", "sources", "provenance"} <= set(found)
    assert len(found["history"]["days"]) == 28
    lines = found["sources"]["order_lines"]
    assert lines["shown"] == [] and lines["rest_quantity"] == lines["quantity"] == found["formula"]["demand_qty"]
    assert found["sent"]["line"]["order_qty"] == found["order"]["order_qty"]
    assert found["notes"] == []


def test_plain_text_where_the_locale_has_no_more(by_outcome, submit):
    sku = by_outcome["ordered", "pack"]
    plain = submit("explain", DAY, sku, env={"LC_ALL": "C", "COLUMNS": "120"}).stdout
    wide = submit("explain", DAY, sku, env={"LC_ALL": "C.UTF-8", "COLUMNS": "120"}).stdout
    assert plain.isascii() and "##" in plain
    assert "█" in wide and 80 < max(map(len, wide.splitlines())) <= 120


def test_an_order_adds_up(clients, read, command, settings):
    manifest = read_manifest(published(orders_root(settings), DAY))
    largest = max((order for order in manifest["orders"] if order["lines"] <= 100), key=lambda order: order["lines"])
    found = order_explanation(clients, read, largest["supplier_id"], 3)
    shown, rest, order = found["lines"], found["rest"], found["order"]
    assert found["checks"]["agrees"] and found["notes"] == []
    assert (order["line_count"], order["order_qty"], str(order["cost"])) == (
        largest["lines"], largest["order_qty"], largest["cost"],
    )  # fmt: skip
    assert sum(line["order_qty"] for line in shown) + rest["order_qty"] == order["order_qty"] == sum(order["steps"].values())
    assert sum(line["line_cost"] for line in shown) + rest["cost"] == order["cost"]
    done = command("explain", DAY, "--supplier", largest["supplier_id"])
    assert done.returncode == 0 and largest["order_number"] in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_rows_that_are_not_kept_any_more(clients, read):
    gone = replace(read, locations={**read.locations, DECISIONS: "/warehouse/_runs/planning.order_decisions/2017-12-23/0-1"})
    with pytest.raises(Exception, match="not kept any more") as raised:
        facts_of(clients, gone, "1029743")
    assert raised.value.exit_code == 66
