"""A plan over changed inputs: that of a date as it is published, with a list of changes applied to what it had read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import yaml

from common.clients.trino import Trino
from common.diff.parts import Side
from common.errors import BadData, Usage
from common.settings import Settings
from common.what_if.fields import FIELDS, check
from common.what_if.grammar import Change, parse
from common.what_if.overlays import overlay


@dataclass
class Scenario:
    """The changes of a what-if, applied one after another.

    references  the tables that they touched, by name without schema
    matches     for each change of a field the query that counts the rows it chose
    settings    those that they set, by key
    """

    day: date
    base: Callable[[str, date], str]
    references: dict[str, str] = field(default_factory=dict)
    matches: list[tuple[Change, str]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    def reference(self, table: str) -> str:
        """How a table is read with the changes so far."""
        return self.references.get(table) or self.base(table, self.day)

    def apply(self, change: Change) -> None:
        """One more change of a field."""
        made = overlay(change, self.day, self.reference)
        self.matches.append((change, made.matches))
        self.references.update(made.references)

    def side(self, changed: Side) -> Side:
        """The changed side of a comparison: as `changed`, which has the settings already, with the tables as they are here."""
        prices = any(change.name == "unit_cost" for change, _ in self.matches)
        fields = [FIELDS[change.name] for change, _ in self.matches]
        # an option that a change uses is planned, though no row of the date's own master data has it
        filled = changed.facts.filled | {f"{field.table}.{field.column}" for field in fields}
        return replace(
            changed, reference=lambda table, day: self.reference(table), has_own_prices=prices,
            facts=replace(changed.facts, filled=filled),
        )  # fmt: skip


def parse_all(texts: Sequence[str]) -> list[Change]:
    """The changes that the texts spell, in their order; Usage for the first that is not one. No service is touched."""
    if not texts:
        raise Usage("a what-if needs a change", next="./submit.sh what-if <date> --set 'moq=24 where supplier_id=...'")
    changes = [parse(text) for text in texts]
    for change in changes:
        check(change)
    return changes


def read_file(text: str, where: str) -> tuple[str | None, list[str]]:
    """Name and changes of a what-if file: YAML with `set`, a list of texts, and perhaps `name`."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Usage(f"the file is not YAML: {error}", where=where) from None
    if not isinstance(tree, dict) or set(tree) - {"name", "set"}:
        raise Usage(f"a what-if file has `set`, a list of changes, and `name`{_but(tree)}", where=where)
    texts, name = tree.get("set"), tree.get("name")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts) or not isinstance(name, str | None):
        raise Usage("`set` is a list of texts, `name` a text", where=where)
    return name, texts


def _but(tree: Any) -> str:
    return f", and not {sorted(map(str, set(tree) - {'name', 'set'}))[0]!r}" if isinstance(tree, dict) else ""


def scenario_of(day: date, base: Side, changes: Sequence[Change], settings: Settings) -> Scenario:
    """The scenario of the changes; `settings` give those that they set their types."""
    made = Scenario(day, base.reference)
    chosen = [change for change in changes if change.is_setting]
    typed = settings.overridden([f"{change.name}={change.value}" for change in chosen])
    made.settings = {change.name: typed[change.name] for change in chosen}
    for change in changes:
        if not change.is_setting:
            made.apply(change)
    return made


def count_matches(trino: Trino, scenario: Scenario) -> list[dict[str, Any]]:
    """How many rows each change of a field chose; BadData for one that chose none, or whose result no column holds."""
    if not scenario.matches:
        return []
    counted = " union all ".join(f"select {n}, chosen, too_large from ({sql})" for n, (_, sql) in enumerate(scenario.matches))
    counts = []
    for number, chosen, too_large in sorted(trino.rows(counted)):
        text = scenario.matches[number][0].text
        if not chosen:
            raise BadData(
                f"this change matches no row of {scenario.day}: {text}",
                where=f"change {number + 1}",
                next="look at the names it chooses by; ./submit.sh adhoc --list has queries",
            )
        if too_large:
            what = f"{too_large:,} of {chosen:,} rows would be past what their column holds: {text}"
            raise BadData(what, where=f"change {number + 1}")
        counts.append({"change": text, "rows": int(chosen)})
    return counts
