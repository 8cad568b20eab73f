"""Programs that type checkers accept, and programs whose errors they find, each on its line.

An expected error stands at the end of its line: `# E: ` and the rule of mypy, ` / ` and that of pyright.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FOUND = re.compile(r"^(\S+):(\d+): error: .*\[([\w-]+)\]$", re.MULTILINE)
EXPECTED = re.compile(r"# E: (\S+) / (\S+)$")


def where(path):
    return str(Path(path).relative_to(HERE))


def checked(*command):
    result = subprocess.run(
        [sys.executable, "-m", *command, HERE / "passes", HERE / "fails"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout


def mypy():
    return {
        (where(ROOT / path), int(line), rule)
        for path, line, rule in FOUND.findall(checked("mypy", "--strict", "--no-pretty", "--explicit-package-bases"))
    }


def pyright():
    found = json.loads(checked("basedpyright", "--outputjson"))["generalDiagnostics"]
    return {
        (where(one["file"]), one["range"]["start"]["line"] + 1, one["rule"])
        for one in found
        if one["severity"] == "error"
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("checker", "column"), [(mypy, 1), (pyright, 2)])
def test_each_checker_finds_the_errors_that_are_expected_and_no_other(checker, column):
    expected = {
        (where(path), number, rules[column])
        for path in HERE.glob("*/*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (rules := EXPECTED.search(line))
    }
    assert len(expected) > 20
    assert checker() == expected
