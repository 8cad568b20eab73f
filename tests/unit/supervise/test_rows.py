"""The rows of the contract that are to be built (Y) or adapted (A), and which test holds each.

A test holds a row by carrying its id in its name: `test_g5_01_...`, or `test_g2_18_19_20_...` for three.
"""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
GROUPS = {"g1": 20, "g2": 22, "g3": 18, "g4": 16, "g5": 15, "g6": 8, "g7": 20, "g8": 11, "g9": 19, "g10": 12}
GROUPS |= {"g11": 15, "g12": 9, "g13": 10}
NOT_PORTED = {"g1_17", "g2_11", "g7_14", "g9_06", "g9_16", "g9_18", "g10_11", "g10_12", "g11_13"}
ROWS = [
    row
    for group, size in GROUPS.items()
    for row in (f"{group}_{number:02}" for number in range(1, size + 1))
    if row not in NOT_PORTED
]

# Rows that need real processes beside the tests in virtual time: each has a test of that kind.
REAL = {"g2_17", "g2_18", "g2_19", "g2_20", "g2_21", "g7_03", "g7_04", "g7_05", "g7_06", "g7_07", "g7_13", "g7_17"}
REAL_GROUPS = ("g11_", "g12_", "g13_")

# Rows that nothing holds, and why.
NO_LINKS = "links and trapped exits are not built: an agent's death harms no other agent"
NOT_BUILT = {
    **dict.fromkeys(("g11_06", "g11_07", "g11_08", "g11_10", "g11_11", "g11_12"), NO_LINKS),
    "g13_07": "names for several agents at once are not built",
    "g13_09": "groups are not built",
}


def names(folder):
    """Of every test anywhere below a folder."""
    for path in folder.rglob("test_*.py"):
        yield from re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))


def rows_with_tests(folder=TESTS):
    return {row for name in names(folder) for row in rows_of(name)}


def rows_of(name):
    """Of `test_g2_18_19_...` and of `test_g7_01_g8_02_...`: several rows of a group may follow each other."""
    for group, numbers in re.findall(r"(?<![a-z0-9])(g\d+)((?:_\d\d(?!\d))+)", name):
        yield from (f"{group}_{number}" for number in numbers.split("_")[1:])


def test_every_row_has_a_test_or_says_why_not():
    assert [row for row in ROWS if row not in rows_with_tests() | NOT_BUILT.keys()] == []


def test_every_row_about_processes_has_a_test_with_real_ones():
    needed = [row for row in ROWS if (row in REAL or row.startswith(REAL_GROUPS)) and row not in NOT_BUILT]
    held = rows_with_tests(TESTS / "process")
    assert [row for row in needed if row not in held] == []


def test_a_row_that_is_not_built_claims_no_test():
    assert sorted(rows_with_tests() & NOT_BUILT.keys()) == []


def test_only_rows_that_exist_are_claimed():
    assert sorted((rows_with_tests() | NOT_BUILT.keys() | REAL) - set(ROWS)) == []


def test_the_table_of_rows_is_whole():
    assert len(ROWS) == 186


def test_every_row_stands_on_its_page_of_the_documentation():
    page = (TESTS.parent / "scr" / "docs" / "supervision-rows.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (G\d+\.\d\d) \| \S", page, re.MULTILINE)
    assert told == [row.upper().replace("_", ".") for row in ROWS if row not in NOT_BUILT]
    assert all(row.upper().replace("_", ".") in page for row in NOT_BUILT)
