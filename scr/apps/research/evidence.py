"""Evidence: whole sentences that speak of a facet of the question, with the lines that they stand on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scr.apps.research import question as questions
from scr.apps.research.focus import ON_FACET_MIN, RELEVANCE_MIN, Bag, Focus
from scr.apps.research.text import sentences
from scr.apps.research.text.english import IMPERATIVES, SPEAKERS
from scr.apps.research.text.index import Hit, Index, subject_in
from scr.apps.research.text.names import Names
from scr.apps.research.text.passages import Passage
from scr.apps.research.text.terms import jaccard, stem, stems, terms, words
from scr.values import Frozen

PASSAGES_READ = 60
KEPT_MAX = 12
SAME_MAX, SAME_OF_OTHERS_MAX = 0.45, 0.65
RELEVANCE_SHARE, FACET_SHARE, ANSWER_BONUS, DEFINITION_BONUS, RANK_SHARE = 0.55, 0.35, 0.08, 0.3, 0.1
FACET_MIN = 0.5
CENTRE_BONUS, CENTRAL_WORDS = 0.3, 7
SAME_DOCUMENT, SAME_THING, OFF_SUBJECT = 0.9, 0.93, 0.55
_SPECIFIC = re.compile(r"\d")


class Citation(Frozen):
    """Lines of a document, from 1, inclusive.

    `titles` are the lines of the titles above that say what they are about, `heading` is the
    chain of titles for people.
    """

    path: str
    first_line: int
    last_line: int
    titles: tuple[int, ...] = ()
    heading: str = ""


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
    relevance: float = 0.0
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Aim:
    """What is looked for: the question's focus, and the facet's words (none for the question as a whole).

    `about` are further words for the search; `named` are the things that the question names.
    """

    focus: Focus
    facet: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def aim_at(focus: Focus, query: str, names: Names) -> Aim:
    """The aim of a subtask with this query."""
    return Aim(focus, tuple(terms(query)), named=focus.named(names))


def retrieve(aim: Aim, index: Index, limit: int = PASSAGES_READ) -> list[int]:
    """The ids of the passages worth reading, best first: for everything wanted, and for the facet alone, in turn."""
    hits = index.search([*aim.facet, *aim.about, *aim.focus.words], limit)
    if aim.facet:
        hits = _merged(index.search([*aim.facet, *aim.about], limit // 2), hits)
    return [hit.passage_id for hit in hits][:limit]


def extract(aim: Aim, index: Index, passage_ids: Sequence[int]) -> list[Evidence]:
    """The best sentences of these passages, no two alike, best first."""
    passages = [passage for passage_id in passage_ids if (passage := index.passage(passage_id))]
    found = [
        evidence
        for rank, passage in enumerate(passages)
        for evidence in _read(aim, passage, rank / len(passages), index)
    ]
    return _pick(sorted(_weighed(found), key=lambda evidence: (-evidence.score, evidence.evidence_id)), index.names)


def subject_of(passage: Passage, sentence: str, index: Index) -> tuple[str, tuple[int, ...]]:
    """What the document's title says that the sentence is about, and the line of that title.

    Nothing for a sentence that names the subject of this or another document itself.
    """
    if not passage.headings or index.subjects.intersection(index.names.within(sentence)):
        return "", ()
    title = passage.headings[0]
    subject = subject_in(title.title, index.names)
    return (subject, (title.line,)) if subject in index.subjects else ("", ())


def _merged(first: Sequence[Hit], second: Sequence[Hit]) -> list[Hit]:
    """Alternating, without repetition."""
    ordered = [hit for pair in zip(first, second, strict=False) for hit in pair]
    ordered += [*first[len(second) :], *second[len(first) :]]
    return list({hit.passage_id: hit for hit in ordered}.values())


def _read(aim: Aim, passage: Passage, rank: float, index: Index) -> Iterator[Evidence]:
    titles = frozenset(stems(passage.titles))
    whole = frozenset(stems(passage.text))
    near = aim.focus.stems | kin(aim)
    for start, end, before in whole_sentences(passage):
        sentence = passage.text[start:end]
        bag = frozenset(stems(sentence))
        facet = _facet_share(aim.facet, bag, titles)
        relevance = aim.focus.relevance(bag, titles, whole)
        least = ON_FACET_MIN if aim.facet and facet == 1.0 else RELEVANCE_MIN
        if relevance >= least and facet >= FACET_MIN and bag & near:
            yield _evidence(aim, passage, (start, end, before), (relevance, facet, rank), index)


@lru_cache(maxsize=1024)
def whole_sentences(passage: Passage) -> tuple[tuple[int, int, int], ...]:
    """Of each sentence that can be quoted: where it begins and ends, and where the sentence before it begins."""
    known = frozenset(word for heading in passage.headings for word in terms(heading.title))
    found: list[tuple[int, int, int]] = []
    before = 0
    for start, end in sentences.spans(passage.text):
        if sentences.is_whole(passage.text[start:end], known):
            found.append((start, end, before))
        before = start
    return tuple(found)


def kin(aim: Aim) -> Bag:
    """The stems that count as near: of the facet, and of the families of the question's words."""
    return frozenset(map(stem, aim.facet)) | {word for term in aim.focus.terms for word in term.kin}


def _facet_share(facet: Sequence[str], sentence: Bag, titles: Bag) -> float:
    if not facet:
        return 1.0
    shares = (1.0 if stem(word) in sentence else 0.6 if stem(word) in titles else 0.0 for word in facet)
    return sum(shares) / len(facet)


def _evidence(
    aim: Aim, passage: Passage, place: tuple[int, int, int], measures: tuple[float, float, float], index: Index
) -> Evidence:
    start, end, before = place
    relevance, facet, rank = measures
    sentence = passage.text[start:end]
    subject, lines = subject_of(passage, sentence, index)
    score = RELEVANCE_SHARE * relevance + FACET_SHARE * facet + RANK_SHARE * (1 - rank)
    score += ANSWER_BONUS * questions.answers(sentence, aim.focus.wanted)
    score += DEFINITION_BONUS * _defines(aim.focus, passage, sentence, start)
    score *= 1.0 if _on_subject(aim.named, f"{sentence} {passage.titles}") else OFF_SUBJECT
    antecedent = passage.text[before:start].strip(" ")
    first, last = passage.line_at(start), passage.line_at(end - 1)
    return Evidence(
        evidence_id=f"{passage.path}:{first}:{start}",
        sentence=sentence,
        citation=Citation(path=passage.path, first_line=first, last_line=last, titles=lines, heading=passage.titles),
        subject=subject,
        antecedent="" if "\n" in antecedent else antecedent,
        antecedent_line=passage.line_at(before),
        relevance=relevance,
        score=round(score * shape(sentence), 6),
    )


def _defines(focus: Focus, passage: Passage, sentence: str, start: int) -> bool:
    """Whether a definition is wanted and this is one, by its form or because it opens what has the asked title."""
    opens = start == 0 and any(frozenset(stems(heading.title)) == focus.stems for heading in passage.headings)
    return focus.wanted is questions.Wanted.DEFINITION and (opens or questions.defines(sentence, focus.words))


def _on_subject(named: Sequence[str], text: str) -> bool:
    """Whether the text speaks of one of the things that the question names, if it names any."""
    return not named or not set(named).isdisjoint(words(text))


def shape(sentence: str) -> float:
    """How well a sentence reads on its own: 1 is plain, less leans on its place or speaks to its reader."""
    factor = 1.0
    factor *= 0.8 if SPEAKERS.search(sentence) else 1.0
    factor *= 0.85 if IMPERATIVES.match(sentence) else 1.0
    factor *= 0.75 if sentences.dangles(sentence) else 1.0
    factor *= 0.75 if sentences.leans(sentence) else 1.0
    factor *= 0.5 if sentences.points_away(sentence) else 1.0
    factor *= 0.9 if not 60 <= len(sentence) <= 240 else 1.0
    return factor * (1.04 if _SPECIFIC.search(sentence) else 1.0)


def _weighed(found: Sequence[Evidence]) -> list[Evidence]:
    """The same with scores raised for sentences whose words many of the others have: those are at the centre."""
    counts = Counter(word for evidence in found for word in sorted(set(stems(evidence.sentence))))
    central = [_centrality(evidence, counts) for evidence in found]
    most = max(central, default=1.0)
    return [
        evidence.model_copy(update={"score": round(evidence.score * (1 + CENTRE_BONUS * share / most), 6)})
        for evidence, share in zip(found, central, strict=True)
    ]


def _centrality(evidence: Evidence, counts: Counter[str]) -> float:
    own = sorted(counts[word] for word in set(stems(evidence.sentence)))[-CENTRAL_WORDS:]
    return sum(own) / CENTRAL_WORDS


def _pick(ordered: Sequence[Evidence], names: Names) -> list[Evidence]:
    """The best that are not alike, spread over documents and over what they speak of."""
    picked: list[_Candidate] = []
    rest = [_Candidate(e, frozenset(stems(e.sentence)), _about(e, names)) for e in ordered[: KEPT_MAX * 8]]
    while rest and len(picked) < KEPT_MAX:
        best = max(rest, key=lambda one: one.evidence.score * _freshness(one, picked))
        picked.append(best)
        rest = [one for one in rest if not _alike(one, best)]
    return [one.evidence for one in picked]


@dataclass(frozen=True, slots=True)
class _Candidate:
    evidence: Evidence
    bag: Bag
    things: frozenset[str]


def _about(evidence: Evidence, names: Names) -> frozenset[str]:
    return frozenset([*names.within(evidence.sentence), evidence.subject]) - {""}


def _freshness(one: _Candidate, picked: Sequence[_Candidate]) -> float:
    """Less than 1 for a document that was quoted already, and for a thing that was spoken of."""
    documents = sum(one.evidence.citation.path == other.evidence.citation.path for other in picked)
    things = sum(not one.things.isdisjoint(other.things) for other in picked)
    return SAME_DOCUMENT**documents * SAME_THING**things


def _alike(one: _Candidate, other: _Candidate) -> bool:
    """Whether the two say the same; what is said of different things may be put more alike."""
    return jaccard(one.bag, other.bag) >= (SAME_MAX if one.things == other.things else SAME_OF_OTHERS_MAX)
