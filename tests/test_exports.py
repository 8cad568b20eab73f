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


def test_importing_the_package_loads_no_dependency():
    loaded = "import sys, scr; print([name for name in ('pydantic', 'dill', 'asyncio') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
