"""The programs and commands of the tutorial and the guides use what there is."""

import re
from pathlib import Path

import pytest
import typer

import scr
from scr.cli.app import GROUPS, app_for

DOCS = Path(scr.__file__).parent / "docs"
GUIDES = sorted((DOCS / "guides").glob("*.md"))
PAGES = [DOCS / "tutorial.md", *GUIDES]
COMMANDS = {name for names in GROUPS.values() for name in names}
OFFERED = {
    "scr": {*scr.__all__, "examples"},
    "ctx": {*dir(scr.Context)},
    "runtime": {*dir(scr.Runtime)},
    "submitted": {*dir(scr.Submitted), "id"},
}


def programs(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def command_lines(text):
    """Every `scr COMMAND` that a console block or a code span gives, with its words."""
    blocks = "\n".join(re.findall(r"```console\n(.*?)```", text, re.DOTALL))
    spans = re.findall(r"`(scr [a-z][^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [line.split()[1:] for line in [*re.findall(r"^\$ (scr .*)$", blocks, re.MULTILINE), *spans]]


def wrong(words):
    """What a command line names that does not exist: the command, or an option of it."""
    name = words[0]
    if name not in COMMANDS:
        return [name]
    command = typer.main.get_command(app_for([name])).commands[name]
    known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
    return [f"{name} {word}" for word in words[1:] if word.startswith("-") and word not in known]


def unknown_names(text):
    named = re.findall(r"(?<![\w./])(scr|ctx|runtime|submitted)\.([A-Za-z_]+)\b(?!\.py|\.md)", text)
    return [f"{owner}.{name}" for owner, name in named if name not in OFFERED[owner]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_program_compiles(page):
    assert programs(page)
    for program in programs(page):
        compile(program, page.name, "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_name_of_the_public_api_exists(page):
    assert unknown_names(page.read_text().replace("sums.scr", "")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_exists_with_its_options(page):
    assert [fault for words in command_lines(page.read_text()) for fault in wrong(words)] == []


def test_a_wrong_name_is_found():
    text = "`scr exprot RUN` `scr gc --older 3` `ctx.sned(1)`\n```console\n$ scr ps --store x\n```\n"
    assert [fault for words in command_lines(text) for fault in wrong(words)] == ["ps --store", "exprot", "gc --older"]
    assert unknown_names(text) == ["ctx.sned"]


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_a_guide_is_short_and_says_what_to_do_when_something_goes_wrong(page):
    text = page.read_text()
    assert len(text.splitlines()) <= 120
    assert "\n## When something goes wrong\n" in text
