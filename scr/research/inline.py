"""Markup within a line: links, emphasis, code, roles and tags become the words that a reader sees.  Pure.

A paragraph is cleaned as a whole, because links and emphasis run over line ends, and the
number of its lines stays the same, because citations are by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

_MARKDOWN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), kept)
    for pattern, kept in (
        (r"<!--.*?-->", ""),
        (r"!\[[^\]]*\]\([^)]*\)", ""),
        (r"!\[[^\]]*\]\[[^\]]*\]", ""),
        (r"\{[\w:+.-]+\}`(?:~[\w.]*\.)?([^`<]+?)\s*(?:<[^`>]*>)?`", r"\1"),
        (r"\[\^[^\]]+\]:?", ""),
        (r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\([^()]*(?:\([^()]*\)[^()]*)*\)", r"\1"),
        (r"\[([^\[\]]+)\]\[[^\]]*\]", r"\1"),
        (r"<(?:https?|mailto):[^>\s]*>", ""),
        (r"(`+)(.+?)\1", r"\2"),
        (r"</?[a-zA-Z][^<>]*>", ""),
        (r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2"),
        (r"(?<![\w*])\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\w*])", r"\1"),
        (r"(?<![\w_])_(?=[^\s_])(.+?)(?<=[^\s_])_(?![\w_])", r"\1"),
        (r"~~(.+?)~~", r"\1"),
        (r"\{[.#:][^{}]*\}", ""),
        (r"\\([!-/:-@\[-`{-~])", r"\1"),
    )
)
_RST: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), kept)
    for pattern, kept in (
        (r":[\w:+.-]+:`(?:[~!][\w.]*\.(?=\w+`)|[~!])?([^`<]+?)\s*(?:<[^`>]*>)?`", r"\1"),
        (r"``(.+?)``", r"\1"),
        (r"`([^`<]+?)\s*<[^`>]*>`_{0,2}", r"\1"),
        (r"`([^`]+)`_{0,2}", r"\1"),
        (r"\[[#*\w.-]+\]_", ""),
        (r"\|([^|\s][^|\n]*)\|_{0,2}", r"\1"),
        (r"\*\*(?=\S)(.+?)(?<=\S)\*\*", r"\1"),
        (r"(?<![\w*])\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\w*])", r"\1"),
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
    """Numbered lines cleaned as one paragraph."""
    cleaned = cleaner("\n".join(text for _, text in lines)).split("\n")
    return [(number, text) for (number, _), text in zip(lines, cleaned, strict=False)]


def _apply(rules: tuple[tuple[re.Pattern[str], str], ...], text: str) -> str:
    for pattern, kept in rules:
        text = pattern.sub(lambda match, kept=kept: _keep_lines(match, kept), text)  # type: ignore[misc]
    return text


def _keep_lines(match: re.Match[str], kept: str) -> str:
    """The replacement, with as many line ends as it replaces."""
    shown = match.expand(kept)
    return shown + "\n" * (match[0].count("\n") - shown.count("\n"))
