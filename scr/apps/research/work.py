"""How each kind of work is done: a function of its input and the index, in named steps.

A step returns JSON, and so does a piece of work.  Whoever drives the work passes a `step` that may record the results
and give them back instead of running a step again; alone, `directly` just runs it.  The index is opened inside the
steps that read it: work whose steps are all recorded needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from scr.apps.research import analysis, evidence
from scr.apps.research.checks import Review, review
from scr.apps.research.claims import Claim, Findings, draft
from scr.apps.research.focus import Focus, focus_on
from scr.apps.research.plan import Kind, Subtask
from scr.apps.research.report import Material, write
from scr.apps.research.revision import revise
from scr.apps.research.text.index import Index
from scr.values import LATER

Input: TypeAlias = dict[str, Any]
Output: TypeAlias = Any
Step: TypeAlias = Callable[..., Output]
Opened: TypeAlias = Callable[[], Index]
_CLAIMS: TypeAdapter[tuple[Claim, ...]] = TypeAdapter(tuple[Claim, ...], config=LATER)
_FINDINGS: TypeAdapter[tuple[Findings, ...]] = TypeAdapter(tuple[Findings, ...], config=LATER)


def directly(_name: str, fn: Callable[..., Any], *args: Any) -> Any:
    """Run a step and record nothing."""
    return fn(*args)


def perform(kind: Kind, given: Input, opened: Opened, step: Step = directly) -> Output:
    """Do one piece of work; `opened` gives the index.  Raises ValidationError for an input that is none."""
    return _WORK[kind](given, opened, step)


def _research(given: Input, opened: Opened, step: Step) -> Output:
    passage_ids = step("retrieve", _retrieve, given, opened)
    return step("extract", _extract, given, opened, passage_ids)


def _retrieve(given: Input, opened: Opened) -> list[int]:
    index = opened()
    return evidence.retrieve(_aim(given, index), index)


def _extract(given: Input, opened: Opened, passage_ids: list[int]) -> Output:
    index = opened()
    subtask = Subtask.model_validate(given["subtask"])
    found = evidence.extract(_aim(given, index), index, passage_ids)
    return draft(subtask.subtask_id, subtask.title, found, len(passage_ids)).model_dump(mode="json")


def _aim(given: Input, index: Index) -> evidence.Aim:
    return evidence.aim_at(_focus(given, index), Subtask.model_validate(given["subtask"]).query, index.names)


def _focus(given: Input, index: Index) -> Focus:
    return focus_on(given["question"], index, index.stats.passages)


def _analysis(given: Input, opened: Opened, step: Step) -> Output:
    return step("compare", _compare, given, opened)


def _compare(given: Input, opened: Opened) -> Output:
    index = opened()
    findings = _FINDINGS.validate_python(given["findings"])
    return analysis.analyse(findings, _focus(given, index), index).model_dump(mode="json")


def _critique(given: Input, opened: Opened, step: Step) -> Output:
    return step("check", _check, given, opened)


def _check(given: Input, opened: Opened) -> Output:
    return review(_CLAIMS.validate_python(given["claims"]), given["facets"], opened()).model_dump(mode="json")


def _revision(given: Input, _opened: Opened, step: Step) -> Output:
    return step("revise", _revise, given)


def _revise(given: Input) -> Output:
    judged = Review.model_validate(given["review"])
    findings = {found.subtask_id: found for found in _FINDINGS.validate_python(given["findings"])}
    claims = _CLAIMS.validate_python(given["claims"])
    return revise(claims, judged.objections, judged.uncovered, findings).model_dump(mode="json")


def _synthesis(given: Input, _opened: Opened, step: Step) -> Output:
    return step("write", _write, given)


def _write(given: Input) -> Output:
    return write(Material.model_validate(given["material"])).model_dump(mode="json")


_WORK: dict[Kind, Callable[[Input, Opened, Step], Output]] = {
    Kind.RESEARCH: _research,
    Kind.ANALYSIS: _analysis,
    Kind.CRITIQUE: _critique,
    Kind.REVISION: _revision,
    Kind.SYNTHESIS: _synthesis,
}
