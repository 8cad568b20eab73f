"""Gaps: what a report says is missing, as sentences.  Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from scr.apps.research import question as questions
from scr.apps.research.claims import Claim
from scr.apps.research.plan import Plan
from scr.apps.research.question import Wanted
from scr.apps.research.text import mentions
from scr.apps.research.text.documents import tally
from scr.apps.research.text.english import DATES, NUMERALS
from scr.apps.research.text.index import IndexStats
from scr.apps.research.text.mentions import Mention
from scr.apps.research.text.sentences import LENGTH_MAX, LENGTH_MIN, WORDS_MAX, WORDS_MIN
from scr.apps.research.text.terms import terms
from scr.bounds import counted

LISTED_MAX = 8
UNQUOTED = (
    f"no sentence that can be quoted does: a whole one of {WORDS_MIN} to {WORDS_MAX} words"
    f" and {LENGTH_MIN} to {LENGTH_MAX} characters."
)
UNSUPPORTED = "no claim on it was supported well enough."
UNDONE = "a part of the work on them failed."
MEASURES: dict[Wanted, tuple[str, re.Pattern[str]]] = {
    Wanted.NUMBER: ("number", NUMERALS),
    Wanted.DATE: ("date", DATES),
}


def of_words(plan: Plan, stats: IndexStats) -> list[str]:
    """Say which words of the question are in no document, and which in none of the passages."""
    lines = [missing(plan, stats)] if plan.missing else []
    lines += [_elsewhere(mention) for mention in plan.elsewhere[:LISTED_MAX]]
    rest = [mention.word for mention in plan.elsewhere[LISTED_MAX:]]
    return [*lines, f"No passage mentions {listed(rest)} either."] if rest else lines


def missing(plan: Plan, stats: IndexStats) -> str:
    """Say which words are in no document: in none that was read, where some were not."""
    return f"No document{' that was read' if stats.skipped else ''} mentions {listed(plan.missing)}."


def why_not(plan: Plan, stats: IndexStats, unquoted: str = UNQUOTED) -> str:
    """Say why there is no answer: the words that are missing, that no passage has enough of them, or `unquoted`."""
    if plan.missing:
        return missing(plan, stats)
    if plan.elsewhere:
        return f"No passage mentions {listed([mention.word for mention in plan.elsewhere])}."
    if plan.answerable:
        return f"Passages speak of it, but {unquoted}"
    return "Some of its words stand in them, but no passage speaks of all of it."


def of_parts(plan: Plan) -> list[str]:
    """Say which parts of the question are not researched."""
    return [
        f"Left out: “{part.rstrip('.?!')}”. Ask it as a question of its own." for part in plan.left_out[:LISTED_MAX]
    ]


def of_claims(plan: Plan, stated: Sequence[Claim]) -> list[str]:
    """Say which of the question's other words no claim says, and whether the measure that it asks for is missing."""
    told = {*plan.missing, *(mention.word for mention in plan.elsewhere)}
    asked = [word for word in terms(questions.subject(plan.question)) if word not in told]
    names = mentions.names_in(plan.question)
    texts = [_text(claim) for claim in stated]
    unsaid = mentions.unsaid(asked, names, texts) if texts else ()
    named, common = [names[word] for word in unsaid if word in names], [word for word in unsaid if word not in names]
    lines = [f"No claim of this report names {listed(named)}."] if named else []
    lines += [f"No claim of this report mentions {listed(common)}."] if common else []
    measure, pattern = MEASURES.get(questions.wanted(plan.question), ("", NUMERALS))
    measured = (text for claim, text in zip(stated, texts, strict=True) if pattern.search(claim.text))
    if measure and texts and all(2 * len(mentions.unsaid(asked, names, [text])) >= len(asked) for text in measured):
        lines.append(f"No claim of this report gives a {measure} together with most words of the question.")
    return lines


def of_documents(stats: IndexStats) -> list[str]:
    """Say which documents yield no passage, and how many files were skipped."""
    more = stats.textless - len(stats.textless_first)
    names = ", ".join(code(path) for path in stats.textless_first) + (f" and {more} more" if more else "")
    textless = [f"{counted(stats.textless, 'document')} without readable text: {names}."] if stats.textless else []
    skipped = tally(stats.skipped)
    return [*textless, *([f"{skipped}."] if skipped else [])]


def listed(quoted: Collection[str]) -> str:
    """Return the words in quotes as a list with "or"; of many the first, and how many more."""
    shown = [f"“{word}”" for word in quoted]
    if len(shown) > LISTED_MAX:
        shown = [*shown[:LISTED_MAX], f"{len(shown) - LISTED_MAX} more of its words"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def code(text: str) -> str:
    """Return text as Markdown code on one line."""
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return f"`{shown.replace('`', chr(39))}`"


def _elsewhere(mention: Mention) -> str:
    place = code(f"{mention.path}:{mention.line}")
    if mention.whole:
        form = "does" if mention.form.lower() == mention.word else f"holds “{mention.form}”"
        return f"No passage mentions “{mention.word}”, but {place} {form}."
    return f"As a word of its own “{mention.word}” stands in no document; {place} holds “{mention.form}”."


def _text(claim: Claim) -> str:
    """Return a claim with the titles above what it cites."""
    return "\n".join([claim.text, *(citation.heading for citation in claim.citations)])
