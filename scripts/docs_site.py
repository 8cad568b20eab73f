"""The documentation as a site: the pages of `scr/docs`, and the API reference from the docstrings.

python scripts/docs_site.py [FOLDER]

FOLDER is `.build/docs` unless another is given; what was in it is replaced.  `pdoc` makes the reference, of the public
names alone.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
from itertools import pairwise
from pathlib import Path

import pdoc
from markdown_it import MarkdownIt

import scr

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "scr" / "docs"
SITE = ROOT / ".build" / "docs"
INTERNAL = r"!scr\..*"  # a pattern of pdoc: no module below the package
LINK = re.compile(r'(href|src)="(?!https?:|#)([^"#]*)(#[^"]*)?"')
FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><link rel="stylesheet" href="{up}style.css"></head>
<body><nav><a href="{up}index.html">SCR</a> <a href="{up}api/scr.html">API</a></nav><main>
{body}</main></body></html>
"""
STYLE = """body { font: 16px/1.5 sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; color: #222 }
nav a { margin-right: 1rem } pre { background: #f5f5f5; padding: .8rem; overflow-x: auto } img { max-width: 100% }
table { border-collapse: collapse; display: block; overflow-x: auto }
td, th { border: 1px solid #ccc; padding: .3rem .5rem }
"""


def main(arguments: list[str]) -> None:
    """Build the pages, then the reference."""
    site = Path(arguments[0]) if arguments else SITE
    shutil.rmtree(site, ignore_errors=True)
    for page in sorted(PAGES.rglob("*.md")):
        build(page, site)
    (site / "style.css").write_text(STYLE, encoding="utf-8")
    reference(site / "api")
    print(site / "index.html")


def reference(folder: Path) -> None:
    """Write the API reference.

    The public names are loaded first: `scr` loads each at its first use, and pdoc reads only what is loaded.
    """
    for name in scr.__all__:
        setattr(scr, name, getattr(scr, name))
    pdoc.render.configure(docformat="markdown", show_source=False)
    pdoc.pdoc("scr", INTERNAL, output_directory=folder)


def build(page: Path, site: Path) -> None:
    """Write one page as HTML at its place in the site."""
    place = (site / page.relative_to(PAGES)).with_suffix(".html")
    place.parent.mkdir(parents=True, exist_ok=True)
    text = page.read_text(encoding="utf-8")
    up = "../" * (len(place.relative_to(site).parts) - 1)
    body = LINK.sub(lambda link: linked(link, page, place), rendered(text))
    title = html.escape(text.partition("\n")[0].lstrip("# "))
    place.write_text(FRAME.format(title=title, up=up, body=body), encoding="utf-8")


def rendered(text: str) -> str:
    """Return Markdown as HTML, with an anchor at each heading as a forge makes it."""
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = reader.parse(text)
    for opening, inside in pairwise(tokens):
        if opening.type == "heading_open":
            name = re.sub(r"[^\w -]", "", inside.content).strip().lower().replace(" ", "-")
            opening.attrSet("id", name)
    return str(reader.renderer.render(tokens, reader.options, {}))


def linked(link: re.Match[str], page: Path, place: Path) -> str:
    """Return a link as it is in the site: to a page, or to a picture that is copied beside the page."""
    kind, target, anchor = link[1], Path(link[2]), link[3] or ""
    if kind == "src":
        shutil.copy(page.parent / target, place.parent / target.name)
        target = Path(target.name)
    elif target.suffix == ".md":
        target = target.with_suffix(".html")
    return f'{kind}="{target.as_posix()}{anchor}"'


if __name__ == "__main__":
    main(sys.argv[1:])
