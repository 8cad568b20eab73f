"""The outcome of a run of research: the report, and all that it rests on."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from scr.apps.research.claims import Claim
from scr.apps.research.plan import Plan
from scr.apps.research.report import Report, Source, render
from scr.apps.research.text.documents import Skipped
from scr.bounds import counted
from scr.values import Frozen

NAMED = 2


class Judged(Frozen):
    """A claim and what became of it."""

    claim: Claim
    verdict: Literal["supported", "dropped"]
    reasons: tuple[str, ...] = ()


class ResearchOutcome(Frozen):
    """Everything that a run leaves.  The same question and documents give the same outcome, byte for byte.

    `failed` are the parts of the work that could not be done, each with its reason; `error` says why nothing of the
    rest can be stated, where that is so.  `revisions` counts the times that the claims were revised.
    """

    report: Report
    claims: tuple[Judged, ...]
    sources: tuple[Source, ...]
    plan: Plan
    dropped: int
    revisions: int
    not_found: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    failed: tuple[str, ...] = ()
    error: Annotated[str, Field(exclude_if=operator.not_)] = ""

    def render(self, *, restarts: int, duration_s: float) -> str:
        """The report as a file, with the numbers of this run."""
        return render(self.report, restarts=restarts, duration_s=duration_s)


def why_nothing(failed: Iterable[tuple[str, str]]) -> str:
    """Say why nothing can be stated, of the titles of the parts that failed and their reasons, each reason once."""
    parts: dict[str, list[str]] = {}
    for title, reason in failed:
        parts.setdefault(reason, []).append(f"“{title}”")
    told = (f"{counted(len(titles), 'part')} failed ({_named(titles)}): {reason}" for reason, titles in parts.items())
    return f"nothing can be stated: {'; '.join(told)}"


def _named(titles: Sequence[str]) -> str:
    more = len(titles) - NAMED
    return f"{', '.join(titles[:NAMED])} and {more} more" if more > 0 else " and ".join(titles)
