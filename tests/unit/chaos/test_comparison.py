"""Which kills are drawn from a seed, and what two accounts of a run come to side by side."""

from dataclasses import replace

import pytest

from scr.chaos.user.comparison import Comparison
from scr.chaos.user.kill_plan import CAPS, TARGETS, Strikes
from scr.chaos.user.run_account import Account, Came
from scr.errors import InvalidInput

CAME = Came(to="cashier", given='{"n": 1}', outcome="done", answer="1", steps=2)
OTHER = replace(CAME, given='{"n": 2}', answer="2")
CALM = Account((CAME, CAME, OTHER))


def compared(*came, calm=CALM, struck=4, interrupted=3, broken=()):
    return Comparison(calm, Account(came, broken), 4, ("cashier",) * struck, interrupted)


def test_the_same_in_another_order_is_valid():
    found = compared(OTHER, CAME, CAME)
    assert (found.verdict, found.reasons) == ("valid", ())


@pytest.mark.parametrize(
    ("became", "sentence"),
    [
        (replace(CAME, answer="2"), "gave 1 undisturbed, and 2 under kills"),
        (replace(CAME, steps=3), "recorded 2 steps undisturbed, and 3 under kills"),
        (replace(CAME, outcome="a dead letter"), "came to 'done' undisturbed, and to 'a dead letter' under kills"),
        (replace(CAME, outcome="no outcome", doubts=("pay",)), "waits for a person: pay had begun"),
        (replace(CAME, given="3"), "was asked only undisturbed"),
    ],
)
def test_each_difference_makes_it_invalid_and_is_told(became, sentence):
    found = compared(CAME, became, OTHER)
    assert found.verdict == "invalid"
    assert sentence in found.reasons[0]


def test_rows_that_cannot_be_make_it_invalid():
    assert compared(*CALM.came, broken=("step 'pay' of message m was recorded 2 times",)).verdict == "invalid"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"struck": 1}, "1 of 4 kills landed"),
        ({"interrupted": 0}, "no kill fell into a turn"),
        ({"calm": Account(())}, "0 of 0 tasks were done"),
    ],
)
def test_too_little_is_unknown(changed, sentence):
    found = compared(*changed.get("calm", CALM).came, **changed)
    assert found.verdict == "unknown"
    assert sentence in found.reasons[0]


def test_a_task_that_fails_undisturbed_too_proves_nothing():
    dead = replace(CAME, outcome="a dead letter")
    found = compared(dead, calm=Account((dead,)))
    assert (found.verdict, found.reasons[0]) == (
        "unknown",
        "undisturbed, 0 of 1 tasks were done: nothing to compare with",
    )


@pytest.mark.parametrize("seed", range(20))
def test_all_kills_are_due_by_the_last_turn_and_none_before_the_first(seed):
    strikes = Strikes(seed, 30, 7, TARGETS, (0.1, 0.2))
    due = [strikes.due(turn) for turn in range(8)]
    assert due == sorted(due)
    assert (due[0], due[7]) == (0, 30)
    assert all(0 <= strikes.delay_s(n) < 0.2 for n in range(30))
    assert [strikes.target(n) for n in range(30)] == [strikes.target(n) for n in range(30)]


def test_helpers_are_not_killed_oftener_than_is_survived():
    drawn = [Strikes(3, 200, 10, TARGETS).target(n) for n in range(200)]
    assert {name: drawn.count(name) for name in CAPS} == CAPS
    assert set(drawn) == set(TARGETS)


def test_a_target_that_nobody_has_is_refused():
    with pytest.raises(InvalidInput, match="nothing is called moon"):
        Strikes(1, 1, 1, ("moon",))
