"""The analysis over all findings: things compared, sources that say alike, sources that differ.

Every statement that it makes is a claim with citations, checked like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from scr.apps.research.claims import Claim, ClaimKind, Findings, with_subject
from scr.apps.research.evidence import Aim, Evidence, extract, retrieve
from scr.apps.research.focus import Focus
from scr.apps.research.text import sentences
from scr.apps.research.text.english import CONTRASTS, DENIALS
from scr.apps.research.text.index import Index
from scr.apps.research.text.names import Names
from scr.apps.research.text.terms import jaccard, stems, terms
from scr.values import Frozen

THINGS_MAX, THINGS_MIN = 6, 2
COLUMNS_MAX = 4
CELL_PASSAGES = 16
STATEMENTS_MAX = 3
CELL_MAX = 150
NAME_FIRST_MAX = 4
THING_SENTENCES_MIN = 2
ALIKE_MIN, DIFFER_MIN, SAME_MAX = 0.24, 0.15, 0.8
CONTRAST_SHARED_MIN, AGREEMENT_SHARED_MIN = 2, 3


class Column(Frozen):
    """A facet as a column of the comparison."""

    facet: str
    title: str


class Analysis(Frozen):
    """The result of the analysis.  `claims` are agreements, contrasts and cells; a cell names its thing and facet."""

    things: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    claims: tuple[Claim, ...] = ()


def analyse(findings: Sequence[Findings], focus: Focus, index: Index) -> Analysis:
    """Compare what was found.  `findings` are in the order of the plan."""
    evidence = _evidence(findings)
    names = index.names
    things = _things(evidence, index, focus)
    columns = tuple(Column(facet=f.subtask_id, title=f.title) for f in findings[1:] if f.evidence)
    columns = tuple(column for column in columns if column.title not in things)[:COLUMNS_MAX]
    cells = list(_cells(things, columns, findings, focus, index, names))
    pairs = [pair for pair in _pairs(findings, names, focus) if {pair.this, pair.that} <= index.subjects | set(things)]
    statements = [*_contrasts(findings, pairs, names), *_agreements(pairs)]
    return Analysis(things=things, columns=columns, claims=(*statements, *cells))


def _evidence(findings: Sequence[Findings]) -> list[Evidence]:
    found = {e.evidence_id: e for one in findings for e in one.evidence}
    return [found[evidence_id] for evidence_id in sorted(found)]


def thing_of(evidence: Evidence, names: Names) -> str:
    """What a sentence is about: the name that it begins with, else what its document is about, else its only name."""
    within = names.within(evidence.sentence)
    if evidence.sentence.startswith("Unlike "):
        within = within[1:]
    elif within and evidence.sentence.find(within[0]) <= NAME_FIRST_MAX:
        return within[0]
    return evidence.subject or (within[0] if len(within) == 1 else "")


def _things(evidence: Sequence[Evidence], index: Index, focus: Focus) -> tuple[str, ...]:
    """Those that the question names if there are two, else the subjects of documents with the most sentences."""
    counts = Counter(thing for found in evidence if (thing := thing_of(found, index.names)))
    ranked = sorted(counts, key=lambda thing: (-counts[thing], thing))
    asked = [thing for thing in ranked if thing.lower() in focus.words]
    often = [thing for thing in ranked if thing in index.subjects and counts[thing] >= THING_SENTENCES_MIN]
    chosen = asked if len(asked) >= THINGS_MIN else often[:THINGS_MAX]
    return tuple(sorted(chosen)) if len(chosen) >= THINGS_MIN else ()


def _cells(
    things: Sequence[str],
    columns: Sequence[Column],
    findings: Sequence[Findings],
    focus: Focus,
    index: Index,
    names: Names,
) -> Iterator[Claim]:
    """For each thing and facet the best short statement, from the findings or looked up in the index."""
    by_id = {found.subtask_id: found for found in findings}
    for thing in things:
        used: set[str] = set()
        for column in columns:
            aim = Aim(focus, tuple(terms(column.title)), tuple(terms(thing)))
            at_hand = [e for e in by_id[column.facet].evidence if thing_of(e, names) == thing]
            looked_up = (
                e for e in extract(aim, index, retrieve(aim, index, CELL_PASSAGES)) if thing_of(e, names) == thing
            )
            fitting = [e for e in (*at_hand, *looked_up) if e.evidence_id not in used and _fits_cell(e)]
            best = min(fitting, key=lambda e: sentences.leans(e.sentence), default=None)
            if best:
                used.add(best.evidence_id)
                yield _cell(thing, column.facet, best)


def _fits_cell(evidence: Evidence) -> bool:
    text = short(evidence.sentence)
    return len(text) <= CELL_MAX and not sentences.dangles(text) and not sentences.points_away(text)


def short(sentence: str) -> str:
    """A sentence as short as it can be without changing what it says."""
    text = sentences.without_lead(sentence)
    text = text if len(text) <= CELL_MAX else sentences.without_asides(text)
    return sentences.first_clause(text, CELL_MAX)


def _cell(thing: str, facet: str, evidence: Evidence) -> Claim:
    return Claim(
        claim_id=f"cell/{facet}/{thing}",
        facet=facet,
        text=short(evidence.sentence),
        citations=(evidence.citation,),
        kind="cell",
        thing=thing,
        evidence_ids=(evidence.evidence_id,),
        relevance=evidence.relevance,
    )


def _contrasts(findings: Sequence[Findings], pairs: Sequence[_Pair], names: Names) -> list[Claim]:
    """Sentences that set two things against each other, then pairs of which one denies what the other says."""
    stated = {evidence_id for found in findings for claim in found.claims for evidence_id in claim.evidence_ids}
    single = [
        _statement("contrast", found.subtask_id, [evidence])
        for found in findings
        for evidence in found.evidence
        if CONTRASTS.search(evidence.sentence)
        and len(names.within(evidence.sentence)) >= THINGS_MIN
        and stands(evidence)
    ]
    opposed = [pair for pair in pairs if pair.opposed and pair.likeness >= DIFFER_MIN]
    single.sort(key=lambda claim: claim.evidence_ids[0] in stated)
    return _first([*single, *(_statement("contrast", pair.facet, [pair.one, pair.other]) for pair in opposed)])


def _agreements(pairs: Sequence[_Pair]) -> list[Claim]:
    """Pairs that say much the same about different things."""
    alike = [
        pair
        for pair in pairs
        if not pair.opposed and not pair.compares
        if pair.likeness >= ALIKE_MIN and pair.shared >= AGREEMENT_SHARED_MIN
    ]
    return _first([_statement("agreement", pair.facet, [pair.one, pair.other]) for pair in alike])


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two sentences on one facet, from different documents, about different things."""

    facet: str
    one: Evidence
    this: str
    other: Evidence
    that: str
    likeness: float
    shared: int
    opposed: bool

    @property
    def compares(self) -> bool:
        """Whether one of them sets things against each other by itself."""
        return any(CONTRASTS.search(evidence.sentence) for evidence in (self.one, self.other))


def _pairs(findings: Sequence[Findings], names: Names, focus: Focus) -> list[_Pair]:
    """The pairs worth comparing, the most alike first."""
    pairs = []
    for found in findings:
        about = [(e, thing) for e in found.evidence if (thing := thing_of(e, names)) and stands(e)]
        for (one, this), (other, that) in combinations(about, 2):
            bags = frozenset(stems(one.sentence)), frozenset(stems(other.sentence))
            likeness = jaccard(*bags)
            apart = one.citation.path != other.citation.path and _apart(one, this, other, that)
            shared = len((bags[0] & bags[1]) - focus.stems)
            if apart and shared >= CONTRAST_SHARED_MIN and likeness < SAME_MAX:
                opposed = _denies(one.sentence) != _denies(other.sentence)
                pairs.append(_Pair(found.subtask_id, one, this, other, that, round(likeness, 4), shared, opposed))
    return sorted(pairs, key=lambda pair: (-pair.likeness, pair.one.evidence_id, pair.other.evidence_id))


def _apart(one: Evidence, this: str, other: Evidence, that: str) -> bool:
    """Whether each sentence is about its own thing and does not speak of the other's."""
    return this != that and that.lower() not in one.sentence.lower() and this.lower() not in other.sentence.lower()


def _denies(sentence: str) -> bool:
    """Whether it says that something is not so; two denials ("does not lose") make none."""
    return len(DENIALS.findall(sentence)) % 2 == 1


def stands(evidence: Evidence) -> bool:
    """Whether the sentence can be understood away from its place."""
    text = evidence.sentence
    return not sentences.dangles(text) and not sentences.points_away(text) and not sentences.leans(text)


def _statement(kind: ClaimKind, facet: str, parts: Sequence[Evidence]) -> Claim:
    """One statement of one or two sentences, a line and a citation for each."""
    return Claim(
        claim_id="",
        facet=facet,
        text="\n".join(with_subject(sentences.without_lead(e.sentence), e.subject) for e in parts),
        citations=tuple(e.citation for e in parts),
        kind=kind,
        evidence_ids=tuple(e.evidence_id for e in parts),
        relevance=min(e.relevance for e in parts),
    )


def _first(statements: Sequence[Claim]) -> list[Claim]:
    """The first few that do not use a sentence twice, numbered."""
    chosen: list[Claim] = []
    used: set[str] = set()
    for claim in statements:
        if len(chosen) < STATEMENTS_MAX and not used & set(claim.evidence_ids):
            used |= set(claim.evidence_ids)
            chosen.append(claim.model_copy(update={"claim_id": f"{claim.kind}/{len(chosen) + 1}"}))
    return chosen
