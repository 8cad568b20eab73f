"""A wrong name is answered with those that may be meant."""

import pytest

from scr.mail import suggestions
from scr.mail.suggestions import nearest, unknown

FEW = ["root", "worker", "planner", "critic"]
MANY = [*(f"worker-{n}" for n in range(10_000)), "planner"]


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("wroker", FEW, "worker"),
        ("Worker", FEW, "worker"),
        ("work", FEW, "worker"),
        ("criticc", FEW, "critic"),
        ("wroker-1234", MANY, "worker-1234"),
        ("worker1234", MANY, "worker-1234"),
        ("Worker-77", MANY, "worker-77"),
        ("plannr", MANY, "planner"),
        ("bda", ["bad", "root"], "bad"),
        ("abd", ["bad", "root"], "bad"),
        ("Ab", ["ba", "abc"], "ba"),
        ("bda", [*MANY, "bad"], "bad"),
    ],
)
def test_the_nearest_name_comes_first(name, known, near):
    assert nearest(name, known)[0] == near


@pytest.mark.parametrize("known", [FEW, MANY, []])
def test_what_is_like_no_name_has_no_near_one(known):
    assert nearest("something-else", known) == []
    assert unknown("agent", "something-else", known) == "there is no agent 'something-else' (see `scr ps`)"


def test_a_name_is_never_meant_by_itself():
    assert nearest("root", FEW) == []


def test_few_names_are_shown():
    assert unknown("agent", "wroker", FEW) == "there is no agent 'wroker'; did you mean 'worker'? (see `scr ps`)"
    assert len(nearest("worker-12", MANY)) == suggestions.SHOWN_MAX


def test_of_many_names_few_are_compared(monkeypatch):
    compared = []
    monkeypatch.setattr(suggestions, "get_close_matches", lambda name, known, *_: compared.append(len(known)) or [])
    nearest("worker-1234x", MANY)
    assert compared[0] <= 2 * suggestions.COMPARED_MAX
