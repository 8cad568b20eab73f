"""Every invariant rejects a history that was changed in just that way, and none rejects one that happened."""

import json
from dataclasses import replace

import pytest

from scr.chaos.inject.fault_result import Landed
from scr.chaos.judge.checker import INVARIANTS, judge
from scr.chaos.judge.client_history import ClientTask
from scr.chaos.judge.evidence import Probes
from tests.unit.chaos.failing import HOLDS
from tests.unit.chaos.history import KILLED_AT, story
from tests.unit.chaos.misjudged import BROKEN


def named(rows, **wanted):
    [found] = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return found


def drop(rows, **wanted):
    rows.remove(named(rows, **wanted))


def turn(of, key):
    return named(of.rows["turns"], message_id=key)


def message(of, key):
    return named(of.rows["messages"], message_id=key)


def body(of, kind, **wanted):
    for event in of.rows["events"]:
        found = json.loads(event["body"])
        if event["kind"] == kind and all(found.get(key) == value for key, value in wanted.items()):
            return event, found
    raise LookupError(kind)


def lost_accept(of):
    for rows in (of.rows["messages"], of.rows["turns"], of.rows["steps"]):
        rows[:] = [row for row in rows if row["message_id"] not in {"t-4", "a-t-4"}]


def no_outcome(of):
    message(of, "t-3").update(outcome=None, end_seq=None)


def child_left_open(of):
    of.message("m", "hand-1", "hand-2", "task", {})


def ghost(of):
    del of.asked["t-2"]


def wrong_answer_in_hand(of):
    of.asked["t-5"] = replace(of.asked["t-5"], answers=(99,))


def wrong_answer_in_store(of):
    message(of, "a-t-5").update(payload=json.dumps({"task_id": "t-5", "output": 98}))


def two_answers(of):
    of.message("b-t-5", "hand-3", "client", "result", {"output": 5}, in_reply_to="t-5", outcome="answer", end_seq=1)


def buried(reason, deliveries):
    def change(of):
        letter = {"n": of.number(), "seq": of.seq, "end_seq": None, "message_id": "t-3", "reason": reason}
        of.rows["letters"].append(letter | {"detail": "", "deliveries": deliveries})

    return change


def survived_poison(of):
    of.asked["t-1"] = replace(of.asked["t-1"], like="poison")


def two_turns(of):
    of.rows["turns"].append(turn(of, "t-3") | {"n": of.number()})


def unstarted(of):
    turn(of, "t-10").update(incarnation=3)


def stale(of):
    turn(of, f"t-{KILLED_AT}").update(incarnation=1)


def half_a_turn(of):
    turn(of, "t-9").update(state=json.dumps({"handled": 7}))


def overtaken(of):
    for key in ("t-1", "t-4"):
        message(of, key).update(sender="hand-9")
    first, second = turn(of, "t-1"), turn(of, "t-4")
    first["n"], second["n"] = second["n"], first["n"]


def run_too_often(of):
    of.effects["plain", "t-2", "compute"] = 3


def never_run(of):
    del of.effects["plain", "t-2", "compute"]


def paid_twice(of):
    of.effects["once", "t-2", "charge"] = 2


def never_paid(of):
    del of.effects["once", "t-2", "charge"]


def storm(of):
    for incarnation in range(5):
        of.event("agent_exited", agent="hand-1", incarnation=2 + incarnation, pid=1, reason="killed")
        of.event("agent_starting", agent="hand-1", incarnation=3 + incarnation, supervisor="team")


def never_up_again(of):
    event, _ = body(of, "agent_up", agent="hand-1", incarnation=2)
    event["kind"] = "printed"


def slow_again(of):
    event, _ = body(of, "agent_up", agent="hand-1", incarnation=2)
    event["at"] += 1000


def owner_of_before(of):
    of.event("runtime_up", runtime="r", pid=1, run="story", epoch=2)
    of.rows["events"][-1]["at"] = -1.0


MUTATIONS = {
    "the store forgot what it had acknowledged": ("lost", lost_accept),
    "what was accepted has no outcome": ("lost", no_outcome),
    "what grew out of it has no outcome": ("open", child_left_open),
    "something is done that nobody asked for": ("invented", ghost),
    "a client got a wrong answer": ("answers", wrong_answer_in_hand),
    "the store has a wrong answer": ("answers", wrong_answer_in_store),
    "a client has two answers": ("duplicated", two_answers),
    "a message was buried and its agent is there": ("dead letters", buried("agent_gone", 1)),
    "a message was buried too early": ("dead letters", buried("quarantined", 1)),
    "poison was survived": ("poison", survived_poison),
    "a message has two turns": ("rows", two_turns),
    "a turn is of nobody": ("live incarnation", unstarted),
    "a turn is of one that had ended": ("live incarnation", stale),
    "a state is not that of its turns": ("whole turns", half_a_turn),
    "a message overtook another": ("order", overtaken),
    "a step was run again for nothing": ("steps once", run_too_often),
    "a step is recorded that was never run": ("steps once", never_run),
    "an effect happened twice": ("effects once", paid_twice),
    "an effect is recorded that never happened": ("effects done", never_paid),
    "a limit of restarts is passed": ("restart limits", storm),
    "an agent never came back": ("recovery", never_up_again),
    "an agent came back late": ("recovery", slow_again),
    "an owner came before the one that it followed": ("owners", owner_of_before),
    **BROKEN,
}
PROBES = {
    "an orphan": ("processes", Probes(orphans=1)),
    "a zombie": ("processes", Probes(zombies=1)),
    "a process that outlived its runtime": ("processes", Probes(late_s=5.0)),
    "descriptors": ("leaks", Probes(descriptors_grown=40)),
    "shared memory": ("leaks", Probes(shared_memory_grown=1)),
    "a directory": ("leaks", Probes(scratch_left=1)),
    "memory": ("leaks", Probes(slope_kb=90_000.0)),
    "an exception": ("uncaught", Probes(complaints=("Exception in callback x()",))),
    "a secret": ("secrets", Probes(secrets=("store.sqlite",))),
}


def test_nothing_is_wrong_with_what_happened():
    assert judge(story().evidence()) == ()


@pytest.mark.parametrize("goes_on", HOLDS, ids=lambda goes_on: goes_on.__name__)
def test_nothing_is_wrong_with_failures_that_are_charged_as_they_should_be(goes_on):
    of = story()
    goes_on(of)
    assert judge(of.evidence()) == ()


@pytest.mark.parametrize(("invariant", "change"), MUTATIONS.values(), ids=MUTATIONS)
def test_a_changed_history_is_rejected(invariant, change):
    of = story()
    change(of)
    assert invariant in {violation.invariant for violation in judge(of.evidence())}


@pytest.mark.parametrize(("invariant", "probes"), PROBES.values(), ids=PROBES)
def test_what_is_left_behind_is_seen(invariant, probes):
    assert [violation.invariant for violation in judge(story().evidence(probes=probes))] == [invariant]


def test_every_invariant_has_a_history_that_it_rejects():
    rejected = {invariant for invariant, _ in (*MUTATIONS.values(), *PROBES.values())}
    assert rejected == {name for name, _ in INVARIANTS}


def test_what_was_never_acknowledged_may_be_done_or_not():
    of = story()
    of.asked["t-99"] = ClientTask("t-99", expected=1)
    of.asked["t-3"] = replace(of.asked["t-3"], acked=False, answers=())
    assert judge(of.evidence()) == ()


def test_who_is_hit_again_while_it_recovers_starts_anew():
    of = story()
    slow_again(of)
    of.landed.append(Landed(2, "kill", "table", "table", 9, of.seq / 10 + 995, of.seq / 10 + 995))
    of.event("agent_up", agent="table", incarnation=2, pid=9)
    of.rows["events"][-1]["at"] += 999
    assert "recovery" not in {violation.invariant for violation in judge(of.evidence())}


def test_only_a_few_of_many_are_told():
    of = story()
    of.effects.update({("once", f"t-{n}", "charge"): 2 for n in range(12)})
    told = [violation.sentence for violation in judge(of.evidence()) if violation.invariant == "effects once"]
    assert told[-1] == "and 7 more like that"
