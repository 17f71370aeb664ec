"""A made-up, dirty night on the real lake: what is staged is what the truth file says, and every ad-hoc query runs."""

import json

import pytest

from common.adhoc import header, parameters, queries, render
from common.dates import business_date
from common.errors import Usage

pytestmark = pytest.mark.master_data

DAY = "2026-02-03"
EXAMPLE = {"sku": "G000001", "limit": "5", "days": "7"}


@pytest.fixture(scope="module")
def night(submit, settings, postgres):
    """The night of a made-up day with faults; its truth, and the result of `all`."""
    assert submit("init_master_data").returncode == 0
    made = submit("generate", DAY, "--dirty", "3", "--orders", "3000", "--seed", "5", "--replace")
    assert made.returncode == 0, made.stderr
    done = submit("all", DAY, "--json")
    assert done.returncode == 0, done.stderr
    truth = json.loads((settings.path("paths.inbox") / "truth" / f"{DAY}.json").read_text())
    return truth, {s["stage"]: s["rows"] for s in json.loads(done.stdout)["stages"]}


def test_the_order_lines_are_those_of_the_truth(night):
    truth, rows = night
    staged = rows["stage_orders"]
    for outcome in ("read", "accepted", "rejected", "set_aside", "duplicates"):
        assert staged.get(outcome, 0) == truth["orders"][outcome], outcome
    assert truth["orders"]["rejected"] > 50 and truth["orders"]["duplicates"] > 5


def test_the_stock_rows_are_those_of_the_truth(night):
    truth, rows = night
    staged = rows["stage_stock"]
    for outcome in ("read", "accepted", "rejected", "duplicates"):
        assert staged.get(outcome, 0) == truth["stock"][outcome], outcome


@pytest.mark.parametrize("name", queries())
def test_every_query_runs_from_its_own_header(night, submit, name):
    given = [f"{key}={EXAMPLE[key]}" for key in parameters(queries()[name]) if key != "business_date"]
    result = submit("adhoc", name, DAY, *given, "--json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    assert rows or name == "master_drift"


def test_drift_shows_what_has_changed_since_the_snapshot(night, submit, postgres):
    postgres.rows("update procurement.products set pack_size = 999 where sku = 'G000002'")
    try:
        rows = json.loads(submit("adhoc", "master_drift", DAY, "--json").stdout)
        status = submit("status", DAY, "--json", env={"PROCUREMENT_PLANNING__SPIKE_FACTOR": "9"})
    finally:
        postgres.rows("update procurement.products set pack_size = %s where sku = 'G000002'", (rows[0]["was"]["pack_size"],))
    assert [(r["table_name"], r["key"], r["change"], r["is_now"]) for r in rows] == [
        ("products", "G000002", "changed", {"pack_size": "999"})
    ]
    told = json.loads(status.stdout)
    assert told["master_drift"] == {"products": 1}, status.stderr
    assert told["settings_drift"] == {"planning.spike_factor": {"snapshot": 2, "today": 9}}


@pytest.mark.parametrize("name", queries())
def test_every_query_has_a_header(name):
    for word in ("Purpose", "Grain", "Reads", "Parameters", "Usage"):
        assert header(queries()[name]).get(word), word
    assert header(queries()[name])["Usage"].startswith(f"./submit.sh adhoc {name} ")


@pytest.mark.parametrize(("name", "given"), [
    ("no_such", {}), ("why_ordered", {}), ("why_ordered", {"sku": "a\nb"}), ("top_skus", {"limit": "all"}),
    ("top_skus", {"limit": "²"}), ("top_skus", {"limit": "1; select 1"}), ("top_skus", {"other": "1"}),
    ("why_ordered", {"sku": ""}),
])  # fmt: skip
def test_a_wrong_parameter_is_refused(name, given):
    with pytest.raises(Usage):
        render(name, business_date(DAY), given)


@pytest.mark.parametrize("sku", ["1' or '1' = '1", "AB/12", "7:1", "$limit", "ä ß"])
def test_any_sku_may_be_asked_for_and_stays_a_text(sku):
    assert "sku = '" + sku.replace("'", "''") + "'" in render("why_ordered", business_date(DAY), {"sku": sku})


def test_a_reader_may_not_write(night, settings):
    from common.adhoc import READER
    from common.clients.trino import Trino
    from common.errors import Failure

    reader = Trino(settings.service("TRINO_URL"), READER)
    for statement in (
        "delete from postgresql.procurement.products",
        f"delete from hive.staging.pos_order_lines where business_date = date '{DAY}'",
        "insert into postgresql.procurement.stores (store_id, name, is_active) values ('X', '', true)",
        "drop table hive.planning.net_demand",
    ):
        with pytest.raises(Failure, match="Access Denied"):
            reader.execute(statement)
