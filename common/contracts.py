"""Table contracts: one YAML a table, from which the metastore's DDL, Spark's and Arrow's schemas and the data dictionary come.

The folder is the table: `sql/<schema>/<table>/contract.yml`. A key that is not known here is an error, so that a typing
mistake never switches a rule off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from common.errors import Misconfigured
from common.settings import ROOT

SCHEMAS = ("staging", "planning", "audit")
ACTIONS = ("reject", "set_aside", "warn", "stop")
_TYPE = re.compile(r"varchar|boolean|integer|bigint|date|timestamp\(6\)|decimal\(\d+,\d+\)|array\(varchar\)")


@dataclass(frozen=True)
class Column:
    """One column: its Trino type, whether it may be null, its unit and meaning."""

    name: str
    type: str
    description: str
    nullable: bool = False
    unit: str = ""

    @property
    def hive_type(self) -> str:
        """The type as the metastore spells it."""
        hive = {"varchar": "string", "integer": "int", "timestamp(6)": "timestamp", "array(varchar)": "array<string>"}
        return hive.get(self.type, self.type)

    @property
    def comment(self) -> str:
        """The description with its unit, as stored in the metastore."""
        return f"{self.description} [{self.unit}]" if self.unit else self.description


@dataclass(frozen=True)
class Rule:
    """A row rule: `code` is the reason that a row is given; `action` is one of ACTIONS."""

    code: str
    action: str
    meaning: str


@dataclass(frozen=True)
class Raw:
    """Where the rows come from: HDFS path by business date, formats, the limits of rejected rows, names and what they hold.

    added           columns that older files lack, where they are NULL
    may_be_missing  an older folder lacks the file: no rows
    """

    path: str
    formats: tuple[str, ...]
    limits: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    may_be_missing: bool = False


@dataclass(frozen=True)
class Contract:
    """Everything declared once about a table."""

    schema: str
    table: str
    description: str
    grain: tuple[str, ...]
    owner: str
    columns: tuple[Column, ...]
    partition: str = "business_date"
    raw: Raw | None = None
    rules: tuple[Rule, ...] = ()

    @property
    def name(self) -> str:
        """`schema.table`"""
        return f"{self.schema}.{self.table}"

    @property
    def folder(self) -> Path:
        """`sql/<schema>/<table>`"""
        return ROOT / "sql" / self.schema / self.table


def _build(kind: type, tree: Any, where: str) -> Any:
    known = [f.name for f in fields(kind)]
    if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
        raise Misconfigured(f"a {kind.__name__.lower()} must be a mapping", where=where)
    if unknown := sorted(set(tree) - set(known)):
        raise Misconfigured(f"unknown key {unknown[0]!r}; known: {', '.join(known)}", where=where)
    try:
        return kind(**tree)
    except TypeError as error:
        raise Misconfigured(str(error).partition(" ")[2], where=where) from None


def parse(text: str, schema: str, table: str, where: str) -> Contract:
    """The contract in a YAML text; raises Misconfigured with the place."""
    tree = yaml.safe_load(text)
    if not isinstance(tree, dict):
        raise Misconfigured("a contract must be a mapping", where=where)
    tree["columns"] = tuple(_build(Column, c, f"{where}: columns") for c in tree.get("columns") or ())
    tree["rules"] = tuple(_build(Rule, r, f"{where}: rules") for r in tree.get("rules") or ())
    tree["grain"] = tuple(tree.get("grain") or ())
    if "raw" in tree:
        raw = _build(Raw, tree["raw"], f"{where}: raw")
        tree["raw"] = replace(raw, formats=tuple(raw.formats), added=tuple(raw.added))
    contract: Contract = _build(Contract, {**tree, "schema": schema, "table": table}, where)
    names = [c.name for c in contract.columns]
    for column in contract.columns:
        if not _TYPE.fullmatch(column.type):
            raise Misconfigured(f"{column.name}: no such type {column.type!r}", where=where)
        if not column.description:
            raise Misconfigured(f"{column.name} has no description", where=where)
    if len(set(names)) < len(names) or not names:
        raise Misconfigured("columns are missing or doubled", where=where)
    if missing := [g for g in contract.grain if g not in names]:
        raise Misconfigured(f"grain column {missing[0]!r} is not a column", where=where)
    nullable = {c.name for c in contract.columns if c.nullable}
    if missing := [a for a in (contract.raw.added if contract.raw else ()) if a not in nullable]:
        raise Misconfigured(f"added column {missing[0]!r} is not a nullable column", where=where)
    if wrong := [r for r in contract.rules if r.action not in ACTIONS]:
        raise Misconfigured(f"{wrong[0].code}: action is one of {', '.join(ACTIONS)}", where=where)
    return contract


@cache
def contract(name: str) -> Contract:
    """The contract of `schema.table`."""
    schema, _, table = name.partition(".")
    file = ROOT / "sql" / schema / table / "contract.yml"
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Misconfigured(f"there is no table {name}", where=str(file)) from None
    return parse(text, schema, table, str(file.relative_to(ROOT)))


@cache
def all_contracts() -> tuple[Contract, ...]:
    """Every contract, schema by schema in SCHEMAS' order, tables by name."""
    found = [
        contract(f"{schema}.{file.parent.name}")
        for schema in SCHEMAS
        for file in sorted((ROOT / "sql" / schema).glob("*/contract.yml"))
    ]
    return tuple(found)
