"""The critic's checks: whether each claim is supported by the lines that it cites, and fit to be read.  Pure.

A claim is compared with the lines of the document as they stand there, not with what an
earlier stage made of them.  Support means: its words stand in the cited lines in the same
order, its numbers and its names stand there, and it denies no more and no less.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from scr.apps.research.claims import Claim
from scr.apps.research.evidence import Citation
from scr.apps.research.text import inline, sentences
from scr.apps.research.text.english import NEGATIONS
from scr.apps.research.text.names import name_tokens
from scr.apps.research.text.terms import is_term, jaccard, stem, stems, words
from scr.values import Frozen

SUPPORT_MIN = 0.85
PART_MIN, PART_STEMS_MIN = 0.6, 3
SAME_MIN = 0.6
LENGTH_MAX = 440
_NUMBER = re.compile(r"\d[\d,.:]*\d|\d")
_SEPARATOR = re.compile(r"(?<=\d),(?=\d{3})")
_FIRST = re.compile(r"(?:(?<=^)|(?<=[.!?:\n] )|(?<=\n))[^\W\d_]+")
_SUBJECT = re.compile(r"^[^.!?]{2,60}?: (?=\S)")


class ClaimFault(StrEnum):
    """What can be wrong with a claim."""

    UNCITED = "uncited"
    NO_SUCH_LINES = "no_such_lines"
    UNSUPPORTED = "unsupported"
    WRONG_NUMBER = "wrong_number"
    WRONG_NAME = "wrong_name"
    NEGATION = "negation"
    DUPLICATE = "duplicate"
    DANGLING = "dangling"
    POINTS_AWAY = "points_away"
    FRAGMENT = "fragment"


class Objection(Frozen):
    """One fault of one claim, with the sentence that says it."""

    claim_id: str
    fault: ClaimFault
    reason: str


class Review(Frozen):
    """The judgement of all claims: the share that holds, and what does not.

    `uncovered` are the facets without one claim that holds.
    """

    score: float
    objections: tuple[Objection, ...] = ()
    uncovered: tuple[str, ...] = ()
    checked: int = 0

    @property
    def sound(self) -> bool:
        """Whether there is nothing to revise."""
        return not self.objections and not self.uncovered

    @property
    def failing(self) -> frozenset[str]:
        """The ids of the claims that do not hold."""
        return frozenset(objection.claim_id for objection in self.objections)


class Sources(Protocol):
    """Where the cited lines are read: an index."""

    def lines(self, path: str, first: int, last: int) -> str | None:
        """These lines as they stand in the document; None when there are none."""


def review(claims: Sequence[Claim], facets: Sequence[str], sources: Sources) -> Review:
    """Check every claim, and every facet for at least one that holds."""
    objections = [objection for claim in claims for objection in check(claim, sources)]
    broken = {objection.claim_id for objection in objections}
    objections += duplicates([claim for claim in claims if claim.claim_id not in broken])
    failing = {objection.claim_id for objection in objections}
    covered = {claim.facet for claim in claims if claim.kind == "finding" and claim.claim_id not in failing}
    share = 1 - len(failing) / len(claims) if claims else 0.0
    return Review(
        score=round(share, 4),
        objections=tuple(objections),
        uncovered=tuple(facet for facet in facets if facet not in covered),
        checked=len(claims),
    )


def check(claim: Claim, sources: Sources) -> list[Objection]:
    """What is wrong with one claim by itself."""
    if not claim.citations:
        return [_objection(claim, ClaimFault.UNCITED, "it cites nothing")]
    cited = [_read(citation, sources) for citation in claim.citations]
    for citation, text in zip(claim.citations, cited, strict=True):
        if text is None:
            where = f"{citation.path}:{citation.first_line}-{citation.last_line}"
            return [_objection(claim, ClaimFault.NO_SUCH_LINES, f"there are no lines {where}")]
    source = "\n".join(text for text in cited if text)
    return [*_support(claim, source), *_reading(claim)]


def duplicates(claims: Sequence[Claim]) -> list[Objection]:
    """An objection to each claim that says what an earlier one of its kind says."""
    found: list[Objection] = []
    kept: list[tuple[Claim, frozenset[str]]] = []
    for claim in claims:
        bag = frozenset(stems(claim.text))
        twin = next((other for other, theirs in kept if _alike(claim, other, bag, theirs)), None)
        if twin is None:
            kept.append((claim, bag))
        else:
            found.append(_objection(claim, ClaimFault.DUPLICATE, f"it says what {twin.claim_id} says"))
    return found


def plain(raw: str) -> str:
    """Lines of a document without markup, as far as words and their order matter."""
    return " ".join(inline.markdown(raw).split())


def _alike(claim: Claim, other: Claim, bag: frozenset[str], theirs: frozenset[str]) -> bool:
    if claim.kind != other.kind or (claim.kind == "cell" and claim.facet != other.facet):
        return False
    return claim.evidence_ids == other.evidence_ids or jaccard(bag, theirs) >= SAME_MIN


def _read(citation: Citation, sources: Sources) -> str | None:
    """The cited titles and lines, cleaned; None when the lines do not exist."""
    body = sources.lines(citation.path, citation.first_line, citation.last_line)
    titles = [sources.lines(citation.path, line, line) for line in citation.titles]
    if body is None or None in titles:
        return None
    return plain("\n".join([*(title for title in titles if title), body]))


def _support(claim: Claim, source: str) -> list[Objection]:
    found = []
    share = in_order(stems(_joined(claim.text)), stems(_joined(source)))
    if share < SUPPORT_MIN:
        found.append(
            _objection(claim, ClaimFault.UNSUPPORTED, f"only {share:.0%} of its words stand in the cited lines")
        )
    if strange := _missing(_numbers(claim.text), _numbers(source)):
        found.append(_objection(claim, ClaimFault.WRONG_NUMBER, f"{strange} is not in the cited lines"))
    if strange := _strange_name(claim.text, source):
        found.append(_objection(claim, ClaimFault.WRONG_NAME, f"the name {strange!r} is not in the cited lines"))
    if not found and _denials(claim.text) != _denials(_part(claim.text, source)):
        found.append(_objection(claim, ClaimFault.NEGATION, "it denies more or less than the cited lines do"))
    return found


def _reading(claim: Claim) -> list[Objection]:
    if claim.kind in {"agreement", "contrast"}:
        return []
    text = _SUBJECT.sub("", claim.text)
    if sentences.dangles(text):
        return [_objection(claim, ClaimFault.DANGLING, f"{text.split()[0]!r} leans on a sentence that is not there")]
    if sentences.points_away(text):
        return [_objection(claim, ClaimFault.POINTS_AWAY, "it points at a place in its document")]
    whole = text.endswith((".", "!", '."', ".”", ".)", "!)")) and sentences.balanced(text) and len(text) <= LENGTH_MAX
    return [] if whole else [_objection(claim, ClaimFault.FRAGMENT, "it is not a whole sentence of readable length")]


def in_order(claimed: Sequence[str], source: Sequence[str]) -> float:
    """The share of the claim's words that stand in the source in the same order."""
    if not claimed:
        return 0.0
    lengths = [0] * (len(source) + 1)
    for word in claimed:
        diagonal = 0
        for n, theirs in enumerate(source, 1):
            above = lengths[n]
            lengths[n] = diagonal + 1 if word == theirs else max(lengths[n], lengths[n - 1])
            diagonal = above
    return lengths[-1] / len(claimed)


def _numbers(text: str) -> list[str]:
    return [match[0].rstrip(".,:") for match in _NUMBER.finditer(_joined(text))]


def _joined(text: str) -> str:
    """With numbers in one piece: 1,500 is 1500."""
    return _SEPARATOR.sub("", text)


def _strange_name(text: str, source: str) -> str:
    """A name of the claim that its source does not have.  What begins a sentence may be one."""
    spoken, known = source.lower(), frozenset(stems(source))
    if strange := next((name for name in name_tokens(text) if name.lower() not in spoken), ""):
        return strange
    first = (match[0] for match in _FIRST.finditer(text))
    return next((word for word in first if is_term(word.lower()) and stem(word.lower()) not in known), "")


def _missing(wanted: Sequence[str], present: Sequence[str]) -> str:
    return next((value for value in wanted if value not in present), "")


def _part(text: str, source: str) -> str:
    """The sentences of the source that the claim was made from."""
    claimed = stems(text)
    parts = ((source[start:end], stems(source[start:end])) for start, end in sentences.spans(source))
    return " ".join(part for part, bag in parts if len(bag) >= PART_STEMS_MIN and in_order(bag, claimed) >= PART_MIN)


def _denials(text: str) -> int:
    return sum(word in NEGATIONS for word in words(text))


def _objection(claim: Claim, fault: ClaimFault, reason: str) -> Objection:
    return Objection(claim_id=claim.claim_id, fault=fault, reason=reason)
