"""The figures that matter most as bars on a logarithmic scale: plain SVG, which fetches nothing.  Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from benchmark.case import FLOOR, OURS, SCALE, Case, Row
from benchmark.contest import Outcome
from benchmark.report import number
from benchmark.verdict import median_of

WIDTH, MARGIN, NAMES, VALUES = 860, 24, 150, 110
BAR, GAP, HEAD, FOOT = 16, 6, 46, 22
CAPTION_LETTER, CAPTION_LINE = 6, 15
FILL = {FLOOR: "#9aa5b1", OURS: "#0b7a5c"}
PEER_FILL = "#d3a15c"


@dataclass(frozen=True, slots=True)
class Panel:
    """One row of one case, with who has a figure in it."""

    case: Case
    row: Row
    bars: tuple[tuple[str, float], ...]

    @property
    def height(self) -> int:
        """In pixels."""
        return HEAD + len(self.bars) * (BAR + GAP) + FOOT


def svg(found: dict[str, dict[str, Outcome]], cases: dict[str, Case], caption: str) -> str:
    """All panels beneath each other."""
    panels = [panel for name, outcomes in found.items() for panel in panels_of(cases[name], outcomes)]
    lines = wrap(caption, (WIDTH - 2 * MARGIN) // CAPTION_LETTER)
    height = sum(panel.height for panel in panels) + 2 * MARGIN + len(lines) * CAPTION_LINE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    top = MARGIN
    for panel in panels:
        parts += drawn(panel, top)
        top += panel.height
    for n, line in enumerate(lines, start=1):
        parts.append(text(MARGIN, top + n * CAPTION_LINE, line, fill="#5f6b7a", size=11))
    return "\n".join([*parts, "</svg>"]) + "\n"


def panels_of(case: Case, outcomes: dict[str, Outcome]) -> Iterator[Panel]:
    """The rows that are to be drawn, where more than one side has a figure."""
    for row in case.rows:
        bars = [(name, value) for name in outcomes if (value := median_of(outcomes, name, row.id))]
        if row.drawn and len(bars) > 1:
            yield Panel(case, row, tuple(sorted(bars, key=lambda bar: bar[1], reverse=row.more_is_better)))


def drawn(panel: Panel, top: int) -> Iterator[str]:
    """One panel: its title, a line for each power of ten, its bars."""
    values = [value * SCALE[panel.row.unit] for _, value in panel.bars]
    first, last = math.floor(math.log10(min(values)) - 0.3), math.ceil(math.log10(max(values)))
    bottom = top + panel.height - FOOT
    yield text(MARGIN, top + 14, panel.case.title, weight="bold")
    better = "more is better" if panel.row.more_is_better else "less is better"
    yield text(
        MARGIN, top + 31, f"{panel.row.label}, {panel.row.unit} ({better}, logarithmic)", fill="#5f6b7a", size=12
    )
    for power in range(first, last + 1):
        x = place(10.0**power, first, last)
        yield f'<line x1="{x:.1f}" y1="{top + HEAD - 6}" x2="{x:.1f}" y2="{bottom}" stroke="#e3e7ec"/>'
    for n, ((name, _), value) in enumerate(zip(panel.bars, values, strict=True)):
        y, end = top + HEAD + n * (BAR + GAP), place(value, first, last)
        yield text(MARGIN + NAMES - 10, y + 12, name, anchor="end", weight="bold" if name == OURS else "normal")
        fill = FILL.get(name, PEER_FILL)
        yield (
            f'<rect x="{MARGIN + NAMES}" y="{y}" width="{end - MARGIN - NAMES:.1f}" height="{BAR}" '
            f'rx="2" fill="{fill}"/>'
        )
        yield text(end + 6, y + 12, number(value), fill="#2b3440", size=12)


def place(value: float, first: int, last: int) -> float:
    """Where a value is, in pixels."""
    width = WIDTH - 2 * MARGIN - NAMES - VALUES
    return MARGIN + NAMES + width * (math.log10(value) - first) / max(1, last - first)


def text(
    x: float,
    y: float,
    words: str,
    *,
    fill: str = "#1c2430",
    size: int = 13,
    weight: str = "normal",
    anchor: str = "start",
) -> str:
    """A line of text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )
