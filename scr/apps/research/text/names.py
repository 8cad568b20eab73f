"""Names: which words of a set of texts name a thing (a product, a person, a place).  Pure.

A name is told by how it is written in the middle of sentences: with a capital, more often
than without.  What begins a sentence tells little and counts once.  Words written like
`LangGraph` or `DBOS` are names wherever they stand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from scr.apps.research.text.english import COMMON_CAPITALS, STOP_WORDS

_TOKEN = re.compile(r"[^\W_](?:[\w.+#-]*[^\W_+]|[+#]{1,2})?[+#]{0,2}")
_MARKED = re.compile(r"(?:[a-z]+|[A-Z][a-z]+)[A-Z]\w*|[A-Z]{3,6}s?$|[A-Z][A-Z0-9]*[A-Z]\w*$")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s+|[\n(\[\"\u201c'\u2018\u2022\u2013\u2014]\s*)$")
PHRASE_WORDS_MAX = 4
USES_MIN, FIRST_MAX = 2, 1


@dataclass(frozen=True, slots=True)
class Names:
    """The names found in some texts: lower-cased -> how it is written.  `phrases` are names of several words."""

    written: Mapping[str, str]
    phrases: Mapping[str, str]

    def __contains__(self, word: str) -> bool:
        return word.lower() in self.written

    def within(self, text: str) -> list[str]:
        """The names in a text, in order, without repetition, each as it is usually written."""
        found: list[str] = []
        tokens = list(_TOKEN.finditer(text))
        n = 0
        while n < len(tokens):
            length = self._length_at(tokens, n, text)
            if length:
                found.append(self._written(text[tokens[n].start() : tokens[n + length - 1].end()]))
            n += max(length, 1)
        return list(dict.fromkeys(found))

    def _length_at(self, tokens: list[re.Match[str]], n: int, text: str) -> int:
        """Of how many words the name that begins here is made; 0 when none begins here."""
        if not tokens[n][0][0].isupper() and not _MARKED.match(tokens[n][0]):
            return 0
        for length in range(min(PHRASE_WORDS_MAX, len(tokens) - n), 1, -1):
            if text[tokens[n].start() : tokens[n + length - 1].end()].lower() in self.phrases:
                return length
        return int(_bare(tokens[n][0]).lower() in self.written)

    def _written(self, text: str) -> str:
        text = _bare(text)
        return self.phrases.get(text.lower()) or self.written.get(text.lower(), text)


class Gathering:
    """Counts how words are written, text by text."""

    def __init__(self) -> None:
        self._capital: Counter[str] = Counter()
        self._first: Counter[str] = Counter()
        self._small: Counter[str] = Counter()
        self._phrases: Counter[str] = Counter()

    def read(self, text: str) -> None:
        """Count the words of one text."""
        run: list[str] = []
        run_end = -2
        for match in _TOKEN.finditer(text):
            token = _bare(match[0])
            if not (token[0].isupper() or _MARKED.match(token)):
                self._small[token] += 1
                continue
            adjoins = run_end + 1 == match.start() and text[run_end] == " "
            self._phrase(run if not adjoins else [])
            run, run_end = ([*run[-PHRASE_WORDS_MAX:], token] if adjoins else [token]), match.end()
            if not adjoins and not _MARKED.match(token) and _starts_sentence(text, match.start()):
                run = []
                self._first[token.lower()] += 1
            elif token.lower() not in COMMON_CAPITALS and token.lower() not in STOP_WORDS and len(token) > 1:
                self._capital[token] += 1
        self._phrase(run)

    def names(self) -> Names:
        """The words that are written with a capital more often than without."""
        capital = _by_lower(self._capital)
        small = Counter({word.lower(): 0 for word in capital})
        for word, count in self._small.items():
            small[word.lower()] += count
        written = {
            word: usual
            for word, (count, usual) in sorted(capital.items())
            if count + min(self._first[word], FIRST_MAX) >= USES_MIN and count > 2 * small[word]
        }
        phrases = {
            phrase: usual
            for phrase, (count, usual) in sorted(_by_lower(self._phrases).items())
            if count >= USES_MIN and any(word in written for word in phrase.split())
        }
        return Names(written, phrases)

    def _phrase(self, run: list[str]) -> None:
        if 1 < len(run) <= PHRASE_WORDS_MAX and run[0].lower() not in STOP_WORDS:
            self._phrases[" ".join(run)] += 1


def name_tokens(text: str) -> list[str]:
    """The words of a claim that look like names: these must stand in what it cites.  The first word only if marked."""
    tokens = list(_TOKEN.finditer(text))
    return [
        _bare(match[0])
        for match in tokens
        if (match[0][0].isupper() and not _starts_sentence(text, match.start())) or _MARKED.match(match[0])
    ]


def _by_lower(counts: Counter[str]) -> dict[str, tuple[int, str]]:
    """Lower-cased word -> how often it is written, and its usual form."""
    found: dict[str, tuple[int, int, str]] = {}
    for word, count in sorted(counts.items()):
        total, most, usual = found.get(word.lower(), (0, 0, word))
        found[word.lower()] = (total + count, max(most, count), word if count > most else usual)
    return {word: (total, usual) for word, (total, _, usual) in found.items()}


def _bare(token: str) -> str:
    return token.removesuffix("'s").removesuffix("\u2019s").rstrip(".")


def _starts_sentence(text: str, start: int) -> bool:
    return _SENTENCE_START.search(text[max(0, start - 6) : start]) is not None
