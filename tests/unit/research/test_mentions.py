"""Mentions: a word is missing only when no byte of a document holds a form of it."""

from __future__ import annotations

import pytest

from scr.apps.research.text.mentions import find, names_in, unsaid


def found_in(text, word, *, name=False, path="a.md"):
    return find([word], [word] if name else [], [(path, text)]).get(word)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("upload", "An UPLOAD is retried."),
        ("upload", "```\nclient.upload_all()\n```"),
        ("retried", "It retries nine times."),
        ("times", "One time."),
        ("policies", "The policy."),
        ("dies", "The worker died."),
        ("wrote", "It will write."),
        ("children", "A child."),
        ("café", "Un CAFE\u0301 noir."),
        ("cafe", "Un café noir."),
        ("straße", "Die STRASSE."),
        ("istanbul", "\u0130stanbul"),
        ("o'reilly", "O\u2019Reilly wrote it."),
        ("26", "It failed 26 times."),
        ("cooperate", "They coop\u00aderate."),
        ("cooperate", "They coop-\n  erate."),
        ("prüfung", "Eine Pr&uuml;fung."),
    ],
)
def test_a_word_is_mentioned_in_any_form_and_in_any_part_of_a_document(word, text):
    assert found_in(text, word).whole


@pytest.mark.parametrize("text", ["<p title='upload'>", "<nav>Upload</nav>", "<!-- upload -->", "<td>&#117;pload</td>"])
def test_a_word_is_mentioned_in_the_attributes_the_navigation_and_the_entities_of_a_page(text):
    assert found_in(text, "upload", path="a.html").whole


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("26", "In 2026, 126 and 260."),
        ("celery", "A celebrity."),
        ("retried", "It is retrieved."),
        ("进程", "线程"),
    ],
)
def test_a_word_of_which_only_the_beginning_or_a_part_of_a_number_is_there_is_not_mentioned(word, text):
    assert found_in(text, word) is None


@pytest.mark.parametrize(
    ("word", "text", "form"), [("cat", "To Concatenate.", "Concatenate"), ("进程", "新进程如何", "新进程如何")]
)
def test_a_word_inside_of_another_is_told_with_that_other_word(word, text, form):
    mention = found_in(f"One.\n{text}", word)
    assert (mention.whole, mention.form, mention.path, mention.line) == (False, form, "a.md", 2)


def test_a_name_is_not_mentioned_by_another_word_with_its_stem():
    assert not found_in("A sliding window.", "windows", name=True).whole
    assert found_in("A sliding window.", "windows").whole
    assert found_in("It runs on Windows.", "windows", name=True).whole
    assert found_in("Two Celerys.", "celery", name=True).whole


def test_a_whole_mention_in_a_later_document_is_better_than_another_word_in_an_earlier_one():
    texts = [("a.md", "Concatenate."), ("b.md", "One.\nTwo cats.")]
    assert find(["cat"], [], texts)["cat"].path == "b.md"


def test_a_long_word_is_no_mention_of_its_beginning():
    assert not found_in("x" * 90 + "y", "x" * 90).whole


def test_a_text_of_one_line_and_one_word_is_searched_to_its_end():
    assert found_in("a" * 200_000 + " zebra", "zebra").whole
    assert found_in("a" * 200_000, "zebra") is None


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("How long does Celery wait?", {"celery"}),
        ("Does SCR support Windows?", {"scr", "windows"}),
        ("Celery waits how long?", set()),
        ("How Do Agents Recover From Crashes?", set()),
        ("HOW DO AGENTS RECOVER?", set()),
        ("My worker runs Celery. How long does it wait in US regions?", {"celery", "us"}),
        ("Which HTTP APIs are there?", set()),
        ("", set()),
    ],
)
def test_names_are_the_capitals_in_the_middle_of_a_question(question, names):
    assert set(names_in(question)) == names


def test_a_name_is_said_only_where_it_is_written_as_one():
    assert unsaid(["windows"], ["windows"], ["Sliding windows move."]) == ("windows",)
    assert unsaid(["windows"], [], ["A window moves."]) == ()
    assert unsaid(["windows", "wrote"], ["windows"], ["Windows moves.", "They write."]) == ()
