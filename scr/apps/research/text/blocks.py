"""What every markup language comes down to: headings, and paragraphs of lines with their numbers.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

LINE_MAX = 10_000
LINES_MAX = 100


@dataclass(frozen=True, slots=True)
class Heading:
    """A title and the line that it stands on."""

    title: str
    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or a list item: numbered lines of clean text, under a chain of headings, outermost first.

    `item` says that it came from a list: neighbouring items make one passage.
    """

    lines: tuple[tuple[int, str], ...]
    headings: tuple[Heading, ...] = ()
    item: bool = False


@dataclass(slots=True)
class Outline:
    """Collects the blocks of one document while a reader walks over it.  Never shared."""

    blocks: list[Block] = field(default_factory=list)
    _chain: list[tuple[int, Heading]] = field(default_factory=list)

    def heading(self, level: int, title: str, line: int) -> None:
        """A title: what follows belongs to it, until one of the same level or above."""
        title = " ".join(title.split())
        if title:
            self._chain = [entry for entry in self._chain if entry[0] < level]
            self._chain.append((level, Heading(title, line)))

    def add(self, lines: list[tuple[int, str]], *, item: bool = False) -> None:
        """A paragraph; what has no text and what is too long to be prose is dropped, a very long one is divided."""
        kept = [(number, " ".join(text.split())) for number, text in lines if text.strip() and len(text) <= LINE_MAX]
        chain = tuple(heading for _, heading in self._chain)
        for first in range(0, len(kept), LINES_MAX):
            self.blocks.append(Block(tuple(kept[first : first + LINES_MAX]), chain, item))
