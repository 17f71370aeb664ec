"""What-ifs and comparisons of nights on the real lake: nothing published is touched, and the numbers are those of a night."""

import hashlib
import json
import re
import subprocess
from math import ceil

import pytest

from common.clients.trino import Trino
from common.contracts import all_contracts, contract
from common.diff.parts import CODE, LATER_CODE
from common.plan_world import MADE

pytestmark = pytest.mark.master_data

DAY = "2035-07-02"
SKUS = 120
SIZE = ("--stores", "6", "--orders", "300", "--skus", str(SKUS), "--warehouses", "3", "--format", "json")
UNSOLD = "G000009"
CHANGES = (
    "demand*2 where store_id in (G0001, G0002)",
    f"demand=0 where sku={UNSOLD}",
    "available*0.5 where warehouse_id=W1",
    "reserved+3 where warehouse_id=W2 and sku in (G000002, G000005)",
    "safety_stock*1.2",
    "moq=24 where supplier_id=GS0002",
    "pack_size=7 where sku in (G000005, G000006)",
    "unit_cost*1.1 where supplier_id=GS0001",
    "is_active=false where supplier_id=GS0003",
    "status=run_out where sku=G000007",
    "lead_time_days+2 where supplier_id=GS0002",
    "max_order_qty=12 where supplier_id=GS0001",
    "policy=order_up_to where sku=G000008",
    "minimum_order_units=100000 where supplier_id=GS0004",
    "minimum_action=hold where supplier_id=GS0004",
)
# the same, as somebody edits master data
EDITS = (
    "update procurement.replenishment_rules set safety_stock = ceil(safety_stock * 1.2)",
    "update procurement.product_suppliers set moq = 24 where supplier_id = 'GS0002'",
    "update procurement.product_suppliers set pack_size = 7 where sku in ('G000005', 'G000006')",
    "update procurement.product_suppliers set unit_cost = ceil(unit_cost * 110) / 100 where supplier_id = 'GS0001'",
    "update procurement.suppliers set is_active = false where supplier_id = 'GS0003'",
    "update procurement.products set status = 'run_out' where sku = 'G000007'",
    "update procurement.product_suppliers o set lead_time_days = coalesce(o.lead_time_days, s.lead_time_days) + 2"
    " from procurement.suppliers s where s.supplier_id = o.supplier_id and o.supplier_id = 'GS0002'",
    "update procurement.product_suppliers set max_order_qty = 12 where supplier_id = 'GS0001'",
    "update procurement.product_suppliers set policy = 'order_up_to' where sku = 'G000008'",
    "update procurement.suppliers set minimum_order_units = 100000, minimum_action = 'hold' where supplier_id = 'GS0004'",
)


def done(result):
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def night(submit):
    """A night of DAY, and its run."""
    done(submit("generate", DAY, *SIZE, "--seed", "31", "--replace-master"))
    return done(submit("all", DAY)) and last_run(submit, DAY)


def last_run(submit, day):
    return json.loads(done(submit("status", day, "--json")).stdout)["runs"][-1]["run_id"]


@pytest.fixture(scope="module")
def edited(night, submit, settings, postgres):
    """A night of the same date on edited inputs, after a what-if that says the same; the run, and what the what-if said."""
    said = json.loads(done(what_if(submit, *CHANGES, "--name", "edited", "--json")).stdout)
    for statement in EDITS:
        postgres.rows(statement)
    for file in sorted((settings.path("paths.inbox") / "orders" / DAY).glob("*.jsonl")):
        if "G0001" in file.name or "G0002" in file.name:
            rewrite(file, lambda text: re.sub(r'("quantity": )(\d+)', lambda m: f"{m[1]}{2 * int(m[2])}", text))
        if UNSOLD in file.read_text(encoding="utf-8"):
            rewrite(file, without_unsold)
    for file in sorted((settings.path("paths.inbox") / "stock" / DAY).glob("*.csv")):
        rewrite(file, edited_stock)
    done(submit("all", DAY, "--replace", "--refresh-master", "--revise"))
    return last_run(submit, DAY), said


@pytest.fixture(scope="module")
def compared(night, edited, submit):
    """The difference between the two nights, as `diff` tells it."""
    return diff(submit, DAY, str(night), str(edited[0]))


def without_unsold(text):
    orders = [json.loads(order) for order in text.splitlines()]
    for order in orders:
        order["lines"] = [line for line in order["lines"] if line["sku"] != UNSOLD]
    return "".join(json.dumps(order) + "\n" for order in orders if order["lines"])


def edited_stock(text):
    header, *rows = text.splitlines()
    names, made = header.split(","), [header]
    for row in rows:
        of = dict(zip(names, row.split(","), strict=True))
        if of["warehouse_id"] == "W1":
            of["available"] = ceil(int(of["available"]) / 2)
        if of["warehouse_id"] == "W2" and of["sku"] in ("G000002", "G000005"):
            of["reserved"] = int(of["reserved"]) + 3
        if of["safety_stock"]:
            of["safety_stock"] = -(-int(of["safety_stock"]) * 12 // 10)
        made.append(",".join(map(str, of.values())))
    return "\n".join(made) + "\n"


def rewrite(file, change):
    """A raw file with another content, and the checksum that its sender would give."""
    old = file.read_text(encoding="utf-8")
    new = change(old)
    assert new != old, file.name
    file.write_text(new, encoding="utf-8")
    checksum = file.with_name(f"{file.name}.sha256")
    checksum.write_text(f"{hashlib.sha256(new.encode()).hexdigest()}  {file.name}\n", encoding="utf-8")


def what_if(submit, *arguments):
    changes = [part for text in arguments if not text.startswith("--") and text in CHANGES for part in ("--set", text)]
    return submit("what-if", DAY, *changes, *[a for a in arguments if a not in CHANGES])


def diff(submit, *arguments):
    return json.loads(done(submit("diff", *arguments, "--json", "--quiet")).stdout)


def published(settings, hdfs, metastore, postgres, trino):
    """Checksums of everything published: partitions and their parameters, files, the ledger, order files, audit tables."""
    tables = {
        c.name: {day: (p.location, p.parameters) for day, p in metastore.partitions(c.name).items()} for c in all_contracts()
    }
    files = [
        (entry.path, entry.size, entry.modified_ms)
        for top in ("raw", "warehouse") for entry in walk(hdfs, settings[f"hdfs.{top}"]) if "/_what_if/" not in entry.path
    ]  # fmt: skip
    ledger = [postgres.rows(f"select t::text from ops.{table} t order by 1") for table in ("runs", "stages")]
    output = settings.path("paths.output")
    orders = {
        f: hashlib.sha256(f.read_bytes()).hexdigest() if f.is_file() else f.is_dir() for f in sorted(output.rglob("*"))
    }  # fmt: skip
    links = {f: f.readlink() for f in output.rglob("*") if f.is_symlink()}
    master = [postgres.rows(f"select md5(string_agg(t::text, '|' order by t::text)) from procurement.{t} t") for t in
              ("products", "suppliers", "replenishment_rules", "product_suppliers", "stores", "warehouses")]  # fmt: skip
    audit = [trino.one(f"select count(*) from delta.audit.{table}") for table in ("rejected_rows", "released_orders")]
    return tables, files, ledger, orders, links, master, audit


def walk(hdfs, folder):
    for entry in hdfs.list(folder):
        yield from walk(hdfs, entry.path) if entry.is_dir else (entry,)


def rows_of(trino, table, model):
    columns = ", ".join(c.name for c in contract(f"planning.{model}").columns)
    return trino.rows(f"select {columns} from {table} where business_date = date '{DAY}' order by {columns}")


@pytest.mark.alone
def test_a_what_if_touches_nothing_that_is_published(night, submit, settings, hdfs, metastore, postgres, trino):
    before = published(settings, hdfs, metastore, postgres, trino)
    shown = done(what_if(submit, *CHANGES, "--name", "touches_nothing"))
    assert "safety_stock*1.2:" in shown.stdout and "lines:" in shown.stdout
    done(submit("what-if", "--remove", "touches_nothing"))
    assert published(settings, hdfs, metastore, postgres, trino) == before
    assert not [name for name in metastore.tables("scratch") if "touches_nothing" in name or name.startswith("pinned")]


def test_the_identity_changes_no_line(night, submit):
    same = json.loads(done(submit("what-if", DAY, "--set", "demand*1", "--set", "moq*1", "--set", "safety_stock*1", "--set",
                                  "pack_size*1", "--set", "unit_cost*1.0", "--set", "available+0", "--json")).stdout)  # fmt: skip
    assert same["lines"] == [] and same["suppliers"] == [] and same["old"]["lines"] == same["new"]["lines"] > 20
    assert all(part["units"] == part["lines"] == 0 for part in same["parts"])
    done(submit("what-if", "--remove", same["what_if"]["name"]))


def test_a_what_if_is_a_night_on_edited_inputs(edited, trino):
    """Every column of every planning table, the exceptions included."""
    sizes = {}
    for model in MADE:
        kept = rows_of(trino, f"hive.scratch.what_if_edited_{model}", model)
        assert kept == rows_of(trino, f"hive.planning.{model}", model), model
        sizes[model] = len(kept)
    # every SKU is decided; of the lines few are left, since a supplier's minimum holds back 25 of them
    assert sizes["net_demand"] == sizes["order_decisions"] == SKUS and sizes["exceptions"] > SKUS
    unsold = f"sku = '{UNSOLD}' and order_line_count = 0"
    assert trino.one(f"select count(*) from hive.scratch.what_if_edited_net_demand where {unsold}") == 1
    outcomes = dict(trino.rows("select outcome, count(*) from hive.scratch.what_if_edited_order_decisions group by outcome"))
    assert 5 < sizes["purchase_order_lines"] == outcomes["ordered"] < outcomes["below_supplier_minimum"]


def test_what_it_says_is_the_difference_between_the_two_nights(edited, compared):
    said, found = edited[1], compared
    assert found["lines"] and found["counts"] == said["counts"]
    assert {**found["new"], "name": ""} == {**said["new"], "name": ""}
    assert found["suppliers"] == said["suppliers"]
    by_name = {part["input"]: part for part in found["parts"]}
    assert by_name == {part["input"]: part for part in said["parts"]}
    assert by_name["demand"]["units"] > 0 and by_name["stock"]["lines"] > 0 and by_name["master data"]["lines"] > 0
    assert by_name["prices"]["units"] == 0 and by_name["prices"]["lines"] > 0
    assert by_name[CODE]["lines"] == 0 and LATER_CODE not in by_name
    assert {part["units"] for name, part in by_name.items() if name in ("settings", "calendar", "open orders")} == {0}


def test_the_reversed_order_negates_and_a_run_with_itself_is_nothing(night, edited, compared, submit):
    there, back = compared, diff(submit, DAY, str(edited[0]), str(night))
    assert there["old"] == back["new"] and there["new"] == back["old"]
    units = {(line["sku"], line["supplier_id"]): line["units"] for line in there["lines"]}
    assert units == {(line["sku"], line["supplier_id"]): -line["units"] for line in back["lines"]}
    assert sum(p["units"] for p in there["parts"]) == sum(units.values()) == -sum(p["units"] for p in back["parts"])
    same = diff(submit, DAY, str(edited[0]), str(edited[0]))
    assert same["lines"] == [] and not any(part["lines"] for part in same["parts"])


def test_the_result_is_there_for_analysts_until_it_is_removed(night, edited, submit, settings):
    analyst = Trino(settings.service("TRINO_URL"), "analyst")
    table = "hive.scratch.what_if_edited_order_decisions"
    assert analyst.one(f"select count(*) from {table} where business_date = date '{DAY}'") == SKUS
    assert "what_if" not in str(done(submit("status", DAY)).stdout)
    # a night of the date sweeps its own scratch tables, not these
    done(submit("exceptions", DAY, "--force"))
    assert analyst.one(f"select count(*) from {table}") == SKUS
    kept = json.loads(done(submit("what-if", "--list", "--json")).stdout)
    assert [(k["name"], k["changes"]) for k in kept if k["name"] == "edited"] == [("edited", list(CHANGES))]
    # the same name again: the new result takes its place
    done(submit("what-if", DAY, "--set", "demand*1", "--name", "edited"))
    kept = json.loads(done(submit("what-if", "--list", "--json")).stdout)
    assert [k["changes"] for k in kept if k["name"] == "edited"] == [["demand*1"]]
    done(submit("what-if", "--remove", "edited"))
    assert submit("what-if", "--remove", "edited").returncode == 66
    assert "edited" not in done(submit("what-if", "--list")).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((DAY, "--set", "moq=24 where supplier_id=nobody"), 65, "matches no row"),
        ((DAY, "--set", "available*1000000", "--set", "available*1000000", "--set", "available*1000000"), 65, "past what"),
        ((DAY, "--set", "moq=24; drop table x"), 64, "has no meaning here"),
        ((DAY,), 64, "needs a change"),
        ((DAY, "--set", "moq=24", "--name", "a'b"), 64, "is not a name"),
        (("2031-7-2", "--set", "moq=24"), 64, "is not a business date"),
        (("2035-08-08", "--set", "moq=24"), 66, "there is no plan"),
        ((DAY, "--set", "planning.no_such=1"), 78, "there is no setting"),
        ((DAY, "--file", "/no/such.yml"), 66, "can't be read"),
    ],
)  # fmt: skip
def test_what_can_not_be_planned_is_refused(night, command, arguments, code, message):
    refused = command("what-if", *arguments)
    assert (refused.returncode, message in refused.stderr) == (code, True), refused.stderr
    assert not refused.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((DAY, "1", "2", "3"), 64, "diff takes a date"),
        ((DAY, "one", "two"), 64, "not the number of a run"),
        ((DAY, "yesterday"), 64, "is not a business date"),
        ((DAY, "1", "999999999"), 66, "has no run"),
        (("2035-08-08",), 66, "a comparison needs two"),
        ((DAY, "2035-08-08"), 66, "there is no plan of 2035-08-08"),
    ],
)
def test_what_can_not_be_compared_is_refused(night, command, arguments, code, message):
    refused = command("diff", *arguments)
    assert (refused.returncode, message in refused.stderr) == (code, True), refused.stderr


def test_one_screen_of_text(night, edited, submit):
    shown = done(submit("diff", DAY, str(night), str(edited[0]), "--quiet"))
    assert isinstance(shown, subprocess.CompletedProcess)
    lines = shown.stdout.splitlines()
    assert len(lines) < 50 and max(map(len, lines)) < 160
    for word in ("lines:", "input", "all of them", "supplier", "because of", "demand"):
        assert word in shown.stdout
