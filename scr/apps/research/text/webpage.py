"""HTML, as far as prose goes: what a reader sees in the middle of the page.  Pure."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from scr.apps.research.text.blocks import Block, Outline
from scr.apps.research.text.english import listed

_SKIPPED = listed(
    "script style nav footer aside noscript template svg pre table form button select head iframe figure math"
)
_VOID = listed("area base br col embed hr img input link meta source track wbr")
_BLOCK = listed(
    "p div li ul ol dl dt dd section article main blockquote body h1 h2 h3 h4 h5 h6 hr header details summary"
)
_ASIDE = re.compile(
    r"\b(?:headerlink|sphinxsidebar|sidebar|toc|toctree-wrapper|related|breadcrumbs?|footer|navbar|navigation|"
    r"menu|search|contentinfo|banner|highlight|copyright|pagination|admonition-title|sidetoc|nav)\b"
)


def parse(text: str) -> list[Block]:
    """The blocks of an HTML page.  Broken markup is read as far as it goes."""
    reader = _WebpageReader(main_only=re.search(r"<main\b", text, re.IGNORECASE) is not None)
    reader.feed(_closed(text))
    reader.close()
    reader.end_block()
    return reader.outline.blocks


def _closed(text: str) -> str:
    """The page without comments and without a tag that never closes, on the same lines.

    The parser looks for the end of each of these anew, which takes for ever in a page of them.
    """
    first, *others = text.split("<!--")
    kept = [first]
    for part in others:
        comment, closing, after = part.partition("-->")
        kept += ["\n" * comment.count("\n"), after if closing else ""]
    page = "".join(kept).replace("<![", "&lt;![")
    last = page.rfind(">") + 1
    return page[:last] + page[last:].partition("<")[0]


class _WebpageReader(HTMLParser):
    def __init__(self, *, main_only: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.outline = Outline()
        self.item = False
        self.heading_level = 0
        self.pieces: dict[int, str] = {}
        self.skipping = ""
        self.skip_depth = 0
        self.main_depth = 0 if main_only else 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.skipping:
            self.skip_depth += tag == self.skipping
            return
        if tag in _SKIPPED or (tag not in _VOID and tag not in {"body", "html", "main"} and _is_aside(attrs)):
            if tag in _BLOCK or tag in _SKIPPED:
                self.end_block()
            self.skipping, self.skip_depth = tag, 1
            return
        self.main_depth += tag == "main"
        if tag in _BLOCK:
            self.end_block()
            self.item = tag == "li" or (self.item and tag == "p")
            self.heading_level = int(tag[1]) if re.fullmatch(r"h[1-6]", tag) else 0
        elif tag == "br":
            self._append("\n" if not self.heading_level else " ")

    def handle_endtag(self, tag: str) -> None:
        if self.skipping:
            self.skip_depth -= tag == self.skipping
            if self.skip_depth == 0:
                self.skipping = ""
            return
        if tag in _BLOCK:
            self.end_block()
            self.item = False
        self.main_depth -= tag == "main" and self.main_depth > 0

    def handle_data(self, data: str) -> None:
        if not self.skipping and self.main_depth > 0:
            self._append(data)

    def _append(self, data: str) -> None:
        first = self.getpos()[0]
        for number, piece in enumerate(data.split("\n"), first):
            self.pieces[number] = self.pieces.get(number, "") + piece

    def end_block(self) -> None:
        lines = [(number, text.replace("\xa0", " ").replace("¶", "")) for number, text in sorted(self.pieces.items())]
        self.pieces = {}
        if not any(text.strip() for _, text in lines):
            return
        if self.heading_level:
            first = next(number for number, text in lines if text.strip())
            self.outline.heading(self.heading_level, " ".join(text for _, text in lines), first)
            self.heading_level = 0
        else:
            self.outline.add(lines, item=self.item)


def _is_aside(attrs: list[tuple[str, str | None]]) -> bool:
    """Navigation, search boxes and footers say so in their role, their class or their id."""
    return any(name in {"role", "class", "id"} and value and _ASIDE.search(value) for name, value in attrs)
