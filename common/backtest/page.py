"""The page of a backtest: one HTML file with charts and tables, which needs no network, in light, dark and print."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from common.backtest.chart import Point, frontier, legend_mark
from common.backtest.masters import SETS
from common.backtest.results import BOUND, HEADINGS, Result, cell

_STYLE = Path(__file__).with_suffix(".css")


def page(result: Mapping[str, Any], results: list[Result], currency: str) -> str:
    """The HTML. `result` is what backtest.json holds."""
    title = f"Backtest {result['from']} to {result['to']}"
    kinds = dict.fromkeys(r.parameters for r in results)
    sections = [_section(kind, [r for r in results if r.parameters == kind], currency) for kind in kinds]
    left_out = ", ".join(f"{n:,} {why.replace('_', ' ')}" for why, n in result["left_out"].items())
    stages = ", ".join(result["stages_left_out"])
    return "\n".join([
        '<!doctype html>', '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head><body><main>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{result['skus']:,} SKUs of a real retailer's year, {result['warm_up_days']} days of warm-up before; unmet demand is "
        f"{escape(result['unmet'])}. Left out: {escape(left_out)}.</p>",
        f"<p>Stages of a night that are left out: {escape(stages)}. Receipts come whole and on their due date; "
        "there is one warehouse.</p>",
        "<p>Right is dearer, higher is better. The number at a point is the share of the safety stock in percent (of stockpyl: "
        "the service level it aims at). The bound is no policy: nobody who begins with the same stock and meets all demand in "
        "whole packs holds less. There is one for each share of the safety stock to begin with.</p>",
        *sections, "</main></body></html>", "",
    ])  # fmt: skip


def _section(kind: str, results: list[Result], currency: str) -> str:
    series: dict[str, list[Point]] = {}
    for r in results:
        stock = f"mean stock {cell(r.stock_value)} {currency}, {r.stock_units:,} units"
        text = f"{r.policy} {r.share} %: fill {r.fill_percent} %, {stock}"
        label = "" if r.policy == BOUND else str(r.share)
        series.setdefault(r.policy, []).append(Point(float(r.stock_value), float(r.fill_percent), label, text))
    legend = "".join(f"<li>{legend_mark(n)} {escape(name)}</li>" for n, name in enumerate(series, 1))
    names = [name for name in HEADINGS if name != "parameters"]
    head = "".join(f'<th scope="col">{escape(HEADINGS[name])}</th>' for name in names)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell(r.row()[name]))}</td>" for name in names) + "</tr>" for r in results)
    meaning = SETS[kind].meaning if kind in SETS else ""
    return (
        f"<section><h2>Parameters: {escape(kind)}</h2><p>{escape(meaning)}</p>"
        f'<div class="chart">{frontier(series, currency)}<ul class="legend">{legend}</ul></div></section>'
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
