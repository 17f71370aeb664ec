"""Changed inputs as SQL: each change wraps the tables it touches in a relation that has other values in the rows it chose.

The next change wraps that one, so they apply from left to right. Whole numbers and cents are rounded up by remainder, for
a division of decimals would round to the nearest. Every value of the user's is a checked number or a text literal here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from common.clients.trino import text_literal
from common.contracts import contract
from common.what_if.fields import FIELDS, FLAG, MONEY, WHOLE, Field
from common.what_if.grammar import Change, Condition

_BIG = "decimal(38,0)"
# what an offer is joined with for what it does not say itself: table, alias, key
_OFFER_TERMS = (("products", "product", "sku"), ("replenishment_rules", "rule", "sku"), ("suppliers", "supplier", "supplier_id"))


@dataclass(frozen=True)
class Overlay:
    """What a change becomes.

    references  the tables that it touches, by name without schema
    matches     a query of one row: how many rows it chose, and in how many the result is past what the column holds
    """

    references: dict[str, str]
    matches: str


Reference = Callable[[str], str]


def overlay(change: Change, day: date, reference: Reference) -> Overlay:
    """The overlay of a checked change of a field on the tables as `reference` reads them so far."""
    field = FIELDS[change.name]
    if change.name == "demand":
        return _demand(change, day, reference)
    if change.name == "safety_stock":
        return _safety_stock(change, day, reference)
    return _column(change, field, day, reference)


def _column(change: Change, field: Field, day: date, reference: Reference) -> Overlay:
    """One column of one table, in the rows of the date."""
    kind = _type(field.table, field.column)
    old = f"coalesce(changed.{field.column}, {field.fallback})" if field.fallback else f"changed.{field.column}"
    new = result(change, field, old)
    chosen = f"changed.business_date = date '{day}' and {_where(change.conditions, 'changed', field.table, day, reference)}"
    source = f"{reference(field.table)} as changed"
    if field.fallback:
        source += "".join(
            f" left join (select * from {reference(table)} where business_date = date '{day}') as {alias}"
            f" on {alias}.{key} = changed.{key}"
            for table, alias, key in _OFFER_TERMS
        )
    value = f"if({chosen}, cast({new} as {kind}), changed.{field.column})"
    relation = f"(select {_columns(field.table, {field.column: value}, 'changed')} from {source})"
    return Overlay({field.table: relation}, _matches(f"select {new} as new_value from {source} where {chosen}", kind))


def _safety_stock(change: Change, day: date, reference: Reference) -> Overlay:
    """Scaled: the rule's figure and each warehouse's. Set, raised or lowered: the total becomes the rule's own."""
    if change.operation == "*":
        rules = _column(change, FIELDS["safety_stock"], day, reference)
        snapshot = Field(WHOLE, "warehouse_stock", "safety_stock_qty", "")
        stock = _column(change, snapshot, day, reference)
        both = f"select sum(chosen) as chosen, sum(too_large) as too_large from ({rules.matches} union all {stock.matches})"
        return Overlay({**rules.references, **stock.references}, both)
    on = f"business_date = date '{day}'"
    new = result(change, FIELDS["safety_stock"], "coalesce(rule.safety_stock, snapshot.safety_stock_qty, 0)")
    source = (
        f"(select * from {reference('products')} where {on}) as product"
        f" left join (select * from {reference('replenishment_rules')} where {on}) as rule on rule.sku = product.sku"
        f" left join (select sku, sum(cast(safety_stock_qty as {_BIG})) as safety_stock_qty from {reference('warehouse_stock')}"
        f" where {on} group by sku) as snapshot on snapshot.sku = product.sku"
    )
    chosen = _where(change.conditions, "product", "products", day, reference)
    # a SKU without a rule gets one, with the MOQ that it has without: 1
    values = {
        "sku": "product.sku", "business_date": f"date '{day}'", "moq": "if(rule.sku is null, 1, rule.moq)",
        "safety_stock": f"if({chosen}, cast({new} as bigint), rule.safety_stock)",
    }  # fmt: skip
    columns = _columns("replenishment_rules", values, "rule")
    relation = f"(select {columns} from {source} where rule.sku is not null or {chosen})"
    matches = _matches(f"select {new} as new_value from {source} where {chosen}", "bigint")
    return Overlay({"replenishment_rules": relation}, matches)


def _demand(change: Change, day: date, reference: Reference) -> Overlay:
    """The total of a SKU and day becomes another; its lines share it by what they had, so that they add up to it.

    Line k gets ceil(R × c(k) / T) − ceil(R × c(k−1) / T): T is the old total, R the new one, c the running total. A line
    that is left with nothing is gone: no night has one, staging rejects it.
    """
    lines, field = reference("pos_order_lines"), FIELDS["demand"]
    chosen = _where(change.conditions, "line", "pos_order_lines", day, reference)
    if change.operation != "*":
        chosen = f"line.business_date = date '{day}' and {chosen}"
    groups = "partition by line.is_chosen, line.sku, line.business_date"
    shares = (
        f"select line.*, sum(cast(line.quantity as {_BIG})) over ({groups}) as old_total,"
        f" sum(cast(line.quantity as {_BIG})) over ({groups} order by line.order_id, line.line_no) as running_total,"
        f" row_number() over ({groups} order by line.order_id, line.line_no) as place"
        f" from (select line.*, {chosen} as is_chosen from {lines} as line) as line"
    )
    new = result(change, field, "shared.old_total")
    share = (
        f"{_up(f'({new}) * shared.running_total', 'shared.old_total')}"
        f" - {_up(f'({new}) * (shared.running_total - shared.quantity)', 'shared.old_total')}"
    )
    value = f"if(shared.is_chosen, cast({share} as bigint), shared.quantity)"
    changed = f"select {_columns('pos_order_lines', {'quantity': value}, 'shared')} from ({shares}) as shared"
    relation = f"select * from ({changed}) where quantity > 0"
    totals = f"select {new} as new_value from ({shares}) as shared where shared.is_chosen and shared.place = 1"
    if change.operation in ("=", "+") and change.number:
        added, why = _added_lines(change, day, reference)
        relation, totals = f"{relation} union all {added}", f"{totals} union all {why}"
    return Overlay({"pos_order_lines": f"({relation})"}, _matches(totals, "bigint"))


def _added_lines(change: Change, day: date, reference: Reference) -> tuple[str, str]:
    """A line for each SKU that is to have demand and has no line on the date."""
    chosen = _where(change.conditions, "product", "products", day, reference)
    lines = f"select sku from {reference('pos_order_lines')} where business_date = date '{day}'"
    source = (
        f"{reference('products')} as product where product.business_date = date '{day}'"
        f" and {chosen} and product.sku not in ({lines})"
    )
    values = {
        "order_id": "'what-if-' || product.sku",
        "line_no": "1",
        "store_id": "'what-if'",
        "ordered_at": f"timestamp '{day} 00:00:00.000000'",
        "sku": "product.sku",
        "quantity": _number(change.number),
        "unit_price": "0",
        "source_file": "'what-if'",
        "source_line": "1",
        "business_date": f"date '{day}'",
    }
    columns = _columns("pos_order_lines", values, "product")
    return f"select {columns} from {source}", f"select {_number(change.number)} as new_value from {source}"


def result(change: Change, field: Field, old: str) -> str:
    """The new value of a field as SQL; what is not known (NULL) stays so, unless it is set."""
    if field.kind == FLAG:
        return "true" if change.value == "true" else "false"
    if field.kind not in (WHOLE, MONEY):
        return text_literal(change.value)
    if field.kind == MONEY:
        new = _changed(change, f"cast(({old}) * 100 as {_BIG})", change.number * 100)
        return f"cast({_at_least(new, field.least)} as {_BIG}) * decimal '0.01'"
    return _at_least(_changed(change, f"cast({old} as {_BIG})", change.number), field.least)


def _changed(change: Change, old: str, number: Decimal) -> str:
    if change.operation == "=":
        return _number(number)
    if change.operation == "*":
        above, below = change.number.as_integer_ratio()
        return _up(f"{old} * {_number(Decimal(above))}", _number(Decimal(below)))
    return f"{old} {change.operation} {_number(number)}"


def _up(dividend: str, divisor: str) -> str:
    """ceil(dividend / divisor) of whole numbers, the divisor above zero."""
    return f"(({dividend}) + ({divisor} - ({dividend}) % nullif({divisor}, 0)) % nullif({divisor}, 0)) / nullif({divisor}, 0)"


def _at_least(value: str, least: int | None) -> str:
    return value if least is None else f"greatest({value}, {_number(Decimal(least))})"


def _number(number: Decimal) -> str:
    return f"cast(decimal '{int(number)}' as {_BIG})"


def _where(conditions: Sequence[Condition], alias: str, table: str, day: date, reference: Reference) -> str:
    """Whether a row is chosen: true or false, never NULL. A column that the table lacks is looked up by the SKU."""
    own = {column.name for column in contract(f"staging.{table}").columns}
    found = []
    for condition in conditions:
        values = ", ".join(text_literal(value) for value in condition.values)
        if condition.column in own:
            test = f"coalesce({alias}.{condition.column} in ({values}), false)"
        else:
            other = "product_suppliers" if condition.column == "supplier_id" else "products"
            test = (
                f"{alias}.sku in (select sku from {reference(other)}"
                f" where business_date = date '{day}' and {condition.column} in ({values}))"
            )
        found.append(f"not ({test})" if condition.is_negated else test)
    return " and ".join(found) or "true"


def _matches(rows: str, kind: str) -> str:
    return (
        f"select count(*) as chosen, count_if(new_value is not null and try_cast(new_value as {kind}) is null) as too_large"
        f" from ({rows})"
    )


def _type(table: str, column: str) -> str:
    return next(c.type for c in contract(f"staging.{table}").columns if c.name == column)


def _columns(table: str, values: dict[str, str], alias: str) -> str:
    """All columns of a table and its date: some with other values, the rest as `alias` has them; types are the contract's."""
    kinds = {c.name: c.type for c in contract(f"staging.{table}").columns} | {"business_date": "date"}
    return ", ".join(
        f"cast({values[name]} as {kind}) as {name}" if name in values else f"{alias}.{name}" for name, kind in kinds.items()
    )
