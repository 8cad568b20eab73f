"""The public names are few, sorted, and all there."""

import subprocess
import sys

import pytest

import scr


def test_every_public_name_can_be_loaded():
    assert all(getattr(scr, name) is not None for name in scr.__all__)


def test_the_public_names_are_sorted():
    assert scr.__all__ == sorted(scr.__all__)


def test_an_unknown_name_is_refused_by_name():
    with pytest.raises(AttributeError, match=r"Agnet.*Agent"):
        scr.Agnet  # noqa: B018


@pytest.mark.parametrize(
    ("module", "never"),
    [
        pytest.param("scr", ("pydantic", "dill", "asyncio"), id="the package: no dependency"),
        pytest.param("scr.runtime.process", ("multiprocess", "dill", "typer", "rich"), id="the runtime"),
        pytest.param("scr.behaviour.child", ("asyncio", "typer", "rich", "sqlite3"), id="an agent"),
    ],
)
def test_what_starts_often_loads_nothing_that_it_can_do_without(module, never):
    loaded = f"import sys, {module}; print([name for name in {never} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
