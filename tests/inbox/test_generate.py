"""generate: the same bytes anywhere, and a truth file that the rules of staging agree with."""

import csv
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date

import numpy as np
import pytest

from common.errors import NotAllowed, Usage
from common.inbox.draw import Draw
from common.inbox.faults import FAULTS, Truth
from common.inbox.generate import Generator, Plan, sku_name, store_name
from common.inbox.generate_master import master_files
from common.settings import ROOT, load_settings
from common.staging.days import business_day
from common.staging.judge import Rules, order_csv, order_json, stock_csv

DAY = date(2026, 1, 5)


def settings_in(folder):
    return load_settings([f"paths.inbox={folder}"])


def sums(folder):
    files = [f for f in folder.rglob("*") if f.is_file()]
    return {f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


WRITE = """
import sys
from datetime import date
from pathlib import Path
from common.inbox.generate import Generator, Plan
from common.inbox.generate_master import master_files
from common.settings import load_settings
plan = Plan(date(2026, 1, 5), dirty=5.0, seed=7)
Generator(load_settings(["paths.inbox=" + sys.argv[1]]), plan).send()
Path(sys.argv[1], "master").mkdir()
master_files(plan, Path(sys.argv[1], "master"))
"""


WORLDS = ({"TZ": "UTC", "LC_ALL": "C"}, {"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "9"})


def test_the_same_arguments_give_the_same_bytes_in_any_locale_and_zone(tmp_path):
    found = []
    for n, world in enumerate(WORLDS):
        folder = tmp_path / str(n)
        folder.mkdir()
        subprocess.run([sys.executable, "-c", WRITE, folder], cwd=ROOT, env={**os.environ, **world}, check=True)
        found.append(sums(folder))
    assert found[0] == found[1]
    assert len(found[0]) == 2 * 20 + 2 * 3 + 1 + 6  # files with their checksums, the truth, master data


def test_the_bytes_are_those_of_the_day_this_was_written(tmp_path):
    Generator(settings_in(tmp_path), Plan(DAY, stores=3, orders=50, skus=20, dirty=10.0)).send()
    whole = hashlib.sha256(json.dumps(sums(tmp_path), sort_keys=True).encode()).hexdigest()
    assert whole == "9f013907f2505b58967f1cf9e67fa72be92da53cd5bccee0288c2ef7c422c751"


def test_another_seed_is_another_day(tmp_path):
    for seed in (1, 2):
        Generator(settings_in(tmp_path / str(seed)), Plan(DAY, orders=50, seed=seed)).send()
    assert not set(sums(tmp_path / "1").values()) & set(sums(tmp_path / "2").values())


def test_checksums_beside_the_files_are_right(tmp_path):
    Generator(settings_in(tmp_path), Plan(DAY, orders=100)).send()
    folder = tmp_path / "orders" / str(DAY)
    assert subprocess.run("sha256sum --check --quiet *.sha256", shell=True, cwd=folder, check=False).returncode == 0


def test_every_kind_of_fault_is_planted(tmp_path):
    result = Generator(settings_in(tmp_path), Plan(DAY, orders=4000, dirty=5.0)).send()
    assert set(result["orders"]["planted"]) == {f.kind for f in FAULTS} | {"byte_order_mark"}


@pytest.mark.parametrize("fmt", ["json", "csv", "mixed"])
def test_the_truth_is_what_the_rules_make_of_the_files(tmp_path, fmt):
    plan = Plan(DAY, orders=3000, dirty=8.0, format=fmt)
    settings = settings_in(tmp_path)
    truth = Generator(settings, plan).send()
    rules = rules_of(settings, plan, {store_name(n) for n in range(plan.stores)})
    for name, expected in truth["files"].items():
        accepted, refused, reasons = judged(tmp_path / "orders" / str(DAY) / name, rules)
        lines = expected["accepted"] + expected["duplicates"]
        conflicting = 2 * expected["planted"].get("duplicate_conflicting", 0)  # the rules see one line at a time
        assert accepted == lines + conflicting, name
        assert refused == expected["rejected"] - conflicting + expected["set_aside"], name
        assert reasons["quantity_negative"] == expected["set_aside"]
        for fault in FAULTS:
            if fault.reason and fault.reason != "conflicting_duplicate" and expected["planted"].get(fault.kind):
                assert reasons[fault.reason] >= expected["planted"][fault.kind], (name, fault.kind)


@pytest.mark.parametrize("day_ends", ["00:00", "05:00", "06:00", "06:01", "22:00"])
def test_all_orders_are_of_the_date_wherever_its_cut_off_is(tmp_path, day_ends):
    settings = load_settings([f"paths.inbox={tmp_path}", f"business.day_ends={day_ends}"])
    plan = Plan(DAY, orders=200)
    Generator(settings, plan).send()
    rules = rules_of(settings, plan, {store_name(n) for n in range(plan.stores)})
    found = [judged(file, rules) for file in (tmp_path / "orders" / str(DAY)).glob("*") if file.suffix != ".sha256"]
    assert sum(accepted for accepted, _, _ in found) > 50 and not any(refused for _, refused, _ in found)


def rules_of(settings, plan, places):
    day = business_day(DAY, settings["business.time_zone"], settings["business.day_ends"])
    return Rules(day, {sku_name(n) for n in range(plan.skus)}, places, 1 << 20)


def judged(file, rules):
    judge, header, lines = order_json, (), file.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
    if file.suffix == ".csv":
        judge, header = order_csv, lines.pop(0).decode().strip().split(",")
    verdicts = [judge(line, header, rules) for line in lines]
    reasons = Counter(r for v in verdicts for refusal in v.refused for r in set(refusal.reasons))
    return sum(len(v.rows) for v in verdicts), sum(len(v.refused) for v in verdicts), reasons


def test_the_truth_of_stock_is_what_the_rules_make_of_the_files(tmp_path):
    plan = Plan(DAY, skus=2000, dirty=10.0)
    settings = settings_in(tmp_path)
    truth = Generator(settings, plan).send()["stock"]
    rules = rules_of(settings, plan, {"W1", "W2", "W3"})
    accepted = refused = 0
    for file in (tmp_path / "stock" / str(DAY)).glob("*.csv"):
        header, *lines = file.read_bytes().splitlines(keepends=True)
        verdicts = [stock_csv(line, header.decode().strip().split(","), rules) for line in lines]
        accepted += sum(len(v.rows) for v in verdicts)
        refused += sum(len(v.refused) for v in verdicts)
    assert (accepted, refused) == (truth["accepted"] + truth["duplicates"], truth["rejected"])
    assert len(truth["planted"]) == 12


@pytest.mark.parametrize("is_json", [True, False])
def test_a_faulty_record_is_spelled_as_a_clean_one_but_for_its_fault(tmp_path, is_json):
    """The columns in Arrow and the single order in Python are two ways of writing: they must not drift apart."""
    made = Generator(settings_in(tmp_path), Plan(DAY, stores=2, orders=40, format="json" if is_json else "csv"))
    numbers = np.arange(5, 25, dtype=np.int64)
    block = b"".join(made._block(1, numbers, is_json, Truth())).decode()
    counts = 1 + made.draw.below(9, "lines", numbers)
    single = ""
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        key = number * 16 + np.arange(1, count + 1)
        skus, units = made.draw.low(500, "sku", key), 1 + made.draw.low(12, "units", key)
        single += made._order(1, number, skus.tolist(), units.tolist(), is_json).render()
    assert block == single


def test_two_senders_are_never_mixed(tmp_path):
    settings = settings_in(tmp_path)
    Generator(settings, Plan(DAY, stores=5, orders=50)).send()
    with pytest.raises(NotAllowed, match="another sender"):
        Generator(settings, Plan(DAY, stores=3, orders=50)).send()
    Generator(settings, Plan(DAY, stores=3, orders=50)).send(replace=True)
    assert len(list((tmp_path / "orders" / str(DAY)).glob("*.jsonl"))) == 3


def test_a_day_without_orders_has_an_empty_folder(tmp_path):
    result = Generator(settings_in(tmp_path), Plan(DAY, orders=0)).send()
    assert result["orders"]["read"] == 0
    assert list((tmp_path / "orders" / str(DAY)).iterdir()) == []


@pytest.mark.parametrize("wrong", [{"stores": 0}, {"dirty": 101.0}, {"dirty": -1.0}, {"skus": 0}, {"format": "xml"}])
def test_arguments_that_make_no_sense_are_refused(wrong):
    with pytest.raises(Usage):
        Plan(DAY, **wrong).check()


def test_numbers_do_not_depend_on_the_numbers_before_them():
    draw = Draw(3)
    whole = draw.below(1000, "any", range(100))
    assert whole[40:60].tolist() == draw.below(1000, "any", range(40, 60)).tolist()
    assert draw.below(1000, "other", range(100)).tolist() != whole.tolist()
    assert Draw(1).below(1000, "any", range(5)).tolist() == [46, 992, 271, 729, 93]


def test_master_data_names_what_the_files_name(tmp_path):
    plan = Plan(DAY, orders=200, skus=60)
    files = master_files(plan, tmp_path)
    rows = {table: list(csv.DictReader(file.open(encoding="utf-8"))) for table, file in files.items()}
    assert {r["store_id"] for r in rows["stores"]} == {store_name(n) for n in range(plan.stores)}
    assert {r["sku"] for r in rows["products"]} == {sku_name(n) for n in range(plan.skus)}
    assert {r["supplier_id"] for r in rows["product_suppliers"]} <= {r["supplier_id"] for r in rows["suppliers"]}
