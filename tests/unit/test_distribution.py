"""The distribution's name is its own, and is said alike wherever it is said."""

import re
import tomllib
from pathlib import Path

import scr
from scr.store.url import INSTALL

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_what_is_installed_is_called_alike_everywhere():
    name = PROJECT["name"]
    assert name == "supervised-cognitive-runtime"
    assert f"{name}[postgres]" in INSTALL
    assert name in (ROOT / "README.md").read_text()


def test_another_package_of_the_name_scr_is_never_asked_for():
    texts = [ROOT / "README.md", ROOT / "Makefile", *(ROOT / "scr").rglob("*.py")]
    assert not [path for path in texts if "scr[postgres]" in path.read_text()]


def test_the_version_is_that_of_the_code_and_not_of_what_was_installed_once():
    assert PROJECT["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", scr.__version__)
