"""reStructuredText and plain text, as far as prose goes.  Pure.

Code, tables, comments and directives that hold no prose are left out; the text of notes
and of descriptions of functions and classes is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scr.apps.research.text import inline
from scr.apps.research.text.blocks import Block, Outline
from scr.apps.research.text.english import listed

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*$")
_DIRECTIVE = re.compile(r"(\s*)\.\. +(?:\|[^|]+\| +)?([\w:+.-]+?)::(?: +(.*))?$")
_COMMENT = re.compile(r"(\s*)\.\.(?:\s|$)")
_ITEM = re.compile(r"(\s*)(?:[-*+•]|\(?(?:\d{1,3}|#|[a-z])[.)])\s+(\S.*)$")
_FIELD = re.compile(r"(\s*):[\w][^:`]*:(?:\s+(.*))?$")
_TABLE = re.compile(r"\s*(?:\+[-=+]{2,}\+|\|.*\||=+(?: +=+)+)\s*$")
_SIMPLE_TABLE = re.compile(r"\s*=+(?: +=+)+\s*$")
_PROSE = listed(
    """
    note warning tip important caution danger hint attention seealso admonition versionadded versionchanged deprecated
    topic epigraph pull-quote compound container rst-class glossary versionremoved sidebar
    """
)
_SAYS = listed("note warning tip important caution danger hint attention")
_DOCUMENTED = re.compile(
    r"(?:\w+:)?(?:function|method|class|classmethod|staticmethod|attribute|data|exception|module|"
    r"property|decorator|decoratormethod|macro|type|member|option|envvar|command|setting|templatefilter|templatetag|"
    r"describe|object|confval|coroutinefunction|coroutinemethod|abstractmethod|signal|program)$"
)


def parse(text: str) -> list[Block]:
    """The blocks of a document in reStructuredText or without markup."""
    reader = _RestructuredReader(text.expandtabs(8).split("\n"))
    reader.read()
    return reader.outline.blocks


@dataclass(slots=True)
class _RestructuredReader:
    lines: list[str]
    outline: Outline = field(default_factory=Outline)
    paragraph: list[tuple[int, str]] = field(default_factory=list)
    item: bool = False
    indent: int = 0
    levels: list[str] = field(default_factory=list)

    def read(self) -> None:
        at = 0
        while at < len(self.lines):
            at = self._step(at)
        self.flush()

    def flush(self) -> None:
        self.outline.add(inline.clean_lines(self.paragraph, inline.rst), item=self.item)
        self.paragraph, self.item = [], False

    def _step(self, at: int) -> int:
        """Read what begins at line `at` (from 0); returns where the next thing begins."""
        line = self.lines[at]
        if not line.strip():
            return self._blank(at)
        if taken := self._heading(at):
            return at + taken
        if match := _DIRECTIVE.match(line):
            return self._directive(at, len(match[1]), match[2], match[3] or "")
        if match := _COMMENT.match(line):
            self.flush()
            return self._skip(at + 1, len(match[1]))
        if _SIMPLE_TABLE.match(line):
            return self._table(at)
        if _TABLE.match(line) or line.lstrip().startswith(">>>") or line.strip() == "::":
            self.flush()
            return self._skip_paragraph(at + 1) if line.lstrip().startswith(">>>") else at + 1
        self._text(at, line)
        return at + 1

    def _blank(self, at: int) -> int:
        """A paragraph that ends in `::` announces an indented block that is shown as it is: code."""
        literal = bool(self.paragraph) and self.paragraph[-1][1].rstrip().endswith("::")
        if literal:
            number, text = self.paragraph[-1]
            self.paragraph[-1] = (number, text.rstrip()[:-1])
        indent = self.indent
        self.flush()
        return self._skip(at + 1, indent) if literal else at + 1

    def _heading(self, at: int) -> int:
        """How many lines a title that begins here takes, with its lines of punctuation; 0 when there is none."""
        line, below = self.lines[at], self._line(at + 1)
        if over := _ADORNMENT.match(line):
            under = self._line(at + 2)
            if below.strip() and under.strip() == line.strip() and not _ADORNMENT.match(below):
                self._title(over[1] * 2, below, at + 2)
                return 3
            self.flush()
            return 1
        under_match = _ADORNMENT.match(below)
        fits = under_match is not None and len(below.rstrip()) >= len(line.rstrip()) - 2
        if under_match is None or not fits or self.paragraph or line[0].isspace():
            return 0
        self._title(under_match[1], line, at + 1)
        return 2

    def _title(self, style: str, title: str, number: int) -> None:
        self.flush()
        if style not in self.levels:
            self.levels.append(style)
        self.outline.heading(self.levels.index(style) + 1, inline.rst(title), number)

    def _directive(self, at: int, indent: int, name: str, argument: str) -> int:
        self.flush()
        if name in _PROSE or _DOCUMENTED.match(name):
            if name in _SAYS and argument:
                self.paragraph, self.indent = [(at + 1, argument)], indent + 3
            return self._skip_options(at + 1)
        return self._skip(at + 1, indent)

    def _skip_options(self, at: int) -> int:
        while _FIELD.match(self._line(at)):
            at += 1
        return at

    def _skip(self, at: int, indent: int) -> int:
        """Past everything that is indented deeper than `indent`."""
        while at < len(self.lines) and (not self.lines[at].strip() or _indent(self.lines[at]) > indent):
            at += 1
        return at

    def _skip_paragraph(self, at: int) -> int:
        while self._line(at).strip():
            at += 1
        return at

    def _table(self, at: int) -> int:
        """A table ends at the border that has nothing below it."""
        self.flush()
        ends = (n + 1 for n in range(at + 1, len(self.lines)) if self._border_ends(n))
        return next(ends, at + 1)

    def _border_ends(self, at: int) -> bool:
        return _SIMPLE_TABLE.match(self.lines[at]) is not None and not self._line(at + 1).strip()

    def _text(self, at: int, line: str) -> None:
        indent = _indent(line)
        match = _ITEM.match(line) or _FIELD.match(line)
        if match and (not self.paragraph or indent <= self.indent or self.item):
            self.flush()
            self.item, self.indent = True, indent
            self.paragraph = [(at + 1, match[2] or "")]
            return
        if self.paragraph and not self.item and len(self.paragraph) == 1 and indent > self.indent:
            self.flush()
        if not self.paragraph:
            self.indent = indent
        self.paragraph.append((at + 1, line.strip()))

    def _line(self, at: int) -> str:
        return self.lines[at] if at < len(self.lines) else ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
