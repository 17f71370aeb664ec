"""The demo's night against an oracle that knows only the raw files: counts, orders and money, to the unit and the cent.

Imports nothing of the project: what it compares is what a supplier's file and `./submit.sh status --json` say.
"""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from plain_night import night
from trino.dbapi import connect

DAY = date(2017, 12, 23)


def service(submit, name):
    """The address of a service, as any outside program gets it."""
    return re.search(rf"^export {name}=['\"]?([^'\"\s]+)", submit("lake", "env").stdout, re.M).group(1)


def download(webhdfs, path, target):
    """The files of an HDFS folder, over WebHDFS."""
    target.mkdir(parents=True)
    with urlopen(f"{webhdfs}{path}?op=LISTSTATUS") as answer:
        entries = json.load(answer)["FileStatuses"]["FileStatus"]
    for name in (entry["pathSuffix"] for entry in entries if entry["type"] == "FILE"):
        with urlopen(f"{webhdfs}{path}/{name}?op=OPEN") as answer:
            (target / name).write_bytes(answer.read())


@pytest.fixture(scope="module")
def oracle(demo, submit, tmp_path_factory):
    """What the night should have come to."""
    webhdfs = service(submit, "WEBHDFS_URL")
    raw = tmp_path_factory.mktemp("raw")
    for kind in ("orders", "stock", "master"):
        download(webhdfs, f"/raw/{kind}/{DAY}", raw / kind / str(DAY))
    return night(raw, DAY)


@pytest.fixture(scope="module")
def published(demo):
    """The supplier orders as they were published, by supplier."""
    folder = Path(re.search(r"^order files: (.+)$", demo.stdout, re.M).group(1))
    files = [file for file in folder.glob("*.json") if file.stem != "exceptions" and not file.name.startswith("_")]
    return {tree["supplier"]["supplier_id"]: tree for tree in (json.loads(file.read_text(encoding="utf-8")) for file in files)}


@pytest.fixture(scope="module")
def ledger(demo, submit):
    """Rows by outcome of the last success of each stage."""
    runs = json.loads(submit("status", DAY, "--json").stdout)["runs"]
    return {run["stage"]: run["rows"] for run in runs if run["status"] == "succeeded"}


def test_every_line_is_accounted_for(oracle, ledger):
    assert ledger["stage_orders"] == vars(oracle.orders)
    assert ledger["stage_stock"] == vars(oracle.stock)
    assert oracle.orders.read == 7110, "the day as it was sold"


def test_the_same_lines_are_rejected(oracle, demo, submit):
    runs = json.loads(submit("status", DAY, "--json").stdout)["runs"]
    (run, *_) = [r["run_id"] for r in reversed(runs) if (r["stage"], r["status"]) == ("stage_orders", "succeeded")]
    rows = asked(
        submit, "delta", "select source_file, source_line, sku from audit.rejected_rows"
        f" where run_id = {run} and table_name = 'staging.pos_order_lines' and action = 'reject'"
    )  # fmt: skip
    assert sorted(map(tuple, rows)) == sorted(oracle.rejected)


def test_orders_go_to_the_same_suppliers(oracle, published):
    assert sorted(published) == sorted(oracle.documents)


def test_every_order_to_the_unit_and_the_cent(oracle, published):
    for supplier, expected in oracle.documents.items():
        assert {name: published[supplier][name] for name in expected} == expected


def asked(submit, catalog, query):
    """The rows of a query, as an outside program asks it."""
    address = urlsplit(service(submit, "TRINO_URL"))
    with connect(host=address.hostname, port=address.port, user="oracle", catalog=catalog) as trino:
        cursor = trino.cursor()
        cursor.execute(query)
        return cursor.fetchall()


def test_the_need_of_every_sku(oracle, demo, submit):
    query = f"select sku, net_demand_qty from planning.net_demand where business_date = date '{DAY}'"
    assert dict(asked(submit, "hive", query)) == oracle.net_demand


def test_what_is_not_ordered_has_the_same_reason(oracle, demo, ledger):
    reasons = ("not_planned", "held", "no_supplier", "invalid_terms")
    counted = {reason: sum(why == reason for why in oracle.not_ordered.values()) for reason in reasons}
    outcomes = ledger["purchase_orders"]
    assert outcomes["ordered"] == sum(len(order["lines"]) for order in oracle.documents.values())
    assert {reason: outcomes.get(reason, 0) for reason in ("held", "no_supplier", "invalid_terms")} == {
        reason: counted[reason] for reason in ("held", "no_supplier", "invalid_terms")
    }
    assert sum(outcomes.values()) == len(oracle.net_demand), "every SKU has one outcome"


def test_the_day_is_not_trivial(oracle):
    assert oracle.orders.rejected and oracle.not_ordered and len(oracle.documents) > 1000
    assert set(oracle.not_ordered.values()) >= {"not_planned", "no_supplier", "invalid_terms"}
