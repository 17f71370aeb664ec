"""What a setting may be beyond its type: one of some words, a whole number in a range, a text of some form.

Checked when the settings are loaded, so that no stage meets a value that it can't work with in the middle of a night.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

WORDS: Mapping[str, tuple[str, ...]] = {
    "staging.engine": ("two_tier", "judge"),
    "planning.policy": ("formula", "order_up_to"),
    "planning.lead_time": ("calendar", "working"),
    "planning.supplier_minimum": ("off", "flag", "hold", "fill"),
    "night.outside_window": ("warn", "refuse"),
    "night.backfill_on_failure": ("stop", "continue"),
}
_DAYS, _SECONDS, _MUCH = 3_660, 86_400, 1_000_000_000
RANGES: Mapping[str, tuple[int, int]] = {
    "inbox.settle_seconds": (0, _SECONDS),
    "inbox.manifest_wait_seconds": (0, _SECONDS),
    "staging.piece_mb": (1, 512),
    "staging.short_snapshot_percent": (0, 100),
    "planning.minimum_order_units": (0, _MUCH),
    "planning.minimum_order_value": (0, _MUCH),
    "planning.fill_max_days": (0, _DAYS),
    "planning.history_days": (1, _DAYS),
    "planning.spike_min_qty": (0, _MUCH),
    "planning.spike_factor": (0, _MUCH),
    "planning.min_history_days": (0, _DAYS),
    "planning.drop_min_median_qty": (0, _MUCH),
    "planning.excess_min_days": (0, _DAYS),
    "planning.excess_min_cost": (0, _MUCH),
    "planning.rejected_notice_permille": (0, 1_000),
    "planning.open_order_grace_days": (0, _DAYS),
    "planning.open_order_given_up_days": (1, _DAYS),
    "planning.open_order_days": (1, _DAYS),
    "planning.level_share_percent": (0, 100),
    "planning.max_order_qty": (0, _MUCH),
    "planning.missing_store_weekdays": (0, 520),
    "planning.missing_store_sent": (0, 520),
    "night.lock_wait_seconds": (0, _SECONDS),
    "retention.run_days": (1, _DAYS),
    "services.retry_seconds": (0, _SECONDS),
}
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_HDFS = (r"(/(?!\.{1,2}(/|$))[^/:\s]+)+", "write it as /data/raw: absolute, without a slash at its end")
FORMS: Mapping[str, tuple[str, str]] = {  # what the whole text must match, and how it is written
    "business.day_ends": (f"{_TIME}|24:00", 'write it as "22:00" or "24:00", in a file with the quotes'),
    "business.currency": ("[A-Z]{3}", "write a code of ISO 4217 such as USD"),
    "hdfs.raw": _HDFS,
    "hdfs.warehouse": _HDFS,
    "night.window": (f"({_TIME}-{_TIME})?", "write it as 22:00-00:00, or leave it empty"),
    "trino.user": ("[A-Za-z0-9_.@/+-]+", "write a name of letters, digits and _ . @ / + -"),
    "spark.master": (
        r"local(\[([1-9]\d*|\*)(,[1-9]\d*)?\])?|local-cluster\[\d+,\d+,\d+\]|yarn|(spark|k8s)://\S+",
        "write it as local[2,3], yarn, or spark://HOST:PORT",
    ),
    "spark.driver_memory": ("(?i:[1-9][0-9]*[kmgt])", "write it as 1g or 800m"),
}


def _zone(value: str) -> str | None:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        return "there is no such zone; name one such as America/New_York"
    return None


def _path(value: str) -> str | None:
    try:
        Path(value).expanduser()
    except RuntimeError:
        return "there is no such user's home folder"
    return None if value.isprintable() else "a path has no control characters"


OTHERS: Mapping[str, Callable[[str], str | None]] = {
    "business.time_zone": _zone,
    "paths.inbox": _path,
    "paths.output": _path,
    "spark.package": _path,
}

ADDRESSES: Mapping[str, tuple[tuple[str, ...], str]] = {  # a service's address: its schemes, and how it is written
    "TRINO_URL": (("http", "https"), "http://HOST:PORT"),
    "DATABASE_URL": (("postgresql", "postgres"), "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"),
    "HDFS_URL": (("hdfs",), "hdfs://HOST:PORT"),
    "WEBHDFS_URL": (("http", "https"), "http://HOST:PORT/webhdfs/v1"),
    "METASTORE_URI": (("thrift",), "thrift://HOST:PORT"),
}


def is_address(name: str, value: str) -> bool:
    """Whether an address can be that service's. PostgreSQL alone is found without a host, the metastore not without a port."""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme not in ADDRESSES[name][0] or port == 0:
        return False
    if "@" in value and name != "DATABASE_URL":  # nobody else is sent a user and a password, so they must not seem to count
        return False
    return (bool(host) or name == "DATABASE_URL") and (port is not None or name != "METASTORE_URI")


def objection(key: str, value: Any) -> str | None:
    """Why a setting can't be that, as half a sentence; None where it can."""
    if key in WORDS and value not in WORDS[key]:
        return f"it is one of {', '.join(WORDS[key])}"
    if key in RANGES:
        least, most = RANGES[key]
        if not isinstance(value, int) or not least <= value <= most:
            return f"it is a whole number from {least} to {most}"
    if key in FORMS:
        pattern, how = FORMS[key]
        if not re.fullmatch(pattern, str(value), re.ASCII):
            return how
    return OTHERS[key](str(value)) if key in OTHERS else None
