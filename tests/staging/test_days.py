"""Business dates as intervals of instants, and the texts of times around hour changes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from common.staging.days import business_day, instant
from tests.staging.memory import both, share_proven

NEW_YORK = "America/New_York"


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "zone", "ends", "start", "end"),
    [
        ("2017-12-23", NEW_YORK, "24:00", "2017-12-23T05:00:00", "2017-12-24T05:00:00"),
        ("2017-12-23", NEW_YORK, "22:00", "2017-12-23T03:00:00", "2017-12-24T03:00:00"),
        ("2017-12-23", "UTC", "24:00", "2017-12-23T00:00:00", "2017-12-24T00:00:00"),
        ("2017-11-05", NEW_YORK, "24:00", "2017-11-05T04:00:00", "2017-11-06T05:00:00"),  # 25 hours
        ("2017-03-12", NEW_YORK, "24:00", "2017-03-12T05:00:00", "2017-03-13T04:00:00"),  # 23 hours
    ],
)
def test_interval(day, zone, ends, start, end):
    found = business_day(date.fromisoformat(day), zone, ends)
    assert (found.start, found.end) == (utc(start), utc(end))


@pytest.mark.parametrize(
    ("day", "ends", "text", "gives"),
    [
        ("2017-11-05", "24:00", "2017-11-05T01:30:00", "2017-11-05T05:30:00"),  # the earlier of two readings
        ("2017-11-05", "24:00", "2017-11-05T01:30:00-05:00", "2017-11-05T06:30:00"),
        ("2017-11-05", "01:30", "2017-11-05T01:15:00", "ordered_at_ambiguous"),  # 01:15 comes again after the cut-off
        ("2017-11-06", "01:30", "2017-11-05T01:45:00", "2017-11-05T05:45:00"),
        ("2017-03-12", "24:00", "2017-03-12T02:30:00", "ordered_at_invalid"),  # skipped by the hour change
        ("2017-03-12", "24:00", "2017-03-12T03:00:00", "2017-03-12T07:00:00"),
        ("2017-12-23", "22:00", "2017-12-22T22:00:00", "2017-12-23T03:00:00"),
        ("2017-12-23", "22:00", "2017-12-22T21:59:59", "other_business_date"),
        ("2017-12-23", "22:00", "2017-12-23T22:00:00", "other_business_date"),
    ],
)
def test_instant(day, ends, text, gives):
    found, reason = instant(text, business_day(date.fromisoformat(day), NEW_YORK, ends))
    assert (reason or found.replace(tzinfo=None).isoformat()) == gives


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2017-12-23", -5), ("2017-07-04", -4), ("2017-11-05", None), ("2017-03-12", None), ("2017-11-07", -5), ("2017-11-03", -4)],
)
def test_constant_offset(day, hours):
    found = business_day(date.fromisoformat(day), NEW_YORK, "24:00").constant_offset()
    assert found == (None if hours is None else timedelta(hours=hours))


def _orders(texts):
    line = {"line_no": 1, "sku": "SKU-0001", "quantity": 1, "unit_price": 1}
    orders = [
        {"order_id": f"O{n}", "store_id": "S001" if n % 7 else "S\x00", "ordered_at": at, "lines": [line]}
        for n, at in enumerate(texts)
    ]
    return "\n".join(map(json.dumps, orders)).encode()


@pytest.mark.parametrize("day", ["2017-03-12", "2017-11-05", "2017-12-23"])
@pytest.mark.parametrize("ends", ["24:00", "22:00", "02:30", "00:00"])
@pytest.mark.parametrize("suffix", ["", "Z", "-05:00", "+13:45"])
def test_both_tiers_agree_around_the_clock(day, ends, suffix):
    """Every quarter of an hour of three days: in the zone, in UTC and in other offsets, for several cut-offs."""
    noon = datetime.fromisoformat(day) + timedelta(hours=12)
    texts = [(noon + timedelta(minutes=15 * n)).isoformat() + suffix for n in range(-6 * 24, 6 * 24)]
    of = business_day(date.fromisoformat(day), NEW_YORK, ends)
    result = both({"a.jsonl": _orders(texts)}, day=of)
    if suffix or of.constant_offset() is not None:
        assert share_proven(result) > 0.25
