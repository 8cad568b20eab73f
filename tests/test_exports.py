"""The public names are few, sorted, and all there."""

import ast
import re
import subprocess
import sys
from inspect import getdoc, getmembers, isclass, isroutine
from pathlib import Path

import pytest

import scr
from scr import errors
from scr.client.submitted import Submitted

ERRORS = {name for name, one in getmembers(errors, isclass) if issubclass(one, scr.ScrError)}


def test_every_public_name_can_be_loaded():
    assert all(getattr(scr, name) is not None for name in scr.__all__)


def test_the_public_names_are_sorted():
    assert scr.__all__ == sorted(scr.__all__)


def test_an_unknown_name_is_refused_by_name():
    with pytest.raises(AttributeError, match=r"Agnet.*Agent"):
        scr.Agnet  # noqa: B018


@pytest.mark.parametrize("offered", [scr.Runtime, Submitted, scr.Context])
def test_every_error_that_a_docstring_promises_can_be_caught_by_its_public_name(offered):
    promises = [
        said
        for name, verb in getmembers(offered, isroutine)
        if not name.startswith("_")
        for said in re.findall(r"[Rr]aises?([^.]*)", getdoc(verb) or "")
    ]
    promised = {word for said in promises for word in re.findall(r"\w+", said)} & ERRORS
    assert len(promised) > 5
    assert promised <= set(scr.__all__)


@pytest.mark.parametrize(
    ("module", "never"),
    [
        pytest.param("scr", ("pydantic", "dill", "asyncio"), id="the package: no dependency"),
        pytest.param("scr.runtime.process", ("multiprocess", "dill", "typer", "rich"), id="the runtime"),
        pytest.param("scr.agent.child", ("asyncio", "typer", "rich", "sqlite3"), id="an agent"),
    ],
)
def test_what_starts_often_loads_nothing_that_it_can_do_without(module, never):
    loaded = f"import sys, {module}; print([name for name in {never} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_type_checkers_see_the_names_that_are_loaded():
    seen = {
        alias.asname: node.module
        for node in ast.walk(ast.parse(Path(scr.__file__).read_text()))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("scr.")
        for alias in node.names
    }
    assert seen == scr.HOMES
