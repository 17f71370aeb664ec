"""Nights made of plain values for the tests of the report: what was exported, and the facts beside it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from common.contracts import contract
from common.publish.order_files import Line, Order
from common.report.facts import Execution, Facts
from common.report.view import Exported

DAY = date(2017, 12, 23)
WINDOW = 28
DAYS = tuple(DAY - timedelta(days=back) for back in range(WINDOW, -1, -1))
NOTHING = dict.fromkeys(column.name for column in contract("planning.order_decisions").columns)


def order(supplier_id, *skus, name=None, packs=5, currency="USD"):
    """An order of five packs of 12 at 2.31 for each SKU; `skus` are ids, or pairs of id and product name."""
    pairs = [sku if isinstance(sku, tuple) else (sku, f"Product {sku}") for sku in skus]
    quantity = packs * 12
    cost = Decimal(231 * quantity).scaleb(-2)
    lines = tuple(
        Line(n, sku, product, quantity, packs, 12, Decimal("2.31"), cost, date(2017, 12, 27))
        for n, (sku, product) in enumerate(pairs, 1)
    )
    return Order(DAY, f"20171223-{supplier_id}", supplier_id, name or f"Supplier {supplier_id}", currency, lines)


def decision(sku, supplier_id, need=10, moq=50, order_qty=60, **differs):
    """A row of planning.order_decisions: need 10, lifted to the MOQ 50, then to 5 packs of 12."""
    stored = {
        "sku": sku, "product_name": f"Product {sku}", "policy": "formula", "outcome": "ordered", "supplier_id": supplier_id,
        "supplier_priority": 1, "pack_size": 12, "pack_size_source": "products", "moq": moq, "moq_source": "replenishment_rules",
        "lead_time_days": 4, "lead_time_source": "suppliers", "requirement_qty": 40, "safety_stock_qty": 20,
        "position_qty": 60 - need, "net_demand_qty": need, "after_moq_qty": moq, "after_pack_qty": order_qty,
        "bound_by": "pack", "order_qty": order_qty,
    }  # fmt: skip
    return {**NOTHING, **stored, **differs}


def exception(code="possible_shortage", severity="warning", sku=None, subject=None, **differs):
    """A row of planning.exceptions."""
    usual = {
        "code": code, "severity": severity, "subject": subject or f"SKU {sku}", "sku": sku, "supplier_id": None,
        "message": f"finding about {sku}", "action": "Do something about it.", "cost_at_risk": None, "days_at_risk": None,
        "currency": None,
    }  # fmt: skip
    return usual | differs


def execution(stage, seconds=1, **differs):
    """An execution of a stage that took some seconds."""
    started = datetime(2017, 12, 23, 22, 5, tzinfo=UTC)
    usual = {"run_id": 7, "rows": {}, "notes": {}, "started": started, "ended": started + timedelta(seconds=seconds)}
    return Execution(**{"stage": stage, **usual, **differs})


def counts(read, accepted, rejected=0, set_aside=0, duplicates=0):
    """Counts of one raw file, as the ledger has them."""
    return {"read": read, "accepted": accepted, "rejected": rejected, "set_aside": set_aside, "duplicates": duplicates}


def small_night():
    """Two suppliers, four lines, four exceptions of all severities, a spike, two raw files; names that are markup."""
    orders = [
        order("S1", "100", ("200", '<script>alert("x")</script> & "quotes"'), name="Hartmann & Söhne <b>Dairy</b>"),
        order("S2", "300", "400"),
    ]
    raised = [
        exception("no_supplier", "error", "900", cost_at_risk="99.50", currency="USD", state="new", nights_open=1),
        exception("demand_spike", sku="100", cost_at_risk="12.00", currency="USD", days_at_risk=3, state="open", nights_open=4),
        exception("possible_shortage", sku="200", message='<img src=x onerror="alert(1)"> 3 left', state="new", nights_open=1),
        exception("missing_rule", "notice", "300", state="open", nights_open=2),
    ]
    decisions = {line.sku: decision(line.sku, one.supplier_id) for one in orders for line in one.lines}
    decisions["900"] = decision(
        "900", None, outcome="no_supplier", no_supplier_reason="not_mapped", order_qty=0, after_moq_qty=None
    )
    history = {"100": {DAYS[0]: 2, DAYS[5]: 7, DAY: 60}}
    executions = (
        execution("stage_orders", 2, notes={"files": {"store_1.csv": counts(10, 7, 1, 1, 1), "store_2.csv": counts(5, 5)}}),
        execution("stage_stock", 1, notes={"files": {"W1.csv": counts(3, 3)}}),
        execution("net_demand", 4),
        execution("export_orders", ended=None),
    )
    gone = (exception("no_supplier", "error", "901", message="a supplier came for <i>901</i>"),)
    given = [(one, 1, f"{one.supplier_id}.json") for one in orders]
    return Exported(DAY, 7, given, [], raised), Facts(decisions, history, DAYS, executions, gone, DAYS[-2])


def large_night(lines=5000, suppliers=1000, exceptions=5000):
    """As many lines and exceptions as a large chain has in a night."""
    each = lines // suppliers
    orders = [order(f"S{n:04}", *(f"{n * each + k:07}" for k in range(each))) for n in range(suppliers)]
    raised = [
        exception(
            ("possible_shortage", "order_excess", "negative_stock")[n % 3], ("error", "warning", "notice")[n % 3], f"{n:07}",
            cost_at_risk=f"{n % 997}.25", currency="USD", days_at_risk=n % 30,
        )
        for n in range(exceptions)
    ]  # fmt: skip
    decisions = {line.sku: decision(line.sku, one.supplier_id) for one in orders for line in one.lines}
    return Exported(DAY, 7, [(one, 1, f"{one.supplier_id}.json") for one in orders], [], raised), Facts(decisions, {}, DAYS, ())
