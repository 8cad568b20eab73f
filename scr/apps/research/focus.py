"""The focus of a run: which words of the question carry how much, and how near a text comes to them.

Words that few passages hold weigh more (inverse document frequency); a word that no
document holds, nor another word for the same thing, weighs most, so that a question about
something else is seen to be one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from scr.apps.research import question as questions
from scr.apps.research.text.names import Names
from scr.apps.research.text.terms import FAMILY_WEIGHT, family, is_term, stem, terms, words

RELEVANCE_MIN, ON_FACET_MIN = 0.42, 0.34
ANSWER_MIN, TOUCHED_MIN = 0.55, 0.51
TERMS_COUNTED = 7
PASSAGES_ASSUMED = 50
TITLE_CREDIT, PASSAGE_CREDIT = 0.75, 0.4


class TermCounts(Protocol):
    """What the focus asks of an index."""

    def count(self, term: str) -> int:
        """How many passages hold the term."""


@dataclass(frozen=True, slots=True)
class FocusTerm:
    """A word of the question.  `found` is the number of passages that hold it."""

    word: str
    stem: str
    kin: frozenset[str]
    weight: float
    found: int


@dataclass(frozen=True, slots=True)
class Focus:
    """The question's words with their weights, and the kind of answer that it wants."""

    terms: tuple[FocusTerm, ...]
    wanted: questions.Wanted

    @property
    def words(self) -> tuple[str, ...]:
        """The question's own words that carry meaning."""
        return tuple(term.word for term in self.terms)

    @property
    def stems(self) -> frozenset[str]:
        """Their stems."""
        return frozenset(term.stem for term in self.terms)

    @property
    def missing(self) -> tuple[str, ...]:
        """The words that no document holds."""
        return tuple(term.word for term in self.terms if term.found == 0)

    def relevance(self, sentence: Bag, titles: Bag = frozenset(), passage: Bag = frozenset()) -> float:
        """How much of the question a sentence in its place covers: 0 nothing, 1 every word."""
        total = sum(term.weight for term in self.terms)
        if not total:
            return 0.0
        covered = sum(term.weight * _credit(term, sentence, titles, passage) for term in self.terms)
        long = max(1.0, len(self.terms) / TERMS_COUNTED)
        return round(min(1.0, covered / total * long), 4)

    def touched(self, passage: Bag, titles: Bag) -> float:
        """The share of the question's words that a passage and its titles hold, rare or not."""
        held = (_credit(term, passage, titles, frozenset()) for term in self.terms)
        return sum(held) / len(self.terms) if self.terms else 0.0

    def named(self, names: Names) -> tuple[str, ...]:
        """The names among the question's words that the documents hold."""
        return tuple(term.word for term in self.terms if term.found and term.word in names)


Bag = frozenset[str]


def focus_on(question: str, index: TermCounts, passages: int) -> Focus:
    """The focus of a cleaned question in an index of so many passages."""
    asked = questions.matter(question)
    measure = set(terms(asked)).difference(terms(questions.subject(question)))
    counted = {word: index.count(word) for word in terms(asked) or [w for w in words(asked) if not is_term(w)]}
    found = {word: n for word, n in counted.items() if n or word not in measure}
    weighed = {word: n or _kin_count(word, index) for word, n in found.items()}
    return Focus(
        tuple(
            FocusTerm(word, stem(word), family(word), _weight(weighed[word], passages), found[word]) for word in found
        ),
        questions.wanted(question),
    )


def has_kin(word: str, index: TermCounts) -> bool:
    """Tell whether any passage holds another word for the same thing."""
    return _kin_count(word, index) > 0


def _kin_count(word: str, index: TermCounts) -> int:
    return max((index.count(other) for other in sorted(family(word))), default=0)


def _weight(found: int, passages: int) -> float:
    """Inverse document frequency.  Each folder counts as a little larger than it is: few passages prove little."""
    passages += PASSAGES_ASSUMED
    return round(math.log(1 + (passages - found + 0.5) / (found + 0.5)), 6)


def _credit(term: FocusTerm, sentence: Bag, titles: Bag, passage: Bag) -> float:
    if term.stem in sentence:
        return 1.0
    return max(
        TITLE_CREDIT if term.stem in titles else 0.0,
        FAMILY_WEIGHT if term.kin & sentence else 0.0,
        PASSAGE_CREDIT if term.stem in passage else 0.0,
        PASSAGE_CREDIT * FAMILY_WEIGHT if term.kin & (titles | passage) else 0.0,
    )
