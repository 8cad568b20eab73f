"""What a command says at its end: the report, where it is, what was kept, or one sentence of what went wrong."""

from __future__ import annotations

import sys

from scr.cli.result import report_of
from scr.cli.session import Ended, Failed
from scr.cli.terminal import draw


def say_report(ended: Ended) -> None:
    """The report, drawn on a terminal and as it is otherwise; then where it is."""
    if isinstance(ended.answer, Failed):
        return
    print()
    if sys.stdout.isatty():
        draw(ended.answer.report.body)
        print()
    else:
        print(report_of(ended, ended.answer))
    say_summary(ended)


def say_summary(ended: Ended) -> None:
    """The numbers of a run with an outcome, and its folder."""
    assert not isinstance(ended.answer, Failed)
    report, outcome = ended.answer.report, ended.answer
    dropped = f", {outcome.dropped} dropped" if outcome.dropped else ""
    print(
        f"{report.claims} claims, {report.cited} cited{dropped}, {len(outcome.sources)} sources,"
        f" {len(ended.view.agents)} agents, {ended.view.restarts} restarts, {ended.duration_s:.1f} s"
    )
    print(f"report: {ended.folder.path / 'report.md'}", flush=True)


def say_kept(ended: Ended) -> None:
    """After a run without an outcome: what is in its folder."""
    print(f"kept: {', '.join(ended.folder.held()) or 'nothing'} in {ended.folder.path}", file=sys.stderr, flush=True)
