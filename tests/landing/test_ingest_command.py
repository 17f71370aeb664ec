"""ingest as a scheduler sees it: exit codes, and what stands on stderr."""

import hashlib
import os
import signal
import time
from datetime import date

import pytest

from common.landing.manifest import read_manifest

DAY = "2026-03-04"


@pytest.fixture(scope="module")
def inbox(settings):
    """The real inbox of a date of this module's own."""
    for kind in ("orders", "stock"):
        (settings.path("paths.inbox") / kind / DAY).mkdir(parents=True, exist_ok=True)
    return settings.path("paths.inbox")


def put(inbox, kind, name, text, checksum=True):
    file = inbox / kind / DAY / name
    file.write_text(text)
    if checksum:
        file.with_name(name + ".sha256").write_text(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n")


def test_a_life_of_a_date(command, inbox, hdfs):
    put(inbox, "orders", "a.jsonl", "1\n")
    put(inbox, "stock", "W1.csv", "h\n1\n")
    first = command("ingest", DAY)
    assert (first.returncode, "1 new files" in first.stderr) == (0, True), first.stderr
    again = command("ingest", DAY)
    assert (again.returncode, again.stderr.count("nothing to do")) == (0, 2), again.stderr
    put(inbox, "orders", "a.jsonl", "2\n")
    changed = command("ingest", DAY)
    assert changed.returncode == 77 and f"./submit.sh ingest {DAY} --replace" in changed.stderr
    assert command("ingest", DAY, "--replace").returncode == 0
    assert hdfs.read(f"/raw/orders/{DAY}/a.jsonl") == b"2\n"
    hdfs.write(f"/raw/orders/{DAY}/by_hand.jsonl", b"3\n")
    foreign = command("ingest", DAY)
    assert foreign.returncode == 65 and "by_hand.jsonl" in foreign.stderr
    assert f"./submit.sh ingest {DAY} --adopt --kind orders" in foreign.stderr
    assert command("ingest", DAY, "--adopt").returncode == 0
    assert command("ingest", DAY).returncode == 0
    put(inbox, "orders", "b.jsonl", "4\n")
    (inbox / "orders" / DAY / "b.jsonl").write_text("other\n")
    wrong = command("ingest", DAY)
    assert wrong.returncode == 65 and "b.jsonl" in wrong.stderr
    (inbox / "orders" / DAY / "b.jsonl").rename(inbox / "orders" / DAY / "b.jsonl.tmp")
    (inbox / "orders" / DAY / "b.jsonl.sha256").unlink()
    arriving = command("ingest", DAY, "--set", "inbox.settle_seconds=0")
    assert arriving.returncode == 75 and "b.jsonl.tmp" in arriving.stderr


def test_what_was_put_by_hand_is_adopted_and_no_other_kind_is_touched(command, hdfs):
    day = "2026-03-10"
    nothing = command("ingest", day, "--adopt")
    assert nothing.returncode == 66 and f"nothing of {day} lies in HDFS" in nothing.stderr
    hdfs.write(f"/raw/orders/{day}/by_hand.jsonl", b"1\n")
    other = command("ingest", day, "--adopt", "--kind", "stock")
    assert other.returncode == 66 and f"/raw/stock/{day}" in other.stderr, other.stderr
    assert not hdfs.exists(f"/raw/orders/{day}/_manifest.json")
    done = command("ingest", day, "--adopt", "--json")
    assert done.returncode == 0 and '"orders_files": 1' in done.stdout, done.stderr
    assert not hdfs.exists(f"/raw/stock/{day}") and not hdfs.exists(f"/raw/receipts/{day}")
    hdfs.write(f"/raw/stock/{day}/notes.txt", b"?\n")
    assert command("ingest", day, "--adopt").returncode == 65
    assert command("ingest", day, "--adopt", "--kind", "orders").returncode == 0
    assert command("ingest", day, "--kind", "orders").returncode == 0


def test_a_kill_before_the_manifest(submit, settings, hdfs, tmp_path):
    day, reached = "2026-03-07", tmp_path / "reached"
    assert submit("generate", day, "--orders", "60", "--no-master").returncode == 0
    env = {"PROCUREMENT_BARRIER": "landed_before_manifest", "PROCUREMENT_BARRIER_FILE": str(reached)}
    process = submit.start("ingest", day, env=env)
    while not reached.exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not all(hdfs.exists(f"/raw/{kind}/{day}/_manifest.json") for kind in ("orders", "stock"))
    again = submit("ingest", day)
    assert again.returncode == 0, again.stderr
    for kind in ("orders", "stock"):
        landed = {f.name: f.sha256 for f in read_manifest(hdfs, kind, date.fromisoformat(day), settings).files}
        sent = settings.path("paths.inbox") / kind / day
        assert landed == {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sent.iterdir() if f.suffix != ".sha256"}


def test_without_an_inbox_folder_there_is_no_input(command):
    result = command("ingest", "2026-03-05")
    assert result.returncode == 66 and "./submit.sh retailer 2026-03-05" in result.stderr


@pytest.mark.parametrize("date", ["2026-02-30", "today", "2026-1-1", "../etc", "2026-01-01' or '1", "2026-01-01..2025-01-01"])
def test_what_is_no_date_is_refused(command, date):
    assert command("ingest", date).returncode == 64


def test_stock_that_is_no_csv_is_refused_before_it_lands(command, settings, hdfs):
    day = "2026-03-07"
    for kind, name in (("orders", "S1.jsonl"), ("stock", "W1.jsonl")):
        folder = settings.path("paths.inbox") / kind / day
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}\n")
        (folder / f"{name}.sha256").write_text(f"{hashlib.sha256(b'{}' + bytes([10])).hexdigest()}  {name}\n")
    refused = command("ingest", day)
    assert refused.returncode == 65 and "stock come as csv, 'W1.jsonl' does not" in refused.stderr
    assert "Traceback" not in refused.stderr and not hdfs.exists(f"/raw/stock/{day}/W1.jsonl")


def test_other_arguments_of_generate_are_refused_before_anything_is_written(command, settings):
    for wrong in (["--stores", "0"], ["--format", "xml"], ["--dirty", "101"], ["--orders", "many"]):
        assert command("generate", "2026-03-06", "--no-master", *wrong).returncode == 64
    assert not (settings.path("paths.inbox") / "orders" / "2026-03-06").exists()


def test_receipts_land_where_there_are_any(command, settings, hdfs):
    day = "2026-03-09"
    for kind in ("orders", "stock"):
        (settings.path("paths.inbox") / kind / day).mkdir(parents=True)
        os.utime(settings.path("paths.inbox") / kind / day, (0, 0))
    none = command("ingest", day, "--json")
    assert none.returncode == 0, none.stderr
    assert "receipts" not in none.stdout and not hdfs.exists(f"/raw/receipts/{day}")
    folder = settings.path("paths.inbox") / "receipts" / day
    folder.mkdir(parents=True)
    (folder / "W1.csv").write_text("receipt_id,order_number,sku,quantity,received_on,is_final\n")
    os.utime(folder / "W1.csv", (0, 0))
    some = command("ingest", day, "--json")
    assert some.returncode == 0 and '"receipts_files": 1' in some.stdout, some.stderr
    (folder / "W1.txt").write_text("?")
    wrong = command("ingest", day)
    assert wrong.returncode == 65 and "W1.txt" in wrong.stderr
    hdfs.write(f"/raw/receipts/{day}/W2.csv", b"by hand\n")
    (folder / "W1.txt").unlink()
    assert command("ingest", day).returncode == 65
    assert command("ingest", day, "--adopt", "--kind", "receipts").returncode == 0
    assert command("ingest", day).returncode == 0
