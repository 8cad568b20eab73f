"""What scr/docs/survival.md says that SCR survives is what the last campaigns have come to, figure by figure."""

import json
import runpy
from copy import deepcopy
from pathlib import Path

import pytest

from scr.chaos.plan.kinds import KINDS

HOUSE = Path(__file__).parents[3]
PAGE = (HOUSE / "scr" / "docs" / "survival.md").read_text(encoding="utf-8")
SCRIPT = runpy.run_path(str(HOUSE / "scripts" / "survived.py"))
REPORTS = json.loads((HOUSE / "scripts" / "survived.json").read_text(encoding="utf-8"))
section, replaced = SCRIPT["section"], SCRIPT["replaced"]


def leaves(of, path=()):
    """The way to every figure and every word that is told."""
    for name, value in of.items():
        if isinstance(value, dict):
            if not value.get("not_tested"):
                yield from leaves(value, (*path, name))
            else:
                yield (*path, name, "not_tested")
        elif not (isinstance(value, list) or value is None):
            yield (*path, name)


def with_another(path):
    """The reports with another figure, or word, there."""
    changed = deepcopy(REPORTS)
    place = changed
    for name in path[:-1]:
        place = place[name]
    value = place[path[-1]]
    place[path[-1]] = f"not {value}" if isinstance(value, str) else 2 * value + 1
    return changed


def test_the_section_is_made_from_the_last_reports_byte_for_byte():
    assert set(REPORTS) == {"sqlite", "postgresql"}
    assert replaced(PAGE, section(REPORTS)) == PAGE


def test_no_figure_of_a_report_can_be_another_without_being_seen():
    unseen = [path for path in leaves(REPORTS) if path[-1] != "store" and section(with_another(path)) in PAGE]
    assert unseen == []


def test_the_figures_in_the_readme_are_those_of_the_last_report():
    readme = " ".join((HOUSE / "README.md").read_text(encoding="utf-8").split())
    last = REPORTS["sqlite"]
    kills, accepted, completed, dead = (
        f"{last[name]:,}" for name in ("kills", "accepted", "completed", "dead_lettered")
    )
    assert f"{kills} kills met {accepted} accepted tasks: {completed} were completed, {dead} ended as dead" in readme
    assert (last["lost"], last["duplicated"]) == (0, 0), "none was lost and none done twice"


def test_what_does_not_hold_is_told():
    changed = deepcopy(REPORTS)
    changed["sqlite"]["violated"] = ["every accepted task has an outcome"]
    assert "did not hold: every accepted task has an outcome" in section(changed)


def test_every_kind_of_fault_has_words_and_is_either_in_a_table_or_among_what_was_not_tested():
    assert set(SCRIPT["WORDS"]) == set(KINDS)
    for report in REPORTS.values():
        told = section({report["store"]: report})
        rows, _, untested = told.partition("Not tested here")
        for name, words in SCRIPT["WORDS"].items():
            is_done = report["faults"].get(name, {}).get("injected", 0) > 0
            assert (f"| {words} |" in rows) == is_done
            assert (words in untested) != is_done, words


def test_a_text_without_a_place_for_it_is_refused():
    with pytest.raises(SystemExit, match="survived"):
        replaced("# Another", "")
