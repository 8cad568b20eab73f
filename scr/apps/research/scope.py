"""The scope: how much of a question the documents can answer, word by word and part by part."""

from __future__ import annotations

from collections.abc import Iterator

from scr.apps.research import question as questions
from scr.apps.research.focus import Focus, has_kin
from scr.apps.research.text import mentions
from scr.apps.research.text.english import EMPTY_NOUNS
from scr.apps.research.text.index import Index
from scr.apps.research.text.mentions import Mention
from scr.apps.research.text.terms import terms
from scr.values import Frozen

KNOWN_MIN = 2
PARTS_TRIED_MAX = 8


class Scope(Frozen):
    """The words of a question that no passage holds.

    `missing` are in no document, `elsewhere` in some document but in none of its passages.
    `set_aside` are those of both for which the passages hold no other word either.
    """

    missing: tuple[str, ...] = ()
    elsewhere: tuple[Mention, ...] = ()
    set_aside: frozenset[str] = frozenset()

    def rest_of(self, part: str, *, is_whole: bool) -> str:
        """Return a part of the question without the words set aside; empty when too little is left of it."""
        asked = terms(questions.subject(part))
        if is_whole and self.set_aside.isdisjoint(asked):
            return part
        asked = [word for word in asked if word not in EMPTY_NOUNS]
        unknown = [word for word in asked if word in self.set_aside]
        known = len(asked) - len(unknown)
        return questions.without(part, self.set_aside) if known >= max(KNOWN_MIN, len(unknown)) else ""


def scope_of(focus: Focus, question: str, index: Index) -> Scope:
    """Return the scope of the documents for a question with this focus."""
    names = mentions.names_in(question)
    prose = mentions.find(focus.words, names, index.prose())
    unknown = [word for word in focus.words if word not in prose or not prose[word].whole]
    found = mentions.find(unknown, names, index.documents())
    return Scope(
        missing=tuple(word for word in unknown if word not in found),
        elsewhere=tuple(found[word] for word in unknown if word in found),
        set_aside=frozenset(word for word in unknown if not has_kin(word, index)),
    )


def candidates(question: str, scope: Scope) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what may be researched, the most first: the whole, then its parts, each with the parts left out.

    There is nothing to research where too few words of the whole are known.
    """
    rest = scope.rest_of(question, is_whole=True)
    if not rest:
        return
    yield rest, ()
    for parts in questions.divisions(question):
        for part in sorted(parts, key=lambda part: -len(terms(part)))[:PARTS_TRIED_MAX]:
            if rest := scope.rest_of(part, is_whole=False):
                yield rest, tuple(other for other in parts if other != part)
