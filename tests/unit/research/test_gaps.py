"""What a report says is missing: nothing of it may be untrue."""

from __future__ import annotations

import re
import unicodedata
from itertools import count

import pytest

from scr.apps.research.gaps import UNDONE, UNSUPPORTED
from scr.apps.research.pipeline import research
from scr.apps.research.plan import make_plan
from scr.apps.research.report import Material, write
from scr.apps.research.text.index import IndexStats

PONDS = "# Ponds\n\nA pond is a body of water. Ponds freeze in winter because the wind does not move the water.\n"
PAGE = """\
<html><body><section class="wy-nav-content-wrap"><div role="main"><h1>Widget</h1>
<p>A failed upload of the widget is retried nine times.</p></div></section></body></html>
"""
WORKERS = "# Worker\n\nA crashed worker waits for thirty seconds before the supervisor restarts the worker again.\n"
EVIDENCE = "Every word of the question and every facet has evidence."


@pytest.fixture
def ask(write, tmp_path):
    """Answers a question from documents."""
    numbers = count()

    def answer(question, documents):
        folder = f"docs-{next(numbers)}"
        return research(question, write(documents, folder=folder), tmp_path / f"{folder}.index")

    return answer


def test_a_page_whose_text_is_skipped_is_named_and_its_words_are_not_denied(ask):
    done = ask("How many times is a failed upload retried?", {"one.html": PAGE})
    assert "No document mentions" not in done.report.body
    assert "**The passages of these documents do not answer this question.**" in done.report.body
    assert "1 document (0 passages; 1 without readable text) read." in done.report.body
    assert "No passage mentions \u201cupload\u201d, but `one.html:2` does." in done.not_found
    assert "1 document without readable text: `one.html`." in done.not_found


def test_documents_without_readable_text_are_named_up_to_a_bound_by_names_on_one_line(ask):
    odd = {f"{n:02}.md": "```\ncode\n```\n" for n in range(9)} | {"!we`ird\n*.md": "# Title\n"}
    done = ask("Why do ponds freeze?", {"ponds.md": PONDS} | odd)
    line = next(line for line in done.not_found if "without readable text" in line)
    assert line.startswith("10 documents without readable text: `!we'ird\ufffd*.md`, `00.md`, ")
    assert line.endswith(" and 2 more.")
    assert done.report.claims == 1


def test_a_word_in_code_alone_is_told_with_its_place(ask):
    done = ask("Why do ponds freeze with a heater?", {"ponds.md": f"{PONDS}\n```\nheaters.start()\n```\n"})
    assert done.report.claims == 1
    assert done.not_found == ("No passage mentions \u201cheater\u201d, but `ponds.md:6` holds \u201cheaters\u201d.",)


def test_a_word_inside_of_another_is_no_mention_and_is_not_denied_either(ask):
    done = ask("Why do ponds freeze under a cat?", {"ponds.md": f"{PONDS}\nStrings of ice concatenate.\n"})
    told = "As a word of its own \u201ccat\u201d stands in no document; `ponds.md:5` holds \u201cconcatenate\u201d."
    assert told in done.not_found


@pytest.mark.parametrize("unknown", ["in Reykjavik", "number 26", "of the Zorglub kind", "in Reykjavik with zebras"])
def test_a_question_with_unknown_words_is_answered_for_the_rest(ask, unknown):
    done = ask(f"Why do ponds freeze {unknown}?", {"ponds.md": f"{PONDS}\nPonds had 2026 kinds of fish.\n"})
    assert "Ponds freeze in winter" in done.report.body
    assert any(line.startswith("No document mentions \u201c") for line in done.not_found)
    assert EVIDENCE not in done.not_found


@pytest.mark.parametrize(
    "question",
    [
        "Which number of penguins?",
        "How is bread baked by a pond in winter nights of Oslo?",
        "\u8fdb\u7a0b\u5982\u4f55\u5171\u4eab\u72b6\u6001\uff1f",
        "Wann wird der Teich gefrieren?",
        " ".join(f"unknown{n}" for n in range(100)),
    ],
)
def test_a_question_of_which_too_little_is_known_is_not_answered(ask, question):
    done = ask(question, {"ponds.md": f"{PONDS}\nA number of ponds is deep.\n"})
    assert done.report.claims == 0
    assert "**The documents do not answer this question.** No document mentions" in done.report.body
    assert max(map(len, done.not_found)) < 300


@pytest.mark.parametrize("question", ["MUNCHEN cafe", "M\u00fcnchen caf\u00e9", "Mu\u0308nchen cafe\u0301"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_passage_is_quoted_however_its_accents_are_written(ask, question, form):
    text = unicodedata.normalize(
        form, "The caf\u00e9 in M\u00fcnchen restarts its na\u00efve oven after each power cut by itself."
    )
    done = ask(f"Why does the {question} restart its oven?", {"a.md": f"# Ovens\n\n{text}\n"})
    assert text in done.report.body
    assert done.not_found == (EVIDENCE,)


def test_a_letter_that_is_written_as_two_is_found(ask):
    text = "The caf\u00e9 in the Hauptstra\u00dfe restarts its oven after each power cut by itself."
    done = ask("Why does the cafe in the HAUPTSTRASSE restart its oven?", {"a.md": f"# Ovens\n\n{text}\n"})
    assert text in done.report.body


@pytest.mark.parametrize(
    "text", ["A widget restarts when it crashes.", "- widgets => restart() | each {crash}, 3 times"]
)
def test_a_passage_that_speaks_of_all_of_it_without_a_sentence_to_quote_is_named(ask, text):
    done = ask("How do widgets restart?", {"q.md": f"# Widgets\n\n{text}\n"})
    assert done.report.claims == 0
    assert "Passages speak of it, but no sentence that can be quoted does: a whole one of 7 to 52" in done.report.body
    assert "Near the question, but no answer: `q.md:3 Widgets`." in done.not_found


@pytest.mark.parametrize(("material", "why"), [({"dropped": ("a",)}, UNSUPPORTED), ({"failed": ("a",)}, UNDONE)])
def test_claims_that_were_dropped_or_never_made_are_the_reason_why_nothing_is_stated(material, why):
    stats = IndexStats(documents=1, passages=1)
    body = write(Material(plan=make_plan("How do widgets restart?", ()), stats=stats, **material)).body
    assert f"Passages speak of it, but {why}" in body


@pytest.mark.parametrize("number", ["3.0", "9.87", "1,000", "10:30", "127.0.0.1"])
def test_a_number_of_several_parts_that_stands_in_no_document_is_named_as_a_whole(ask, number):
    parts = ", ".join(re.findall(r"\d+", number))
    done = ask(f"Why do ponds freeze at {number}?", {"ponds.md": f"{PONDS}\nPonds had {parts} kinds of fish.\n"})
    assert done.report.claims == 1
    assert done.not_found == (f"No document mentions \u201c{number}\u201d.",)
    done = ask(f"Why do ponds freeze at {number}?", {"ponds.md": PONDS.replace("winter", f"winter at {number}")})
    assert done.not_found == (EVIDENCE,)


def test_a_number_inside_of_another_is_told_with_that_other_number(ask):
    done = ask("Why do ponds freeze at 3.0?", {"ponds.md": f"{PONDS}\nFish of 13.0 kinds have 3.0.1 fins.\n"})
    told = "As a word of its own \u201c3.0\u201d stands in no document; `ponds.md:5` holds \u201c3.0.1\u201d."
    assert done.not_found == (told,)


def test_where_files_were_skipped_only_documents_that_were_read_are_spoken_of(ask):
    done = ask("Why do ponds freeze in Reykjavik?", {"ponds.md": PONDS, "b.md": b"\0"})
    assert "No document that was read mentions \u201creykjavik\u201d." in done.not_found


def test_the_name_of_a_file_is_no_mention(ask):
    done = ask("Why do ponds freeze in Reykjavik?", {"reykjavik.md": PONDS})
    assert done.not_found == ("No document mentions \u201creykjavik\u201d.",)


def test_a_name_that_stands_nowhere_is_missing_though_its_stem_is_another_word(ask):
    text = "The window of the pond supports the wall of the house in which the owner of the pond lives."
    done = ask("Does the pond support Windows?", {"ponds.md": f"{PONDS}\n{text}\n"})
    told = "As a word of its own \u201cwindows\u201d stands in no document; `ponds.md:5` holds \u201cwindow\u201d."
    assert told in done.not_found
    assert EVIDENCE not in done.not_found


def test_a_name_that_no_document_mentions_is_said_beside_the_answer_for_the_rest(ask):
    done = ask("How long does Celery wait before it restarts a worker?", {"worker.md": WORKERS})
    assert done.report.claims == 1
    assert "No document mentions \u201ccelery\u201d." in done.not_found


def test_words_that_no_claim_says_are_named(ask):
    heron = "# Birds\n\nGrey herons are large birds.\n"
    done = ask(
        "Why do ponds freeze in winter, herons and Windows?", {"ponds.md": f"{PONDS}\nWindows\n", "birds.md": heron}
    )
    assert done.report.claims == 1
    assert done.not_found == (
        "No claim of this report names \u201cWindows\u201d.",
        "No claim of this report mentions \u201cherons\u201d.",
    )


def test_a_question_for_a_number_says_when_no_claim_gives_one(ask):
    text = "A crashed worker waits for a while before the supervisor restarts the worker again."
    done = ask("How long does a crashed worker wait before it restarts?", {"worker.md": f"# Worker\n\n{text}\n"})
    assert "No claim of this report gives a number together with most words of the question." in done.not_found
    done = ask("How long does a crashed worker wait before it restarts?", {"worker.md": WORKERS})
    assert done.not_found == (EVIDENCE,)


def test_a_question_of_parts_that_no_passage_joins_is_answered_for_one_and_says_what_is_left_out(ask):
    share = "Processes share state through a block of memory that all processes of one machine can read."
    trade = "A mailbox is where letters lie until the owner of the house reads the letters in the morning."
    filler = "\n\n".join(
        f"The colour of house number {n} was painted again in the summer of that year." for n in range(9)
    )
    question = "How do processes share state, and how is a mailbox painted in the morning of a summer?"
    done = ask(question, {"a.md": f"# Sharing\n\n{share}\n", "b.md": f"{trade}\n\n{filler}\n"})
    assert share in done.report.body
    left = "Left out: \u201chow is a mailbox painted in the morning of a summer\u201d. Ask it as a question of its own."
    assert left in done.not_found


def test_a_question_that_is_refused_never_has_evidence_for_every_word(ask):
    done = ask("What is it about?", {"a.md": "```\ncode\n```\n"})
    assert done.report.claims == 0
    assert EVIDENCE not in done.not_found
