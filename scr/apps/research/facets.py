"""Facets: what the documents speak of when they speak of the question.

From the passages nearest to the question come the words and pairs of words that are used
like nouns, each with a score: how much of those passages' weight holds it, times how much
more often it stands there than elsewhere.  Titles count more; facets that stand in the same
passages as a chosen one count less.  Things that the question names are facets of their own.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scr.apps.research.evidence import whole_sentences
from scr.apps.research.focus import ANSWER_MIN, ON_FACET_MIN, RELEVANCE_MIN, TERMS_COUNTED, TOUCHED_MIN, Focus, focus_on
from scr.apps.research.plan import Plan, make_plan, plan_without_answer
from scr.apps.research.question import clean
from scr.apps.research.scope import candidates, scope_of
from scr.apps.research.text.english import AFTER_VERBS, BEFORE_VERBS, EMPTY_NOUNS
from scr.apps.research.text.index import Hit, Index
from scr.apps.research.text.names import Names
from scr.apps.research.text.passages import Passage
from scr.apps.research.text.sentences import points_away
from scr.apps.research.text.terms import is_term, stem, stems

PASSAGES_READ = 120
PASSAGES_NEAR, PASSAGES_ENOUGH = 48, 16
FACETS_MAX = 5
PLACES_MAX = 3
NAMED_MAX = 3
CANDIDATES_MAX = 60
NOUN_SHARE_MIN, TITLE_SHARE_MIN, NOUN_USES_MIN = 0.45, 0.3, 2
SUPPORT_MIN, PAIR_SUPPORT_MIN = 3, 2
TITLE_BONUS, TITLES_MAX, PAIR_BONUS = 0.5, 4, 1.6
LIFT_MAX = 12.0
OWN_SENTENCES_MIN, OWN_SHARE_MIN = 2, 0.5
IN_TITLE = -1

_TOKEN = re.compile(r"[\w'-]+")
_VERBAL = ("ed", "ing", "ly")


@dataclass(frozen=True, slots=True)
class Near:
    """A passage near the question and its weight."""

    hit: Hit
    weight: float


@dataclass(slots=True)
class _Usage:
    """How a stem (or a pair) is used in the passages near the question."""

    forms: Counter[str] = field(default_factory=Counter)
    nouns: Counter[str] = field(default_factory=Counter)
    sentences: set[tuple[int, int]] = field(default_factory=set)
    passages: dict[int, float] = field(default_factory=dict)
    titles: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)

    @property
    def form(self) -> str:
        """The form that is used most like a noun."""
        return min(self.forms, key=lambda form: (-self.nouns[form], -self.forms[form], form))


def plan_for(question: str, index: Index) -> Plan:
    """The plan for a question over an index.  Raises InvalidInput for what is no question."""
    asked = clean(question)
    focus = focus_on(asked, index, index.stats.passages)
    scope = scope_of(focus, asked, index)
    gaps = {"missing": scope.missing, "elsewhere": scope.elsewhere}
    for rest, left_out in candidates(asked, scope):
        narrowed = focus if rest == asked else focus_on(rest, index, index.stats.passages)
        near = nearest(narrowed, index)
        if answering := [passage for passage in near if _answers(narrowed, passage)]:
            plan = make_plan(asked, find_facets(narrowed, near, index))
            told = {"researched": "" if rest == asked else rest, "left_out": left_out, "nearest": _places(answering)}
            return plan.model_copy(update=gaps | told)
    return plan_without_answer(asked, scope.missing, _places(nearest(focus, index))).model_copy(update=gaps)


def _places(near: Sequence[Near]) -> tuple[str, ...]:
    """Return where the first of these passages begin, each with its titles."""
    passages = [passage.hit.passage for passage in near[:PLACES_MAX]]
    return tuple(f"{passage.path}:{passage.first_line} {passage.titles}".strip() for passage in passages)


def nearest(focus: Focus, index: Index) -> list[Near]:
    """The passages nearest to the question, nearest first; of those with the same text, the nearest alone.

    When few come near, those that come half as near are taken too: they tell what else is spoken of.
    """
    weighed = sorted(
        (Near(hit, _nearness(focus, hit)) for hit in index.search(focus.words, PASSAGES_READ)),
        key=lambda near: (-near.weight, near.hit.passage_id),
    )
    distinct = list({near.hit.passage.text: near for near in reversed(weighed)}.values())[::-1]
    close = [near for near in distinct if near.weight >= RELEVANCE_MIN]
    half = [near for near in distinct if near.weight >= RELEVANCE_MIN / 2]
    return (close if len(close) >= PASSAGES_ENOUGH else half[:PASSAGES_ENOUGH])[:PASSAGES_NEAR]


def find_facets(focus: Focus, near: Sequence[Near], index: Index) -> list[tuple[str, str]]:
    """Facets as (title, query), the things that the question names first."""
    names = index.names
    named = [(names.written[word], word) for word in focus.named(names)][:NAMED_MAX]
    named = named if len(named) > 1 else []
    usages = _usages(focus, names, near)
    scored = _scored(usages, near, index)
    return (
        named
        + [(_title(usages[key]), " ".join(_words(usages[key]))) for key in _diverse(scored, usages)][
            : FACETS_MAX - len(named)
        ]
    )


def _answers(focus: Focus, near: Near) -> bool:
    """Whether a passage speaks of enough of the question to answer it."""
    titles = frozenset(stems(near.hit.passage.titles))
    touched = focus.touched(frozenset(stems(near.hit.passage.text)), titles)
    return near.weight >= ANSWER_MIN and touched >= min(TOUCHED_MIN, TERMS_COUNTED / len(focus.terms) / 2)


def _nearness(focus: Focus, hit: Hit) -> float:
    passage = hit.passage
    return focus.relevance(frozenset(stems(passage.text)), frozenset(stems(passage.titles)))


def _usages(focus: Focus, names: Names, near: Sequence[Near]) -> dict[str, _Usage]:
    usages: dict[str, _Usage] = defaultdict(_Usage)
    for passage in near:
        for start, text in _quotable(focus, passage.hit.passage):
            _read(passage, start, text, usages)
        for heading in passage.hit.passage.headings:
            _read(passage, IN_TITLE, heading.title, usages)
    return {key: usage for key, usage in sorted(usages.items()) if _fits(key, usage, focus.stems, names)}


def _quotable(focus: Focus, passage: Passage) -> Iterator[tuple[int, str]]:
    """The sentences that research could quote for a facet, with where they begin."""
    titles, whole = frozenset(stems(passage.titles)), frozenset(stems(passage.text))
    for start, end, _ in whole_sentences(passage):
        text = passage.text[start:end]
        if focus.relevance(frozenset(stems(text)), titles, whole) >= ON_FACET_MIN and not points_away(text):
            yield start, text


def _read(near: Near, start_in: int, text: str, usages: dict[str, _Usage]) -> None:
    tokens = [(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)]
    for n, (word, start, end) in enumerate(tokens):
        if not _candidate(word):
            continue
        before = tokens[n - 1][0].lower() if n and text[tokens[n - 1][2] : start].isspace() else ""
        after = tokens[n + 1][0] if n + 1 < len(tokens) and text[end : tokens[n + 1][1]].isspace() else ""
        ends = not (after and is_term(after.lower()))
        verbal = before in BEFORE_VERBS or after.lower() in AFTER_VERBS or word.endswith(_VERBAL)
        _note(usages[stem(word.lower())], near, word, noun=ends and not verbal, at=start_in)
        if before and _candidate(before) and not before.endswith("ly"):
            pair = f"{stem(before)} {stem(word.lower())}"
            _note(usages[pair], near, f"{tokens[n - 1][0]} {word}", noun=ends and not verbal, at=start_in)


def _note(usage: _Usage, near: Near, form: str, *, noun: bool, at: int) -> None:
    form = form if form.isupper() else form.lower()
    usage.forms[form] += 1
    usage.nouns[form] += noun
    if at == IN_TITLE:
        usage.titles.add(near.hit.passage.path)
    else:
        usage.sentences.add((near.hit.passage_id, at))
        usage.passages[near.hit.passage_id] = near.weight
        usage.paths.add(near.hit.passage.path)


def _candidate(word: str) -> bool:
    lowered = word.lower()
    return is_term(lowered) and len(lowered) > 3 and lowered.isalpha()


def _fits(key: str, usage: _Usage, asked: frozenset[str], names: Names) -> bool:
    parts = key.split()
    forms = [form.lower() for form in usage.forms]
    return (
        not all(part in asked for part in parts)
        and usage.nouns[usage.form] >= NOUN_USES_MIN
        and usage.nouns[usage.form] >= usage.forms[usage.form] * (TITLE_SHARE_MIN if usage.titles else NOUN_SHARE_MIN)
        and len(usage.sentences) >= (SUPPORT_MIN if " " not in key else PAIR_SUPPORT_MIN)
        and not any(word in names or word in EMPTY_NOUNS for form in forms for word in form.split())
    )


def _scored(usages: dict[str, _Usage], near: Sequence[Near], index: Index) -> dict[str, float]:
    """Score per candidate.  Only the best by support are looked up in the index."""
    total = sum(passage.weight**2 for passage in near)
    support = {key: sum(weight**2 for weight in usage.passages.values()) / total for key, usage in usages.items()}
    best = sorted(support, key=lambda key: (-support[key] * (PAIR_BONUS if " " in key else 1), key))[:CANDIDATES_MAX]
    return {key: _score(key, support[key], usages[key], len(near), index) for key in best}


def _score(key: str, support: float, usage: _Usage, near: int, index: Index) -> float:
    everywhere = max(index.count(" ".join(_words(usage))), len(usage.passages))
    lift = (len(usage.passages) / near) / (everywhere / max(index.stats.passages, 1))
    titles = 1 + TITLE_BONUS * min(len(usage.titles), TITLES_MAX)
    spread = min(len(usage.paths), 4) / 4 + 0.5
    pair = PAIR_BONUS if " " in key else 1.0
    rare = math.log((index.stats.passages + 1) / everywhere)
    return round(support * math.sqrt(min(lift, LIFT_MAX)) * rare * titles * spread * pair, 6)


def _diverse(scored: dict[str, float], usages: dict[str, _Usage]) -> list[str]:
    """The best candidates that differ in their words and bring sentences of their own."""
    chosen: list[str] = []
    told: set[tuple[int, int]] = set()
    for key in sorted(scored, key=lambda key: (-scored[key], key)):
        new = usages[key].sentences - told
        words = set(key.split())
        fresh = len(new) >= max(OWN_SENTENCES_MIN, OWN_SHARE_MIN * len(usages[key].sentences))
        if fresh and not any(words & set(other.split()) for other in chosen):
            chosen.append(key)
            told |= new
        if len(chosen) == FACETS_MAX:
            break
    return chosen


def _title(usage: _Usage) -> str:
    return usage.form[0].upper() + usage.form[1:]


def _words(usage: _Usage) -> list[str]:
    return usage.form.lower().split()
