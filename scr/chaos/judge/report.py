"""A campaign as text for people: the figures, the faults by kind and target, what failed, how to repeat it.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scr.chaos.judge.figures import Figures, Summary, table

SECONDS = 60.0


def text_table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns that stand under each other; numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) if column < 2 else cell.rjust(width) for column, (cell, width) in line).rstrip()
        for line in (enumerate(zip(row, widths, strict=True)) for row in rows)
    ]


def terminal_lines(figures: Figures, repeat: str) -> Iterator[str]:
    """For a terminal, at the end."""
    yield from text_table(table(figures))
    yield ""
    yield from totals(figures)
    for name, why in sorted(figures.not_tested.items()):
        yield f"not tested: {name}: {why}"
    yield from wrong(figures)
    yield f"verdict: {figures.verdict}"
    yield f"again:   {repeat}"


def totals(figures: Figures) -> Iterator[str]:
    """What became of the work."""
    recovery = figures.as_json()["recovery_ms"]
    yield (
        f"{figures.kills} processes ended by faults, {len(figures.recoveries)} faults done,"
        f" {figures.total('restarts')} restarts of the runtime, in {len(figures.rounds)} runs"
    )
    yield (
        f"accepted {figures.total('accepted')}, completed {figures.total('completed')},"
        f" dead letters {figures.total('dead_lettered')}, lost {figures.total('lost')},"
        f" duplicated {figures.total('duplicated')}, effects doubled {figures.total('effects_doubled')},"
        f" orphans {figures.total('orphans')}, leaks {figures.total('leaks')}"
    )
    yield f"recovery: p50 {recovery['p50']} ms, p99 {recovery['p99']} ms, max {recovery['max']} ms"


def wrong(figures: Figures) -> Iterator[str]:
    """Everything that does not hold."""
    for one in figures.rounds:
        if one.failure:
            yield f"run of seed {one.seed}: {one.failure}"
        for violation in one.violations:
            yield f"run of seed {one.seed}: {violation.invariant}: {violation.sentence}"


def markdown(figures: Figures, repeat: str, shrunk: Sequence[str] = ()) -> str:
    """The report of a campaign."""
    head, *rows = table(figures)
    lines = [
        "# Fault injection",
        "",
        f"Commit `{figures.commit}`, seed {figures.seed}. Verdict: **{figures.verdict}**.",
        "",
        *[f"- {line}" for line in totals(figures)],
        "",
        "```",
        repeat,
        "```",
        "",
        f"| {' | '.join(head)} |",
        f"|{'|'.join(['---'] * 2 + ['---:'] * (len(head) - 2))}|",
        *[f"| {' | '.join(row)} |" for row in rows],
        "",
        "## Not tested here",
        "",
        *[f"- `{name}`: {why}" for name, why in sorted(figures.not_tested.items())],
        *([] if figures.not_tested else ["Nothing was left out."]),
        "",
        "## The runs",
        "",
        "| seed | faults planned | done | answered | restarts of the runtime | verdict |",
        "|---|---:|---:|---:|---:|---|",
        *[_row(one) for one in figures.rounds],
        "",
        "![Faults and recoveries of the processes of one run](timeline.svg)",
        "",
        "![How long each kind of fault was felt](recovery.svg)",
        "",
    ]
    if failed := list(wrong(figures)):
        lines += ["## What does not hold", "", *[f"- {line}" for line in failed], ""]
    if shrunk:
        lines += ["## The fewest faults that still fail", "", *[f"- {line}" for line in shrunk], ""]
    return "\n".join(lines)


def _row(one: Summary) -> str:
    cells = (one.seed, len(one.planned), len(one.landed), one.counts["completed"], one.counts["restarts"], one.verdict)
    return f"| {' | '.join(map(str, cells))} |"
