"""Names: which words of a set of texts name a thing (a product, a person, a place).  Pure.

A name is told by how it is written in the middle of sentences: with a capital, more often
than without.  Words written like `LangGraph` or `DBOS` are names wherever they stand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from scr.research.terms import STOP_WORDS

_TOKEN = re.compile(r"[^\W_](?:[\w.+#-]*[^\W_+]|[+#]{1,2})?[+#]{0,2}")
_MARKED = re.compile(r"(?:[a-z]+|[A-Z][a-z]+)[A-Z]\w*|[A-Z]{3,6}s?$|[A-Z][A-Z0-9]*[A-Z]\w*$")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s+|[\n(\[\"“'‘•–—]\s*)$")
_GENERIC = frozenset(
    """
    january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday i ok api apis http https json xml yaml toml html css url urls uri id ids cpu cpus gpu
    gpus ram io i/o os sql ssl tls tcp udp ip dns ssh cli gui ui sdk ide pdf csv ascii utf-8 utf utc eof faq rfc todo note
    warning null none true false get post put delete patch head pid pids uid ttl lts llm llms ai ml rest rpc crud orm mit
    bsd gpl readme pr prs ci cd english american european internet chapter section figure table appendix page part step
    example see if in on at the a an for with when while since after before although because as it its this that these
    those however each every all some most many no not my our your their his her once until unless also both like
    acm ieee usa uk eu nyi tbd fifo lifo sigkill sigterm sigint sighup sigstop sigcont fifos ipc raii dry
    """.split()
)
_VOWELLESS = 6


@dataclass(frozen=True, slots=True)
class Names:
    """The names found in some texts: lower-cased word -> how it is written."""

    written: dict[str, str]

    def __contains__(self, word: str) -> bool:
        return word.lower() in self.written

    def within(self, text: str) -> list[str]:
        """The names in a text, as they are written there, in order, neighbours joined, without repetition."""
        found: list[str] = []
        last_end = -2
        for match in _TOKEN.finditer(text):
            token = match[0].removesuffix("'s")
            if token.lower() not in self.written or not (token[0].isupper() or _MARKED.match(token)):
                continue
            if found and last_end + 1 == match.start() and text[last_end] == " ":
                found[-1] = f"{found[-1]} {token}"
            else:
                found.append(token)
            last_end = match.end()
        return list(dict.fromkeys(found))


def gather(texts: Iterable[str]) -> Names:
    """The names in these texts, told by how they are written in the middle of sentences."""
    capital: Counter[str] = Counter()
    small: Counter[str] = Counter()
    written: dict[str, Counter[str]] = {}
    for text in texts:
        for match in _TOKEN.finditer(text):
            token = match[0]
            lowered = token.lower()
            if lowered in _GENERIC or lowered in STOP_WORDS or token[0].isdigit() or len(token) < 2:
                continue
            marked = _MARKED.match(token) is not None
            if token[0].islower() and not marked:
                small[lowered] += 1
            elif marked or not _SENTENCE_START.search(text[max(0, match.start() - 6) : match.start()]):
                capital[lowered] += 1
                written.setdefault(lowered, Counter())[token] += 1
    names = (word for word in capital if capital[word] >= 2 and capital[word] > 2 * small[word])
    return Names({word: max(sorted(written[word].items()), key=lambda item: item[1])[0] for word in sorted(names)})


def name_tokens(text: str) -> list[str]:
    """The words of a claim that look like names: these must stand in what it cites.  The first word only if marked."""
    tokens = list(_TOKEN.finditer(text))
    return [
        match[0].removesuffix("'s").removesuffix("’s")
        for match in tokens
        if (match[0][0].isupper() and not _SENTENCE_START.search(text[max(0, match.start() - 6) : match.start()]))
        or _MARKED.match(match[0])
    ]
