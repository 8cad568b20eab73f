"""Words and what they have in common: tokens, stop words, stems, families.  Pure.

The stemmer is lighter than the index's Porter stemmer and keeps apart what people keep
apart (`worker` and `work`), but brings `recovery` and `recover` together.  Families are
words that documents about software use for the same thing; a match through a family
counts less than the word itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from scr.apps.research.text.english import FAMILIES, STOP_WORDS

NUMBER_GOES_ON = r"(?:(?<=\d)[.,:](?=\d)[^\W_]+)*"
WORD = re.compile(rf"[^\W_]+{NUMBER_GOES_ON}(?:['\u2019][^\W_]+)?")
FAMILY_WEIGHT = 0.6
_MARKS = re.compile("[\u0300-\u036f\u00ad\u200b-\u200d\u2060\ufeff]")
_SUFFIXES: tuple[tuple[str, str, int], ...] = (
    ("ations", "at", 4),
    ("ation", "at", 4),
    ("isors", "is", 5),
    ("isor", "is", 5),
    ("isions", "is", 5),
    ("ision", "is", 5),
    ("ions", "", 4),
    ("ion", "", 4),
    ("ities", "", 4),
    ("ity", "", 4),
    ("ences", "", 4),
    ("ence", "", 4),
    ("ments", "", 5),
    ("ment", "", 5),
    ("ingly", "", 4),
    ("edly", "", 4),
    ("ings", "", 3),
    ("ing", "", 3),
    ("sses", "ss", 2),
    ("shes", "sh", 2),
    ("ches", "ch", 2),
    ("xes", "x", 2),
    ("ies", "y", 3),
    ("ied", "y", 3),
    ("eed", "ee", 2),
    ("ed", "", 3),
    ("ates", "at", 4),
    ("ate", "at", 4),
    ("ly", "", 4),
    ("es", "", 3),
    ("s", "", 3),
    ("e", "", 3),
)
_KEEP_S = ("ss", "us", "is", "os")


def folded(text: str) -> str:
    """Return the text without differences of case, of accents and of invisible characters."""
    if text.isascii():
        return text.lower()
    return "\n".join(line.lower() if line.isascii() else _folded_line(line) for line in text.split("\n"))


def _folded_line(line: str) -> str:
    return _MARKS.sub("", unicodedata.normalize("NFKD", line.casefold())).replace("\u2019", "'")


def composed(text: str) -> str:
    """Return the text with each letter and its accent as one character, and without invisible characters."""
    return text if text.isascii() else _MARKS.sub("", unicodedata.normalize("NFC", text))


def words(text: str) -> list[str]:
    """The words of a text, lower-cased, in order."""
    return [word.replace("\u2019", "'") for word in WORD.findall(composed(text.lower()))]


def terms(text: str) -> list[str]:
    """The words that carry meaning, lower-cased, in order, without repetition."""
    return list(dict.fromkeys(word for word in words(text) if is_term(word)))


def is_term(word: str) -> bool:
    """Whether a lower-cased word says something by itself."""
    return word not in STOP_WORDS and (len(word) > 2 or any(c.isdigit() for c in word)) and not word.endswith("'s")


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The part of a lower-cased word that its forms share, without accents."""
    word = folded(word).removesuffix("'s")
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    if not word.endswith(_KEEP_S):
        for suffix, instead, least in _SUFFIXES:
            if word.endswith(suffix) and len(word) - len(suffix) >= least:
                word = word.removesuffix(suffix) + instead
                break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sle":
        word = word[:-1]
    return word[:-1] if len(word) > 5 and word[-1] in "ye" else word


@lru_cache(maxsize=1 << 12)
def stems(text: str) -> tuple[str, ...]:
    """The stems of the words that carry meaning, in order, with repetition."""
    return tuple(stem(word) for word in words(text) if is_term(word))


@lru_cache(maxsize=1 << 12)
def family(word: str) -> frozenset[str]:
    """The stems of the other words for the same thing."""
    own = stem(word)
    kin = (stems_of for stems_of in _family_stems() if own in stems_of)
    return frozenset().union(*kin) - {own}


@lru_cache(maxsize=1)
def _family_stems() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(stem(word) for word in group) for group in FAMILIES)


def jaccard(left: Iterable[str], right: Iterable[str]) -> float:
    """How much of two bags of stems is shared: 0 nothing, 1 all."""
    one, other = set(left), set(right)
    return len(one & other) / len(one | other) if one or other else 0.0
