"""Any past date gives the same order files, to the byte, whatever changes around it; one test for each thing that may."""

import gzip
import random

import pytest

from tests.replay.nights import DIRTY, THIRD, orders_of

pytestmark = pytest.mark.master_data

def test_a_rerun_has_nothing_to_do(dirty, submit, settings):
    again = submit("all", DIRTY)
    # ingest and snapshot_master look each time whether there is something new
    assert again.returncode == 0 and "2 of 10 stages ran" in again.stdout, again.stderr
    assert orders_of(settings, DIRTY) == dirty


def test_another_locale_and_time_zone_give_the_same_bytes(dirty, submit, settings):
    odd = {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "4711"}
    night = submit("all", DIRTY, "--force", env=odd)
    assert night.returncode == 0 and "10 of 10 stages ran" in night.stdout, night.stderr
    assert orders_of(settings, DIRTY) == dirty


def test_files_and_rows_in_another_order_give_the_same_bytes(nights, submit, settings, hdfs):
    """A date without faults (some faulty lines have no end): other file names, rows shuffled, one file gzipped."""
    day = THIRD
    before = orders_of(settings, day)
    assert len(before) > 4
    inbox = settings.path("paths.inbox")
    shuffle = random.Random(1)
    for kind in ("orders", "stock"):
        folder = inbox / kind / day
        for number, file in enumerate(sorted(f for f in folder.iterdir() if f.suffix != ".sha256")):
            data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
            lines = data.splitlines(keepends=True)
            csv = ".csv" in file.name
            head, body = (lines[:1], lines[1:]) if csv else ([], lines)
            shuffle.shuffle(body)
            data = b"".join(head + body)
            if number % 2:
                file.write_bytes(gzip.compress(data, mtime=0) if file.suffix == ".gz" else data)
            else:
                new = folder / (file.name.removesuffix(".gz") + ("" if file.suffix == ".gz" else ".gz"))
                file.unlink()
                new.write_bytes(data if file.suffix == ".gz" else gzip.compress(data, mtime=0))
        for checksum in folder.glob("*.sha256"):
            checksum.unlink()
        hdfs.delete(f"{settings['hdfs.raw']}/{kind}/{day}")  # as if the date had never landed
    night = submit("all", day, "--set", "inbox.settle_seconds=0")
    assert night.returncode == 0, night.stderr
    assert orders_of(settings, day) == before


def test_master_data_that_changed_since_does_not_matter_until_asked_for(dirty, submit, settings, postgres):
    """Neither a rule nor an option of a supplier, in rows that were there and in new ones: days of the calendar alone say that a
    supplier takes no order. The last test of the date: it leaves other orders behind.
    """
    postgres.rows("update procurement.replenishment_rules set safety_stock = coalesce(safety_stock, 0) + 500 where sku like 'G%'")
    postgres.rows("update procurement.suppliers set is_held_on_spike = true where supplier_id = 'GS0002'")
    postgres.rows(
        "insert into procurement.calendar_days (party_kind, party_id, day, is_order_day, is_working_day, reason)"
        f" values ('receiver', 'network', date '{DIRTY}' + 1, false, false, 'closed'),"
        f" ('supplier', 'GS0001', date '{DIRTY}', false, true, 'closed')"
    )
    folder = settings.path("paths.output") / "supplier_orders" / DIRTY
    try:
        night = submit("all", DIRTY, "--force")
        assert night.returncode == 0, night.stderr
        assert orders_of(settings, DIRTY) == dirty
        refused = submit("all", DIRTY, "--refresh-master")
        assert refused.returncode == 77, refused.stderr
        assert "--revise" in refused.stderr
        assert orders_of(settings, DIRTY) == dirty
        revised = submit("all", DIRTY, "--refresh-master", "--revise")
        assert revised.returncode == 0, revised.stderr
        assert orders_of(settings, DIRTY) != dirty
        assert "no_order_day,notice,supplier GS0001" in (folder / "exceptions.csv").read_text(encoding="utf-8")
    finally:
        postgres.rows("update procurement.replenishment_rules set safety_stock = safety_stock - 500 where sku like 'G%'")
        postgres.rows("update procurement.suppliers set is_held_on_spike = null where supplier_id = 'GS0002'")
        postgres.rows("delete from procurement.calendar_days where reason = 'closed'")
