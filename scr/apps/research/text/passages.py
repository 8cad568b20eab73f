"""Passages: paragraphs with their place in a document and the titles above them.  Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from scr.apps.research.text import markdown, restructured, webpage
from scr.apps.research.text.blocks import Block, Heading
from scr.apps.research.text.documents import Document

LENGTH_MAX = 1500
PARSERS: dict[str, Callable[[str], list[Block]]] = {
    ".md": markdown.parse,
    ".rst": restructured.parse,
    ".txt": restructured.parse,
    ".html": webpage.parse,
}


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph, or neighbouring items of one list.

    Lines of the source are joined by spaces, items by a line feed: a sentence never runs
    over a line feed.  `starts` are (offset in `text`, line number), ascending.
    """

    path: str
    headings: tuple[Heading, ...]
    text: str
    starts: tuple[tuple[int, int], ...]

    def line_at(self, offset: int) -> int:
        """The line of the document from which the character at `offset` came."""
        return self.starts[max(0, bisect_right(self.starts, (offset, 1 << 60)) - 1)][1]

    @property
    def first_line(self) -> int:
        """Of the document, from 1."""
        return self.starts[0][1]

    @property
    def last_line(self) -> int:
        """Of the document, inclusive."""
        return self.starts[-1][1]

    @property
    def titles(self) -> str:
        """The chain of titles in one string."""
        return " \u203a ".join(heading.title for heading in self.headings)


def split(document: Document) -> Iterator[Passage]:
    """The passages of one document, in order."""
    parse = PARSERS[PurePosixPath(document.path).suffix.lower()]
    group: list[Block] = []
    size = 0
    for block in parse(document.text):
        length = sum(len(text) + 1 for _, text in block.lines)
        joins = group and block.item and group[-1].item and block.headings == group[-1].headings
        if group and not (joins and size + length <= LENGTH_MAX):
            yield _passage(document.path, group)
            group, size = [], 0
        group.append(block)
        size += length
    if group:
        yield _passage(document.path, group)


def _passage(path: str, blocks: list[Block]) -> Passage:
    text = ""
    starts: list[tuple[int, int]] = []
    for block in blocks:
        text += "\n" if text else ""
        for n, (number, line) in enumerate(block.lines):
            text += " " if n else ""
            starts.append((len(text), number))
            text += line
    return Passage(path, blocks[0].headings, text, tuple(starts))
