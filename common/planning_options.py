"""Which options a date's plan uses: by the settings, and by what the date's master data sets for a supplier or a SKU.

An option that is off costs nothing: its part of a model's SQL is left out, so that it is not even planned. In a model,

    -- when on: levels
    ...
    -- when off: levels
    ...
    -- end

keeps one of the two parts, and the second may be missing. Both give the same where nothing uses the option; a test
holds them to it. Whether master data sets a column is read from the Parquet footers of the staged tables, which count
NULLs: a pure function of the files that the plan is made from.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

import pyarrow.parquet as pq

from common.clients.hdfs import Hdfs
from common.errors import Misconfigured
from common.stages import Input

# what turns an option on: a setting that differs from the value given, or one of these columns with a value
_SETTINGS: Mapping[str, tuple[str, Any]] = {
    "levels": ("planning.level_share_percent", 0),
    "maximum": ("planning.max_order_qty", 0),
    "order_up_to": ("planning.policy", "formula"),
    "spike": ("planning.hold_on_spike", False),
    "minimum": ("planning.supplier_minimum", "off"),
}
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "currency": ("product_suppliers.currency",),
    "levels": tuple(f"{table}.level_share_percent" for table in ("suppliers", "replenishment_rules", "product_suppliers")),
    "maximum": ("replenishment_rules.max_order_qty", "product_suppliers.max_order_qty"),
    "order_up_to": ("replenishment_rules.policy", "product_suppliers.policy", "suppliers.policy"),
    "calendar": ("calendar_days.day", "suppliers.order_weekdays", "suppliers.lead_time_unit"),
    "spike": ("replenishment_rules.is_held_on_spike", "suppliers.is_held_on_spike"),
    "minimum": ("suppliers.minimum_action",),
}
# and an option does nothing unless one of these columns has a value, or one of these settings is not 0
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "levels": tuple(f"product_suppliers.{size}" for size in ("case_size", "layer_size", "pallet_size")),
    "minimum": (
        "suppliers.minimum_order_value", "suppliers.minimum_order_units", "planning.minimum_order_value",
        "planning.minimum_order_units",
    ),
}  # fmt: skip
# parts that several options share
_SHARED: Mapping[str, tuple[str, ...]] = {
    "own_terms": ("levels", "maximum", "order_up_to", "spike", "minimum"),
    "history": ("order_up_to", "spike", "minimum"),
}
OPTIONS = frozenset({*_COLUMNS, *_SHARED})
MASTER_TABLES = ("suppliers", "product_suppliers", "replenishment_rules", "calendar_days")
_BLOCK = re.compile(r"^ *-- when on: (\w+)\n(.*?)(?:^ *-- when off: \1\n(.*?))?^ *-- end\n", re.M | re.S)


def options_of(settings: Mapping[str, Any], filled: Collection[str]) -> frozenset[str]:
    """The options in use. `filled`: the columns, as `table.column`, that have a value in some row of the date's master data."""
    found = set()
    for option, columns in _COLUMNS.items():
        key, off = _SETTINGS.get(option, ("", None))
        is_wanted = (key != "" and settings[key] != off) or any(column in filled for column in columns)
        needs = _NEEDS.get(option, ())
        if is_wanted and (not needs or any(name in filled or (name in settings and settings[name]) for name in needs)):
            found.add(option)
    return frozenset(found | {part for part, users in _SHARED.items() if found.intersection(users)})


def chosen_text(text: str, options: Collection[str]) -> str:
    """A model's text with the parts of the options that are on. Misconfigured where a part names no option or has no end."""
    for option in re.findall(r"-- when o(?:n|ff): (\w+)", text):
        if option not in OPTIONS:
            raise Misconfigured(f"a model has a part for the option {option!r}, which is none", where="sql/planning")
    chosen = _BLOCK.sub(lambda block: (block[2] if block[1] in options else block[3] or ""), text)
    if re.search(r"^ *-- (when o(n|ff): \w+|end)$", chosen, re.M):
        raise Misconfigured("a part of a model for an option is not closed by `-- end`", where="sql/planning")
    return chosen


def filled_inputs(hdfs: Hdfs, day: date, inputs: Iterable[Input]) -> frozenset[str]:
    """The columns with a value, as `table.column`, of those inputs of a plan that are master data of its date."""
    filled: set[str] = set()
    for item in inputs:
        table, _, of = item.name.removeprefix("staging.").rpartition("/")
        if table in MASTER_TABLES and of == day.isoformat():
            filled |= {f"{table}.{column}" for column in filled_columns(hdfs, item.location)}
    return frozenset(filled)


@cache
def filled_columns(hdfs: Hdfs, location: str) -> frozenset[str]:
    """The columns with a value in some row of the Parquet files of a directory; one whose NULLs are not counted is among them."""
    found: set[str] = set()
    for entry in hdfs.list(location):
        if not entry.name.endswith(".parquet"):
            continue
        with hdfs.open(entry.path) as file:
            metadata = pq.read_metadata(file)
        for group in range(metadata.num_row_groups):
            for number in range(metadata.num_columns):
                column = metadata.row_group(group).column(number)
                counts = column.statistics
                if counts is None or not counts.has_null_count or counts.null_count < column.num_values:
                    found.add(column.path_in_schema)
    return frozenset(found)
