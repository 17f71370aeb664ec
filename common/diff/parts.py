"""Which input made the difference between two plans: each is swapped as a whole, in a fixed order, and the plan made again.

    f(0)   what the old run stored
    f(1)   code: today's SQL over the old inputs. An old code can't be run again, so what it did otherwise is measured here
    f(2) … settings, calendar, master data, prices, stock, open orders, demand: one more of the new ones each time
    last   what the new run stored: differs from the one before only where the new run's code was not today's, either

Part i is f(i) − f(i−1), so the parts add up exactly to the whole, line by line. An input that is equal on both sides is
not run again: its part is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from common.contracts import contract
from common.diff.lines import Change, Key, Money, Plan, changes, total
from common.plan_world import World
from common.planning import NO_DAY, Facts

# the inputs in their order, and the tables that each swaps. `prices` are columns of product_suppliers: `master data` swaps
# that table with the old prices, `prices` the rest. The business date itself goes with the calendar.
GROUPS: dict[str, tuple[str, ...]] = {
    "calendar": ("calendar_days",),
    "master data": ("products", "suppliers", "replenishment_rules", "product_suppliers", "stores", "warehouses"),
    "prices": (),
    "stock": ("warehouse_stock",),
    "open orders": ("open_orders", "receipts"),
    "demand": ("pos_order_lines", "last_exceptions"),
}
CODE, SETTINGS, LATER_CODE = "code", "settings", "code of the later run"
INPUTS = (CODE, SETTINGS, *GROUPS)
# whose facts are whose
FACTS = {
    "order_lines_run": "demand", "stock_run": "stock", "published_days": "demand", "previous_stock_dates": "stock",
    "open_orders_from": "open orders", "last_exceptions_date": "demand", "receipts_run": "open orders",
}  # fmt: skip
_OFFER, _PRICE = ("sku", "supplier_id", "valid_from"), ("unit_cost", "currency")


@dataclass(frozen=True)
class Side:
    """One of the two: its date, settings and facts, and how each table is read by a plan of any date.

    A table of another date is read as that of the plan's: `reference(table, day)` has its rows under `day`, its history
    before it.

    is_current_code  whether what it stored was made by the code of today
    has_own_prices   as the new side: whether its prices may differ from the old one's
    """

    day: date
    settings: Mapping[str, Any]
    facts: Facts
    reference: Callable[[str, date], str]
    is_current_code: bool
    has_own_prices: bool = True


@dataclass(frozen=True)
class Part:
    """What one input did: the lines that it changed."""

    input: str
    changes: Mapping[Key, Change]

    @property
    def units(self) -> int:
        """Units more (or fewer) because of it."""
        return sum(change.units for change in self.changes.values())

    @property
    def cost(self) -> Money:
        """Cost more (or less) because of it."""
        return total(change.cost for change in self.changes.values())


def attribute(
    old: Side, new: Side, stored: tuple[Plan, Plan], tables: Sequence[str], make: Callable[[World], Plan]
) -> list[Part]:
    """The parts, in the order of INPUTS.

    stored  what the two runs stored
    tables  the tables that the models read, by name without schema
    make    the plan of a world
    """
    parts = []
    before = stored[0]
    # what today's code has stored needs not be made again
    world = mixed(old, new, (), tables) if old.is_current_code else None
    taken: list[str] = []
    for name in INPUTS:
        if name != CODE:
            taken.append(name)
        mixture = mixed(old, new, taken, tables)
        after = before if mixture == world else make(mixture)
        parts.append(Part(name, changes(before, after)))
        before, world = after, mixture
    if later := changes(before, stored[1]):
        parts.append(Part(LATER_CODE, later))
    return parts


def mixed(old: Side, new: Side, taken: Collection[str], tables: Sequence[str]) -> World:
    """The world in which the inputs `taken` are the new side's and the others the old one's."""

    def of(group: str) -> Side:
        return new if group in taken else old

    day = of("calendar").day
    groups = {table: group for group, names in GROUPS.items() for table in names}
    references = {table: of(groups[table]).reference(table, day) for table in tables if table in groups}
    if new.has_own_prices and "master data" in taken and "prices" not in taken:
        offers = old.reference("product_suppliers", day), references["product_suppliers"]
        references["product_suppliers"] = offers[1] if offers[0] == offers[1] else _with_prices(*offers)
    references["rejected_rows"] = _rejected_rows(of("stock").day, of("demand").day, day)
    facts = {field: _on(day, of(group).day, getattr(of(group).facts, field)) for field, group in FACTS.items()}
    # an option that one side uses is planned on both: one that nobody uses changes nothing
    filled = old.facts.filled | new.facts.filled
    return World(day, of(SETTINGS).settings, references, replace(old.facts, filled=filled, **facts))


def _on(day: date, own: date, fact: Any) -> Any:
    """A fact of a side as of another date: days keep their distance, whatever else stays; the day that is none, too."""
    if isinstance(fact, tuple):
        return tuple(_on(day, own, one) for one in fact)
    return fact + (day - own) if isinstance(fact, date) and fact != NO_DAY else fact


def _with_prices(old: str, new: str) -> str:
    """The new offers at the prices of the old ones; an offer that the old ones do not have keeps its own."""
    joined = " and ".join(f"old_offer.{column} = new_offer.{column}" for column in _OFFER)
    prices = ", ".join(f"if(old_offer.sku is null, new_offer.{c}, old_offer.{c}) as {c}" for c in _PRICE)
    return f"(select {_others()}, {prices} from {new} as new_offer left join {old} as old_offer on {joined})"


def _others() -> str:
    names = [c.name for c in contract("staging.product_suppliers").columns if c.name not in _PRICE]
    return ", ".join(f"new_offer.{name}" for name in [*names, "business_date"])


def _rejected_rows(stock_day: date, demand_day: date, day: date) -> str:
    """The rejected rows of the two sides, as those of one date; which run's rows count is a fact."""
    if stock_day == demand_day == day:
        return "delta.audit.rejected_rows"
    columns = ", ".join(c.name for c in contract("audit.rejected_rows").columns)
    halves = [
        f"select {columns}, date '{day}' as business_date from delta.audit.rejected_rows"
        f" where business_date = date '{on}' and table_name {sign} 'staging.warehouse_stock'"
        for sign, on in (("=", stock_day), ("<>", demand_day))
    ]
    return f"({' union all '.join(halves)})"
