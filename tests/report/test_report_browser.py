"""The report in a real browser: opened from a file, filtered, unfolded, by keyboard, on a phone, in print, in the dark."""

import json
import re

import pytest
from night_sample import WINDOW, large_night, small_night

from common.report.render import report

EXCEPTIONS, ORDERS = "form[data-filters=exceptions]", "form[data-filters=orders]"
# sets a field as a person would and waits until what follows from it is on the screen; milliseconds that took
SET = """(async (form, name, value) => {
  const start = performance.now(), field = document.querySelector(form).elements[name];
  field.type === "checkbox" ? field.checked = value : field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
  return performance.now() - start;
})"""
SHOWN = "[...document.querySelectorAll('{}:not([hidden])')].map((row) => row.id)"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    file = tmp_path_factory.mktemp("2017-12-23 Nacht") / "report.html"
    file.write_bytes(report(*small_night(), WINDOW, ".."))
    return file


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    file = tmp_path_factory.mktemp("large") / "report.html"
    file.write_bytes(report(*large_night(), WINDOW, ".."))
    return file


@pytest.fixture
def page(tab, small):
    tab.open(small)
    yield tab
    assert tab.complaints() == [] and tab.requests() == [small.as_uri()]


def set_field(page, form, name, value):
    return page.js(f"{SET}({json.dumps(form)}, {json.dumps(name)}, {json.dumps(value)})")


def test_it_opens_and_runs_nothing_that_a_name_says(page):
    assert page.js("document.title") == "Supplier orders of 2017-12-23"
    assert page.js("document.images.length") == 0
    assert page.js("document.querySelector('#L0\\\\.2 summary').textContent").startswith(
        '200 <script>alert("x")</script> & "quotes"'
    )
    assert page.js("document.querySelector('#O0 b').textContent") == "Hartmann & Söhne <b>Dairy</b>"


def test_the_page_lets_no_other_script_run(tab, small):
    tab.open(small)
    tab.js("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hurt = 1\">')")
    tab.js("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hurt = 2'}))")
    tab.js("new Promise((done) => setTimeout(done, 1000))")
    assert tab.js("window.hurt") is None and len(tab.complaints()) >= 2


def test_exceptions_are_filtered_searched_and_sorted(page):
    rows = SHOWN.format("#exception-rows > li")
    assert page.js(rows) == ["X0", "X1", "X2", "X3"]
    set_field(page, EXCEPTIONS, "text", "FINDING 900")
    assert page.js(rows) == ["X0"] and page.js(f"document.querySelector('{EXCEPTIONS} output').textContent") == "1 of 4 shown"
    set_field(page, EXCEPTIONS, "text", "")
    set_field(page, EXCEPTIONS, "code", "demand_spike")
    assert page.js(rows) == ["X1"]
    page.js(f"document.querySelector('{EXCEPTIONS} button[type=reset]').click()")
    page.js("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 1000))")
    assert page.js(rows) == ["X0", "X1", "X2", "X3"]
    page.js(f"document.querySelector('{EXCEPTIONS} [value=warning]').click()")
    page.js("new Promise((done) => setTimeout(done, 1000))")
    assert page.js(rows) == ["X0", "X3"]
    page.js(f"document.querySelector('{EXCEPTIONS} [value=warning]').click()")
    set_field(page, EXCEPTIONS, "state", "open")
    assert page.js(rows) == ["X1", "X3"]
    set_field(page, EXCEPTIONS, "state", "")
    set_field(page, EXCEPTIONS, "sort", "code")
    assert page.js(rows) == ["X1", "X3", "X0", "X2"]
    set_field(page, EXCEPTIONS, "sort", "days")
    assert page.js(rows)[0] == "X1"
    set_field(page, EXCEPTIONS, "sort", "")
    assert page.js(rows) == ["X0", "X1", "X2", "X3"]


def test_orders_are_searched_by_supplier_and_product_and_unfold_what_was_found(page):
    lines, orders = SHOWN.format(".line"), SHOWN.format(".order")
    set_field(page, ORDERS, "text", "s2 product")
    assert page.js(lines) == ["L1.1", "L1.2"] and page.js("document.querySelector('#O1').open")
    set_field(page, ORDERS, "text", "s2 400")
    assert page.js(lines) == ["L1.2"] and page.js(orders) == ["O1"]
    assert page.js(f"document.querySelector('{ORDERS} output').textContent") == "1 of 4 lines, 1 suppliers"
    set_field(page, ORDERS, "text", "")
    set_field(page, ORDERS, "marked", True)
    assert page.js(lines) == ["L0.1", "L0.2", "L1.1"]
    set_field(page, ORDERS, "marked", False)
    set_field(page, ORDERS, "bound", "moq")
    assert page.js(orders) == []
    set_field(page, ORDERS, "bound", "")
    set_field(page, ORDERS, "text", "nothing of this kind")
    assert page.js(lines) == [] and page.js(orders) == []


def test_a_line_unfolds_its_explanation(page):
    page.js("document.querySelector('#O0').open = document.querySelector('#L0\\\\.1').open = true")
    page.js("new Promise((done) => setTimeout(done, 1000))")
    told = page.js("document.querySelector('#L0\\\\.1').innerText")
    assert "60 ordered from S1: need 10, lifted to the MOQ 50, then to 5 packs of 12" in told
    tables = page.js(
        "[...document.querySelectorAll('#L0\\\\.1 table')].map((table) => [...table.rows].map((row) =>"
        " [...row.cells].map((cell) => cell.textContent)))"
    )
    need, steps, terms = tables
    assert need == [
        ["demand of the date", "40"], ["+ safety stock", "20"], ["− free stock (available − reserved)", "50"],
        ["= need, never under 0", "10"],
    ]  # fmt: skip
    assert steps[1:] == [["need", "10", "+10"], ["MOQ", "50", "+40"], ["pack", "60", "+10"], ["order", "60", "0"]]
    assert ["MOQ", "50 (from replenishment_rules)"] in terms and ["lead time in days", "4 (from suppliers)"] in terms
    assert page.js("document.querySelector('#L0\\\\.1 .why li').textContent") == (
        "warning demand spike open for 4 nights: finding about 100 "
    )


def test_everything_can_be_done_by_keyboard_alone(page):
    page.press("Tab")
    assert page.js("document.activeElement.textContent") == "Skip to the content"
    page.press("Enter")
    assert page.js("document.activeElement.id") == "main"
    page.press("Tab")
    assert page.js("document.activeElement.name") == "text"
    page.type("900")
    page.js("new Promise((done) => setTimeout(done, 1000))")
    assert page.js(SHOWN.format("#exception-rows > li")) == ["X0"]
    for _ in range(60):
        page.press("Tab")
        if page.js("document.activeElement.matches('#O0 > summary')"):
            break
    page.press("Enter")
    assert page.js("document.querySelector('#O0').open")
    for _ in range(3):
        page.press("Tab")
        if page.js("document.activeElement.matches('.line > summary')"):
            break
    assert page.js("getComputedStyle(document.activeElement).outlineStyle") == "solid", "the focus can't be seen"
    page.press("Space")
    page.js("new Promise((done) => setTimeout(done, 1000))")
    assert page.js("document.querySelector('#L0\\\\.1 .why').innerText.includes('lead time')")


def test_a_link_unfolds_and_unhides_where_it_leads_to(page):
    set_field(page, ORDERS, "text", "s2")
    page.js("document.querySelector('#X2 a').click()")
    page.js("new Promise((done) => setTimeout(done, 1000))")
    assert page.js("document.querySelector('#L0\\\\.2').open && document.querySelector('#L0\\\\.2').checkVisibility()")
    assert page.js("document.activeElement.parentElement.id") == "L0.2"


def test_a_screen_reader_is_told_of_landmarks_headings_and_names(page):
    tree = page.accessibility_tree()
    roles = [role for role, _ in tree]
    for role in ("banner", "navigation", "main", "contentinfo"):
        assert roles.count(role) == 1, role
    regions = [name for role, name in tree if role in ("region", "search")]
    assert {"Exceptions to work through", "Orders", "What was ordered from whom", "Times of the stages"} <= set(regions)
    assert ("heading", "Supplier orders of Saturday, 2017-12-23") in tree
    named = [(role, name) for role, name in tree if role in ("link", "button", "checkbox", "combobox", "searchbox", "image")]
    assert named and not [pair for pair in named if not pair[1].strip()]
    assert ("image", "60 units on 2017-12-23; sold on 2 of the 28 days before, at most 7 on 2017-11-30") in tree
    summaries = [name for role, name in tree if role == "DisclosureTriangle"]
    assert any(name.startswith("Supplier S2") for name in summaries)


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_it_fits_every_width(tab, small, width):
    tab.look(width=width, height=844, phone=width < 700)
    tab.open(small)
    tab.js("document.querySelectorAll('details').forEach((one) => one.open = true)")
    tab.js("new Promise((done) => setTimeout(done, 1000))")
    assert tab.js("document.documentElement.scrollWidth") <= width
    if width < 700:
        heights = tab.js("[...document.querySelectorAll('input[type=search], select, button')].map((e) => e.offsetHeight)")
        assert min(heights) >= 44, "too small for a finger"
    assert tab.complaints() == []


def test_dark_mode_is_dark(tab, small):
    tab.look(dark=True)
    tab.open(small)
    ground = [int(n) for n in re.findall(r"\d+", tab.js("getComputedStyle(document.body).backgroundColor"))[:3]]
    assert max(ground) < 60
    tab.look(dark=True, media="print")
    assert tab.js("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", "paper is white"
    assert tab.complaints() == []


def test_pictures_of_it_are_there_to_be_looked_at(tab, small, tmp_path):
    """Light, dark and on a phone: something is on each, and no two are alike."""
    taken = {}
    for name, look in {"light": {}, "dark": {"dark": True}, "phone": {"width": 390, "height": 844, "phone": True}}.items():
        tab.look(**look)
        tab.open(small)
        tab.picture(tmp_path / f"{name}.png")
        taken[name] = (tmp_path / f"{name}.png").read_bytes()
    tab.look()
    tab.js("document.body.replaceChildren()")
    tab.picture(tmp_path / "empty.png")
    empty = (tmp_path / "empty.png").read_bytes()
    assert len(set(taken.values())) == 3
    assert all(image.startswith(b"\x89PNG") and len(image) > 4 * len(empty) for image in taken.values())


def test_what_is_printed_has_the_lines_and_not_the_controls(tab, small):
    tab.open(small)
    tab.look(media="print")
    tab.js("dispatchEvent(new Event('beforeprint'))")
    assert tab.js("document.querySelector('#L1\\\\.2').checkVisibility()")
    assert not tab.js("[...document.querySelectorAll('nav, .filters')].some((one) => one.checkVisibility())")
    tab.js("dispatchEvent(new Event('afterprint'))")
    assert not tab.js("document.querySelector('#O1').open")
    assert tab.pdf().startswith(b"%PDF-") and tab.complaints() == []


def test_without_scripts_everything_can_still_be_read(tab, small):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.load(small)
    assert tab.js("document.querySelector('#O1 b').textContent") == "Supplier S2"
    assert tab.js("document.querySelector('#X0').checkVisibility()") and tab.js("document.querySelector('.filters').hidden")
    tab.js("document.querySelector('#O1 > summary').click()")
    tab.js("document.querySelector('#L1\\\\.1 > summary').click()")
    assert "lifted to the MOQ 50" in tab.js("document.querySelector('#L1\\\\.1').innerText")
    tab.call("Emulation.setScriptExecutionDisabled", value=False)


def test_five_thousand_lines_stay_quick(tab, large, capsys):
    """Measured in the time that the page's own thread was at work, so that what else the machine does is not in it."""
    tab.call("Performance.enable", timeDomain="threadTicks")
    taken, start = {}, 0.0

    def done(what):
        nonlocal start
        found = tab.call("Performance.getMetrics")["metrics"]
        now = next(one["value"] for one in found if one["name"] == "TaskDuration")
        taken[what], start = 1000 * (now - start), now

    done("before")
    tab.open(large)
    done("opened")
    assert tab.js("document.querySelectorAll('.line').length") == 5000
    for form, of in ((EXCEPTIONS, "exceptions"), (ORDERS, "orders")):
        for name, value, what in (("text", "0001", "searched"), ("text", "", "shown again"), ("sort", "cost", "sorted")):
            set_field(tab, form, name, value)
            done(f"{of} {what}")
    tab.js("document.querySelector('#O7').open = document.querySelector('#L7\\\\.1').open = true")
    tab.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")
    done("a line unfolded")
    taken.pop("before")
    with capsys.disabled():
        print("\n  5,000 lines, 5,000 exceptions:", ", ".join(f"{what} {ms:.0f} ms" for what, ms in taken.items()))
    assert tab.js("document.querySelector('#L7\\\\.1 .why') !== null") and tab.complaints() == []
    assert taken.pop("opened") < 2500
    assert max(taken.values()) < 1000, taken
