"""The command that shows the pages of `scr/docs`: `scr docs`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from scr.cli.options import AsJson
from scr.cli.output import guarded, say_found, say_json
from scr.errors import InvalidInput
from scr.exit_codes import STATUS, ExitCode
from scr.mail.suggestions import meant

FOLDER = Path(__file__).parents[2] / "docs"


def docs(
    topic: Annotated[
        str | None,
        typer.Argument(metavar="TOPIC", help="The page; the list of pages, if left out.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read the documentation: the list of topics, or one page.

    A page is drawn on a terminal, and printed as Markdown where stdout is no terminal.

    [bold]Examples[/bold]

      scr docs

      scr docs promises

      scr docs decisions/processes | less
    """
    raise typer.Exit(guarded(lambda: _listed(as_json) if topic is None else _shown(topic, as_json), as_json=as_json))


def _listed(as_json: bool) -> ExitCode:
    pages = {name: (title_of(path), path) for name, path in topics().items()}
    width = max(map(len, pages))
    lines = [f"{name:{width}}  {title}" for name, (title, _) in pages.items()]
    found = [{"topic": name, "title": title, "path": str(path)} for name, (title, path) in pages.items()]
    return say_found({"topics": found}, [*lines, "", "scr docs TOPIC shows a page"], as_json=as_json)


def _shown(topic: str, as_json: bool) -> ExitCode:
    name, path = chosen(topic, topics())
    text = path.read_text(encoding="utf-8")
    if as_json:
        say_json({"status": STATUS[ExitCode.DONE], "topic": name, "path": str(path), "text": text})
    elif sys.stdout.isatty():
        import_module("scr.cli.terminal.markdown").draw(text)
    else:
        print(text, end="", flush=True)
    return ExitCode.DONE


def topics() -> dict[str, Path]:
    """Return the path of each page by its topic: the pages of the folder itself first, `index` at the front."""
    pages = {path.relative_to(FOLDER).with_suffix("").as_posix(): path for path in FOLDER.rglob("*.md")}
    return dict(sorted(pages.items(), key=lambda page: (page[0].count("/"), page[0] != "index", page[0])))


def title_of(path: Path) -> str:
    """Return the heading that a page begins with."""
    with path.open(encoding="utf-8") as lines:
        return next(lines).lstrip("#").strip()


def chosen(topic: str, pages: dict[str, Path]) -> tuple[str, Path]:
    """Return the name and the path of a topic, found by its whole name, by its folder or by its last part.

    A folder stands for its index.  Raises InvalidInput, with the nearest topics, for a topic that does not exist or
    that two folders have.
    """
    named = topic.removesuffix(".md")
    whole = [name for name in (named, f"{named}/index") if name in pages]
    found = whole[:1] or [name for name in pages if name.rpartition("/")[2] == named]
    match found:
        case [name]:
            return name, pages[name]
        case []:
            parts = {part for name in pages for part in name.split("/")}
            raise InvalidInput(f"there is no topic {topic!r}{meant(named, [*pages, *sorted(parts)])} (see `scr docs`)")
        case _:
            raise InvalidInput(f"the topic {topic!r} stands in several folders; name one: {', '.join(found)}")


COMMANDS = (docs,)
