"""What must hold of a run whatever faults it was under, checked over both logs and what was seen from outside.

Pure.  Every invariant is a function of the evidence to the sentences that say
what does not hold.  What the rows of a store must always be is checked with
the same words as by `scr doctor`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pydantic_core import from_json

from scr.chaos.inject.fault_result import Landed
from scr.chaos.judge import ends, tries
from scr.chaos.judge.evidence import RunEvidence, by
from scr.chaos.judge.recovery import Recovery, recoveries
from scr.chaos.plan.kinds import KEEPING
from scr.messages import CLIENT
from scr.step_names import shown_step
from scr.store.archive.checks import check

SHOWN = 5
RECOVERY_S = 20.0
OUTLIVED_S = 2.0  # one that is promised, and one for a machine that is busy with faults
SYSTEMIC = frozenset({"table", "memory", "zygote", *KEEPING})  # what everybody depends on
DESCRIPTORS_SLACK = 6  # processes on their way in or out
SLOPE_KB = 4096.0  # growth for each thousand turns


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that does not hold."""

    invariant: str
    sentence: str


def judge(evidence: RunEvidence) -> tuple[Violation, ...]:
    """All that does not hold: at most a few sentences of each invariant, and how many more there are."""
    found = []
    for name, holds in INVARIANTS:
        sentences = list(holds(evidence))
        if len(sentences) > SHOWN:
            sentences[SHOWN:] = [f"and {len(sentences) - SHOWN} more like that"]
        found += [Violation(name, sentence) for sentence in sentences]
    return tuple(found)


def lost(of: RunEvidence) -> Iterator[str]:
    """What was acknowledged has an outcome."""
    kept = {row["message_id"]: row for row in of.rows["messages"]}
    for key, asked in of.asked.items():
        row = kept.get(key)
        if row is None and asked.acked:
            yield f"{key} was acknowledged, and the store has never heard of it"
        elif row is not None and row["outcome"] is None and not row["parked"]:
            yield f"{key} was accepted, and has no outcome"


def open_work(of: RunEvidence) -> Iterator[str]:
    """Nothing that grew out of it is left open either."""
    roots = set(of.asked)
    for row in of.rows["messages"]:
        if row["outcome"] is None and row["seq"] is not None and not row["parked"] and row["message_id"] not in roots:
            yield f"message {row['message_id']} from {row['sender']} to {row['recipient']} has no outcome"


def invented(of: RunEvidence) -> Iterator[str]:
    """Nothing is done that nobody asked for."""
    for row in of.rows["messages"]:
        if row["sender"] == CLIENT and row["message_id"] not in of.asked:
            yield f"the run has a message {row['message_id']} of a client's that no client sent"


def wrong_answers(of: RunEvidence) -> Iterator[str]:
    """Whoever asked has the one right answer, in the store and in the hand."""
    answers = answers_in(of)
    alike: dict[str, Any] = {}
    for key, asked in of.asked.items():
        if asked.like.startswith("poison"):
            continue
        for value in (*asked.answers, *([] if asked.like else answers.get(key, []))):
            wanted = alike.setdefault(asked.like, value) if asked.like else asked.expected
            if value != wanted:
                yield f"the answer to {key} is {value!r:.120}, and not {wanted!r:.120}"


def answered_twice(of: RunEvidence) -> Iterator[str]:
    """One answer."""
    for key, values in answers_in(of).items():
        if len(values) > 1:
            yield f"{key} has {len(values)} answers"


def answers_in(of: RunEvidence) -> dict[str, list[Any]]:
    """The outputs that the store has for clients, by what they answer."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in of.rows["messages"]:
        if row["recipient"] == CLIENT and row["type"] == "result":
            found[row["in_reply_to"]].append(from_json(row["payload"]).get("output"))
    return found


def answered_poison(of: RunEvidence) -> Iterator[str]:
    """What kills whoever touches it ends among the dead letters."""
    outcomes = {row["message_id"]: row["outcome"] for row in of.rows["messages"]}
    for key, asked in of.asked.items():
        if asked.like.startswith("poison") and outcomes.get(key) not in {None, "dead"}:
            yield f"{key} kills whoever touches it, and its outcome is {outcomes[key]!r}"


def contradictions(of: RunEvidence) -> Iterator[str]:
    """The rows fit together: one turn for a message, incarnations in order, dates, causes, steps of messages."""
    for finding in check(of.run, of.rows):
        yield f"{finding.table}: {finding.sentence}"


def turns_of_the_dead(of: RunEvidence) -> Iterator[str]:
    """A turn is of an incarnation that had been started, and of which nobody had heard that it has ended."""
    started: dict[tuple[str, int], int] = {}
    ended: dict[tuple[str, int], int] = {}
    for event in of.events():
        who = event.body.get("agent", ""), event.body.get("incarnation", 0)
        if event.kind == "agent_starting":
            started.setdefault(who, event.seq)
        elif event.kind == "agent_exited":
            ended.setdefault(who, event.seq)
    for turn in of.rows["turns"]:
        who = turn["agent"], turn["incarnation"]
        what = f"the turn of {turn['message_id']} is of incarnation {who[1]} of {who[0]}"
        if who not in started or started[who] > turn["seq"]:
            yield f"{what}, which nobody had started"
        elif turn["seq"] >= ended.get(who, turn["seq"] + 1):
            yield f"{what}, which had ended"


def turns_not_whole(of: RunEvidence) -> Iterator[str]:
    """An agent's state and the turns that made it agree."""
    if not of.counts:
        return
    kinds = {row["message_id"]: row["type"] for row in of.rows["messages"]}
    for agent, turns in by(of.rows["turns"], "agent").items():
        tasks = sum(kinds.get(turn["message_id"]) == "task" for turn in turns)
        states = [turn["state"] for turn in sorted(turns, key=lambda row: int(row["n"])) if turn["state"] is not None]
        handled = from_json(states[-1]).get("handled") if states else None
        if handled is not None and handled != tasks:
            yield f"{agent} has handled {handled} tasks by its state, and has {tasks} turns of tasks"


def steps_again(of: RunEvidence) -> Iterator[str]:
    """A step is run again only when its message was delivered again; one that is recorded was run."""
    deliveries: Counter[str] = Counter()
    restarts = 0
    for event in of.events():
        deliveries[event.body.get("message_id", "")] += event.kind == "message_delivered"
        restarts += event.kind == "runtime_up"
    for (_, message_id, name), times in of.effects.items():
        if times > deliveries[message_id] + restarts:
            yield f"step {name!r} of {message_id} was run {times} times in {deliveries[message_id]} deliveries"
    ran = {(message_id, name) for _, message_id, name in of.effects}
    for step in of.rows["steps"] if of.counts else ():
        name = shown_step(step["name"])
        if step["state"] == "done" and not name.startswith("ask ") and (step["message_id"], name) not in ran:
            yield f"step {name!r} of {step['message_id']} is recorded, and was never run"


def effects_doubled(of: RunEvidence) -> Iterator[str]:
    """What happens once has happened at most once."""
    for (kind, message_id, name), times in of.effects.items():
        if kind == "once" and times > 1:
            yield f"{name!r} of {message_id} happens once, and has happened {times} times"


def effects_missing(of: RunEvidence) -> Iterator[str]:
    """What a committed turn says that happened, has happened."""
    if not of.counts:
        return
    for step in of.rows["steps"]:
        name = shown_step(step["name"])
        is_done = step["begun_seq"] is not None and step["state"] == "done"
        if is_done and ("once", step["message_id"], name) not in of.effects:
            yield f"{name!r} of {step['message_id']} is recorded as done, and has not happened"


def not_recovered(of: RunEvidence) -> Iterator[str]:
    """Whoever is hit works again within a bound, or its supervisor says that it has given up."""
    for recovery in recoveries(of.events(), of.landed):
        fault = recovery.landed
        again_s = _undisturbed(recovery, of.landed)
        what = f"{fault.victim}, hit by {fault.kind} (fault {fault.n})"
        if recovery.after_s is None and not recovery.gave_up:
            yield f"{what}, was never seen at work again"
        elif again_s > RECOVERY_S:
            yield f"{what}, was at work again after {again_s:.1f} s in which nothing else hit it"


def _undisturbed(recovery: Recovery, landed: Iterable[Landed]) -> float:
    """From the last fault that hit it, or what it depends on, to its recovery: one that is hit again starts anew."""
    if recovery.after_s is None:
        return 0.0
    begun_at = max(recovery.landed.at, recovery.landed.until)
    over_at = begun_at + recovery.after_s
    others = [
        max(other.at, other.until)
        for other in landed
        if (other.target in SYSTEMIC or other.victim == recovery.landed.victim) and other.at < over_at
    ]
    return over_at - max([begun_at, *(at for at in others if at < over_at)])


def epochs_overlap(of: RunEvidence) -> Iterator[str]:
    """Owners come one after the other."""
    ups = [event for event in of.events() if event.kind == "runtime_up"]
    for before, after in pairwise(ups):
        if after.at < before.at:
            epochs = before.body.get("epoch", 1), after.body.get("epoch", 1)
            yield f"the owner of epoch {epochs[1]} came before the one of epoch {epochs[0]}"


def left_running(of: RunEvidence) -> Iterator[str]:
    """Nothing outlives its runtime."""
    if of.probes.orphans:
        yield f"{of.probes.orphans} processes were left when all was over"
    if of.probes.zombies:
        yield f"{of.probes.zombies} processes had ended and nobody had reaped them"
    if of.probes.late_s > OUTLIVED_S:
        yield f"a process outlived its runtime by {of.probes.late_s:.2f} s"


def leaks(of: RunEvidence) -> Iterator[str]:
    """Everything that was taken is given back."""
    probes = of.probes
    if probes.descriptors_grown > DESCRIPTORS_SLACK:
        yield f"the runtime has {probes.descriptors_grown} descriptors more than at its start"
    if probes.shared_memory_grown > 0:
        yield f"{probes.shared_memory_grown} files were left in shared memory"
    if probes.scratch_left > 0:
        yield f"{probes.scratch_left} runtimes have left their directory"
    if probes.slope_kb is not None and probes.slope_kb > SLOPE_KB:
        yield f"the runtime grows by {probes.slope_kb:.0f} KB for each thousand turns"


def secrets_told(of: RunEvidence) -> Iterator[str]:
    """What is in the environment stays there."""
    for artefact in of.probes.secrets:
        yield f"a planted secret is in {artefact}"


def uncaught(of: RunEvidence) -> Iterator[str]:
    """No exception in the runtime goes uncaught."""
    for complaint in of.probes.complaints:
        yield f"the runtime printed: {complaint}"


INVARIANTS: tuple[tuple[str, Callable[[RunEvidence], Iterator[str]]], ...] = (
    ("lost", lost),
    ("open", open_work),
    ("invented", invented),
    ("answers", wrong_answers),
    ("duplicated", answered_twice),
    ("dead letters", tries.buried_without_cause),
    ("poison", answered_poison),
    ("rows", contradictions),
    ("live incarnation", turns_of_the_dead),
    ("whole turns", turns_not_whole),
    ("order", tries.disorder),
    ("tries", tries.tried_too_often),
    ("due times", tries.tried_too_early),
    ("steps once", steps_again),
    ("effects once", effects_doubled),
    ("effects done", effects_missing),
    ("restart limits", ends.limits_passed),
    ("parked", ends.parked_for_others),
    ("siblings", ends.restarted_for_others),
    ("kept", ends.ended_for_good),
    ("deploys", ends.deploys_accepted),
    ("recovery", not_recovered),
    ("owners", epochs_overlap),
    ("processes", left_running),
    ("leaks", leaks),
    ("secrets", secrets_told),
    ("uncaught", uncaught),
)
