"""The outcome of a run of research: the report, and all that it rests on."""

from __future__ import annotations

from typing import Literal

from scr.research.claims import Claim
from scr.research.documents import Skipped
from scr.research.plan import Plan
from scr.research.report import Report, Source, render
from scr.values import Frozen


class Judged(Frozen):
    """A claim and what became of it."""

    claim: Claim
    verdict: Literal["supported", "dropped"]
    reasons: tuple[str, ...] = ()


class Outcome(Frozen):
    """Everything that a run leaves.  The same question and documents give the same outcome, byte for byte.

    `failed` are the parts of the work that could not be done, each with its reason.
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

    @property
    def is_lost(self) -> bool:
        """Whether parts of the work failed, and nothing of the rest can be stated."""
        return bool(self.failed) and not self.report.claims

    @property
    def reasons(self) -> str:
        """Why parts failed: each reason once, with the parts."""
        parts: dict[str, list[str]] = {}
        for failed in self.failed:
            title, _, reason = failed.partition(": ")
            parts.setdefault(reason, []).append(title)
        return "; ".join(f"{reason} ({', '.join(titles)})" for reason, titles in parts.items())

    def render(self, *, restarts: int, duration_s: float) -> str:
        """The report as a file, with the numbers of this run."""
        return render(self.report, restarts=restarts, duration_s=duration_s)
