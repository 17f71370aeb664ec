"""The report of the demo's night, as a user finds it beside the order files, and `./submit.sh report`."""

import csv
import json
import shutil
from datetime import date

import pytest
from test_report_browser import EXCEPTIONS, ORDERS, set_field

from common.publish import export
from common.publish.order_files import sha256
from common.report.index import nights

DAY = date(2017, 12, 23)


@pytest.fixture
def folder(demo, settings):
    return export.orders_root(settings) / str(DAY)


def checksums(folder):
    return {file.name: sha256(file.read_bytes()) for file in folder.iterdir() if file.name != export.REPORT}


def test_the_nights_report_shows_what_lies_beside_it(folder, tab):
    manifest = export.read_manifest(folder)
    with open(folder / "exceptions.csv", encoding="utf-8", newline="") as text:
        exceptions = list(csv.DictReader(text))
    tab.open((folder / export.REPORT).resolve())
    assert tab.js("document.querySelectorAll('.order').length") == manifest["totals"]["orders"] > 1000
    assert tab.js("document.querySelectorAll('.line').length") == manifest["totals"]["lines"] > 4000
    assert tab.js("document.querySelectorAll('#exception-rows > li').length") == len(exceptions) > 2000
    assert tab.js("document.querySelectorAll('.charts svg').length") == sum(
        row["code"] in ("demand_spike", "demand_drop") for row in exceptions
    )
    assert tab.js("document.querySelectorAll('.charts rect.last').length") > 20
    no_reason = "[...document.querySelectorAll('.line p')].filter((p) => p.textContent.startsWith('Planned again')).length"
    assert tab.js(no_reason) == 0
    assert tab.js("[...document.querySelectorAll('#stages tbody th')].map((cell) => cell.textContent)")[-1] == "export_orders"
    assert not tab.js("document.querySelectorAll('#files .error').length")
    assert tab.complaints() == []


def test_its_filters_find_what_the_lists_have(folder, tab):
    with open(folder / "exceptions.csv", encoding="utf-8", newline="") as text:
        wanted = [row for row in csv.DictReader(text) if row["code"] == "no_supplier"]
    tab.open((folder / export.REPORT).resolve())
    set_field(tab, EXCEPTIONS, "code", "no_supplier")
    assert tab.js(f"document.querySelector('{EXCEPTIONS} output').textContent").startswith(f"{len(wanted)} of ")
    order = json.loads((folder / export.read_manifest(folder)["orders"][0]["file"]).read_bytes())
    sku = order["lines"][0]["sku"]
    set_field(tab, ORDERS, "text", f"{order['supplier']['supplier_id']} {sku}")
    line = "document.querySelector('.line:not([hidden])')"
    assert str(sku) in tab.js(f"{line}.textContent")
    tab.js(f"{line}.open = true")
    tab.js("new Promise((done) => setTimeout(done, 1000))")
    steps = tab.js(f"[...{line}.querySelectorAll('table')[1].tBodies[0].rows].map((row) => row.cells[1].textContent)")
    assert steps[-1] == f"{order['lines'][0]['order_qty']:,}"


def test_the_report_is_none_of_the_files(folder):
    manifest = export.read_manifest(folder)
    assert export.REPORT not in {entry["name"] for entry in manifest["files"]}
    assert export.is_intact(folder)


def test_the_index_leads_to_the_report(folder, settings, tab):
    listed = {night["day"]: night for night in nights(folder.parent)}
    totals = export.read_manifest(folder)["totals"]
    assert (listed[DAY]["orders"], listed[DAY]["units"]) == (totals["orders"], totals["order_qty"])
    tab.open(folder.parent / "index.html")
    href = tab.js("[...document.querySelectorAll('a')].find((a) => a.textContent === '2017-12-23').href")
    assert href == (folder / export.REPORT).as_uri()
    tab.open(folder / export.REPORT)
    assert tab.js("[...document.querySelectorAll('a')].find((a) => a.textContent === 'All nights').href") == (
        folder.parent / "index.html"
    ).as_uri()
    assert tab.complaints() == []


def test_the_command_makes_it_again_and_touches_nothing_else(folder, submit, tmp_path):
    before, page = checksums(folder), (folder / export.REPORT).read_bytes()
    (folder / export.REPORT).unlink()
    done = submit("report", DAY, "--json")
    assert done.returncode == 0, done.stderr
    written = json.loads(done.stdout)["written"]
    assert [path.rsplit("/", 2)[-2:] for path in written] == [[str(DAY), "report.html"], ["supplier_orders", "index.html"]]
    again = (folder / export.REPORT).read_bytes()
    # the export itself had not ended when the night wrote the page: its row is the one that may differ
    assert again.split(b'<section id="stages"')[0] == page.split(b'<section id="stages"')[0]
    assert checksums(folder) == before and export.is_intact(folder)
    assert submit("report", DAY, "--to", tmp_path / "night.html").returncode == 0
    elsewhere = (tmp_path / "night.html").read_bytes()
    assert elsewhere.split(b'<section id="demand"')[1].split(b'<section id="orders"')[0] in again
    assert b"index.html" in again and b"index.html" not in elsewhere and b'.json">' not in elsewhere
    assert submit("report", DAY, "--to", tmp_path / "nowhere" / "night.html").returncode == 73


def test_a_night_that_was_never_exported_says_what_to_do(demo, submit):
    done = submit("report", "2001-01-01")
    assert done.returncode == 66 and "./submit.sh export_orders 2001-01-01" in done.stderr


def test_an_altered_order_is_not_shown_as_if_it_were_ours(folder, tmp_path):
    from common.errors import BadData
    from common.report.command import exported_in

    copy = shutil.copytree(folder, tmp_path / "copy")
    name = export.read_manifest(copy)["orders"][0]["file"]
    (copy / name).write_bytes((copy / name).read_bytes().replace(b'"order_qty": ', b'"order_qty": 1', 1))
    with pytest.raises(BadData, match="not what its manifest says"):
        exported_in(copy, DAY)
