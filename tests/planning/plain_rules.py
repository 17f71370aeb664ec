"""The planning rules a second time, in plain Python integers and decimals, without a look at the SQL: an oracle for tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal

BIGINT_MIN, BIGINT_MAX = -(2**63), 2**63 - 1
_EXACT = Context(prec=80)


@dataclass(frozen=True)
class Offer:
    """A row of product_suppliers, with what its supplier says."""

    supplier: str
    priority: int
    valid_from: date
    valid_to: date | None
    is_active: bool
    pack_size: int | None
    moq: int | None
    unit_cost: Decimal
    lead_time_days: int | None
    supplier_lead_time_days: int


@dataclass(frozen=True)
class Sku:
    """All that is known of one SKU on one date."""

    status: str
    pack_size: int | None
    has_rule: bool
    moq: int | None
    safety_stock: int | None
    order_lines: tuple[int, ...]
    stock: tuple[tuple[int, int, int | None], ...]  # available, reserved, safety stock of each warehouse
    rejected_stock_rows: int
    offers: tuple[Offer, ...]


@dataclass(frozen=True)
class Decision:
    """What becomes of the SKU."""

    outcome: str
    net: int | None
    supplier: str | None = None
    order_qty: int = 0
    packs: int = 0
    moq_excess: int | None = None
    pack_excess: int | None = None
    bound_by: str | None = None
    line_cost: Decimal | None = None
    due_date: date | None = None


def fits(*numbers: int) -> bool:
    """Whether BIGINT holds all of them."""
    return all(BIGINT_MIN <= n <= BIGINT_MAX for n in numbers)


def decide(sku: Sku, day: date) -> Decision:
    """The rules: net demand, status, supplier and terms, MOQ, pack."""
    demand = sum(sku.order_lines)
    available = sum(a for a, _, _ in sku.stock)
    reserved = sum(r for _, r, _ in sku.stock)
    stated = [s for _, _, s in sku.stock if s is not None]
    safety = sku.safety_stock if sku.has_rule and sku.safety_stock is not None else sum(stated)
    net = max(0, demand + safety - (available - reserved))
    is_known = fits(demand, available, reserved, available - reserved, safety, sum(stated), net)
    seen = None if sku.rejected_stock_rows or not is_known else net
    if sku.status != "active" or not (sku.order_lines or sku.stock or sku.rejected_stock_rows or sku.has_rule):
        return Decision("not_planned", seen)
    if sku.rejected_stock_rows:
        return Decision("held", None)
    if not is_known:
        return Decision("overflow", None)
    usable = [o for o in sku.offers if o.is_active and o.valid_from <= day and (o.valid_to is None or o.valid_to >= day)]
    offer = min(usable, key=lambda o: o.priority, default=None)
    name = offer.supplier if offer else None
    if net == 0:
        return Decision("enough_stock", 0, name)
    if offer is None:
        return Decision("no_supplier", net)
    return _size(sku, offer, net, day)


def _size(sku: Sku, offer: Offer, net: int, day: date) -> Decision:
    pack = offer.pack_size if offer.pack_size is not None else sku.pack_size
    moq = offer.moq
    if moq is None:
        moq = sku.moq if sku.has_rule else 1
    if pack is None or pack < 1 or moq is None or moq < 1:
        return Decision("invalid_terms", net, offer.supplier)
    lifted = max(net, moq)
    packs = -(-lifted // pack)
    quantity = packs * pack
    if not fits(quantity):
        return Decision("overflow", net, offer.supplier, moq_excess=lifted - net, pack_excess=quantity - lifted)
    bound = "pack" if quantity > lifted else "moq" if lifted > net else "need"
    lead = offer.lead_time_days if offer.lead_time_days is not None else offer.supplier_lead_time_days
    return Decision(
        "ordered", net, offer.supplier, quantity, packs, lifted - net, quantity - lifted, bound,
        _EXACT.multiply(Decimal(quantity), offer.unit_cost), day + timedelta(days=lead),
    )  # fmt: skip
