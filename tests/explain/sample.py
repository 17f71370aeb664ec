"""One SKU's rows, as a night would have stored them; a test states only what differs."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from common.explain.facts import Facts
from common.explain.lineage import DECISIONS, NEED, ORDER_LINES, STOCK, Lineage, Made

DAY = date(2017, 12, 23)
TABLES = (DECISIONS, NEED, ORDER_LINES, STOCK, "staging.products")


def facts(**differs):
    """Need 10, MOQ 50, packs of 12: 60 ordered from S. Whoever changes a row keeps the others in step with it, or not."""
    decision = {
        "sku": "1029743", "product_name": "Whole milk 1 gal", "product_status": "active", "is_planned": True, "policy": "formula",
        "outcome": "ordered", "supplier_id": "S", "supplier_name": "Hartmann Dairy", "supplier_priority": 1,
        "no_supplier_reason": None, "passed_over_supplier_id": None, "pack_size": 12, "pack_size_source": "products", "moq": 50,
        "moq_source": "replenishment_rules", "unit_cost": Decimal("2.31"), "currency": "USD", "order_currency": "USD",
        "lead_time_days": 4, "lead_time_source": "suppliers", "invalid_terms": None, "requirement_qty": 12, "safety_stock_qty": 3,
        "position_qty": 5, "net_demand_qty": 10, "after_moq_qty": 50, "moq_excess_qty": 40, "after_pack_qty": 60,
        "pack_excess_qty": 10, "bound_by": "pack", "order_qty": 60, "packs": 5, "line_cost": Decimal("138.60"),
        "due_date": date(2017, 12, 27), "overflow": None,
    } | differs.pop("decision", {})  # fmt: skip
    need = {
        "sku": "1029743", "product_status": "active", "is_planned": True, "order_line_count": 7, "stock_row_count": 2,
        "rejected_stock_row_count": 0, "has_rule": True, "demand_qty": 12, "available_qty": 6, "reserved_qty": 1, "free_qty": 5,
        "rule_safety_stock_qty": 3, "snapshot_safety_stock_qty": 4, "safety_stock_qty": 3, "safety_stock_source": "rule",
        "hold_reason": None, "overflow": None, "net_demand_qty": 10,
    } | differs.pop("need", {})  # fmt: skip
    names = ("supplier_id", "net_demand_qty", "order_qty", "packs", "pack_size", "unit_cost", "line_cost", "due_date")
    line = {n: decision[n] for n in names} | {
        "order_number": f"20171223-{decision['supplier_id']}", "line_no": 3, "supplier_name": "Hartmann Dairy", "currency": "USD",
        "lead_time_days": 4,
    }  # fmt: skip
    usual = {
        "line": line if decision["outcome"] == "ordered" else None,
        "product": {"name": "Whole milk 1 gal", "base_unit": "each", "pack_size": 12, "status": "active"},
        "rule": {"moq": 50, "safety_stock": 3},
        "offers": [offer("S")],
        "suppliers": {"S": supplier("S"), "T": supplier("T"), "U": supplier("U", is_active=False)},
        "order_lines": [
            {"order_id": f"O{n}", "line_no": n, "store_id": "42", "quantity": 6 if n == 1 else 1,
             "source_file": "store_0042.jsonl", "source_line": n + 10} for n in range(1, 8)
        ],
        "stock": [
            {"warehouse_id": f"W{n}", "available_qty": 3, "reserved_qty": n - 1, "safety_stock_qty": 2,
             "source_file": f"W{n}.csv", "source_line": 17} for n in (1, 2)
        ],
        "exceptions": [],
        "history": {DAY - timedelta(days=n): n % 7 for n in range(28, 0, -1)},
    }  # fmt: skip
    return Facts(day=DAY, decision=decision, need=need, **(usual | differs))


def offer(supplier_id, **differs):
    """A row of product_suppliers."""
    usual = {
        "supplier_id": supplier_id, "priority": 1, "valid_from": date(2017, 1, 1), "valid_to": None, "pack_size": None,
        "moq": None, "unit_cost": Decimal("2.31"), "currency": None, "lead_time_days": None,
    }  # fmt: skip
    return usual | differs


def supplier(supplier_id, **differs):
    """A row of suppliers."""
    usual = {"supplier_id": supplier_id, "name": "Hartmann Dairy", "is_active": True, "lead_time_days": 4, "currency": "USD"}
    return usual | differs


def lineage():
    """Everything made by run 7."""
    made = Made(7, "purchase_orders", "all", "c" * 64, "5" * 64, datetime(2017, 12, 24, 3, 5), {}, {}, {}, {})
    raw = {f"raw/{kind}/{DAY}": kind * 16 for kind in ("orders", "stock", "master")}
    return Lineage(DAY, dict.fromkeys(TABLES, made), {t: f"/runs/{t}/7-1" for t in TABLES}, {}, raw)
