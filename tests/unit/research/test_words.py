"""Terms, names and focus: what words have in common, and how much each weighs."""

from __future__ import annotations

import pytest

from scr.apps.research.focus import focus_on
from scr.apps.research.text.names import Gathering, name_tokens
from scr.apps.research.text.terms import family, jaccard, stem, stems, terms


def gather(texts):
    gathering = Gathering()
    for text in texts:
        gathering.read(text)
    return gathering.names()


@pytest.mark.parametrize(
    "forms",
    [
        "recover recovers recovered recovering recovery",
        "crash crashes crashed crashing",
        "supervise supervisor supervision supervised",
        "isolate isolated isolation",
        "policy policies",
        "memory memories",
        "retry retries retried",
        "stop stops stopped stopping",
    ],
)
def test_the_forms_of_a_word_share_a_stem(forms):
    assert len({stem(form) for form in forms.split()}) == 1


def test_different_words_keep_different_stems():
    distinct = ["worker", "work", "process", "proceed", "actor", "act", "server", "serve", "state", "status"]
    assert len({stem(word) for word in distinct}) == len(distinct)


def test_words_that_say_nothing_are_no_terms():
    assert terms("How do the agents recover from crashes, and why?") == ["agents", "recover", "crashes"]


def test_words_for_the_same_thing_are_family():
    assert stem("restart") in family("recovery")
    assert stem("recovery") not in family("recovery")
    assert family("banana") == frozenset()


def test_likeness_runs_from_nothing_to_all():
    assert jaccard("ab", "cd") == 0.0
    assert jaccard("ab", "ba") == 1.0
    assert jaccard("", "") == 0.0


def test_names_are_told_by_their_capitals_in_the_middle_of_sentences():
    names = gather(
        [
            "The queue of Celery is large. Workers of Celery wait. With LangGraph all is well, and LangGraph waits.",
            (
                "Then the OpenAI Agents SDK came. Now the OpenAI Agents SDK is here. "
                "The Queue was a queue, the queue. All agents wait."
            ),
        ]
    )
    assert set(names.written.values()) == {"Celery", "LangGraph", "OpenAI"}
    assert names.within("OpenAI Agents SDK and Celery's queue") == ["OpenAI Agents SDK", "Celery"]
    assert names.within("celery is a vegetable") == []


def test_a_word_that_starts_sentences_only_is_no_name():
    assert not gather(["Workers wait. Workers die. Workers wait."]).written


def test_the_names_in_a_claim_are_its_capitals_but_the_first():
    assert name_tokens("Workers of Celery meet DBOS and LangGraph's nodes.") == ["Celery", "DBOS", "LangGraph"]
    assert name_tokens("LangGraph waits. Nodes wait.") == ["LangGraph"]


class Everywhere:
    """An index of a hundred passages in which words are found as often as told."""

    def __init__(self, **found):
        self.found = found

    def count(self, term):
        return self.found.get(term, 0)


def test_rare_words_weigh_more_and_missing_words_most():
    focus = focus_on("Do agents bake bread?", Everywhere(agents=90, bake=3), 100)
    weights = {term.word: term.weight for term in focus.terms}
    assert weights["agents"] < weights["bake"] < weights["bread"]
    assert focus.missing == ("bread",)


def test_relevance_counts_the_sentence_first_then_its_titles_then_its_passage():
    focus = focus_on("crash recovery", Everywhere(crash=10, recovery=10), 100)
    crash, both = frozenset(stems("crash")), frozenset(stems("crash recovery"))
    whole = focus.relevance(both)
    assert whole == 1.0
    assert whole > focus.relevance(crash, titles=both) > focus.relevance(crash, passage=both) > focus.relevance(crash)


def test_a_word_for_the_same_thing_counts_less_than_the_word():
    focus = focus_on("crash", Everywhere(crash=10), 100)
    assert 1.0 > focus.relevance(frozenset(stems("death"))) > 0.0


def test_a_long_question_need_not_be_covered_by_one_sentence():
    question = " ".join(f"word{n}" for n in range(40))
    focus = focus_on(question, Everywhere(**{f"word{n}": 10 for n in range(40)}), 100)
    assert focus.relevance(frozenset(f"word{n}" for n in range(8))) == 1.0


def test_a_question_of_stop_words_still_has_a_focus():
    assert focus_on("To be or not to be?", Everywhere(be=5), 100).words
