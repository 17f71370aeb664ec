"""A plan over any tables: the models of the night, rendered over the references that a world gives.

The night reads published tables and the results before them (common/planning.py); a comparison of two plans reads the
tables that a run had pinned; a what-if reads overlays. All of them run the same SQL and differ in the references alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from common.planning import MODELS, Facts, render, tables_read

# what a plan makes; the position of open orders comes before it, as the stock does
MADE = tuple(model for model in MODELS if model != "open_orders")


@dataclass(frozen=True)
class World:
    """Everything that a plan is made from.

    day         the business date
    settings    by dotted key, as in common.settings
    references  how each table is read, by its name without schema; a relation in parentheses has `business_date`
    facts       what a model can't read from its tables
    """

    day: date
    settings: Mapping[str, Any]
    references: Mapping[str, str]
    facts: Facts


def input_tables() -> dict[str, str]:
    """Every table that a plan reads and does not make itself, `schema.table` by the name that the models give it."""
    found = dict.fromkeys(table for model in MADE for table in tables_read(model))
    tables = {table.partition(".")[2]: table for table in found if table not in {f"planning.{model}" for model in MADE}}
    # of an earlier date, so it is no result of the plan
    return {**tables, "last_exceptions": "planning.exceptions"}


def dated(relation: str, day: date) -> str:
    """A result of a model as a later model reads it: with the business date as a column."""
    return f"(select *, date '{day}' as business_date from {relation})"


def query(world: World, model: str) -> str:
    """One statement that gives the rows of a model: each result before it that the world does not name is a subquery."""
    references = dict(world.references)
    for table in tables_read(model):
        name = table.partition(".")[2]
        if name in MADE and name not in references:
            references[name] = dated(f"({query(world, name)})", world.day)
    return render(model, world.day, world.settings, references, world.facts)
