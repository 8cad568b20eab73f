"""Markdown, as far as prose goes: headings, paragraphs, list items; code, tables and metadata are left out.  Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scr.apps.research.text import inline
from scr.apps.research.text.blocks import Block, Outline

_ATX = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_SETEXT = re.compile(r" {0,3}(=+|-+)\s*$")
_FENCE = re.compile(r" {0,12}(`{3,}|~{3,}|:{3,})\s*(\{[^}]*\}|\S*)")
_ITEM = re.compile(r"(\s*)(?:[-*+]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(.*)$")
_REFERENCE = re.compile(r" {0,3}\[[^\]]+\]:\s")
_RULE = re.compile(r" {0,3}([-*_])(?:\s*\1){2,}\s*$")
_TABLE = re.compile(r"\s*\|.*\|\s*$|\s*\|?(?:\s*:?-{3,}:?\s*\|)+")
_ADMONITION = re.compile(r"\{?(?:note|warning|tip|important|caution|danger|hint|attention|seealso|admonition|info)\b")


def parse(text: str) -> list[Block]:
    """The blocks of a Markdown document."""
    reader = _MarkdownReader()
    lines = text.split("\n")
    start = _front_matter(lines)
    for number, line in enumerate(lines[start:], start + 1):
        reader.line(number, line.expandtabs(4))
    reader.flush()
    return reader.outline.blocks


def _front_matter(lines: list[str]) -> int:
    """How many lines the metadata at the top takes."""
    if lines[0].strip() != "---":
        return 0
    return next((n + 1 for n, line in enumerate(lines[1:200], 1) if line.strip() in {"---", "..."}), 0)


@dataclass(slots=True)
class _MarkdownReader:
    outline: Outline = field(default_factory=Outline)
    paragraph: list[tuple[int, str]] = field(default_factory=list)
    item: bool = False
    in_list: bool = False
    fence: str = ""
    comment: bool = False
    blank: bool = True

    def line(self, number: int, line: str) -> None:
        if self.comment or "<!--" in line:
            self._comment(line)
        elif self._fenced(line):
            return
        elif not line.strip():
            self.flush()
            self.blank = True
        else:
            self._text(number, line)
            self.blank = False

    def flush(self) -> None:
        self.outline.add(inline.clean_lines(self.paragraph, inline.markdown), item=self.item)
        self.paragraph, self.item = [], False

    def _comment(self, line: str) -> None:
        self.comment = "-->" not in line.rpartition("<!--")[2]

    def _fenced(self, line: str) -> bool:
        """Whether the line is part of a fenced block.  A fence around an admonition is only a frame around prose."""
        if self.fence:
            if line.strip().startswith(self.fence) and not line.strip().strip(self.fence[0]):
                self.fence = ""
            return True
        match = _FENCE.match(line)
        if match is None:
            return False
        self.flush()
        self.in_list = self.in_list and line[0].isspace()
        frame = match[1].startswith(":") or _ADMONITION.match(match[2]) is not None
        closing = self.blank is False and not match[2] and line.strip() == match[1] and match[1].startswith(":")
        self.fence = "" if frame or closing else match[1]
        return True

    def _text(self, number: int, line: str) -> None:
        if match := _ATX.match(line):
            self.flush()
            self.in_list = False
            self.outline.heading(len(match[1]), inline.markdown(match[2]), number)
        elif self.paragraph and not self.item and len(self.paragraph) == 1 and (match := _SETEXT.match(line)):
            (title_line, title), self.paragraph = self.paragraph[0], []
            self.in_list = False
            self.outline.heading(1 if match[1][0] == "=" else 2, inline.markdown(title), title_line)
        elif _RULE.match(line) or _REFERENCE.match(line) or _TABLE.match(line):
            self.flush()
        elif match := _ITEM.match(line):
            self.flush()
            self.item = self.in_list = True
            self.paragraph = [(number, match[2])]
        else:
            self._prose(number, line)

    def _prose(self, number: int, line: str) -> None:
        indent = len(line) - len(line.lstrip())
        if self.blank:
            self.in_list = self.in_list and indent >= 2
            self.item = self.in_list
            if indent >= 4 and not self.in_list:
                return
        if not self.paragraph and indent >= 4 and not self.in_list:
            return
        self.paragraph.append((number, line.lstrip().removeprefix(">").lstrip()))
