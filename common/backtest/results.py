"""The results of a backtest: one row a scenario, as a table for people, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from decimal import Decimal

from common.backtest.loop import Tally

STOCKPYL, BOUND = "stockpyl", "bound"


@dataclass(frozen=True)
class Result:
    """What one scenario did. `share` is the percentage of the safety stock, of stockpyl the service level.

    The share of a bound is that of the safety stock with which it begins, as the policies of that share do.
    """

    policy: str
    parameters: str
    share: int
    tally: Tally

    @property
    def fill_percent(self) -> Decimal:
        """Units of demand met at once, in percent of the demand, rounded down to two decimals."""
        return Decimal(10000 * self.tally.met // max(self.tally.demand, 1)).scaleb(-2)

    @property
    def stock_units(self) -> int:
        """Mean units on hand at the end of a day, over all SKUs."""
        return self.tally.stock_unit_days // max(self.tally.days, 1)

    @property
    def stock_value(self) -> Decimal:
        """Purchase cost of the mean stock, in whole units of the currency's hundredth."""
        return Decimal(self.tally.stock_cent_days // max(self.tally.days, 1)).scaleb(-2)

    def row(self) -> dict[str, object]:
        """Everything by name; quantities in units, values in the business currency."""
        t = self.tally
        return {
            "policy": self.policy, "parameters": self.parameters, "share_percent": self.share,
            "fill_percent": self.fill_percent, "demand_units": t.demand, "unmet_units": t.demand - t.met,
            "short_sku_days": t.short_sku_days, "empty_sku_days": t.empty_sku_days,
            "mean_stock_units": self.stock_units, "mean_stock_value": self.stock_value,
            "orders": t.orders, "order_lines": t.lines, "ordered_units": t.units,
            "moq_excess_units": t.moq_excess, "pack_excess_units": t.pack_excess, "other_excess_units": t.other_excess,
            "left_value": Decimal(t.left_cents).scaleb(-2), "on_order_value": Decimal(t.coming_cents).scaleb(-2),
        }  # fmt: skip


HEADINGS = {  # of the table for people
    "policy": "policy", "parameters": "parameters", "share_percent": "share %", "fill_percent": "fill %",
    "short_sku_days": "short days", "empty_sku_days": "empty days", "mean_stock_units": "stock units",
    "mean_stock_value": "stock value", "orders": "orders", "order_lines": "lines", "ordered_units": "units bought",
    "moq_excess_units": "for MOQ", "pack_excess_units": "for pack", "left_value": "value left", "on_order_value": "on order",
}  # fmt: skip


def text_table(results: list[Result]) -> str:
    """The results column under column; numbers to the right."""
    lines = [list(HEADINGS.values()), *([cell(r.row()[name]) for name in HEADINGS] for r in results)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(t.ljust(w) if n < 2 else t.rjust(w) for n, (t, w) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in lines
    )


def markdown_table(results: list[Result]) -> str:
    """The results as a Markdown table."""
    rows = [f"| {' | '.join(cell(r.row()[name]) for name in HEADINGS)} |" for r in results]
    rule = f"|{'|'.join('---' if n < 2 else '--:' for n in range(len(HEADINGS)))}|"
    return "\n".join([f"| {' | '.join(HEADINGS.values())} |", rule, *rows])


def csv_text(results: list[Result]) -> str:
    """All columns as CSV with a header."""
    out = io.StringIO()
    rows = [r.row() for r in results]
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_json(results: list[Result]) -> list[dict[str, object]]:
    """All columns and the raw sums; decimals as texts."""
    return [
        {**{k: str(v) if isinstance(v, Decimal) else v for k, v in r.row().items()}, "sums": asdict(r.tally)} for r in results
    ]


def cell(value: object) -> str:
    """A number with separators of thousands, a text as it is."""
    return f"{value:,}" if isinstance(value, (int, Decimal)) else str(value)
