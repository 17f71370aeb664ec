"""What a supplier's minimum made of its order, once more, over all SKUs that it may fill up with: in Python, pack by pack.

Written from the planning rules, not from the SQL. A filling-up of very many packs is not repeated: then what is stored of
it stands, as it does of a run that has not recorded its settings.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from common.explain.arithmetic import Compared, times
from common.explain.facts import Facts, Row, facts_of_skus
from common.explain.lineage import DECISIONS, Lineage
from common.explain.stored import Rows, rows_where
from common.publish.run import Clients

_MOST_PACKS = 200_000
_LINE = ("ordered", "below_supplier_minimum")


def concerned(decisions: Rows) -> list[str]:
    """The SKUs of a supplier that its minimum is decided over; none where no minimum applied."""
    if not any(row.get("minimum_status") for row in decisions):
        return []
    return [row["sku"] for row in decisions if row["outcome"] in (*_LINE, "enough_stock")]


def needs_history(decisions: Rows) -> bool:
    """Whether cover decided: an order was filled up, or could not be."""
    return any(row.get("minimum_status") in ("filled", "unreachable") for row in decisions)


def minimum_of(clients: Clients, lineage: Lineage, facts: Facts) -> list[Compared]:
    """`compare_minimum` for the supplier of one SKU, of which alone it is told."""
    if facts.decision.get("minimum_status") is None:
        return []
    supplier_id = facts.decision["supplier_id"]
    decisions = rows_where(clients.hdfs, lineage.locations[DECISIONS], "supplier_id", [supplier_id])
    others = facts_of_skus(clients, lineage, concerned(decisions), history=needs_history(decisions))
    return compare_minimum(others, facts.suppliers[supplier_id], only=facts.sku)


def compare_minimum(facts: Mapping[str, Facts], supplier: Row, only: str | None = None) -> list[Compared]:
    """Of each SKU (or of `only` one) that the minimum is decided over, what it made of it, as stored and as computed again."""
    if not facts or "planning.supplier_minimum" not in (settings := next(iter(facts.values())).settings):
        return []
    order = _Order(facts, supplier, settings)
    made = order.settled()
    told = {sku: found for sku, found in facts.items() if only in (None, sku)}
    return [] if made is None else list(_compared(told, *made))


def _compared(facts: Mapping[str, Facts], status: str | None, filled: Mapping[str, int]) -> Iterator[Compared]:
    for sku, found in facts.items():
        decision, kept = found.decision, _kept(found)
        is_line = bool(kept) or sku in filled
        yield Compared(DECISIONS, f"minimum_status of {sku}", decision["minimum_status"], status if is_line else None)
        if is_line:
            quantity = filled.get(sku, kept)
            yield Compared(DECISIONS, f"after_fill_qty of {sku}", decision["after_fill_qty"], quantity)


def _kept(facts: Facts) -> int:
    """Units of the SKU in the order before its minimum is asked for."""
    return int(facts.decision["after_maximum_qty"] or 0) if facts.decision["outcome"] in _LINE else 0


class _Order:
    """A supplier's order before its minimum, and what that asks for."""

    def __init__(self, facts: Mapping[str, Facts], supplier: Row, settings: Mapping[str, Any]) -> None:
        self._facts, self._settings = facts, settings
        self._action = supplier.get("minimum_action") or settings["planning.supplier_minimum"]
        self._least_value = supplier.get("minimum_order_value") or settings.get("planning.minimum_order_value") or None
        self._least_units = supplier.get("minimum_order_units") or settings.get("planning.minimum_order_units") or None
        self._kept = {sku: kept for sku, found in facts.items() if (kept := _kept(found))}
        # of each SKU, once: a filling-up asks for them with every pack
        self._sold = {sku: sum(units or 0 for units in found.history.values()) for sku, found in facts.items()}
        self._published = {sku: sum(units is not None for units in found.history.values()) for sku, found in facts.items()}

    def settled(self) -> tuple[str | None, dict[str, int]] | None:
        """The status of the order, and the units of each SKU that it was filled up with; None when that is not computed."""
        if self._action == "off" or not self._kept or (self._least_value is None and self._least_units is None):
            return None, {}
        value = sum((times(units, self._facts[sku].decision["unit_cost"]) for sku, units in self._kept.items()), Decimal(0))
        lacking = max(Decimal(0), (self._least_value or 0) - value), max(0, (self._least_units or 0) - sum(self._kept.values()))
        if not any(lacking):
            return "reached", {}
        if self._action != "fill":
            return {"flag": "flagged", "hold": "held"}[self._action], {}
        try:
            filled = self._filled(*lacking)
        except OverflowError:
            return None
        return ("unreachable", {}) if filled is None else ("filled", filled)

    def _filled(self, value: Decimal, units: int) -> dict[str, int] | None:
        """Lot after lot, each to the SKU of the lowest cover; None when what may be added does not reach the minimum.

        OverflowError past so many lots.
        """
        currency = {self._facts[sku].decision["currency"] for sku in self._kept}
        most_days = self._settings["planning.fill_max_days"]
        quantities: dict[str, int] = {}
        heap = [(self._days(sku, self._kept.get(sku, 0)), sku) for sku in self._facts if self._is_open(sku, currency, units)]
        heapq.heapify(heap)
        for _ in range(_MOST_PACKS):
            if value <= 0 and units <= 0:
                return quantities
            while heap:
                cover, sku = heapq.heappop(heap)
                before = quantities.get(sku, self._kept.get(sku, 0))
                lot = self._lot(sku, before)
                largest = self._facts[sku].decision["max_order_qty"]
                if cover < most_days and (largest is None or before + lot <= largest):
                    break
            else:
                return None
            quantities[sku] = before + lot
            value -= times(lot, self._facts[sku].decision["unit_cost"])
            units -= lot
            heapq.heappush(heap, (self._days(sku, before + lot), sku))
        raise OverflowError

    def _is_open(self, sku: str, currency: set[str], units: int) -> bool:
        """Whether a SKU may be added to: it sells, and it helps to reach what is lacking."""
        decision = self._facts[sku].decision
        is_open = decision["invalid_terms"] is None and decision["is_order_day"] and decision["currency"] in currency
        return is_open and self._sold[sku] > 0 and (units > 0 or decision["unit_cost"] > 0)

    def _days(self, sku: str, ordered: int) -> Fraction:
        """What is left of the date and on its way, with the units ordered, over the mean of the published days of the window."""
        found = self._facts[sku]
        free = found.decision["position_qty"] - found.need["demand_qty"] + (found.decision.get("on_order_qty") or 0) + ordered
        return Fraction(free * max(self._published[sku], 1), self._sold[sku])

    def _lot(self, sku: str, ordered: int) -> int:
        """A pack; of a SKU that is not ordered yet, whole packs that reach its MOQ."""
        pack, moq = (self._facts[sku].decision[name] for name in ("pack_size", "moq"))
        return int(pack if ordered else -(-moq // pack) * pack)
