"""What stands in the report: everything exported, escaped, exact, in the order to work in, and the same each time."""

import json
import os
import re
from concurrent.futures import Future
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from night_sample import DAY, DAYS, WINDOW, counts, decision, exception, execution, order, small_night

from common.publish.export_stage import _add_report
from common.report.charts import HEIGHT, bars, in_words
from common.report.facts import Facts
from common.report.render import report
from common.report.view import Exported, page
from common.settings import ROOT
from common.stages import Built


class Texts(HTMLParser):
    """Start tags and visible text of a page."""

    def __init__(self, data):
        super().__init__()
        self.tags, self.text, self._inside = [], "", []
        self.feed(data.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.text += " " if tag in ("dt", "dd", "td", "th", "tr", "div", "span") else ""
        self._inside = [*self._inside, tag] if tag in ("script", "style") else self._inside

    def handle_endtag(self, tag):
        self._inside = self._inside[:-1] if tag in ("script", "style") else self._inside

    def handle_data(self, data):
        self.text += "" if self._inside else data


@pytest.fixture(scope="module")
def small():
    return report(*small_night(), WINDOW, "..")


def why_of(data):
    text = re.search(r'<script type="application/json" id="why">(.*?)</script>', data.decode(), re.S)[1]
    return json.loads(text)


def test_everything_that_was_exported_stands_there(small):
    text = " ".join(Texts(small).text.split())
    for expected in (
        "Saturday, 2017-12-23", "Hartmann & Söhne <b>Dairy</b>", "Supplier S2", "due 2017-12-27", "5 × 12", "138.60",
        "finding about 900", "Do something about it.", "99.50 USD", "open for 4 nights", "1 error · 2 warnings · 1 notice",
        "60 ordered from S1: need 10, lifted to the MOQ 50, then to 5 packs of 12", "under way", "Written by run 7",
        "2 new · 1 gone since 2017-12-22", "1 gone since 2017-12-22", "SKU 901: a supplier came for <i>901</i>",
    ):  # fmt: skip
        assert expected in text, expected
    assert re.search(r"Orders 2 Lines 4 Units 240 Cost 554\.40 USD Exceptions 4", text)


def test_markup_in_names_stays_text(small):
    parsed = Texts(small)
    assert '<script>alert("x")</script> & "quotes"' in parsed.text and "<img src=x" in parsed.text
    assert not [tag for tag, _ in parsed.tags if tag == "img"]
    assert [attributes.get("type") for tag, attributes in parsed.tags if tag == "script"] == ["application/json", None]
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]


def test_a_name_cannot_end_the_script_that_carries_the_explanations():
    evil = order("</script><b>", "1")
    data = report(Exported(DAY, 7, [(evil, 1, "x.json")]), Facts({"1": decision("1", "</script><b>")}), WINDOW, "..")
    assert "</script><b>" in why_of(data)["lines"]["L0.1"]
    assert len(re.findall(rb"</script>", data)) == 2


def test_the_page_asks_for_nothing_and_runs_no_script_but_its_own(small):
    parsed = Texts(small)
    fetched = [(tag, a) for tag, a in parsed.tags if tag in ("link", "iframe", "object", "embed", "base") or "src" in a]
    assert not fetched and b"@import" not in small and b"url(" not in small
    policy = next(a["content"] for tag, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy and re.search(r"script-src 'sha256-\S{44}'", policy) and "unsafe" not in policy
    links = {a["href"] for tag, a in parsed.tags if tag == "a"}
    assert {link for link in links if not link.startswith("#")} == {"../index.html", "S1.json", "S2.json"}


@pytest.mark.parametrize(("home", "links"), [("../../..", {"../../../index.html", "S1.json", "S2.json"}), (None, set())])
def test_the_page_of_a_run_s_own_directory_leads_further_and_one_that_lies_elsewhere_nowhere(home, links):
    data = report(*small_night(), WINDOW, home)
    found = {a["href"] for tag, a in Texts(data).tags if tag == "a" and not a["href"].startswith("#")}
    assert found == links and "file S1.json" in " ".join(Texts(data).text.split())


def test_every_link_within_the_page_has_its_place(small):
    parsed = Texts(small)
    ids = [a["id"] for _, a in parsed.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for tag, a in parsed.tags if tag == "a" and a["href"].startswith("#")} <= set(ids)


def test_equal_nights_give_equal_bytes_whatever_the_order_of_rows(small):
    exported, facts = small_night()
    turned = replace(facts, decisions=dict(reversed(facts.decisions.items())))
    assert report(replace(exported, exceptions=exported.exceptions[::-1]), turned, WINDOW, "..") == small


def test_quantities_past_what_a_browser_counts_stay_exact():
    quantity = 9007199254740994
    one = order("S1", "1", packs=quantity // 12)
    stored = decision("1", "S1", need=9007199254740993, order_qty=one.lines[0].order_qty)
    data = report(Exported(DAY, 7, [(one, 1, "S1.json")]), Facts({"1": stored}), WINDOW, "..")
    assert "9007199254740993" in why_of(data)["lines"]["L0.1"]
    assert f"{one.lines[0].order_qty:,}" in Texts(data).text


def test_exceptions_stand_in_the_order_to_work_in():
    ranked = [exception("b", "notice", "1", rank=2), exception("a", "warning", "2", rank=3), exception("c", "error", "3", rank=1)]
    rows = page(Exported(DAY, 7, [], [], ranked), Facts(), WINDOW)["exceptions"]
    assert [row[1] for row in rows] == ["c", "b", "a"]
    older = [
        exception("x", "warning", "1", cost="5.00"), exception("x", "warning", "2", cost="70.00"),
        exception("x", "error", "3"), exception("x", "warning", "4", days=9),
    ]  # fmt: skip
    older = [{k: v for k, v in row.items() if not k.endswith("_at_risk")} for row in older]
    rows = page(Exported(DAY, 7, [], [], older), Facts(), WINDOW)["exceptions"]
    assert [row[4] for row in rows] == ["SKU 3", "SKU 2", "SKU 1", "SKU 4"]


def test_an_order_that_was_planned_again_is_not_explained_by_the_new_plan():
    one = order("S1", "1", "2", "3")
    stored = {"1": decision("1", "S1", order_qty=72), "2": decision("2", "S9"), "3": decision("3", "S1")}
    shown = page(Exported(DAY, 7, [(one, 1, "S1.json")]), Facts(stored), WINDOW)
    told = [line[8] for line in shown["orders"][0]["lines"]]
    assert [text.startswith("Planned again since") for text in told] == [True, True, False]
    assert list(json.loads(shown["why"])["lines"]) == ["L0.3"]


def test_a_file_whose_lines_are_not_all_accounted_for_is_first_and_named():
    files = {"good.csv": counts(2, 2), "bad.csv": counts(3, 1, 1)}
    data = report(Exported(DAY, 7, []), Facts(executions=(execution("stage_orders", notes={"files": files}),)), WINDOW, "..")
    text = " ".join(Texts(data).text.split())
    assert "1 file does not add up" in text and "Orders, 2 files 5 3 1 0 0 1 do not" in text
    assert text.index("orders/bad.csv 3 1 1 0 0 no") < text.index("orders/good.csv 2 2 0 0 0 yes")


def test_the_first_planned_date_calls_nothing_new():
    exported, facts = small_night()
    text = Texts(report(exported, replace(facts, compared_with=None, gone=()), WINDOW, "..")).text
    assert not re.search(r"\b(new|gone|State|open for)\b", text)


def test_an_empty_night_is_a_page_too():
    text = " ".join(Texts(report(Exported(DAY, 7, [], ["20171223-S1"]), Facts(), WINDOW, "..")).text.split())
    for expected in ("None.", "No spike and no drop.", "Nothing was ordered.", "no counts of this date", "no times of this date"):
        assert expected in text
    assert "Taken back by a later revision: 20171223-S1." in text


def test_a_bar_for_every_day_and_a_mark_where_nothing_is_known():
    known = tuple(day for day in DAYS if day != DAYS[3])
    made = bars(known, {DAYS[0]: 1, DAYS[1]: 1000, DAY: 500}, DAY, WINDOW)
    assert len(made) == WINDOW + 1 and [b["is_last"] for b in made].count(True) == 1 and made[-1]["is_last"]
    assert [made[n]["height"] for n in (0, 1, 2, WINDOW)] == [1, HEIGHT, 0, HEIGHT // 2]
    assert [n for n, b in enumerate(made) if not b["is_known"]] == [3]
    assert in_words(known, {DAYS[1]: 1000, DAY: 500}, DAY) == (
        "500 units on 2017-12-23; sold on 1 of the 27 days before, at most 1,000 on 2017-11-26"
    )


def test_a_report_that_cannot_be_made_holds_up_no_order(tmp_path):
    said, built, page_ = [], Built(), Future()
    run = SimpleNamespace(day=DAY, say=said.append)
    page_.set_exception(RuntimeError("no such table"))
    _add_report(run, tmp_path, tmp_path, page_, built)
    assert os.listdir(tmp_path) == []
    assert built.notes["report"] == "not made: no such table" and "./submit.sh report 2017-12-23" in said[0]


def test_the_colours_can_be_told_from_their_ground():
    style = (ROOT / "common" / "report" / "page" / "style.css").read_text(encoding="utf-8")
    light, dark = (dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)[:2])
    for theme in (light, dark):
        for name in ("text", "quiet", "link", "error", "warning", "notice"):
            for ground in ("ground", "shade"):
                assert contrast(theme[name], theme[ground]) >= 4.5, (name, ground)


def contrast(one, other):
    """Contrast of two colours by WCAG 2."""

    def luminance(colour):
        text = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
        parts = [int(text[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
