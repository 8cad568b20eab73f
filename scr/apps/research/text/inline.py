"""Markup within a line: links, emphasis, code, roles and tags become the words that a reader sees.  Pure.

A paragraph is cleaned as a whole, because links and emphasis run over line ends, and the
number of its lines stays the same, because citations are by line.  Every pattern is bounded
in what it looks at: documents are made by anybody, and none may keep a reader busy for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from scr.apps.research.text.blocks import LINE_MAX

_MARKDOWN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kept)
    for pattern, kept in (
        (r"!\[[^\[\]]{0,400}\](?:\([^()]{0,400}\)|\[[^\[\]]{0,80}\])", ""),
        (r"\{[\w:+.-]{1,60}\}`(?:~[\w.]{0,200}\.)?([^`<]{1,400}?)\s{0,9}(?:<[^`>]{0,400}>)?`", r"\1"),
        (r"\[\^[^\[\]]{1,80}\]:?", ""),
        (r"\[((?:[^\[\]]|\[[^\[\]]{0,80}\]){0,400})\]\([^()]{0,400}(?:\([^()]{0,200}\)[^()]{0,200}){0,4}\)", r"\1"),
        (r"\[([^\[\]]{1,400})\]\[[^\[\]]{0,80}\]", r"\1"),
        (r"<(?:https?|mailto):[^>\s]{0,400}>", ""),
        (r"`+([^`]+)`+", r"\1"),
        (r"</?[a-zA-Z][^<>]{0,800}>", ""),
        (r"(\*\*|__)(?=[^\s*_])([^*_]+)(?<=[^\s])\1", r"\2"),
        (r"(?<![\w*])\*(?=[^\s*])([^*]+)(?<=[^\s])\*(?![\w*])", r"\1"),
        (r"(?<![\w_])_(?=[^\s_])([^_]+)(?<=[^\s])_(?![\w_])", r"\1"),
        (r"~~([^~]+)~~", r"\1"),
        (r"\{[.#:][^{}]{0,200}\}", ""),
        (r"\\([!-/:-@\[-`{-~])", r"\1"),
    )
)
_RST: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kept)
    for pattern, kept in (
        (
            r":[\w:+.-]{1,60}:`(?:[~!][\w.]{0,200}\.(?=\w{1,200}`)|[~!])?([^`<]{1,400}?)\s{0,9}(?:<[^`>]{0,400}>)?`",
            r"\1",
        ),
        (r"``([^`]+)``", r"\1"),
        (r"`([^`<]{1,400}?)\s{0,9}<[^`>]{0,400}>`_{0,2}", r"\1"),
        (r"`([^`]+)`_{0,2}", r"\1"),
        (r"\[[#*\w.-]{1,80}\]_", ""),
        (r"\|([^|\s][^|\n]{0,200})\|_{0,2}", r"\1"),
        (r"\*\*(?=[^\s*])([^*]+)(?<=[^\s])\*\*", r"\1"),
        (r"(?<![\w*])\*(?=[^\s*])([^*]+)(?<=[^\s])\*(?![\w*])", r"\1"),
        (r"(?<=\w)__?(?=[\s.,;:)]|$)", ""),
        (r"\\(?=\s)", ""),
        (r"\\([!-/:-@\[-`{-~])", r"\1"),
    )
)


def markdown(text: str) -> str:
    """The words of a Markdown paragraph."""
    return unescape(_apply(_MARKDOWN, text)).replace("\xa0", " ")


def rst(text: str) -> str:
    """The words of a reStructuredText paragraph."""
    return _apply(_RST, text).replace("\xa0", " ")


def clean_lines(lines: list[tuple[int, str]], cleaner: Callable[[str], str]) -> list[tuple[int, str]]:
    """Numbered lines cleaned as one paragraph.  A line longer than any prose is data, and left out."""
    prose = [(number, text) for number, text in lines if len(text) <= LINE_MAX]
    cleaned = cleaner("\n".join(text for _, text in prose)).split("\n")
    return [(number, text) for (number, _), text in zip(prose, cleaned, strict=False)]


def _apply(rules: tuple[tuple[re.Pattern[str], str], ...], text: str) -> str:
    for pattern, kept in rules:
        text = pattern.sub(lambda match, kept=kept: _keep_lines(match, kept), text)  # type: ignore[misc]
    return text


def _keep_lines(match: re.Match[str], kept: str) -> str:
    """The replacement, with as many line ends as it replaces."""
    shown = match.expand(kept)
    return shown + "\n" * (match[0].count("\n") - shown.count("\n"))
