"""What a run came to for whoever asked it, as its store has it: one entry for each message of a client's.

The reading is in `account_of`; all else is pure.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from scr.chaos.judge.collect_evidence import rows_of
from scr.chaos.plan.kinds import HELPERS
from scr.messages import CLIENT
from scr.step_names import shown_step
from scr.store.archive.checks import check
from scr.store.archive.row_index import Row

OUTCOMES = {"turn": "done", "dead": "a dead letter"}
RECONCILING = "/reconcile@"  # what finding out needs is no work of the task's own


@dataclass(frozen=True, slots=True)
class Came:
    """What one message came to.  `answer` is JSON as it is kept; `doubts` are steps that wait for a person."""

    to: str
    given: str
    outcome: str
    answer: str
    steps: int
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A run: what each message came to, what its rows say that cannot be, how long each turn of an agent lasted."""

    came: tuple[Came, ...]
    broken: tuple[str, ...] = ()
    lasted_s: tuple[float, ...] = ()


def account_of(store: str, run: str) -> Account:
    """The account of a run that is at rest.  Raises UnknownRun, StoreError."""
    return folded(*rows_of(store, run))


def folded(run: Row, rows: Mapping[str, Sequence[Row]]) -> Account:
    """The same from rows."""
    answers, steps, parked = (
        answers_to_clients(rows),
        steps_of(rows),
        {row["message_id"] for row in rows["messages"] if row["parked"]},
    )
    came = []
    for row in rows["messages"]:
        if row["sender"] != CLIENT:
            continue
        payload, grown = from_json(row["payload"]), steps[row["message_id"]]
        came.append(
            Came(
                to=row["recipient"],
                given=json.dumps(payload["input"]) if "input" in payload else str(row["payload"]),
                outcome=OUTCOMES.get(row["outcome"], row["outcome"]) or "no outcome",
                answer=answers.get(row["message_id"], "no answer"),
                steps=sum(RECONCILING not in step["name"] for step in grown),
                doubts=tuple(
                    shown_step(step["name"])
                    for step in grown
                    if step["state"] == "begun" and step["message_id"] in parked
                ),
            )
        )
    findings = tuple(f"{finding.table}: {finding.sentence}" for finding in check(run, rows))
    return Account(tuple(came), findings + recorded_twice(rows), lasted(rows))


def steps_of(rows: Mapping[str, Sequence[Row]]) -> defaultdict[str, list[Row]]:
    """The recorded steps of a message and of all that grew out of it, by what began it."""
    roots: dict[Any, Any] = {row["message_id"]: row["trace_id"] or row["message_id"] for row in rows["messages"]}
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for step in rows["steps"]:
        found[roots[step["message_id"]]].append(step)
    return found


def answers_to_clients(rows: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """The answers to clients, by what they answer."""
    found = {}
    for row in rows["messages"]:
        if row["recipient"] == CLIENT and row["in_reply_to"]:
            payload = from_json(row["payload"])
            found[row["in_reply_to"]] = json.dumps(payload["output"] if "output" in payload else payload.get("reason"))
    return found


def recorded_twice(rows: Mapping[str, Sequence[Row]]) -> tuple[str, ...]:
    """Steps whose result came in more than once."""
    times: Counter[tuple[str, str]] = Counter()
    for body in _bodies(rows, "step_recorded"):
        times[body["message_id"], body.get("record") or body["step"]] += 1
    return tuple(
        f"step {shown_step(step)!r} of message {message_id} was recorded {count} times"
        for (message_id, step), count in times.items()
        if count > 1
    )


def lasted(rows: Mapping[str, Sequence[Row]]) -> tuple[float, ...]:
    """How long turns of agents took from delivery to commit, in seconds, the helpers' left out."""
    begun: dict[str, float] = {}
    found = []
    for event in rows["events"]:
        if event["kind"] not in {"message_delivered", "turn_committed"}:
            continue
        body = from_json(event["body"])
        if event["kind"] == "message_delivered":
            begun[body["message_id"]] = event["at"]
        elif body["agent"] not in HELPERS and body["message_id"] in begun:
            found.append(event["at"] - begun[body["message_id"]])
    return tuple(found)


def _bodies(rows: Mapping[str, Sequence[Row]], kind: str) -> list[dict[str, Any]]:
    return [from_json(event["body"]) for event in rows["events"] if event["kind"] == kind]
