"""Mentions: where the documents hold a word of the question, in prose or outside of it.  Pure.

A document is searched in the text that was read of it, with its code, tables, tags and navigation:
only a word that stands nowhere in there is a word that no document mentions.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from scr.apps.research.text.english import COMMON_CAPITALS, IRREGULAR, STOP_WORDS
from scr.apps.research.text.names import name_tokens
from scr.apps.research.text.terms import NUMBER_GOES_ON, composed, folded, stem
from scr.values import Frozen

FORM_MAX = 40
PREFIX_MIN = 3
_TOKEN = re.compile(rf"[^\W_]+{NUMBER_GOES_ON}")
_BEFORE = re.compile(r"[^\W_]*\Z")
_BEFORE_DIGIT = re.compile(r"(?:[^\W_]|(?<=\d)[.,:](?=\d|\Z))*\Z")
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|nbsp|#39|#x27);)#?\w+;")
_DIVIDED = re.compile(r"(?<=[^\W\d_])-\n[ \t]*([^\W\d_]+)")


class Mention(Frozen):
    """A place of a document that holds a word of the question.

    `form` is the word as it stands there.  `whole` is false where that is another word: one that
    only contains the word, or that shares no more than a stem with a name.
    """

    word: str
    form: str
    path: str
    line: int
    whole: bool


def names_in(question: str) -> dict[str, str]:
    """Return the names in a question: lower-cased, with how each is written.

    A question that is written in capitals, or like a title, shows no names.
    """
    written = [part for name in name_tokens(question) for part in _TOKEN.findall(name)]
    if question.isupper() or any(part.istitle() and len(part) > 1 and part.lower() in STOP_WORDS for part in written):
        return {}
    return {part.lower(): part for part in written if part.lower().removesuffix("s") not in COMMON_CAPITALS}


def find(asked: Collection[str], names: Collection[str], texts: Iterable[tuple[str, str]]) -> dict[str, Mention]:
    """Return the best mention of each word in documents, given as (path, text); a word without one is left out."""
    found: dict[str, Mention] = {}
    open_words = set(asked)
    for path, text in texts:
        if not open_words:
            break
        for body in _bodies(path, text):
            plain = folded(body)
            for word in sorted(open_words):
                mention = _best(word, path, body, plain, is_name=word in names)
                if mention and (mention.whole or word not in found):
                    found[word] = mention
            open_words -= {word for word in open_words if word in found and found[word].whole}
    return found


def unsaid(asked: Collection[str], names: Collection[str], texts: Iterable[str]) -> tuple[str, ...]:
    """Return the words that no text says in any form; a name counts as said where it is written as a name."""
    tokens = {token: folded(token) for text in texts for token in _TOKEN.findall(composed(text))}
    spoken = frozenset(tokens.values())
    named = frozenset(plain for token, plain in tokens.items() if not token.islower())
    return tuple(
        word
        for word in asked
        if not any(
            _is_form(_core(word), token, is_name=word in names) for token in (named if word in names else spoken)
        )
    )


def _bodies(path: str, text: str) -> Iterator[str]:
    """Yield the text of a document, then with its entities for letters resolved, and with its divided words joined."""
    yield text
    if path.lower().endswith((".html", ".md")) and _ENTITY.search(text):
        yield _ENTITY.sub(lambda entity: html.unescape(entity[0]).replace("\n", " "), text)
    if "-\n" in text:
        yield _DIVIDED.sub(r"\1\n", text)


def _best(word: str, path: str, body: str, plain: str, *, is_name: bool) -> Mention | None:
    """Return a whole mention of the word in one text, or else the first that is not."""
    core = _core(word)
    first: tuple[int, str] | None = None
    for start, end in _hits(core, plain):
        token = plain[start:end]
        if _is_form(core, token, is_name=is_name):
            return _mention(word, path, body, plain, (start, token), whole=True)
        if first is None and _resembles(core, token):
            first = start, token
    return _mention(word, path, body, plain, first, whole=False) if first else None


def _hits(core: str, plain: str) -> Iterator[tuple[int, int]]:
    """Yield where the words begin and end that begin as forms of the word do, or hold it; a long one is cut."""
    for prefix in _prefixes(core):
        beginning = _BEFORE_DIGIT if prefix[0].isdigit() else _BEFORE
        at = plain.find(prefix)
        while at >= 0:
            before = beginning.search(plain, max(0, at - FORM_MAX), at)
            after = _TOKEN.match(plain, at, at + len(prefix) + FORM_MAX)
            end = after.end() if after else at + len(prefix)
            yield before.start() if before else at, end
            at = plain.find(prefix, end)


def _mention(word: str, path: str, body: str, plain: str, found: tuple[int, str], *, whole: bool) -> Mention:
    start, token = found
    number = plain.count("\n", 0, start)
    line = body.split("\n", number + 1)[number]
    form = next((written for written in _TOKEN.findall(line) if folded(written) == token), token)
    return Mention(word=word, form=form, path=path, line=number + 1, whole=whole)


def _resembles(core: str, token: str) -> bool:
    """Tell whether a token holds the word, or shares a stem with it.  Digits are no part of more digits."""
    if core[0].isdigit() and core[-1].isdigit():
        return re.search(rf"(?<!\d){re.escape(core)}(?!\d)", token) is not None
    return core in token or stem(token) in _stems(core)


def _core(word: str) -> str:
    """Return the folded word; of one with an apostrophe its longest part."""
    return max(_TOKEN.findall(folded(word)), key=len, default=word)


def _is_form(core: str, token: str, *, is_name: bool) -> bool:
    """Tell whether a folded token is a form of the word.  A name has no more forms than its plural."""
    if is_name:
        return token in {core, f"{core}s", f"{core}es"}
    return stem(token) in _stems(core)


@lru_cache(maxsize=1024)
def _stems(core: str) -> frozenset[str]:
    """Return the stems of all forms of a word, irregular ones included."""
    own = stem(core)
    return frozenset({own}).union(*(group for group in _irregular() if own in group))


@lru_cache(maxsize=1)
def _irregular() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(stem(form) for form in group) for group in IRREGULAR)


@lru_cache(maxsize=1024)
def _prefixes(core: str) -> tuple[str, ...]:
    """Return the beginnings that the forms of a word share, and the word itself, which others may hold."""
    forms = sorted(_stems(core))
    return tuple(
        dict.fromkeys([*(form[:-1] if len(form) > PREFIX_MIN and form[-1] in "ye" else form for form in forms), core])
    )
