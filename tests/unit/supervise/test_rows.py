"""The rows of the contract that are to be built (Y) or adapted (A), and which test holds each.

A test holds a row by carrying its id in its name: `test_g5_01_...`.
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
PURE = tuple(f"g{number}_" for number in range(1, 11))

# Rows that no pure test can hold: what shows them instead, or why nothing does.
NO_LINKS = "links and trapped exits are not built: an agent's death harms no other agent"
COVERED_BY_PROCESS_TESTS = {
    "g7_17": "the runtime is killed, and every process that it started is gone within a second",
    "g11_01": "a monitored agent ends for good: one `down` with its reason",
    "g11_02": "a monitor of an agent that is not there is answered at once",
    "g11_03": "two monitors of one agent are one `down` each",
    "g11_04": "a monitor that was taken back is not answered",
    "g11_05": "the death of who monitors does nothing to whom it monitors",
    **dict.fromkeys(("g11_06", "g11_07", "g11_08", "g11_10", "g11_11", "g11_12"), NO_LINKS),
    "g11_09": "SIGKILL cannot be caught, and the reason is `killed`",
    "g11_14": "a restart finds free what the old incarnation held",
    "g11_15": "messages arrive in the order in which one sender sent them to one receiver",
    "g12_01": "an ask is answered",
    "g12_02": "an ask of nobody fails at once",
    "g12_03": "an ask of an agent that ends fails at once",
    "g12_04": "an ask that takes too long fails, and the request is carried out all the same",
    "g12_05": "an answer that comes too late is dropped",
    "g12_06": "an ask of oneself is refused",
    "g12_07": "a send never fails for want of a receiver",
    "g12_08": "an ask that timed out can be asked for again",
    "g12_09": "an answer that has come wins over the end of who gave it",
    "g13_01": "an id that is taken is refused (also G2.14 and G2.15)",
    "g13_02": "an id that one has is refused again, and stays (also G2.12)",
    "g13_03": "nobody finds a dead agent by its id",
    "g13_04": "an id is in the tree before its process is there (also G2.01)",
    "g13_05": "a start that failed frees its id (also G2.08)",
    "g13_06": "a restarted agent has its id (also G4.16)",
    "g13_07": "names for several agents at once are not built",
    "g13_08": "forgetting an unknown name is no error",
    "g13_09": "groups are not built",
    "g13_10": "two ends told of one process are one end (also G3.17)",
}


def names():
    """Of every test anywhere below tests/."""
    for path in TESTS.rglob("test_*.py"):
        yield from re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))


def rows_with_tests():
    return {row for name in names() for row in re.findall(r"(?<![a-z0-9])g\d+_\d\d(?!\d)", name)}


def test_every_row_that_can_be_decided_purely_has_a_test():
    held = rows_with_tests()
    assert [row for row in ROWS if row.startswith(PURE) and row not in held | {"g7_17"}] == []


def test_every_other_row_has_a_test_or_says_why_not():
    assert [row for row in ROWS if row not in rows_with_tests() | COVERED_BY_PROCESS_TESTS.keys()] == []


def test_only_rows_that_exist_are_claimed():
    assert sorted((rows_with_tests() | COVERED_BY_PROCESS_TESTS.keys()) - set(ROWS)) == []


def test_the_table_of_rows_is_whole():
    assert len(ROWS) == 186
