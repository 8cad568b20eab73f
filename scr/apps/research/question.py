"""The question: what a person may ask, cleaned, and what kind of answer it wants.  Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum

from scr.apps.research.text.terms import WORD, composed
from scr.errors import InvalidInput

LENGTH_MAX = 2000


class Wanted(StrEnum):
    """What a direct answer to the question looks like."""

    DEFINITION = "definition"
    REASON = "reason"
    DATE = "date"
    NUMBER = "number"
    MANNER = "manner"
    ANYTHING = "anything"


ORDER = re.compile(
    r"(?:please )?(?:research|investigate|summari[sz]e|analy[sz]e|find out|show me|list) (?=\w)", re.IGNORECASE
)
OPENINGS: tuple[tuple[str, Wanted], ...] = (
    (r"what (?:is|are|was|were) (?:an? |the )?[\w .-]{2,40}\?*$|define |what does .* mean\b", Wanted.DEFINITION),
    (r"why\b|what causes?\b", Wanted.REASON),
    (r"when (?:was|were|did|is|has)\b|(?:in )?(?:what|which) year\b|since when\b", Wanted.DATE),
    (r"how (?:many|much|long|often|fast|large|big|old)\b", Wanted.NUMBER),
    (r"how\b|what do(?:es)? .* do\b|what happens\b|in what way\b", Wanted.MANNER),
)
_JOINT = r"(?:[,;.?!](?: (?:and|or|but))?| and| or| but)\s+"
_ASKS = (
    r"(?:(?:in|at|to|on|from|for) )?"
    r"(?:what|how|why|when|where|which|who|whose|is|are|does|do|did|can|should)\b"
)
JOINTS = (re.compile(rf"{_JOINT}(?={_ASKS})", re.IGNORECASE), re.compile(_JOINT, re.IGNORECASE))
"""Where a question falls into parts: between clauses that ask, and between any that are joined."""
MEASURE = re.compile(r"\bhow (?:long|often|fast|large|big|old)\b", re.IGNORECASE)
ANSWERS: dict[Wanted, re.Pattern[str]] = {
    Wanted.DEFINITION: re.compile(r"\b(?:is|are|was|were) (?:an?|the)\b|\bmeans\b|\brefers to\b"),
    Wanted.REASON: re.compile(
        r"\b(?:because|since|so that|therefore|due to|in order to|reason|causes?d?)\b", re.IGNORECASE
    ),
    Wanted.DATE: re.compile(r"\b(?:1[89]|20)\d\d\b"),
    Wanted.NUMBER: re.compile(
        r"\b(?:\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|twice|once)\b", re.IGNORECASE
    ),
    Wanted.MANNER: re.compile(r"\b(?:by|when|whenever|after|if|once|until|through|from|so that|then)\b", re.IGNORECASE),
}


def clean(question: str) -> str:
    """The question on one line.  Raises InvalidInput when it is empty, too long or has no words."""
    text = composed(" ".join(question.encode(errors="replace").decode().split()))
    if not text:
        raise InvalidInput("the question is empty: ask something, for instance 'How do agents recover from crashes?'")
    if len(question) > LENGTH_MAX:
        raise InvalidInput(
            f"the question has {len(question)} characters, the limit is {LENGTH_MAX}: "
            "ask one question, and put background into a document"
        )
    if not re.search(r"\w\w", text):
        raise InvalidInput(f"the question {text[:80]!r} holds no word: ask in words")
    return "".join(character for character in text if character.isprintable())


def matter(question: str) -> str:
    """The question without the order that it may begin with: "Research AI agents" is about AI agents."""
    return ORDER.sub("", question)


def subject(question: str) -> str:
    """Return the matter of the question without the measure that it asks for: the words that an answer repeats."""
    return MEASURE.sub("how", matter(question))


def divisions(question: str) -> Iterator[tuple[str, ...]]:
    """Yield the parts of a question, larger ones first: "How does it start and end, and why?" has two, then three."""
    for joint in JOINTS:
        parts = tuple(part for part in joint.split(question) if re.search(r"\w", part))
        if len(parts) > 1:
            yield parts


def without(question: str, unknown: Collection[str]) -> str:
    """Return the question without these words, which are lower-cased."""
    kept = WORD.sub(lambda word: "" if word[0].lower().replace("\u2019", "'") in unknown else word[0], question)
    return " ".join(kept.split())


def wanted(question: str) -> Wanted:
    """The kind of answer that the question's opening asks for."""
    lowered = question.lower().strip()
    return next((kind for opening, kind in OPENINGS if re.match(opening, lowered)), Wanted.ANYTHING)


def answers(sentence: str, kind: Wanted) -> bool:
    """Whether the sentence has the form of such an answer."""
    pattern = ANSWERS.get(kind)
    return pattern is None or pattern.search(sentence) is not None


def defines(sentence: str, asked: Sequence[str]) -> bool:
    """Whether the sentence has the form of a definition of these words: "Durable execution means …"."""
    opening = re.match(
        r"(?:an? |the )?(.{3,60}?)(?:,.*,)? (?:is|are|was|were|means|refers to|describes)\b", sentence, re.IGNORECASE
    )
    return opening is not None and opening[1].lower().split() == list(asked)
