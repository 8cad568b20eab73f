"""Evidence: whole sentences that speak of a facet of the question, with the lines that they stand on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scr.messages import Frozen
from scr.research import question as questions
from scr.research import sentences
from scr.research.blocks import Heading
from scr.research.focus import RELEVANCE_MIN, Bag, Focus
from scr.research.index import Hit, Index
from scr.research.names import Names
from scr.research.passages import Passage
from scr.research.terms import jaccard, stem, stems, terms

PASSAGES_READ = 60
KEPT_MAX = 12
SAME_MAX = 0.45
RELEVANCE_SHARE, FACET_SHARE, ANSWER_BONUS, RANK_SHARE = 0.55, 0.35, 0.08, 0.1
FACET_MIN = 0.5
SAME_DOCUMENT = 0.88
_SPEAKER = re.compile(r"\b(?:I|we|you|your|our|us|my|let's)\b", re.I)
_IMPERATIVE = re.compile(
    r"(?:please|make sure|be sure|use|see|try|note|run|go|check|install|consider|remember|do not|don't|if you)\b", re.I
)
_SPECIFIC = re.compile(r"\d")


class Citation(Frozen):
    """Lines of a document, from 1, inclusive; `titles` are the lines of the titles above that say what it is about."""

    path: str
    first_line: int
    last_line: int
    titles: tuple[int, ...] = ()


class Evidence(Frozen):
    """A sentence as it stands in a document.

    `subject` is the thing that the sentence is about by its place, if it does not name one;
    `antecedent` is the sentence before it, for those that lean on it.
    """

    evidence_id: str
    sentence: str
    citation: Citation
    subject: str = ""
    antecedent: str = ""
    antecedent_line: int = 0
    titles: tuple[str, ...] = ()
    relevance: float = 0.0
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Aim:
    """What is looked for: the question's focus, and the facet's words (none for the question as a whole)."""

    focus: Focus
    facet: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


def aim_at(focus: Focus, query: str) -> Aim:
    """The aim of a subtask with this query."""
    return Aim(focus, tuple(terms(query)))


def retrieve(aim: Aim, index: Index) -> list[int]:
    """The ids of the passages worth reading, best first."""
    hits = index.search([*aim.facet, *aim.about, *aim.focus.words], PASSAGES_READ)
    if aim.facet:
        hits = _merged(index.search(aim.facet, PASSAGES_READ // 2), hits)
    return [hit.passage_id for hit in hits]


def extract(aim: Aim, index: Index, passage_ids: Sequence[int]) -> list[Evidence]:
    """The best sentences of these passages, no two alike, best first."""
    passages = [passage for passage_id in passage_ids if (passage := index.passage(passage_id))]
    found = [
        evidence
        for rank, passage in enumerate(passages)
        for evidence in _read(aim, passage, rank / len(passages), index.names)
    ]
    return _pick(sorted(found, key=lambda evidence: (-evidence.score, evidence.evidence_id)))


def subject_of(passage: Passage, names: Names) -> tuple[str, tuple[int, ...]]:
    """The name in the outermost title above, and the line of that title."""
    found = names.within(passage.headings[0].title) if passage.headings else []
    return (found[0], (passage.headings[0].line,)) if found else ("", ())


def _merged(first: Sequence[Hit], second: Sequence[Hit]) -> list[Hit]:
    """Alternating, without repetition."""
    ordered = [hit for pair in zip(first, second, strict=False) for hit in pair]
    ordered += [*first[len(second) :], *second[len(first) :]]
    return list({hit.passage_id: hit for hit in ordered}.values())


def _read(aim: Aim, passage: Passage, rank: float, names: Names) -> Iterator[Evidence]:
    titles = frozenset(stems(passage.titles))
    whole = frozenset(stems(passage.text))
    subject, subject_lines = subject_of(passage, names)
    known = frozenset(word.lower() for heading in passage.headings for word in heading.title.split())
    before = (0, 0)
    for start, end in sentences.spans(passage.text):
        sentence = passage.text[start:end]
        if sentences.is_whole(sentence, known):
            bag = frozenset(stems(sentence))
            relevance = aim.focus.relevance(bag, titles, whole)
            facet = _facet_share(aim.facet, bag, titles)
            if relevance >= RELEVANCE_MIN and facet >= FACET_MIN and bag & (aim.focus.stems | kin(aim)):
                yield _evidence(aim, passage, (start, end), before, (relevance, facet, rank), (subject, subject_lines))
        before = (start, end)


def kin(aim: Aim) -> Bag:
    """The stems that count as near: of the facet, and of the families of the question's words."""
    return frozenset(map(stem, aim.facet)) | {word for term in aim.focus.terms for word in term.kin}


def _facet_share(facet: Sequence[str], sentence: Bag, titles: Bag) -> float:
    if not facet:
        return 1.0
    shares = (1.0 if stem(word) in sentence else 0.6 if stem(word) in titles else 0.0 for word in facet)
    return sum(shares) / len(facet)


def _evidence(
    aim: Aim,
    passage: Passage,
    span: tuple[int, int],
    before: tuple[int, int],
    measures: tuple[float, float, float],
    subject: tuple[str, tuple[int, ...]],
) -> Evidence:
    start, end = span
    sentence = passage.text[start:end]
    relevance, facet, rank = measures
    score = RELEVANCE_SHARE * relevance + FACET_SHARE * facet + RANK_SHARE * (1 - rank)
    score += ANSWER_BONUS * questions.answers(sentence, aim.focus.wanted)
    joined = passage.text[before[0] : before[1]] if "\n" not in passage.text[before[0] : start] else ""
    first, last = passage.line_at(start), passage.line_at(end - 1)
    return Evidence(
        evidence_id=f"{passage.path}:{first}:{start}",
        sentence=sentence,
        citation=Citation(path=passage.path, first_line=first, last_line=last, titles=subject[1]),
        subject=subject[0],
        antecedent=joined,
        antecedent_line=passage.line_at(before[0]) if joined else 0,
        titles=tuple(heading.title for heading in passage.headings),
        relevance=relevance,
        score=round(score * shape(sentence), 6),
    )


def shape(sentence: str) -> float:
    """How well a sentence reads on its own: 1 is plain, less leans on its place or speaks to its reader."""
    factor = 1.0
    factor *= 0.8 if _SPEAKER.search(sentence) else 1.0
    factor *= 0.85 if _IMPERATIVE.match(sentence) else 1.0
    factor *= 0.75 if sentences.dangles(sentence) else 1.0
    factor *= 0.5 if sentences.points_away(sentence) else 1.0
    factor *= 0.9 if not 60 <= len(sentence) <= 240 else 1.0
    return factor * (1.04 if _SPECIFIC.search(sentence) else 1.0)


def _pick(ordered: Sequence[Evidence]) -> list[Evidence]:
    """The best that are not alike, spread over documents: each further one from a document counts a little less."""
    picked: list[Evidence] = []
    bags: list[frozenset[str]] = []
    rest = [(evidence, frozenset(stems(evidence.sentence))) for evidence in ordered[: KEPT_MAX * 8]]
    while rest and len(picked) < KEPT_MAX:
        taken = [evidence.citation.path for evidence in picked]
        best = max(rest, key=lambda entry: entry[0].score * SAME_DOCUMENT ** taken.count(entry[0].citation.path))
        picked.append(best[0])
        bags.append(best[1])
        rest = [entry for entry in rest if jaccard(entry[1], best[1]) < SAME_MAX]
    return picked
