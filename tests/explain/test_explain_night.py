"""Explain on a small generated night with faults, which is then planned again: what was decided first stays explained."""

import json
from datetime import date

import pytest

from common.explain.arithmetic import compare, disagreements
from common.explain.facts import facts_of_skus
from common.explain.lineage import DECISIONS, lineage
from common.explain.stored import all_rows
from common.publish.run import Clients

pytestmark = pytest.mark.master_data

DAY = "2030-03-04"


@pytest.fixture(scope="module")
def night(lake, submit, settings):
    """The night, its clients and its first decision."""
    size = ("--stores", "4", "--orders", "200", "--skus", "150", "--warehouses", "2", "--replace-master")
    assert submit("generate", DAY, *size, "--dirty", "4", "--seed", "11").returncode == 0
    done = submit("all", DAY)
    assert done.returncode == 0, done.stderr
    clients = Clients(settings)
    return clients, lineage(clients, date.fromisoformat(DAY))


def test_every_sku_comes_to_the_same(night):
    clients, read = night
    rows = all_rows(clients.hdfs, read.locations[DECISIONS], ("sku", "outcome"))
    facts = facts_of_skus(clients, read, [row["sku"] for row in rows])
    assert len(facts) == len(rows) > 100
    assert {row["outcome"] for row in rows} >= {"ordered", "enough_stock", "held"}
    assert [line for found in facts.values() for line in disagreements(compare(found))] == []


def test_a_held_sku_names_the_row_that_was_rejected(night, submit):
    clients, read = night
    rows = all_rows(clients.hdfs, read.locations[DECISIONS], ("sku", "outcome"))
    sku = next(row["sku"] for row in rows if row["outcome"] == "held")
    done = submit("explain", DAY, sku, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["outcome"] == "held" and found["sentence"].startswith("not ordered, held")
    refused = [row for row in found["sources"]["rejected"]["shown"] if row["table_name"] == "staging.warehouse_stock"]
    assert refused and refused[0]["source_file"].startswith("W") and refused[0]["reasons"]
    assert "rejected_stock_row" in {row["code"] for row in found["exceptions"]}


def test_an_earlier_decision_is_explained_from_its_own_rows(night, submit):
    clients, read = night
    first = read.made[DECISIONS].run_id
    rows = all_rows(clients.hdfs, read.locations[DECISIONS], ("sku", "outcome"))
    sku = next(row["sku"] for row in rows if row["outcome"] == "ordered")
    before = json.loads(submit("explain", DAY, sku, "--json").stdout)
    assert before["notes"] == []
    again = submit("purchase_orders", DAY, "--force")
    assert again.returncode == 0, again.stderr
    now = json.loads(submit("explain", DAY, sku, "--json").stdout)
    then = json.loads(submit("explain", DAY, sku, "--json", "--run", first).stdout)
    second = now["provenance"]["decided"]["run_id"]
    assert second > first == then["provenance"]["decided"]["run_id"]
    assert any("exceptions were never listed for this plan" in note for note in now["notes"])
    since = f"now of run {second}; this explains what was read then"
    assert any(DECISIONS in note and note.endswith(since) for note in then["notes"])
    same = ("sentence", "formula", "steps", "order", "suppliers", "history", "sources")
    assert {k: then[k] for k in same} == {k: before[k] for k in same}
    assert then["exceptions"] == before["exceptions"] and now["exceptions"] == []
    clients.hdfs.delete(read.locations[DECISIONS])
    gone = submit("explain", DAY, sku, "--run", first)
    assert gone.returncode == 66 and "not kept any more" in gone.stderr
