from __future__ import annotations

import pytest

from scr.apps.research.text import sentences


def split(text):
    return [text[start:end] for start, end in sentences.spans(text)]


def test_sentences_end_at_a_full_stop_before_a_capital_and_at_a_line_feed():
    assert split("One ends. Two ends? Three e.g. goes on. Version 2.5 too.\nFour (by J. Doe) ends.") == [
        "One ends.",
        "Two ends?",
        "Three e.g. goes on.",
        "Version 2.5 too.",
        "Four (by J. Doe) ends.",
    ]


def test_a_closing_quote_belongs_to_its_sentence():
    assert split('He said "stop." Then it stopped.') == ['He said "stop."', "Then it stopped."]


@pytest.mark.parametrize(
    "sentence",
    [
        "Ray restarts an actor by running its constructor again on another node.",
        "pydantic-ai validates the output of a model against a schema of your own.",
        "The limit is 3 restarts within 5 seconds (the default), as in Erlang.",
    ],
)
def test_a_full_sentence_is_whole(sentence):
    assert sentences.is_whole(sentence)


@pytest.mark.parametrize(
    "debris",
    [
        "Too short to say.",
        "A heading about the restart of actors on another node",
        "the tail of a sentence that began on some other line before.",
        "Ray restarts an actor by running its constructor again:",
        "Does Ray restart an actor by running its constructor again?",
        "x = f(y) => {a: b}, because the constructor is called again there.",
        "3. Ray restarts an actor by running its constructor again there.",
        "Ray restarts an actor (by running its constructor again on a node.",
        "A long list, of nouns, and commas, with names, and more, of that, here.",
        "Names of actors, nodes of clusters and constructors in Python for all.",
        "See https://example.org for how actors are restarted by the runtime.",
        "A " + "very " * 60 + "long sentence is not quoted in a report by anybody.",
    ],
)
def test_debris_is_no_sentence(debris):
    assert not sentences.is_whole(debris)


@pytest.mark.parametrize(
    ("sentence", "leans"),
    [
        ("It restarts the actor.", True),
        ("These limits hold.", True),
        ("In this case the actor dies.", True),
        ("Once approved, they are merged.", True),
        ("Otherwise the actor dies.", True),
        ("Both Ray and Dask restart workers.", False),
        ("Both restart workers.", True),
        ("No framework restarts workers.", False),
        ("Italy restarts workers.", False),
        ("The first release of Ray came in 2017.", False),
    ],
)
def test_a_sentence_dangles_when_its_opening_points_at_the_one_before(sentence, leans):
    assert sentences.dangles(sentence) is leans


@pytest.mark.parametrize(
    "sentence", ["As Listing 17-5 shows, it works.", "We\u2019ll see in Chapter 4.", "The table below."]
)
def test_a_sentence_points_away_when_it_speaks_of_a_place_in_its_document(sentence):
    assert sentences.points_away(sentence)


def test_a_leading_conjunction_goes_and_the_rest_gets_its_capital():
    assert sentences.without_lead("However, a hung actor stays.") == "A hung actor stays."
    assert sentences.without_lead("But r_value is kept.") == "r_value is kept."
    assert sentences.without_lead("Finally the actor stops.") == "Finally the actor stops."
    assert sentences.without_lead("Button presses are kept.") == "Button presses are kept."


def test_asides_go_only_when_a_sentence_is_left():
    long = "An actor (a process with a mailbox) is restarted by its supervisor (if any)."
    assert sentences.without_asides(long) == "An actor is restarted by its supervisor."
    assert sentences.without_asides("(An aside that is all there is.)") == "(An aside that is all there is.)"


def test_a_clause_is_cut_where_a_sentence_can_end():
    text = "A full queue refuses new tasks with an error, which the sender sees at once and can handle."
    assert sentences.first_clause(text, 60) == "A full queue refuses new tasks with an error."
    assert sentences.first_clause(text, 20) == text
    assert sentences.first_clause(text, 200) == text
