"""Who may supply a SKU, who is asked first, and on which terms: once more, from the master data of the date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from common.explain.facts import Facts, Row


def usable(offer: Row, suppliers: Mapping[str, Row], day: date) -> str:
    """Whether a supplier may take an order: empty, or why not."""
    if offer["valid_from"] > day:
        return f"valid from {offer['valid_from']}"
    if offer["valid_to"] is not None and offer["valid_to"] < day:
        return f"valid until {offer['valid_to']}"
    return "" if suppliers[offer["supplier_id"]]["is_active"] else "the supplier is inactive"


def is_open(facts: Facts, offer: Row) -> bool:
    """Whether an offer may take the order."""
    return not usable(offer, facts.suppliers, facts.day)


def ranked(facts: Facts) -> list[Row]:
    """The offers in the order in which they are asked."""
    return sorted(facts.offers, key=lambda row: (row["priority"], row["supplier_id"], row["valid_from"]))


def terms_of(facts: Facts) -> dict[str, Any]:
    """The supplier and its terms: its own first, then those of the product, the rule and the supplier's account."""
    offers = ranked(facts)
    valid = [row for row in offers if not usable(row, facts.suppliers, facts.day).startswith("valid")]
    offer: Row = next((row for row in valid if is_open(facts, row)), {})
    supplier: Row = facts.suppliers[offer["supplier_id"]] if offer else {}
    sleeping = next((row["supplier_id"] for row in valid if not is_open(facts, row)), None)
    product, rule = facts.product or {}, facts.rule
    lead, lead_source = first_set((offer, "product_suppliers"), (supplier, "suppliers"), name="lead_time_days")
    pack, pack_source = first_set((offer, "product_suppliers"), (product, "products"), name="pack_size")
    moq, moq_source = offer.get("moq"), "product_suppliers"
    if moq is None:
        moq, moq_source = (rule["moq"], "replenishment_rules") if rule else (1, "default")
    none = None if offer else "inactive" if valid else "not_valid" if offers else "not_mapped"
    made = {
        "supplier_id": offer.get("supplier_id"), "supplier_priority": offer.get("priority"), "no_supplier_reason": none,
        "passed_over_supplier_id": sleeping if not offer or _is_before(valid, sleeping, offer) else None,
        "pack_size": pack, "pack_size_source": pack_source, "moq": moq, "moq_source": moq_source,
        "unit_cost": offer.get("unit_cost"), "lead_time_days": lead, "lead_time_source": lead_source,
    }  # fmt: skip
    currency = offer.get("currency") or supplier.get("currency")
    return made | ({"currency": currency} if currency or not offer else {})


def first_set(*places: tuple[Row, str], name: str) -> tuple[Any, str | None]:
    """The first value of a column over several rows, and the name of the row that has it."""
    return next(((row[name], source) for row, source in places if row.get(name) is not None), (None, None))


def _is_before(offers: list[Row], supplier_id: str | None, chosen: Row) -> bool:
    first = next((row for row in offers if row["supplier_id"] == supplier_id), None)
    return first is not None and first["priority"] < chosen["priority"]
