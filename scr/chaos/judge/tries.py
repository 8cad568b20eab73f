"""What must hold of messages that are tried again: how often, not before when, in which order, to which end.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pydantic_core import from_json

from scr.chaos.inject.fault_result import Landed
from scr.chaos.judge.evidence import RunEvent, RunEvidence
from scr.messages import CLIENT, RUNTIME
from scr.retry import Retry
from scr.store.archive.row_index import Row

EARLY_S = 0.01  # two clocks are read one after the other
JUMP_S = 0.1
OUTCOMES = frozenset({"turn_committed", "message_buried", "message_cancelled"})


class TryBounds(NamedTuple):
    """How often one message may be tried."""

    attempts: int
    deaths: int


class Charged(NamedTuple):
    """What an event says that a message has been charged with."""

    attempts: int
    deaths: int


def bounds_of(of: RunEvidence, row: Row) -> TryBounds | None:
    """Of a message; None where its receiver is not known beforehand."""
    spec = of.specs.get(row["recipient"])
    if spec is None:
        return None
    own = from_json(row["payload"]).get("retry") if row["type"] == "task" else None
    return TryBounds((Retry.model_validate(own) if own else spec.retry).attempts, spec.max_deliveries)


def charged(event: RunEvent) -> Charged:
    """The counters of one failed try."""
    return Charged(event.body.get("attempts", 0), event.body.get("deaths", 0))


def tried_too_often(of: RunEvidence) -> Iterator[str]:
    """No counter of a message passes its limit or is forgotten, one try is charged once, none follows an outcome."""
    kept = {row["message_id"]: row for row in of.rows["messages"]}
    before: dict[str, Charged] = {}
    over: set[str] = set()
    for event in of.events():
        message_id = event.body.get("message_id", "")
        if event.kind in {"turn_failed", "message_delivered"} and message_id in over:
            yield f"message {message_id} was tried again after its outcome"
        if event.kind in OUTCOMES:
            over.add(message_id)
        if event.kind == "turn_failed" and message_id in kept:
            now, last = charged(event), before.get(message_id, Charged(0, 0))
            before[message_id] = now
            yield from _passed(message_id, last, now, bounds_of(of, kept[message_id]))


def _passed(message_id: str, last: Charged, now: Charged, most: TryBounds | None) -> Iterator[str]:
    if now.attempts < last.attempts or now.deaths < last.deaths:
        yield f"message {message_id} was charged with {last}, and later with {now}"
    if sum(now) > sum(last) + 1:
        yield f"message {message_id} was charged with {last}, and after one more try with {now}"
    if most and now.attempts > most.attempts:
        yield f"message {message_id} was tried {now.attempts} times, and may be {most.attempts} times"
    if most and now.deaths > most.deaths:
        yield f"message {message_id} has ended {now.deaths} processes, and may end {most.deaths}"


def buried_without_cause(of: RunEvidence) -> Iterator[str]:
    """Only what was tried, or has ended its agent, as often as it may is a dead letter, and what is fatal."""
    kept = {row["message_id"]: row for row in of.rows["messages"]}
    failed = {event.body["message_id"]: event for event in of.events() if event.kind == "turn_failed"}
    for letter in of.rows["letters"]:
        message_id, row, last = letter["message_id"], kept.get(letter["message_id"]), failed.get(letter["message_id"])
        most, now = bounds_of(of, row) if row else None, charged(last) if last else Charged(0, 0)
        match letter["reason"]:
            case "quarantined" if most and now.deaths < most.deaths:
                yield f"message {message_id} was buried after {now.deaths} deaths of {most.deaths}"
            case "failed" if most and now.attempts < most.attempts and not _is_fatal(last):
                yield f"message {message_id} was buried after {now.attempts} attempts of {most.attempts}"
            case "quarantined" | "failed":
                pass
            case reason:
                yield f"message {message_id} is a dead letter: {reason}: {letter['detail']}"


def _is_fatal(failed: RunEvent | None) -> bool:
    return failed is not None and str(failed.body.get("error", "")).startswith("Fatal")


def tried_too_early(of: RunEvidence) -> Iterator[str]:
    """No message is delivered again before its time; where the clock was set meanwhile, that says nothing."""
    waiting: dict[str, RunEvent] = {}
    jumps = [landed for landed in of.landed if landed.kind == "clock_jump"]
    for event in of.events():
        message_id = event.body.get("message_id", "")
        if event.kind == "turn_failed" and event.body.get("due") is not None:
            waiting[message_id] = event
        elif event.kind == "message_delivered" and (failed := waiting.pop(message_id, None)):
            pause_s, waited_s = failed.body["due"] - failed.time, event.at - failed.at
            if waited_s < pause_s - EARLY_S and not _has_jumped(jumps, failed.at, event.at):
                yield f"message {message_id} was tried again after {waited_s:.3f} s, and was to wait {pause_s:.3f} s"


def _has_jumped(jumps: Iterable[Landed], begun: float, over: float) -> bool:
    return any(jump.at - JUMP_S <= over and begun <= jump.until + JUMP_S for jump in jumps)


def disorder(of: RunEvidence) -> Iterator[str]:
    """What one agent sends another is handled in the order in which it was sent; so are tasks with the same key."""
    sent = {row["message_id"]: row for row in of.rows["messages"]}
    last: dict[tuple[str, str], tuple[int, str]] = {}
    for turn in sorted(of.rows["turns"], key=lambda row: int(row["n"])):
        row = sent.get(turn["message_id"])
        lane = lane_of(row) if row else None
        if row is None or lane is None:
            continue
        pair = lane, row["recipient"]
        before = last.get(pair, (0, ""))
        if row["n"] < before[0]:
            yield f"{row['recipient']} handled {row['message_id']} of {lane} after {before[1]}, sent later"
        last[pair] = max(before, (row["n"], row["message_id"]))


def lane_of(row: Row) -> str | None:
    """Whose messages are in order with this one; None when there are none."""
    match row["sender"]:
        case str(sender) if sender == RUNTIME:
            return None
        case str(sender) if sender == CLIENT:
            key = from_json(row["payload"]).get("order_key") if row["type"] == "task" else None
            return f"{CLIENT} {key}" if key else None
        case sender:
            return str(sender)
