"""The chart of a backtest: fill rate against mean stock, a line a policy, drawn as SVG.

Drawn here: the packages that draw charts are larger than the pipeline's own code, and this one has two axes and points.
Colours come from the page (`--series-1` ...), so that it follows light, dark and print.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 16, 56
SHAPES = ("circle", "square", "diamond", "triangle")


@dataclass(frozen=True)
class Point:
    """One scenario: its stock (above 0), its fill rate in percent, and what a reader sees on it."""

    stock: float
    fill: float
    label: str
    text: str


def frontier(series: Mapping[str, Sequence[Point]], unit: str) -> str:
    """The SVG; stock on a logarithmic axis, since policies differ by a factor of ten and more."""
    points = [p for line in series.values() for p in line]
    low = min(5 * math.floor(min(p.fill for p in points) / 5), 95)
    start = math.floor(math.log10(max(min(p.stock for p in points), 1)) * 4) / 4
    end = max(math.ceil(math.log10(max(1, *(p.stock for p in points))) * 4) / 4, start + 0.25)

    def x(stock: float) -> float:
        return LEFT + (math.log10(max(stock, 1)) - start) / (end - start) * (WIDTH - LEFT - RIGHT)

    def y(fill: float) -> float:
        return TOP + (100 - fill) / (100 - low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Fill rate against mean stock; the table has the numbers">',
        *_grid(x, y, low, (start, end)),
        f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}">mean stock, {escape(unit)}</text>',
        f'<text class="axis" transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">fill rate, %</text>',
    ]
    for number, (name, line) in enumerate(series.items(), 1):
        parts.append(f'<g class="series s{1 + (number - 1) % 6}"><title>{escape(name)}</title>')
        path = " ".join(f"{x(p.stock):.1f},{y(p.fill):.1f}" for p in line)
        parts.append(f'<polyline points="{path}"/>')
        for p in line:
            parts.append(f'<g><title>{escape(p.text)}</title>{_mark(number, x(p.stock), y(p.fill))}</g>')
            parts.append(f'<text x="{x(p.stock) + 7:.1f}" y="{y(p.fill) + 13:.1f}">{escape(p.label)}</text>')
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"])


def legend_mark(number: int) -> str:
    """The mark of a series, for the legend beside the chart."""
    return f'<svg class="key s{1 + (number - 1) % 6}" viewBox="0 0 12 12" aria-hidden="true">{_mark(number, 6, 6)}</svg>'


def _mark(number: int, x: float, y: float) -> str:
    """Each series has a shape as well as a colour."""
    shape = SHAPES[(number - 1) % len(SHAPES)]
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    corners = {
        "square": ((-4, -4), (4, -4), (4, 4), (-4, 4)),
        "diamond": ((0, -6), (6, 0), (0, 6), (-6, 0)),
        "triangle": ((0, -5), (5, 4), (-5, 4)),
    }[shape]
    path = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{path}"/>'


def _grid(x: Callable[[float], float], y: Callable[[float], float], low: int, decades: tuple[float, float]) -> list[str]:
    lines = []
    for fill in range(low, 101, 5 if 100 - low > 15 else 1):
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(fill):.1f}" y2="{y(fill):.1f}"/>')
        lines.append(f'<text class="tick" x="{LEFT - 8}" y="{y(fill) + 4:.1f}" text-anchor="end">{fill}</text>')
    first, last = decades
    for power in range(math.floor(first), math.ceil(last) + 1):
        for times in (1, 1.5, 2, 3, 5, 7):
            stock = times * 10**power
            if first - 1e-9 <= math.log10(stock) <= last + 1e-9:
                at, end = f"{x(stock):.1f}", HEIGHT - BOTTOM
                lines.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP}" y2="{end}"/>')
                lines.append(f'<text class="tick" x="{at}" y="{end + 18}" text-anchor="middle">{stock:,.0f}</text>')
    return lines
