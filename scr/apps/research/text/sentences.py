"""Sentences: where they end, which of them stand alone, and how they are tightened without changing them.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scr.apps.research.text.english import AUXILIARIES, DANGLING, LEADS, LEANING, POINTING, VERBS
from scr.apps.research.text.terms import words

LENGTH_MIN, LENGTH_MAX = 40, 320
WORDS_MIN, WORDS_MAX = 7, 52
LETTER_SHARE_MIN = 0.72
_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*(?=\s)|\n|$")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|approx|resp|incl|fig|figs|no|vol|ed|eds|al|mr|mrs|ms|dr|prof|st|jr|sr|inc|ltd|co|"
    r"jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|ver|sec|ch|pp|p|b\.c|a\.d|u\.s|u\.k)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_FOLLOWING = re.compile(r" *([^ ])")
_OTHER = re.compile(r"[\d_]|[^\w ]")
_DEBRIS = re.compile(
    r"=>|->|[{}|\\]|\w\(\w*\)\s*\w*\(|^\W*\d+[.)]\s|^\s*[-*\u2022]|\.\.\.|\u2026|\$ |https?://|^[@#]|"
    r"= ?[\w'\"]+ ?[,;]|\w/\w+/\w|\[[a-z]?\d+\]"
)
_CLAUSE_END = re.compile(
    r";|: |, (?:which|because|so|and|but|while|whereas|although|where|since|unless|even)\b| \u2013 | \u2014 "
)
_ASIDE = re.compile(r"\s*\((?:[^()]|\([^()]*\))*\)")


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence of a passage begins and ends.  A line feed ends one in any case."""
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if match[0] not in {"\n", ""} and not _ends_here(text, start, end):
            continue
        stripped = text[start:end].strip()
        if stripped:
            begin = text.index(stripped[0], start)
            yield begin, begin + len(stripped)
        start = end


def _ends_here(text: str, start: int, end: int) -> bool:
    following = _FOLLOWING.match(text, end)
    if following is None or not following[1].strip():
        return True
    if _ABBREVIATION.search(text[max(start, end - 12) : end]):
        return False
    return following[1].isupper() or following[1].isdigit() or following[1] in "\"'\u201c\u2018([`_"


def is_whole(sentence: str, names: frozenset[str] = frozenset()) -> bool:
    """Whether this looks like a full sentence of prose: no fragment, no heading, no list debris, no code.

    `names` are lower-cased words that may begin a sentence in lower case.
    """
    if not LENGTH_MIN <= len(sentence) <= LENGTH_MAX or not sentence.rstrip("\"'\u201d\u2019)]").endswith((".", "!")):
        return False
    tokens = sentence.split()
    if not WORDS_MIN <= len(tokens) <= WORDS_MAX or _DEBRIS.search(sentence):
        return False
    first = tokens[0].strip("\"'\u201c\u2018([")
    lower_start = (
        first[:1].islower() and first.lower().strip(".,:;") not in names and not re.search(r"[\d_.-]\w", first)
    )
    letters = len(sentence) - len(_OTHER.findall(sentence))
    if lower_start or letters < LETTER_SHARE_MIN * len(sentence) or not first[:1].isalnum():
        return False
    rest = " ".join(tokens[1:])
    return balanced(sentence) and has_verb(rest) and sentence.count(",") <= len(tokens) // 3


def has_verb(text: str) -> bool:
    """Whether any of its words has the form of a finite verb."""
    return any(word in AUXILIARIES or word.endswith("ed") or _base(word) in VERBS for word in words(text))


def balanced(text: str) -> bool:
    """Whether every bracket and double quote that opens also closes."""
    return (
        text.count("(") == text.count(")")
        and text.count("[") == text.count("]")
        and text.count('"') % 2 == 0
        and text.count("\u201c") == text.count("\u201d")
    )


def dangles(sentence: str) -> bool:
    """Whether it begins with a word that points at a sentence before it."""
    return DANGLING.match(_straight(sentence)) is not None


def leans(sentence: str) -> bool:
    """Whether some word in it points at what was said before, so that it says less by itself."""
    return LEANING.search(_straight(sentence)) is not None


def points_away(sentence: str) -> bool:
    """Whether it speaks of a place in its document ("the table below") that a report does not have."""
    return POINTING.search(_straight(sentence)) is not None


def without_lead(sentence: str) -> str:
    """Without a leading conjunction ("However, …"), which only ties it to the sentence before."""
    match = LEADS.match(sentence)
    rest = sentence[match.end() :].lstrip() if match else ""
    if not rest:
        return sentence
    return rest[0].upper() + rest[1:] if _is_plain(rest) else rest


def without_asides(sentence: str) -> str:
    """Without what stands in parentheses, when there is a sentence left."""
    shorter = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(_ASIDE.sub("", sentence).split()))
    return shorter if len(shorter) >= LENGTH_MIN and shorter[:1].isalnum() else sentence


def first_clause(sentence: str, length_max: int) -> str:
    """The sentence up to a place where it can end, at most `length_max` long; the whole when there is none."""
    if len(sentence) <= length_max:
        return sentence
    cuts = [match.start() for match in _CLAUSE_END.finditer(sentence)]
    fitting = [cut for cut in cuts if 30 <= cut < length_max and balanced(sentence[:cut]) and has_verb(sentence[:cut])]
    return sentence[: fitting[-1]] + "." if fitting else sentence


def _is_plain(text: str) -> bool:
    """Whether the first word may be given a capital: not an identifier."""
    return re.match(r"[a-z]+(?:[\s,']|$)", text) is not None


def _base(word: str) -> str:
    """A verb without the ending of the third person."""
    if word in VERBS:
        return word
    shorter = word.removesuffix("s")
    return shorter if shorter in VERBS else shorter.removesuffix("e")


def _straight(text: str) -> str:
    return text.replace("\u2019", "'")
