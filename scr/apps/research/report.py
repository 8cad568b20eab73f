"""The report: Markdown with numbered citations.  Pure.

Everything that it states is a claim that passed the critic; the rest is titles, the
tally, and what was not found.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from scr.apps.research import gaps
from scr.apps.research.analysis import Analysis, Column
from scr.apps.research.claims import Claim
from scr.apps.research.evidence import Citation
from scr.apps.research.plan import OVERVIEW, Plan, Subtask
from scr.apps.research.text.index import IndexStats
from scr.bounds import counted
from scr.values import Frozen

MODE = "offline extractive"
CELLS_SHARE_MIN = 0.4
ROW_CELLS_MIN = 2


class Source(Frozen):
    """One entry of the list of sources."""

    number: int
    path: str
    first_line: int
    last_line: int
    heading: str = ""

    @property
    def place(self) -> str:
        """As `path:line` or `path:first-last`."""
        lines = str(self.first_line) if self.first_line == self.last_line else f"{self.first_line}-{self.last_line}"
        return f"{self.path}:{lines}"


class Material(Frozen):
    """What the synthesis is given: the plan, the claims that hold, and what has become of the rest.

    `failed` are the titles of subtasks that could not be done, each with its reason;
    `repeated` the facets with evidence, all of which other sections have used.
    """

    plan: Plan
    stats: IndexStats
    claims: tuple[Claim, ...] = ()
    analysis: Analysis = Analysis()
    dropped: tuple[str, ...] = ()
    revisions: int = 0
    failed: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()


class Report(Frozen):
    """The report without what differs from run to run: `render` adds that."""

    question: str
    body: str
    claims: int
    cited: int
    dropped: int
    revisions: int
    sources: tuple[Source, ...]
    not_found: tuple[str, ...]


def render(report: Report, *, restarts: int, duration_s: float) -> str:
    """The whole file: front matter and body."""
    matter = {
        "question": json.dumps(report.question, ensure_ascii=False),
        "mode": MODE,
        "claims": report.claims,
        "cited": report.cited,
        "dropped": report.dropped,
        "sources": len(report.sources),
        "revisions": report.revisions,
        "restarts": restarts,
        "duration_s": f"{duration_s:.2f}",
    }
    front = "\n".join(f"{key}: {value}" for key, value in matter.items())
    return f"---\n{front}\n---\n\n{report.body}"


def write(material: Material) -> Report:
    """The report on these claims."""
    shelf = _Shelf()
    findings = [claim for claim in material.claims if claim.kind == "finding"]
    parts = [f"# {material.plan.question}", _preface(material)]
    parts += _summary(material, findings, shelf)
    parts += _sections(material.plan, findings, shelf)
    parts += comparison(material.analysis, material.claims, shelf)
    parts += _statements(material.claims, shelf)
    missing = not_found(material, [claim for claim in material.claims if claim.claim_id in shelf.stated])
    parts += ["## What was not found", *(["\n".join(f"- {line}" for line in missing)])]
    if shelf.sources:
        listed = "\n".join(
            f"{source.number}. `{source.place}`{' ' + _safe(source.heading) if source.heading else ''}"
            for source in shelf.sources
        )
        parts += ["## Sources", listed]
    return Report(
        question=material.plan.question,
        body="\n\n".join(parts) + "\n",
        claims=len(shelf.stated),
        cited=len(shelf.stated),
        dropped=len(material.dropped),
        revisions=material.revisions,
        sources=tuple(shelf.sources),
        not_found=missing,
    )


class _Shelf:
    """Numbers the sources in the order in which the report cites them."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.stated: set[str] = set()
        self._numbers: dict[tuple[str, int, int], int] = {}

    def cite(self, claim_id: str, *citations: Citation) -> str:
        """The marks for these citations, `[1][2]`."""
        self.stated.add(claim_id)
        return "".join(f"[{self._number(citation)}]" for citation in citations)

    def _number(self, citation: Citation) -> int:
        key = (citation.path, citation.first_line, citation.last_line)
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers) + 1
            self.sources.append(
                Source(
                    number=self._numbers[key],
                    path=citation.path,
                    first_line=citation.first_line,
                    last_line=citation.last_line,
                    heading=citation.heading,
                )
            )
        return self._numbers[key]


def _preface(material: Material) -> str:
    stats = material.stats
    textless = f"; {stats.textless} without readable text" if stats.textless else ""
    read = f"{counted(stats.documents, 'document')} ({counted(stats.passages, 'passage')}{textless})"
    if not material.plan.answerable:
        return f"*{read} read. No model was used.*"
    return f"*Sentences from {read}, each checked by code against the lines that it cites. No model was used.*"


def _summary(material: Material, findings: Sequence[Claim], shelf: _Shelf) -> list[str]:
    if not findings:
        hidden = material.plan.elsewhere or material.stats.textless
        who = "The passages of these documents" if hidden else "The documents"
        unquoted = gaps.UNDONE if material.failed else gaps.UNSUPPORTED if material.dropped else gaps.UNQUOTED
        return [f"**{who} do not answer this question.** {gaps.why_not(material.plan, material.stats, unquoted)}"]
    overview = [claim for claim in findings if claim.facet == OVERVIEW]
    return ["## In short", _bullets(overview, shelf)] if overview else []


def _sections(plan: Plan, findings: Sequence[Claim], shelf: _Shelf) -> list[str]:
    parts = []
    for facet in plan.facets:
        claims = [claim for claim in findings if claim.facet == facet.subtask_id]
        if claims and facet.subtask_id != OVERVIEW:
            parts += [f"## {facet.title}", _bullets(claims, shelf)]
    return parts


def _bullets(claims: Sequence[Claim], shelf: _Shelf) -> str:
    return "\n".join(f"- {_shown(claim)} {shelf.cite(claim.claim_id, *claim.citations)}" for claim in claims)


def comparison(analysis: Analysis, claims: Sequence[Claim], shelf: _Shelf) -> list[str]:
    """The table of things and facets, when there is enough to fill one."""
    cells = {(claim.thing, claim.facet): claim for claim in claims if claim.kind == "cell"}
    rows = [thing for thing in analysis.things if sum(key[0] == thing for key in cells) >= ROW_CELLS_MIN]
    columns = [column for column in analysis.columns if any((thing, column.facet) in cells for thing in rows)]
    filled = sum((thing, column.facet) in cells for thing in rows for column in columns)
    if len(rows) < 2 or len(columns) < 2 or filled < CELLS_SHARE_MIN * len(rows) * len(columns):
        return []
    head = f"| | {' | '.join(column.title for column in columns)} |\n|---|{'---|' * len(columns)}"
    lines = (f"| **{thing}** | {' | '.join(_cell(cells, thing, c, shelf) for c in columns)} |" for thing in rows)
    return ["## Comparison", "\n".join([head, *lines])]


def _cell(cells: dict[tuple[str, str], Claim], thing: str, column: Column, shelf: _Shelf) -> str:
    claim = cells.get((thing, column.facet))
    return f"{_safe(claim.text)} {shelf.cite(claim.claim_id, *claim.citations)}" if claim else "\u2013"


def _statements(claims: Sequence[Claim], shelf: _Shelf) -> list[str]:
    """Agreements and contrasts; a single sentence only when no section has it already."""
    parts = []
    said = {evidence_id for claim in claims if claim.kind == "finding" for evidence_id in claim.evidence_ids}
    for kind, title, link in (("agreement", "Agreements", "likewise"), ("contrast", "Contrasts", "whereas")):
        new = [
            claim
            for claim in claims
            if claim.kind == kind and (len(claim.citations) > 1 or not said & set(claim.evidence_ids))
        ]
        lines = [_statement(claim, link, shelf) for claim in new]
        parts += [f"## {title}", "\n".join(lines)] if lines else []
    return parts


def _statement(claim: Claim, link: str, shelf: _Shelf) -> str:
    first, *rest = (
        f"{_safe(text)} {shelf.cite(claim.claim_id, citation)}"
        for text, citation in zip(claim.text.split("\n"), claim.citations, strict=True)
    )
    return "\n".join([f"- {first}", *(f"  *{link}* {text}" for text in rest)])


def not_found(material: Material, stated: Sequence[Claim]) -> tuple[str, ...]:
    """Say what the reader should know to be missing from a report that states these claims."""
    plan = material.plan
    lines = gaps.of_words(plan, material.stats)
    lines += gaps.of_parts(plan)
    if not stated:
        lines += [f"Near the question, but no answer: {gaps.code(place)}." for place in plan.nearest]
    covered = {claim.facet for claim in material.claims if claim.kind == "finding"}
    bare = [facet for facet in plan.facets if facet.subtask_id not in covered]
    lines += [_bare(facet, repeated=facet.subtask_id in material.repeated) for facet in bare]
    lines += gaps.of_claims(plan, stated)
    lines += [f"A part of the work failed: {failure.rstrip('.')}." for failure in material.failed]
    if material.dropped:
        dropped = counted(len(material.dropped), "claim")
        lines.append(f"{dropped} dropped, not supported well enough after revision.")
    lines += gaps.of_documents(material.stats)
    nothing = "Every word of the question and every facet has evidence." if stated else "Nothing that can be cited."
    return tuple(lines) or (nothing,)


def _bare(facet: Subtask, *, repeated: bool) -> str:
    if repeated:
        return f"Nothing on “{facet.title}” beyond what other sections say."
    return f"Nothing that can be cited on “{facet.title}”."


def _shown(claim: Claim) -> str:
    """The text of a claim, with what it is about in bold where that was put in front."""
    text = _safe(claim.text)
    lead = f"{_safe(claim.thing)}: "
    return f"**{lead.strip()}** {text.removeprefix(lead)}" if claim.thing and text.startswith(lead) else text


def _safe(text: str) -> str:
    """Text that Markdown shows as it is."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("`", "'")
