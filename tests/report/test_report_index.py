"""The index: every published night, from the first lines of its manifest, by link or by pointer file."""

import re
from datetime import date

from night_sample import order

from common.publish.export import MANIFEST, REPORT, point, write_run
from common.publish.export_lists import manifest
from common.publish.release import decide
from common.report.index import _head, nights, write_index


def export(root, day, run_id, *, with_report=True, by_link=True):
    decisions = decide([order("S1", "1"), order("S2", "2", currency="EUR")], {})
    names = {d.supplier_id: f"{d.supplier_id}.json" for d in decisions}
    files = {names[d.supplier_id]: d.data for d in decisions}
    files[MANIFEST] = manifest(day, run_id, decisions, names, files, 3, {})
    if with_report:
        files[REPORT] = b"<!doctype html>"
    directory = write_run(root, day, run_id, files)
    point(root, day, directory, by_link=by_link)
    return directory


def test_every_published_night_newest_first(tmp_path):
    export(tmp_path, date(2017, 12, 22), 1, with_report=False)
    export(tmp_path, date(2017, 12, 23), 2)
    export(tmp_path, date(2017, 12, 24), 3, by_link=False)
    (tmp_path / "notes.txt").write_text("somebody's own")
    listed = nights(tmp_path)
    assert [(str(night["day"]), night["run_id"], night["href"]) for night in listed] == [
        ("2017-12-24", 3, ".runs/2017-12-24/3/report.html"), ("2017-12-23", 2, "2017-12-23/report.html"), ("2017-12-22", 1, ""),
    ]  # fmt: skip
    assert (listed[0]["orders"], listed[0]["lines"], listed[0]["units"], listed[0]["exceptions"]) == (2, 2, 120, 3)
    assert [(currency, str(cost)) for currency, cost in listed[0]["cost"]] == [("EUR", "138.60"), ("USD", "138.60")]
    text = write_index(tmp_path).read_text(encoding="utf-8")
    assert text.count("<tr>") == 4 and '<a href="2017-12-23/report.html">2017-12-23</a>' in text
    assert not [file for file in tmp_path.iterdir() if file.name.endswith(".new")]


def test_the_index_fits_a_phone_is_dark_in_the_dark_and_needs_no_mouse(tmp_path, tab):
    for day in range(20, 24):
        export(tmp_path, date(2017, 12, day), day)
    page = write_index(tmp_path)
    tab.look(width=320, height=844, dark=True, phone=True)
    tab.open(page)
    assert tab.js("document.documentElement.scrollWidth") <= 320
    ground = [int(n) for n in re.findall(r"\d+", tab.js("getComputedStyle(document.body).backgroundColor"))[:3]]
    assert max(ground) < 60
    for _ in range(3):
        tab.press("Tab")
        if tab.js("document.activeElement.matches('a')"):
            break
    assert tab.js("document.activeElement.textContent") == "2017-12-23", "the newest night is the first link"
    assert tab.js("getComputedStyle(document.activeElement).outlineStyle") == "solid", "the focus can't be seen"
    assert tab.complaints() == [] and tab.requests() == [page.as_uri()]
    tab.press("Enter")
    tab.js("new Promise((done) => setTimeout(done, 500))")
    assert tab.js("location.href") == (tmp_path / "2017-12-23" / REPORT).as_uri()


def test_the_index_is_printed_whole(tmp_path, tab):
    export(tmp_path, date(2017, 12, 23), 2)
    tab.open(write_index(tmp_path))
    tab.look(media="print", dark=True)
    assert tab.js("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", "paper is white"
    assert tab.js("[...document.querySelectorAll('td, th')].every((cell) => cell.checkVisibility())")
    assert tab.pdf().startswith(b"%PDF-") and tab.complaints() == []


def test_an_index_of_nothing(tmp_path):
    assert "No night has been exported yet." in write_index(tmp_path).read_text(encoding="utf-8")


def test_the_first_lines_of_a_manifest_are_enough(tmp_path):
    directory = export(tmp_path, date(2017, 12, 23), 2)
    whole = _head(directory)
    text = (directory / MANIFEST).read_text(encoding="utf-8")
    (directory / MANIFEST).write_text(text[: text.index('"orders": [') + 11] + "and what follows is never read")
    assert _head(directory) == whole
