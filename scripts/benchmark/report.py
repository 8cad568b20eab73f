"""The figures of a run as Markdown, for people.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

from benchmark.case import FLOOR, OURS, SCALE, Case, Row, Unit
from benchmark.contest import Outcome
from benchmark.spread import Spread, ratio
from benchmark.verdict import best_peer, met, spread_of

MET = {True: "met", False: "**not met**", None: ""}


def markdown(case: Case, outcomes: dict[str, Outcome]) -> str:
    """The table of a case, and why there are dashes in it."""
    columns = [name for name in outcomes if any(spread_of(outcomes[name], row.id) for row in case.rows)]
    rows = [row for row in case.rows if any(spread_of(outcomes[name], row.id) for name in columns)]
    head = ["", *columns, f"{OURS} / {FLOOR}", f"best peer / {OURS}", "aim", ""]
    lines = [f"### {case.title}", "", _line(head), _line(["---"] * len(head))]
    lines += [_line(cells(row, columns, outcomes)) for row in rows]
    notes = list(dashes(case, outcomes))
    return "\n".join([*lines, "", *notes, *([""] if notes else [])])


def digest(found: dict[str, dict[str, Outcome]], cases: dict[str, Case]) -> str:
    """One table of the rows that are told: for a reader who wants to know how it stands."""
    head = ["", "", FLOOR, OURS, f"{OURS} / {FLOOR}", "best peer", "aim", ""]
    lines = [_line(head), _line(["---"] * len(head))]
    for name, outcomes in found.items():
        told = [row for row in cases[name].rows if row.told]
        names = [cases[name].name, *[""] * len(told)]
        lines += [_line([first, *brief(row, outcomes)]) for first, row in zip(names, told, strict=False)]
    return "\n".join(lines) + "\n"


def brief(row: Row, outcomes: dict[str, Outcome]) -> list[str]:
    """One row of the digest; a side that was not measured, or could not do it, is a dash."""
    best = best_peer(row, outcomes)
    return [
        f"{row.label}, {row.unit}" if row.unit else row.label,
        *(shown(spread_of(outcomes.get(side, Outcome()), row.id), row.unit) for side in (FLOOR, OURS)),
        times(between(row, outcomes, OURS, FLOOR)),
        f"{shown(spread_of(outcomes[best], row.id), row.unit)} ({best})" if best else "-",
        row.aim,
        MET[met(row, outcomes)],
    ]


def cells(row: Row, columns: list[str], outcomes: dict[str, Outcome]) -> list[str]:
    """One row."""
    figures = [shown(spread_of(outcomes[name], row.id), row.unit) for name in columns]
    best = best_peer(row, outcomes)
    over_floor = between(row, outcomes, OURS, FLOOR)
    over_best = between(row, outcomes, best, OURS) if best else None
    unit = f", {row.unit}" if row.unit else ""
    return [
        f"{row.label}{unit}",
        *figures,
        times(over_floor),
        f"{times(over_best)} ({best})" if over_best else "",
        row.aim,
        MET[met(row, outcomes)],
    ]


def between(row: Row, outcomes: dict[str, Outcome], over: str, under: str) -> Spread | None:
    """The ratio of two sides, pair by pair."""
    if over not in outcomes or under not in outcomes or row.unit == "exponent":
        return None
    return ratio(outcomes[over].values.get(row.id, ()), outcomes[under].values.get(row.id, ()))


def dashes(case: Case, outcomes: dict[str, Outcome]) -> Iterator[str]:
    """Why a side has no figure: a line for each reason, with the rows that it is the reason of."""
    labels = {row.id: row.label for row in case.rows}
    for name, outcome in outcomes.items():
        for reason in dict.fromkeys(outcome.reasons.values()):
            of = ", ".join(labels[row] for row, given in outcome.reasons.items() if given == reason and row)
            yield f"- {name}{of and f' ({of})'}: {reason}"


def shown(spread: Spread | None, unit: Unit) -> str:
    """The median, and what it lies between."""
    if spread is None:
        return "-"
    median, least, greatest = (number(value * SCALE[unit]) for value in (spread.median, spread.least, spread.greatest))
    return median if least == greatest else f"{median} ({least}-{greatest})"


def times(spread: Spread | None) -> str:
    """A ratio."""
    return f"{number(spread.median)}x" if spread else ""


def number(value: float) -> str:
    """Three digits that count."""
    if isnan(value):
        return "-"
    digits = next((n for limit, n in ((100, 0), (10, 1), (1, 2)) if abs(value) >= limit), 3)
    return f"{value:,.{digits}f}".replace(",", " ")


def _line(cells_: list[str]) -> str:
    return f"| {' | '.join(cells_)} |"
