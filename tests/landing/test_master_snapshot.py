"""The master snapshot: consistent, kept for every replay, replaced only when told."""

import csv
import io
import secrets
from datetime import date

import pytest

from common.errors import BadData
from common.landing import master
from common.landing.manifest import read_manifest
from common.landing.master import TABLES, settings_of_night, snapshot_master
from common.migrate import init_master_data
from common.settings import load_settings

pytestmark = pytest.mark.master_data

DAY = date(2026, 1, 5)


@pytest.fixture
def mine(hdfs, settings, postgres):
    """Settings with a raw folder of this test's own; the readable set is loaded."""
    init_master_data(postgres)
    mine = load_settings([f"hdfs.raw=/tests/{secrets.token_hex(6)}/raw", "inbox.manifest_wait_seconds=0"])
    yield mine
    hdfs.delete(mine["hdfs.raw"].removesuffix("/raw"))


@pytest.fixture
def snapshot(hdfs, postgres, mine):
    def make(refresh=False):
        return snapshot_master(hdfs, postgres, DAY, mine, refresh=refresh, say=lambda text: None)

    return make


@pytest.fixture
def change(postgres):
    """Changes master data; undone afterwards."""
    postgres.rows("update procurement.suppliers set lead_time_days = 77 where supplier_id = 'HARTMANN'")
    yield
    postgres.rows("update procurement.suppliers set lead_time_days = 2 where supplier_id = 'HARTMANN'")


def rows(hdfs, mine, table):
    text = hdfs.read(f"{mine['hdfs.raw']}/master/{DAY}/{table}.csv").decode()
    return list(csv.DictReader(io.StringIO(text)))


def lead_time(hdfs, mine):
    return next(r["lead_time_days"] for r in rows(hdfs, mine, "suppliers") if r["supplier_id"] == "HARTMANN")


def test_all_tables_sorted_by_key(hdfs, mine, snapshot):
    manifest, made = snapshot()
    assert made and {f.name for f in manifest.files} == {f"{table}.csv" for table in TABLES} | {"settings.json"}
    assert read_manifest(hdfs, "master", DAY, mine) == manifest
    skus = [r["sku"] for r in rows(hdfs, mine, "products")]
    assert skus == sorted(skus) and "MILK-1GAL" in skus


def test_an_edit_between_two_tables_is_in_none_of_them(hdfs, mine, snapshot, postgres, monkeypatch):
    copy, first = master._copy, next(iter(TABLES))
    assert first != "stores"

    def copy_and_let_somebody_edit(cursor, table):
        found = copy(cursor, table)
        if table == first:
            postgres.rows("insert into procurement.stores (store_id, name, is_active) values ('IN-BETWEEN', 'New', true)")
        return found

    monkeypatch.setattr(master, "_copy", copy_and_let_somebody_edit)
    try:
        snapshot()
        assert postgres.rows("select count(*) from procurement.stores where store_id = 'IN-BETWEEN'") == [(1,)]
        assert "IN-BETWEEN" not in {row["store_id"] for row in rows(hdfs, mine, "stores")}
    finally:
        postgres.rows("delete from procurement.stores where store_id = 'IN-BETWEEN'")


def test_it_is_kept_although_master_data_changes(hdfs, mine, snapshot, request):
    first, _ = snapshot()
    request.getfixturevalue("change")
    again, made = snapshot()
    assert not made and again == first and lead_time(hdfs, mine) == "2"


def test_refresh_takes_todays_and_keeps_the_old_one(hdfs, mine, snapshot, request):
    first, _ = snapshot()
    request.getfixturevalue("change")
    second, made = snapshot(refresh=True)
    assert made and lead_time(hdfs, mine) == "77" and second.fingerprint != first.fingerprint
    kept = f"{mine['hdfs.raw']}/.replaced/master/{DAY}.{first.fingerprint[:8]}"
    assert b"HARTMANN,Hartmann Dairy,t,2," in hdfs.read(f"{kept}/suppliers.csv")
    assert hdfs.list(f"{mine['hdfs.raw']}/.landing/master") == []


def test_refresh_without_a_change_replaces_nothing(hdfs, mine, snapshot):
    first, _ = snapshot()
    again, made = snapshot(refresh=True)
    assert not made and again == first
    assert not hdfs.exists(f"{mine['hdfs.raw']}/.replaced")


def test_refresh_makes_a_broken_snapshot_good(hdfs, mine, snapshot):
    first, _ = snapshot()
    hdfs.delete(f"{mine['hdfs.raw']}/master/{DAY}/stores.csv")
    again, made = snapshot(refresh=True)
    assert made and again == first == read_manifest(hdfs, "master", DAY, mine)


def test_a_night_keeps_its_settings_until_asked_or_refreshed(hdfs, postgres, mine, snapshot):
    snapshot()
    changed = {"planning.spike_factor": 9, "business.currency": "EUR", "staging.short_snapshot_percent": 35}
    changed |= {"staging.piece_mb": 3}  # decides nothing, is not kept
    today = mine.replaced(changed)
    night = settings_of_night(hdfs, DAY, today)
    assert {key: night[key] for key in changed} == {key: mine[key] for key in changed} | {"staging.piece_mb": 3}
    asked = settings_of_night(hdfs, DAY, today.overridden(["planning.spike_factor=5"]))
    assert (asked["planning.spike_factor"], asked["business.currency"]) == (5, "USD")
    _, made = snapshot_master(hdfs, postgres, DAY, today, refresh=True, say=lambda text: None)
    assert made and dict(settings_of_night(hdfs, DAY, mine)) == dict(mine.replaced(changed)) | {"staging.piece_mb": 24}


def test_settings_of_a_night_without_any_are_todays(hdfs, mine):
    assert dict(settings_of_night(hdfs, DAY, mine)) == dict(mine)


def test_damaged_settings_of_a_night_are_not_taken(hdfs, mine, snapshot):
    snapshot()
    path = f"{mine['hdfs.raw']}/master/{DAY}/settings.json"
    damaged = hdfs.read(path).replace(b"formula", b"formule")
    hdfs.delete(path)
    hdfs.write(path, damaged)
    with pytest.raises(BadData, match=r"settings\.json has another checksum") as failure:
        settings_of_night(hdfs, DAY, mine)
    assert failure.value.where == path and failure.value.next.endswith("--refresh-master")


def test_by_command_it_is_kept_too(submit, postgres):
    assert submit("snapshot_master", DAY).returncode == 0
    again = submit("snapshot_master", DAY)
    assert again.returncode == 0 and "kept for every replay" in again.stderr
