"""The command that repeats a campaign, or the fewest faults of it that still fail."""

import runpy
import shlex
from pathlib import Path

import pytest

from scr.chaos.plan.faults import Fault

SCRIPTS = Path(__file__).parents[3] / "scripts"
FEWEST = [Fault(n, 0.1 * n, "kill", "hand", 0.5, 0, 0.0) for n in (3, 17)]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return runpy.run_path(str(SCRIPTS / "fault_injection.py"))


@pytest.mark.parametrize(
    ("given", "others"),
    [
        ("--kills 60 --json", "--kills 60"),
        ("--seed 3 --kills 60", "--kills 60"),
        ("--seed=3 --faults kill,segv", "--faults kill,segv"),
    ],
)
def test_it_is_what_was_given_with_the_seed_that_was_drawn(script, given, others):
    assert script["repeat_of"](given.split(), 7, []) == f"python scripts/fault_injection.py {others} --seed 7"


def test_the_fewest_faults_are_done_alone_in_the_run_that_failed_and_are_not_shrunk_again(script, tmp_path):
    given = f"--seed 3 --kills 600 --shrink 20 --only 1,3,17,20 --targets ring,hand --report {tmp_path}"
    told = shlex.split(script["repeat_of"](given.split(), 99, FEWEST))[2:]
    plan = script["plan_of"](script["options_of"](told), "memory:")
    assert (plan.seed, plan.only, plan.kills, plan.targets) == (99, (3, 17), 600, ("ring", "hand"))
    assert script["options_of"](told).shrink == 0
