"""stage_master, stage_orders and stage_stock on the real lake: files in HDFS in, published tables and audit rows out."""

from __future__ import annotations

import gzip
import io
import json
from argparse import Namespace
from datetime import date, timedelta

import pytest

from common.errors import BadData
from common.landing.describe import describe
from common.landing.manifest import Manifest, find_manifest, raw_folder, write_manifest
from common.migrate import migrate
from common.publish.engine import run_stages
from common.publish.run import Clients
from common.publish.stale import stale
from common.settings import load_settings
from common.stages import stage

MASTER = {
    "products.csv": "sku,name,department,category,base_unit,pack_size,status\n"
    + "".join(f"SKU-{n:04d},Item {n},,,each,12,active\n" for n in range(1, 400)),
    "suppliers.csv": "supplier_id,name,is_active,lead_time_days,currency,email\nU1,One,t,3,,\n",
    "replenishment_rules.csv": "sku,moq,safety_stock\nSKU-0001,24,\n",
    "product_suppliers.csv": "sku,supplier_id,priority,valid_from,valid_to,pack_size,moq,unit_cost,currency,lead_time_days\n"
    "SKU-0001,U1,1,2017-01-01,,,,1.25,,\n",
    "stores.csv": "store_id,name,is_active\nS001,A,t\nS002,B,f\n",
    "warehouses.csv": "warehouse_id,name,is_active\nW1,A,t\nW2,B,t\nW3,C,f\n",
}


@pytest.fixture(scope="module")
def clients(settings):
    made = Clients(settings)
    migrate(made.postgres)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def day():
    """A business date of a year that no other test module uses: a snapshot is compared with the ones before it."""
    return date(2036, 1, 10)


@pytest.fixture(scope="module")
def night(clients, day):
    """The date's night, its master data staged; each test lands files of its own."""
    return Night(clients, day)


class Night:
    """Lands files of one date and runs stages over them."""

    def __init__(self, clients, day):
        self.clients, self.day = clients, day
        self.land("master", {name: text.encode() for name, text in MASTER.items()})
        self.run("stage_master")

    def land(self, kind, files, day=None):
        day = day or self.day
        settings, hdfs = self.clients.settings, self.clients.hdfs
        folder = raw_folder(settings, kind, day)
        hdfs.delete(folder)
        hdfs.mkdirs(folder)
        described = []
        for name, data in files.items():
            hdfs.write(f"{folder}/{name}", data)
            described.append(describe(name, io.BytesIO(data), 1 << 20))
        write_manifest(hdfs, folder, Manifest(kind, day, tuple(described)))
        return folder

    def run(self, name, settings=(), **options):
        clients = self.clients
        if settings:
            clients = Clients(load_settings(list(settings)))
        given = Namespace(quiet=True, force=options.pop("force", False), **options)
        (done,) = run_stages(clients, [stage(name)], self.day, given, command=name)
        return done

    def rows(self, table, columns="*"):
        return sorted(
            map(tuple, self.clients.trino.execute(f"select {columns} from hive.{table} where business_date = date '{self.day}'"))
        )

    def rejected(self, table, columns):
        run_id = self.clients.metastore.partition(table, self.day).parameters["procurement.run_id"]
        sql = f"select {columns} from delta.audit.rejected_rows where run_id = {run_id} and table_name = '{table}'"
        return sorted(map(tuple, self.clients.trino.execute(sql)), key=repr)


def order(day, number, lines, store="S001"):
    listed = [{"line_no": n, "sku": sku, "quantity": q, "unit_price": 1.25} for n, (sku, q) in enumerate(lines, 1)]
    return json.dumps({"order_id": number, "store_id": store, "ordered_at": f"{day}T10:00:00", "lines": listed})


def many_orders(day, count, first=0):
    return [
        order(day, f"O{n}", [(f"SKU-{1 + (n * 7 + k) % 399:04d}", 1 + n % 9) for k in range(4)])
        for n in range(first, first + count)
    ]


def csv_orders(day, count, first):
    head = "order_id,store_id,ordered_at,line_no,sku,quantity,unit_price\n"
    return head + "".join(f"C{n},S002,{day}T11:00:00,1,SKU-{1 + n % 399:04d},2,0.99\n" for n in range(first, first + count))


def stock_file(day, warehouse, skus, available=10):
    head = "snapshot_date,warehouse_id,sku,available,reserved,safety_stock\n"
    return (head + "".join(f"{day},{warehouse},SKU-{n:04d},{available},1,\n" for n in skus)).encode()


def test_master_tables_are_typed(night):
    assert night.rows("staging.stores", "store_id, name, is_active") == [("S001", "A", True), ("S002", "B", False)]
    rows = night.rows("staging.product_suppliers", "sku, unit_cost, moq, valid_from, valid_to")
    assert [(r[0], str(r[1]), r[2], r[3], r[4]) for r in rows] == [("SKU-0001", "1.25", None, date(2017, 1, 1), None)]


@pytest.mark.parametrize(("supplier", "says"), [("u1", "in case alone"), ("ä" * 42, "fits into a file name")])
def test_a_supplier_whose_orders_could_be_no_file_of_their_own_stops(night, supplier, says):
    text = MASTER["suppliers.csv"]
    night.land("master", {n: t.encode() for n, t in {**MASTER, "suppliers.csv": f"{text}{supplier},Two,t,3,,\n"}.items()})
    try:
        with pytest.raises(BadData, match=says):
            night.run("stage_master")
        assert night.rows("staging.suppliers", "supplier_id") == [("U1",)]
    finally:
        night.land("master", {name: text.encode() for name, text in MASTER.items()})


def test_every_form_of_order_file(night):
    day = night.day
    faulty = [order(day, "Z1", [("SKU-0001", 0), ("SKU-0002", 3)]), order(day, "R1", [("SKU-0001", -2)]), "nonsense"]
    files = {
        "a.jsonl": "\n".join(many_orders(day, 100) + faulty).encode(),
        "b.jsonl.gz": gzip.compress("\n".join(many_orders(day, 100, 100)).encode()),
        "c.csv": csv_orders(day, 50, 0).encode(),
        "d.csv.gz": gzip.compress(csv_orders(day, 50, 50).encode()),
        "e.jsonl": many_orders(day, 1)[0].encode(),  # the first order of a.jsonl again
        "f.jsonl": b"",
    }
    night.land("orders", files)
    done = night.run("stage_orders")
    assert done.rows == {"read": 100 * 4 + 4 + 400 + 100 + 4, "accepted": 901, "rejected": 2, "set_aside": 1, "duplicates": 4}
    rows = night.rows("staging.pos_order_lines", "source_file, order_id, quantity, sku")
    assert len(rows) == 901
    assert {r[0] for r in rows} == {"a.jsonl", "b.jsonl.gz", "c.csv", "d.csv.gz"}
    found = night.rejected("staging.pos_order_lines", "action, source_file, source_line, element, sku, raw, reasons")
    assert [(r[0], r[2], r[3], r[4], r[6]) for r in found] == [
        ("reject", 101, 1, "SKU-0001", ["quantity_zero"]),
        ("reject", 103, None, None, ["malformed_json"]),
        ("set_aside", 102, 1, "SKU-0001", ["quantity_negative"]),
    ]
    assert {r[5] for r in found} == set(faulty)
    assert set(done.notes["files"]) == set(files)
    assert night.run("stage_orders").state == "current"


def test_many_tasks_and_the_judge_alone_give_the_same_table(night):
    day = night.day
    lines = many_orders(day, 9000)
    lines[5000], lines[6000:6000] = "{}", lines[10:15]
    night.land("orders", {"a.jsonl": "\n".join(lines).encode(), "b.csv": csv_orders(day, 5000, 0).encode()})
    columns = "order_id, line_no, store_id, ordered_at, sku, quantity, unit_price, source_file, source_line"
    results = []
    for settings in ((), ("staging.piece_mb=1",), ("staging.engine=judge", "staging.piece_mb=1")):
        done = night.run("stage_orders", settings, force=True)
        results.append((done.rows, night.rows("staging.pos_order_lines", columns)))
    assert results[0][0]["duplicates"] == 20
    assert results[0] == results[1] == results[2]


def test_an_empty_day_is_published_empty(night):
    night.land("orders", {"a.jsonl": many_orders(night.day, 5)[0].encode()})
    night.run("stage_orders")
    assert stale(night.clients, [night.day], ["stage_orders"]) == []
    night.land("orders", {})
    (told,) = stale(night.clients, [night.day], ["stage_orders"])
    assert f"raw/orders/{night.day}" in str(told) and f"./submit.sh all {night.day}" in str(told)
    assert night.run("stage_orders").rows["read"] == 0
    assert night.rows("staging.pos_order_lines") == []
    assert stale(night.clients, [night.day], ["stage_orders"]) == []


def bad_limits(day):
    return {"bad.jsonl": b"\n".join([b"nonsense"] * 5), "good.jsonl": "\n".join(many_orders(day, 500)).encode()}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (bad_limits, r"bad\.jsonl"),
        (lambda day: {"u.jsonl": many_orders(day, 1)[0].encode("utf-16")}, r"u\.jsonl is UTF-16"),
        (lambda day: {"e.csv": b""}, r"e\.csv: the header lacks order_id"),
        (lambda day: {"e.csv.gz": gzip.compress(b"")}, r"e\.csv\.gz: the header lacks order_id"),
        (lambda day: {"h.csv": b"order_id,sku\n1,2\n"}, r"h\.csv: the header lacks"),
        (lambda day: {"p.jsonl": json.dumps([1], indent=1).encode()}, r"p\.jsonl is an array"),
    ],
)
def test_what_stops_leaves_the_published_table(night, files, says):
    night.land("orders", {"a.jsonl": "\n".join(many_orders(night.day, 5)).encode()})
    night.run("stage_orders")
    before = night.rows("staging.pos_order_lines")
    night.land("orders", files(night.day))
    with pytest.raises(BadData, match=says):
        night.run("stage_orders")
    assert night.rows("staging.pos_order_lines") == before


def test_a_raw_file_changed_behind_the_manifest_stops(night):
    data = "\n".join(many_orders(night.day, 50)).encode()
    folder = night.land("orders", {"a.jsonl": data})
    night.clients.hdfs.write(f"{folder}/a.jsonl", data.replace(b"SKU-0008", b"SKU-0009"), overwrite=True)
    with pytest.raises(BadData, match=r"a\.jsonl has another checksum"):
        night.run("stage_orders")


def test_stock_is_staged_and_its_faults_named(night):
    day = night.day
    w1 = stock_file(day, "W1", range(1, 300)) + f"{day},W1,SKU-0300,,0,\n".encode()
    night.land("stock", {"w1.csv": w1, "w2.csv.gz": gzip.compress(stock_file(day, "W2", range(1, 300), -3))})
    done = night.run("stage_stock")
    assert done.rows == {"read": 599, "accepted": 598, "rejected": 1, "set_aside": 0, "duplicates": 0}
    assert done.notes["warehouses"] == {"W1": 299, "W2": 299}
    rows = night.rows("staging.warehouse_stock", "warehouse_id, sku, available_qty, reserved_qty, safety_stock_qty")
    assert rows[0] == ("W1", "SKU-0001", 10, 1, None)
    assert rows[-1] == ("W2", "SKU-0299", -3, 1, None)
    assert night.rejected("staging.warehouse_stock", "sku, reasons") == [("SKU-0300", ["available_missing"])]


def test_a_missing_or_short_snapshot_stops_until_it_is_accepted(night):
    before, day = night.day + timedelta(days=40), night.day + timedelta(days=41)  # no other stock within the look-back
    yesterday, night = Night(night.clients, before), Night(night.clients, day)
    yesterday.land("stock", {"a.csv": stock_file(before, "W1", range(1, 101)), "b.csv": stock_file(before, "W2", range(1, 101))})
    yesterday.run("stage_stock")
    night.land("stock", {"a.csv": stock_file(day, "W1", range(1, 101))})
    with pytest.raises(BadData, match="warehouse W2 sent no snapshot"):
        night.run("stage_stock")
    night.land("stock", {"a.csv": stock_file(day, "W1", range(1, 81)), "b.csv": stock_file(day, "W2", range(1, 101))})
    with pytest.raises(BadData, match="warehouse W1 sent 80 rows, 100 the last time"):
        night.run("stage_stock")
    done = night.run("stage_stock", accept_short_snapshot=True)
    assert done.notes["short_snapshots"] == ["warehouse W1 sent 80 rows, 100 the last time"]
    assert night.run("stage_stock", force=True).rows["accepted"] == 180  # it stays accepted: a replay asks nobody
    night.land("stock", {"a.csv": stock_file(day, "W1", range(1, 82)), "b.csv": stock_file(day, "W2", range(1, 101))})
    assert night.run("stage_stock").rows["accepted"] == 181


def test_two_snapshots_of_one_warehouse(night):
    day = night.day
    one, two = stock_file(day, "W1", range(1, 50)), stock_file(day, "W2", range(1, 50))
    night.land("stock", {"a.csv": one, "b.csv": two, "c.csv": one})
    assert night.run("stage_stock").rows == {"read": 147, "accepted": 98, "rejected": 0, "set_aside": 0, "duplicates": 49}
    night.land("stock", {"a.csv": one, "b.csv": two, "c.csv": stock_file(day, "W1", range(1, 50), 11)})
    with pytest.raises(BadData, match="W1 sent two different snapshots"):
        night.run("stage_stock")


def test_a_command_typed_in_another_clone_s_folder_runs_this_one_s_code(night, submit, tmp_path):
    """Spark starts Python workers in the folder of the command, which Python itself would search first."""
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "__init__.py").write_text("raise SystemExit('the code of another clone')")
    done = submit("stage_master", night.day, "--force", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_only_the_files_that_an_attempt_returned_are_taken(night):
    """A twin of a task (speculative, lost, retried) leaves files that nobody takes."""
    from common.publish.run import Run
    from common.staging import tasks
    from common.staging.attempts import take
    from common.staging.days import business_day
    from common.staging.driver import known_of
    from common.staging.feeds import ORDERS
    from common.staging.pieces import pieces_of

    folder = night.land("orders", {"a.jsonl": "\n".join(many_orders(night.day, 50)).encode()})
    run = Run(night.clients, night.day, 0, Namespace(quiet=True))
    inputs = stage("stage_orders").reads(run)
    known = tasks.packed(known_of(run, inputs, "staging.stores", "store_id"))
    root = f"/tmp/twins-{night.day}"
    day = business_day(night.day, "America/New_York", "24:00")
    plan = tasks.Plan(run.settings.service("HDFS_URL"), ORDERS.table, day, "two_tier", f"{root}/attempts", 1 << 20)
    pieces = pieces_of(folder, find_manifest(run.hdfs, folder).files, ())
    reports = [tasks.stage_pieces(plan, known, b"", 1, pieces, "00000-0") for _ in range(2)]
    assert len(run.hdfs.list(f"{root}/attempts")) == 2
    assert take(run.hdfs, f"{root}/attempts", reports[1].files, f"{root}/table") == 200
    assert [e.name for e in run.hdfs.list(f"{root}/table")] == [f.name for f in reports[1].files]
    run.hdfs.delete(root)
