"""Line plots as SVG, for the documents: axes from zero, a point for each measurement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 640, 320, 70, 48, 48, 150
TICKS: Final = 4
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's, which colour-blind people tell apart."""


@dataclass(frozen=True)
class Series:
    """A named line of (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]


def line_plot(
    title: str, x_label: str, y_label: str, series: Sequence[Series], *, log_x: bool = False
) -> str:
    """The plot as an SVG document; raises ValueError when there is no point.

    `log_x`: equal ratios of x lie equally far apart.
    """
    scale = math.log10 if log_x else float
    xs = [x for line in series for x, _ in line.points]
    step = _round_step(max(y for line in series for _, y in line.points) * 1.1 or 1.0)
    top = step * TICKS
    low, high = min(xs), max(xs)

    def place(x: float, y: float) -> tuple[float, float]:
        share = (scale(x) - scale(low)) / (scale(high) - scale(low)) if high > low else 0.5
        return (
            LEFT + share * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{escape(title)}</text>',
    ]
    for tick in range(TICKS + 1):
        value = step * tick
        _, y = place(low, value)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,.4g}</text>')
    for value in sorted(set(xs)):
        x, _ = place(value, 0)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 30}" text-anchor="middle">{value:,g}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">'
        f"{escape(x_label)}</text>"
    )
    parts.append(f'<text x="8" y="{TOP - 8}">{escape(y_label)}</text>')
    for number, line in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        places = [place(x, y) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        x, y = WIDTH - RIGHT + 14, TOP + 10 + 20 * number
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{x + 16}" y="{y}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _round_step(top: float) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten of which `TICKS` steps reach `top`."""
    power = 10.0 ** math.floor(math.log10(top / TICKS))
    return next(power * n for n in (1, 2, 2.5, 5, 10) if power * n * TICKS >= top)
