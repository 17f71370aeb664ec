"""A comparison: two plans, what differs, and the part of each input in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from common.diff.lines import Change, Key, Money, Plan, changes, cost, minus, total
from common.diff.parts import Part


@dataclass(frozen=True)
class Comparison:
    """Two plans and the parts of their difference.

    names  what the old and the new one are called
    parts  in their order; they add up to the difference, line by line
    notes  what a reader must know to read it rightly
    """

    business_dates: tuple[str, str]
    names: tuple[str, str]
    old: Plan
    new: Plan
    parts: Sequence[Part]
    notes: Sequence[str] = field(default_factory=tuple)

    @cached_property
    def changes(self) -> dict[Key, Change]:
        """The lines that came, went or changed."""
        return changes(self.old, self.new)

    def parts_of(self, key: Key) -> dict[str, tuple[int, Money]]:
        """The units and the cost that each input added to one line; inputs that did nothing to it are left out."""
        found = {part.input: part.changes[key] for part in self.parts if key in part.changes}
        return {name: (change.units, change.cost) for name, change in found.items()}

    def by_supplier(self) -> list[SupplierChange]:
        """The suppliers whose orders differ, the largest change in cost first."""
        grouped: dict[str, list[Change]] = {}
        for change in self.changes.values():
            grouped.setdefault(change.line.supplier_id, []).append(change)
        found = [SupplierChange(supplier_id, tuple(of)) for supplier_id, of in grouped.items()]
        return sorted(found, key=lambda s: (-size(s.cost), -abs(s.units), s.supplier_id))

    def largest(self) -> list[Change]:
        """The changes, the largest in cost first."""
        return sorted(self.changes.values(), key=lambda c: (-size(c.cost), -abs(c.units), c.line.key))


@dataclass(frozen=True)
class SupplierChange:
    """What differs in the order to one supplier."""

    supplier_id: str
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        """Its name."""
        return self.changes[0].line.supplier_name

    @property
    def units(self) -> int:
        """Units more (or fewer)."""
        return sum(change.units for change in self.changes)

    @property
    def cost(self) -> Money:
        """Cost more (or less)."""
        return total(change.cost for change in self.changes)

    def count(self, kind: str) -> int:
        """Lines that came, went or changed."""
        return sum(change.kind == kind for change in self.changes)


def size(amount: Money) -> Decimal:
    """How large an amount is, for sorting alone: the sum of its currencies as if they were one."""
    return sum((abs(value) for value in amount.values()), Decimal(0))


def plan_totals(plan: Plan) -> tuple[int, int, int, Money]:
    """Lines, suppliers, units and cost of a plan."""
    lines = plan.values()
    suppliers = {line.supplier_id for line in lines}
    return len(plan), len(suppliers), sum(line.order_qty for line in lines), total(cost(line) for line in lines)


def is_exact(comparison: Comparison) -> bool:
    """Whether the parts add up to the difference: units and cost of every line."""
    keys = set(comparison.changes) | {key for part in comparison.parts for key in part.changes}
    for key in keys:
        change = comparison.changes.get(key)
        parts = comparison.parts_of(key).values()
        if sum(units for units, _ in parts) != (change.units if change else 0):
            return False
        if total([*(amount for _, amount in parts), minus(change.cost if change else {})]):
            return False
    return True
