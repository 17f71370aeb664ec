"""The measurement of spikes: its SQL against plain Python on a small year, the choice of thresholds, the document."""

import random
from datetime import date, timedelta

import pytest

from common.cli import run
from common.exceptions import spikes
from common.exceptions.codes import expressions
from common.exceptions.spikes import BUCKETS, CLASSES, Outcome, choose
from common.planning import model_text

GRID = ((10, 2), (12, 3))
START = date(2017, 1, 1)


@pytest.fixture(scope="module")
def year():
    """(SKU, day): units of 60 SKUs, some slow, some fast, on 80 days; every SKU has its habit."""
    chance = random.Random(7)
    units = {}
    for number in range(60):
        share, mean = chance.choice([0.05, 0.3, 0.9]), chance.choice([1, 3, 8])
        for ago in range(80):
            if chance.random() < share:
                units[f"s{number}", START + timedelta(days=ago)] = chance.randint(1, 2 * mean) * chance.choice([1, 1, 1, 1, 3])
    return units


@pytest.fixture(scope="module")
def counted(trino, year):
    """Rows of the night and class with their counts, from the SQL of the command over the small year."""
    rows = ", ".join(f"('{sku}', date '{day}', bigint '{n}')" for (sku, day), n in year.items())
    units = f"(select * from (values {rows}) as t (sku, business_date, day_qty))"
    return trino.rows(spikes._count_sql(f"({spikes._cases_sql(units, 1)})", 7, GRID))


@pytest.fixture(scope="module")
def parts(trino, year):
    """The part of each SKU, asked of Trino: nothing else here knows its hash."""
    skus = ", ".join(f"('{sku}')" for sku in sorted({sku for sku, _ in year}))
    hashed = "from_big_endian_64(xxhash64(to_utf8('1 ' || sku)))"
    return dict(trino.rows(f"select sku, mod(mod({hashed}, {BUCKETS}) + {BUCKETS}, {BUCKETS}) from (values {skus}) as t (sku)"))


def window(year, sku, night):
    """Units of the SKU's selling days in the 28 days before, the largest first."""
    found = (year.get((sku, night - timedelta(days=ago)), 0) for ago in range(1, 29))
    return sorted(filter(None, found), reverse=True)


def is_spike(units, days, pair):
    return units >= pair[0] and units > pair[1] * (days[2] if len(days) > 2 else 0)


def test_alarms_are_those_of_the_rule(counted, year):
    real = {row[0]: row[2:] for row in counted if row[1] is None}
    nights = {day for _, day in year if day >= START + timedelta(days=28)}
    assert set(real) == nights
    for night in nights:
        today = [(units, window(year, sku, night)) for (sku, day), units in year.items() if day == night]
        assert list(real[night][1:]) == [sum(is_spike(units, days, pair) for units, days in today) for pair in GRID]
    assert sum(row[1] for row in real.values()) > 0


def test_planted_spikes_are_counted_by_class(counted, year, parts):
    planted = {(row[0], row[1]): list(row[2:]) for row in counted if row[1] is not None}
    expected = {}
    for night in {day for _, day in year if day >= START + timedelta(days=28)}:
        for sku in (sku for sku, part in parts.items() if part == (night - START).days % BUCKETS):
            days = window(year, sku, night)
            if not days:
                continue
            speed = next(name for name, low, high in CLASSES if low <= len(days) <= high)
            units = year.get((sku, night), 0) + max(10, 5 * sum(days) // len(days))
            counts = expected.setdefault((night, speed), [0, 0, 0])
            counts[0] += 1
            for number, pair in enumerate(GRID, 1):
                counts[number] += is_spike(units, days, pair)
    assert planted == expected
    assert {speed for _, speed in expected} == {name for name, _, _ in CLASSES}
    assert any(counts[2] < counts[0] for counts in expected.values()), "one that is not found"


def test_the_night_takes_the_same_expressions():
    assert set(expressions()) >= {"is_spike", "third_largest_qty"}
    assert "$is_spike" in model_text("exceptions") and "$third_largest_qty" in model_text("exceptions")
    assert "spike_min_qty" not in model_text("exceptions"), "the rule stands in one place"


def outcome(half, pair, found, alarms):
    names = [name for name, _, _ in CLASSES]
    return Outcome(half, *pair, dict.fromkeys(names, 100), dict(zip(names, found, strict=True)), alarms, 10, alarms)


def test_the_first_half_chooses():
    few = outcome(1, (10, 3), (100, 99, 94), 20)
    many = outcome(1, (9, 2), (100, 100, 100), 101)
    good, better = outcome(1, (10, 2), (100, 99, 97), 90), outcome(1, (10, 1), (95, 95, 95), 80)
    second = outcome(2, (1, 1), (100, 100, 100), 1)
    assert choose([few, many, good, second]) == (10, 2)
    assert choose([good, better]) == (10, 1), "fewer alarms, and all that is asked"
    assert choose([few, many, second]) is None


def test_the_document_keeps_its_text(tmp_path, monkeypatch):
    document = tmp_path / "spikes.md"
    document.write_text("before\n<!-- measured -->\nold\n<!-- end of measured -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(spikes, "DOCUMENT", document)
    spikes.write("new\n")
    assert document.read_text() == "before\n<!-- measured -->\n\nnew\n\n<!-- end of measured -->\nafter\n"


def test_another_word_is_refused():
    assert run(["spikes", "guess"]) == 64
