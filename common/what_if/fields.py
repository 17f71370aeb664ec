"""What a what-if may change, and the columns by which it may choose: closed lists, checked before any service is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.setting_rules import WORDS
from common.what_if.grammar import Change, refused

# columns that a condition may name, by what a field belongs to. Of a SKU: `supplier_id` is any supplier that offers it
OF_SKU = ("sku", "department", "category", "supplier_id")
OF_SUPPLIER = ("supplier_id",)
WHOLE, MONEY, WORD, FLAG = "whole", "money", "word", "flag"
_LARGEST_FACTOR = 1_000_000
_SETTINGS = "planning."  # the settings that decide what is ordered
# those that decide what the night read, which a what-if takes as it was
_READ_BEFORE = ("planning.open_order_", "planning.missing_store_", "planning.history_days")


@dataclass(frozen=True)
class Field:
    """One field.

    kind      WHOLE (units or days), MONEY (two decimals), WORD (one of `choices`) or FLAG (true or false)
    table     where it lies; `demand` and `safety_stock` lie in two places and have rules of their own
    column    its column there
    meaning   for the help
    fallback  what counts where a supplier's offer does not say it: the very rule of planning.order_decisions, over the
              aliases product, rule and supplier
    least     the least value; a result below it is lifted to it
    most      the largest value that can be set
    """

    kind: str
    table: str
    column: str
    meaning: str
    conditions: Sequence[str] = OF_SKU
    fallback: str = ""
    least: int | None = 0
    most: int | None = None
    choices: Sequence[str] = ()


FIELDS: dict[str, Field] = {
    "demand": Field(
        WHOLE, "pos_order_lines", "quantity",
        "units ordered by the stores, a SKU and day; * also scales the history, = + - the date's total alone",
        (*OF_SKU, "store_id"),
    ),
    "available": Field(
        WHOLE, "warehouse_stock", "available_qty", "units in a warehouse, reserved ones included", (*OF_SKU, "warehouse_id"),
        least=None,
    ),
    "reserved": Field(WHOLE, "warehouse_stock", "reserved_qty", "units promised to older orders", (*OF_SKU, "warehouse_id")),
    "safety_stock": Field(
        WHOLE, "replenishment_rules", "safety_stock",
        "units that must remain: * scales the rule's and the warehouses' figures, = + - make it the rule's",
    ),
    "moq": Field(
        WHOLE, "product_suppliers", "moq", "minimum order quantity", least=1,
        fallback="if(rule.sku is null, 1, rule.moq)",
    ),
    "pack_size": Field(WHOLE, "product_suppliers", "pack_size", "units in a pack", least=1, fallback="product.pack_size"),
    "lead_time_days": Field(
        WHOLE, "product_suppliers", "lead_time_days", "days from order to delivery", fallback="supplier.lead_time_days"
    ),
    "unit_cost": Field(MONEY, "product_suppliers", "unit_cost", "purchase cost of a unit"),
    "policy": Field(
        WORD, "product_suppliers", "policy", "planning policy of a supplier's offer; one in the SKU's rule goes before it",
        choices=WORDS["planning.policy"],
    ),
    "max_order_qty": Field(
        WHOLE, "product_suppliers", "max_order_qty", "largest order of a supplier's offer; a lower one in the rule holds"
    ),
    **{
        name: Field(WHOLE, "product_suppliers", name, f"units in a {name.removesuffix('_size')} of a supplier's offer", least=1)
        for name in ("case_size", "layer_size", "pallet_size")
    },
    "level_share_percent": Field(
        WHOLE, "product_suppliers", "level_share_percent", "share of the next level that an offer may be rounded up by", most=100
    ),
    "minimum_action": Field(
        WORD, "suppliers", "minimum_action", "what happens to an order below the supplier's minimum", OF_SUPPLIER,
        choices=WORDS["planning.supplier_minimum"],
    ),
    "minimum_order_value": Field(MONEY, "suppliers", "minimum_order_value", "least cost of an order", OF_SUPPLIER),
    "minimum_order_units": Field(WHOLE, "suppliers", "minimum_order_units", "least units of an order", OF_SUPPLIER),
    "is_held_on_spike": Field(FLAG, "suppliers", "is_held_on_spike", "whether lines with a spike are held back", OF_SUPPLIER),
    "is_active": Field(FLAG, "suppliers", "is_active", "whether the supplier takes orders", OF_SUPPLIER),
    "status": Field(WORD, "products", "status", "status of the product", choices=("active", "run_out", "blocked")),
}  # fmt: skip


def check(change: Change) -> None:
    """Usage where a change names what is not there, or a value that the field can't take."""
    if change.is_setting:
        _check_setting(change)
        return
    field = FIELDS.get(change.name)
    if field is None:
        raise refused(change.text, f"there is no field {change.name!r}; fields: {', '.join(FIELDS)}")
    for condition in change.conditions:
        if condition.column not in field.conditions:
            columns = ", ".join(field.conditions)
            raise refused(change.text, f"{change.name} can't be chosen by {condition.column!r}; columns: {columns}")
    if change.name == "demand" and change.operation != "*" and any(c.column == "store_id" for c in change.conditions):
        raise refused(change.text, "with store_id demand can only be scaled, such as demand*1.3")
    if field.kind in (WORD, FLAG):
        choices = field.choices or ("true", "false")
        if change.operation != "=" or change.value not in choices:
            raise refused(change.text, f"{change.name} is set with = to one of {', '.join(choices)}")
        return
    _check_number(change, field)


def _check_number(change: Change, field: Field) -> None:
    number = change.number
    if change.operation == "*":
        if number > _LARGEST_FACTOR:
            raise refused(change.text, f"a factor is at most {_LARGEST_FACTOR:,}")
        return
    decimals = 2 if field.kind == MONEY else 0
    if number != round(number, decimals):
        raise refused(change.text, f"{change.value} is not {'an amount with two decimals' if decimals else 'a whole number'}")
    if change.operation == "=" and field.least is not None and number < Decimal(field.least):
        raise refused(change.text, f"{change.name} is at least {field.least}")
    if change.operation == "=" and field.most is not None and number > Decimal(field.most):
        raise refused(change.text, f"{change.name} is at most {field.most}")


def _check_setting(change: Change) -> None:
    if not change.name.startswith(_SETTINGS):
        raise refused(change.text, f"of the settings only those under {_SETTINGS} decide what is ordered")
    if change.name.startswith(_READ_BEFORE):
        raise refused(change.text, f"{change.name} decides what a night reads, and a what-if takes that as it was read")
    if change.operation != "=" or change.conditions:
        raise refused(change.text, "a setting is set with = and has no conditions; single SKUs and suppliers have fields")
