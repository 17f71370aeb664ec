"""Plans as order lines, and what differs between two of them: pure, in whole units and exact money.

A plan is its lines by SKU and supplier; what is absent has 0 units. Money is kept by currency, since amounts of two
currencies can't be added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from common.publish.order_files import add_exactly

# SKU, supplier
Key = tuple[str, str]
# amount by currency; an amount of zero is left out
Money = dict[str, Decimal]
COLUMNS = ("sku", "supplier_id", "product_name", "supplier_name", "order_qty", "line_cost", "currency")


@dataclass(frozen=True)
class Line:
    """One order line: whole units, purchase cost with its currency."""

    sku: str
    supplier_id: str
    product_name: str
    supplier_name: str
    order_qty: int
    line_cost: Decimal
    currency: str

    @property
    def key(self) -> Key:
        """SKU and supplier."""
        return self.sku, self.supplier_id


Plan = Mapping[Key, Line]


def plan_of(rows: Iterable[Sequence[Any]]) -> dict[Key, Line]:
    """The plan in rows of COLUMNS."""
    lines = (Line(*row) for row in rows)
    return {line.key: line for line in lines}


def total(amounts: Iterable[Money]) -> Money:
    """The sum, currency by currency."""
    by_currency: dict[str, list[Decimal]] = {}
    for amount in amounts:
        for currency, value in amount.items():
            by_currency.setdefault(currency, []).append(value)
    return {currency: summed for currency in sorted(by_currency) if (summed := add_exactly(by_currency[currency]))}


def minus(amount: Money) -> Money:
    """The negative."""
    return {currency: value.copy_negate() for currency, value in amount.items()}


def cost(line: Line | None) -> Money:
    """What a line costs; an absent one nothing."""
    return {line.currency: line.line_cost} if line is not None and line.line_cost else {}


def units(line: Line | None) -> int:
    """The units of a line; an absent one has none."""
    return line.order_qty if line is not None else 0


@dataclass(frozen=True)
class Change:
    """What differs in one line: it came (no old one), went (no new one) or changed."""

    old: Line | None
    new: Line | None

    @property
    def line(self) -> Line:
        """The line to name it by: the new one where there is one."""
        found = self.new or self.old
        if found is None:
            raise ValueError("a change has an old or a new line")
        return found

    @property
    def kind(self) -> str:
        """came, went or changed."""
        return "came" if self.old is None else "went" if self.new is None else "changed"

    @property
    def units(self) -> int:
        """Units more (or, negative, fewer)."""
        return units(self.new) - units(self.old)

    @property
    def cost(self) -> Money:
        """Cost more (or, negative, less)."""
        return total([cost(self.new), minus(cost(self.old))])


def changes(old: Plan, new: Plan) -> dict[Key, Change]:
    """The outer join of two plans on SKU and supplier: the lines whose units or cost differ."""
    found = {}
    for key in sorted(old.keys() | new.keys()):
        change = Change(old.get(key), new.get(key))
        if change.kind != "changed" or change.units or change.cost:
            found[key] = change
    return found
