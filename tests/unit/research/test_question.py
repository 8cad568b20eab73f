from __future__ import annotations

import pytest

from scr.apps.research.question import Wanted, answers, clean, defines, matter, wanted
from scr.errors import InvalidInput


@pytest.mark.parametrize("question", ["", "   \n", "?!", "x", "a" * 2001, "word " * 20_000])
def test_a_question_that_is_none_is_refused(question):
    with pytest.raises(InvalidInput):
        clean(question)


def test_a_question_comes_out_on_one_line_without_what_cannot_be_printed_or_encoded():
    assert clean("  What\tis \x07 SCR\ud800?\n") == "What is  SCR??"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("What is durable execution?", Wanted.DEFINITION),
        ("what is the BEAM", Wanted.DEFINITION),
        ("Why do agents crash?", Wanted.REASON),
        ("When was Erlang released?", Wanted.DATE),
        ("How many restarts are allowed?", Wanted.NUMBER),
        ("How do agents recover?", Wanted.MANNER),
        ("What does Ray do when a worker dies?", Wanted.MANNER),
        ("Research agent runtimes", Wanted.ANYTHING),
    ],
)
def test_the_opening_tells_what_is_wanted(question, kind):
    assert wanted(question) is kind


def test_a_date_answers_a_question_for_one():
    assert answers("Erlang was released in 1998.", Wanted.DATE)
    assert not answers("Erlang was released long ago.", Wanted.DATE)


def test_a_definition_begins_with_what_is_asked():
    asked = ["durable", "execution"]
    assert defines("Durable execution means that a program continues.", asked)
    assert defines("A durable execution, as some call it, is a program that continues.", asked)
    assert not defines("Temporal is a durable execution engine.", asked)


def test_an_order_to_research_is_not_what_is_to_be_researched():
    assert matter("Research AI agent runtimes") == "AI agent runtimes"
    assert matter("Researchers and agents") == "Researchers and agents"
