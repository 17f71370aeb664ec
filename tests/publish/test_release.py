"""Release as pure decisions: what was released is never changed without a revision, and every change is said."""

from dataclasses import replace
from decimal import Decimal

import pytest
from plan_rows import DAY, line, orders

from common.contracts import contract
from common.errors import BadData, NotAllowed
from common.publish.delta_tables import arrow_schema
from common.publish.export import MANIFEST, read_manifest, write_run
from common.publish.export_lists import manifest
from common.publish.order_files import COLUMNS, sha256
from common.publish.release import (
    TABLE,
    decide,
    heads_of,
    history_of,
    needs_history,
    parse_order,
    refuse_changes,
    release_rows,
    unrecorded,
)

FIRST = (line("S1"), line("S1", 2, "2"), line("S2"), line("S3"))


class Record:
    """The record of one date in memory: rows as Spark would append them, read as Trino would read them."""

    def __init__(self):
        self.rows = []

    @property
    def heads(self):
        names = ("order_number", "supplier_id", "revision", "status", "order_sha256")
        return heads_of({tuple(row[name] for name in names) for row in self.rows})

    @property
    def history(self):
        return history_of(DAY, [(row["revision"], *(row[name] for name in COLUMNS)) for row in self.rows])

    def release(self, *rows, run_id=1):
        decisions = decide(orders(*rows), self.heads)
        self.rows += release_rows(decisions, self.history, run_id)
        return decisions

    def state(self):
        return {head.supplier_id: (head.revision, head.status) for head in self.heads.values()}


@pytest.fixture
def record():
    found = Record()
    found.release(*FIRST)
    return found


def states(decisions):
    return {d.supplier_id: (d.status, d.revision) for d in decisions}


def write_manifest(decisions, history, run_id=1):
    names = {d.supplier_id: f"{d.supplier_id}.json" for d in decisions}
    files = {names[d.supplier_id]: d.data for d in decisions if d.order}
    return files | {MANIFEST: manifest(DAY, run_id, decisions, names, files, 0, history)}


def test_the_first_release_is_revision_1(record):
    assert record.state() == {"S1": (1, "new"), "S2": (1, "new"), "S3": (1, "new")}
    assert len(record.rows) == 4
    columns = {c.name for c in contract(TABLE).columns} | {"business_date"}
    assert all(set(row) == columns for row in record.rows) and set(arrow_schema(contract(TABLE)).names) == columns


def test_a_replay_with_the_same_bytes_changes_nothing(record):
    decisions = decide(orders(*reversed(FIRST)), record.heads)
    assert states(decisions) == {"S1": ("unchanged", 1), "S2": ("unchanged", 1), "S3": ("unchanged", 1)}
    assert [d.data for d in decisions] == [d.data for d in decide(orders(*FIRST), {})]
    assert release_rows(decisions, record.history, 2) == []
    assert not needs_history(decisions)
    refuse_changes(DAY, decisions, record.heads, record.history)


CHANGED = (line("S1", packs=6), line("S1", 2, "2"), line("S2"), line("S4"))


def test_a_plan_that_differs_is_refused_and_says_what(record):
    decisions = decide(orders(*CHANGED), record.heads)
    with pytest.raises(NotAllowed) as refusal:
        refuse_changes(DAY, decisions, record.heads, record.history)
    assert refusal.value.exit_code == 77
    assert str(refusal.value) == (
        "the plan of 2017-12-23 differs from what was released in 3 orders; what is published stays as it is\n"
        "  20171223-S1: SKU 1029743 60 -> 72\n"
        "  20171223-S3: no longer ordered, was revision 1 with 1 lines\n"
        "  20171223-S4: not ordered before, now 1 lines\n"
        "  where: delta.audit.released_orders\n"
        "  next:  ./submit.sh export_orders 2017-12-23 --revise   (releases the next revision of these orders)"
    )


@pytest.mark.parametrize(
    ("differs", "said"),
    [
        ({"unit_cost": "2.40"}, "SKU 1029743 unit_cost 2.31 -> 2.40, SKU 1029743 line_cost 138.60 -> 144.00"),
        ({"sku": "7"}, "SKU 7 added (60), SKU 1029743 removed (60)"),
        ({"supplier_name": "Other"}, "supplier_name 'Hartmann Dairy' -> 'Other'"),
        ({"due_date": DAY}, "SKU 1029743 due_date 2017-12-27 -> 2017-12-23"),
    ],
)
def test_every_kind_of_difference_is_said(differs, said):
    record = Record()
    record.release(line("S1"))
    decisions = decide(orders(line("S1", **differs)), record.heads)
    with pytest.raises(NotAllowed) as refusal:
        refuse_changes(DAY, decisions, record.heads, record.history)
    assert f"20171223-S1: {said}\n" in str(refusal.value)


def test_many_differences_are_cut_short():
    record = Record()
    record.release(*(line(f"S{s}", n, str(n)) for s in range(9) for n in range(1, 9)))
    rows = [line(f"S{s}", n, str(n), packs=9) for s in range(9) for n in range(1, 9)]
    with pytest.raises(NotAllowed) as refusal:
        refuse_changes(DAY, decide(orders(*rows), record.heads), record.heads, record.history)
    assert "in 9 orders" in str(refusal.value) and "and 4 more\n" in str(refusal.value)
    assert "SKU 1 60 -> 108, SKU 2 60 -> 108, SKU 3 60 -> 108, and 5 more\n" in str(refusal.value)


def test_a_file_form_that_changed_is_a_difference_too(record):
    heads = {number: replace(head, order_sha256="0" * 64) for number, head in record.heads.items()}
    with pytest.raises(NotAllowed, match="the same lines, but the form of the file changed"):
        refuse_changes(DAY, decide(orders(*FIRST), heads), heads, record.history)


def test_revise_raises_the_revision_of_what_changed_alone(record):
    before = {d.supplier_id: d.data for d in decide(orders(*FIRST), {})}
    decisions = record.release(*CHANGED, run_id=2)
    assert states(decisions) == {
        "S1": ("changed", 2), "S2": ("unchanged", 1), "S3": ("cancelled", 2), "S4": ("new", 1),
    }  # fmt: skip
    data = {d.supplier_id: d.data for d in decisions}
    assert data["S2"] == before["S2"] and b'"revision": 2' in data["S1"] and data["S3"] == b""
    assert record.state() == {"S1": (2, "changed"), "S2": (1, "new"), "S3": (2, "cancelled"), "S4": (1, "new")}
    assert {row["run_id"] for row in record.rows if row["revision"] == 2} == {2}


def test_a_cancelled_order_counts_nothing_and_can_come_back(record):
    record.release(*CHANGED, run_id=2)
    cancelled = [row for row in record.rows if row["status"] == "cancelled"]
    assert [(row["sku"], row["order_qty"], row["packs"], row["line_cost"]) for row in cancelled] == [
        ("1029743", 0, 0, Decimal("0.00"))
    ]
    assert cancelled[0]["order_sha256"] == ""
    again = record.release(*CHANGED, run_id=3)
    assert all(d.is_recorded for d in again), "a cancellation is recorded once"
    back = record.release(*FIRST, run_id=4)
    assert states(back)["S3"] == ("changed", 3) and record.state()["S3"] == (3, "changed")


def test_the_manifest_says_what_every_revision_changed(record, tmp_path):
    record.release(*CHANGED, run_id=2)
    decisions = record.release(*CHANGED, line("S1", 3, "3"), run_id=3)
    directory = write_run(tmp_path, DAY, 3, write_manifest(decisions, record.history, 3))
    found = read_manifest(directory)
    assert found["cancelled"] == [
        {"order_number": "20171223-S3", "supplier_id": "S3", "last_revision": 1, "cancelled_by_revision": 2}
    ]
    fields = {
        "order_qty": {"old": 60, "new": 72},
        "packs": {"old": 5, "new": 6},
        "line_cost": {"old": "138.60", "new": "166.32"},
    }
    assert found["changes"] == [
        {
            "order_number": "20171223-S1", "supplier_id": "S1", "revision": 2, "status": "changed", "added": [], "removed": [],
            "changed": [{"sku": "1029743", "old_order_qty": 60, "new_order_qty": 72, "fields": fields}], "header": {},
        },
        {
            "order_number": "20171223-S1", "supplier_id": "S1", "revision": 3, "status": "changed",
            "added": [{"sku": "3", "order_qty": 60}], "removed": [], "changed": [], "header": {},
        },
        {
            "order_number": "20171223-S3", "supplier_id": "S3", "revision": 2, "status": "cancelled", "added": [],
            "removed": [{"sku": "1029743", "order_qty": 60}], "changed": [], "header": {},
        },
    ]  # fmt: skip
    assert [entry["file"] for entry in found["orders"]] == ["S1.json", "S2.json", "S4.json"]
    assert found["totals"] == {
        "orders": 3, "lines": 5, "order_qty": 312, "cost": {"USD": "720.72"}, "exceptions": 0, "cancelled": 1,
    }  # fmt: skip


def test_the_files_say_all_that_the_record_needs():
    for decision in decide(orders(*FIRST), {}):
        assert parse_order(DAY, decision.data) == decision.order


@pytest.mark.parametrize("killed_after", ["first release", "revision"])
def test_what_was_linked_and_not_recorded_is_found(record, tmp_path, killed_after):
    before = Record() if killed_after == "first release" else record
    plan = FIRST if killed_after == "first release" else CHANGED
    decisions = decide(orders(*plan), before.heads)
    directory = write_run(tmp_path, DAY, 5, write_manifest(decisions, before.history, 5))
    missing, run_id = unrecorded(directory, DAY, before.heads)
    assert run_id == 5
    assert release_rows(missing, before.history, run_id) == release_rows(decisions, before.history, 5)
    before.rows += release_rows(missing, before.history, run_id)
    assert unrecorded(directory, DAY, before.heads) == ([], 5), "recorded once"
    assert all(d.is_recorded for d in decide(orders(*plan), before.heads))


def test_a_directory_that_was_altered_is_never_recorded(tmp_path):
    decisions = decide(orders(*FIRST), {})
    directory = write_run(tmp_path, DAY, 5, write_manifest(decisions, {}))
    (directory / "S2.json").write_bytes(b"{}")
    with pytest.raises(BadData, match="not what its manifest says"):
        unrecorded(directory, DAY, {})


def test_a_record_that_contradicts_itself_stops():
    twice = [("20171223-S1", "S1", 1, "new", sha256(text)) for text in (b"a", b"b")]
    with pytest.raises(BadData, match="revision 1 of order 20171223-S1 is recorded twice"):
        heads_of(twice)


def test_the_first_orders_after_an_empty_day_need_no_revise():
    decisions = decide(orders(*FIRST), {})
    refuse_changes(DAY, decisions, {}, {})
    assert {d.status for d in decisions} == {"new"}
