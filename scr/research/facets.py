"""Facets: what the documents speak of when they speak of the question.

From the passages nearest to the question come the words and pairs of words that are used
like nouns, each with a score: how much of those passages' weight holds it, times how much
more often it stands there than elsewhere.  Titles count more; facets that stand in the same
passages as a chosen one count less.  Things that the question names are facets of their own.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from scr.research.focus import ANSWER_MIN, RELEVANCE_MIN, Focus, focus_on
from scr.research.index import Hit, Index
from scr.research.names import Names
from scr.research.plan import Plan, make_plan
from scr.research.question import clean
from scr.research.terms import WORD, is_term, jaccard, stem, stems

PASSAGES_READ = 120
PASSAGES_NEAR = 48
FACETS_MAX = 5
NAMED_MAX = 3
CANDIDATES_MAX = 60
NOUN_SHARE_MIN, TITLE_SHARE_MIN, NOUN_USES_MIN = 0.45, 0.3, 2
SUPPORT_MIN, PAIR_SUPPORT_MIN = 3, 2
TITLE_BONUS, TITLES_MAX, PAIR_BONUS = 0.5, 4, 1.6
LIFT_MAX = 12.0
SAME_PASSAGES_MAX = 0.6

_BEFORE_VERBS = frozenset(
    "to will would can could may might must should shall not cannot it they we you i which who that and or then never".split()
)
_AFTER_VERBS = frozenset("a an the its their his her both no one two each every all any some this that it them".split())
_VERBAL = ("ed", "ing", "ly")
_EMPTY = frozenset(
    """way ways case cases number numbers kind kinds type types lot lots bit part parts point points time times thing
    name names fact idea ideas order sense example examples detail details chapter section document page list first system systems issue issues experiment experiments
    production program programs feature features function functions method methods chapter introduction background
    overview summary conclusion definition principle library libraries framework frameworks second third last single simple full whole long short new old high low large small real true false right left
    same common general specific particular certain default possible available able sure clear easy hard ready user
    users people person developer developers project version versions line lines word words text
    today year years day days hour hours minute minutes second seconds month months result results reason problem
    question answer place side end start beginning top bottom place value values code""".split()
)


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
    near = nearest(focus, index)
    answerable = bool(near) and max(passage.weight for passage in near) >= ANSWER_MIN
    facets = find_facets(focus, near, index) if answerable else []
    return make_plan(asked, facets, focus.missing, answerable=answerable)


def nearest(focus: Focus, index: Index) -> list[Near]:
    """The passages nearest to the question, nearest first."""
    hits = index.search(focus.words, PASSAGES_READ)
    weighed = (Near(hit, _nearness(focus, hit)) for hit in hits)
    near = [passage for passage in weighed if passage.weight >= RELEVANCE_MIN]
    return sorted(near, key=lambda passage: (-passage.weight, passage.hit.passage_id))[:PASSAGES_NEAR]


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


def _nearness(focus: Focus, hit: Hit) -> float:
    passage = hit.passage
    return focus.relevance(frozenset(stems(passage.text)), frozenset(stems(passage.titles)))


def _usages(focus: Focus, names: Names, near: Sequence[Near]) -> dict[str, _Usage]:
    usages: dict[str, _Usage] = defaultdict(_Usage)
    for passage in near:
        _read(passage, passage.hit.passage.text, usages, in_title=False)
        for heading in passage.hit.passage.headings:
            _read(passage, heading.title, usages, in_title=True)
    return {key: usage for key, usage in sorted(usages.items()) if _fits(key, usage, focus.stems, names)}


def _read(near: Near, text: str, usages: dict[str, _Usage], *, in_title: bool) -> None:
    tokens = [(match[0], match.start(), match.end()) for match in WORD.finditer(text)]
    for n, (word, start, end) in enumerate(tokens):
        if not _candidate(word):
            continue
        before = tokens[n - 1][0].lower() if n and text[tokens[n - 1][2] : start].isspace() else ""
        after = tokens[n + 1][0] if n + 1 < len(tokens) and text[end : tokens[n + 1][1]].isspace() else ""
        ends = not (after and is_term(after.lower()))
        verbal = before in _BEFORE_VERBS or after.lower() in _AFTER_VERBS or word.endswith(_VERBAL)
        _note(usages[stem(word.lower())], near, word, noun=ends and not verbal, in_title=in_title)
        if before and _candidate(before) and not before.endswith("ly"):
            pair = f"{stem(before)} {stem(word.lower())}"
            _note(usages[pair], near, f"{tokens[n - 1][0]} {word}", noun=ends and not verbal, in_title=in_title)


def _note(usage: _Usage, near: Near, form: str, *, noun: bool, in_title: bool) -> None:
    form = form if form.isupper() else form.lower()
    usage.forms[form] += 1
    usage.nouns[form] += noun
    usage.passages[near.hit.passage_id] = near.weight
    usage.paths.add(near.hit.passage.path)
    if in_title:
        usage.titles.add(near.hit.passage.path)


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
        and len(usage.passages) >= (SUPPORT_MIN if " " not in key else PAIR_SUPPORT_MIN)
        and not any(word in names or word in _EMPTY for form in forms for word in form.split())
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
    return round(support * min(lift, LIFT_MAX) ** 0.5 * rare * titles * spread * pair, 6)


def _diverse(scored: dict[str, float], usages: dict[str, _Usage]) -> list[str]:
    """The best candidates that differ in their words and stand in different passages."""
    chosen: list[str] = []
    for key in sorted(scored, key=lambda key: (-scored[key], key)):
        apart = all(
            not set(key.split()) & set(other.split())
            and jaccard(map(str, usages[key].passages), map(str, usages[other].passages)) <= SAME_PASSAGES_MAX
            for other in chosen
        )
        if apart:
            chosen.append(key)
        if len(chosen) == FACETS_MAX:
            break
    return chosen


def _title(usage: _Usage) -> str:
    return usage.form[0].upper() + usage.form[1:]


def _words(usage: _Usage) -> list[str]:
    return usage.form.lower().split()
