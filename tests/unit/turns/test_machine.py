"""The turn machine is what its table says: each event in each phase, bad input of stores and agents included."""

import re
from collections import Counter
from types import SimpleNamespace
from typing import get_args

import pytest

from scr.charging import Charges, Raised
from scr.errors import StoreError
from scr.frames import Ask, Commit, ReadSteps, StepRecord, Stream
from scr.mail.mailbox import Bounds, Mailbox
from scr.mail.pending import Doubt, Pending, Phase, Turn
from scr.mail.router import Posted, Room
from scr.messages import CLIENT, Status, StatusPayload, Task, TaskPayload, origin
from scr.retry import ErrorInfo
from scr.runtime.turns import Turns
from scr.store.memory import MemoryStore
from scr.store.records import CommittedTurn
from scr.telemetry.sinks import EventLog
from scr.turns import events, machine, orders
from scr.turns.machine import decide
from scr.turns.timing import Change

AGENT, NOW, OLD = "worker", 3, 2
MESSAGE = Task(
    payload=TaskPayload(task_id="t"), **origin(message_id="m", sender=CLIENT, to=AGENT, at=0.0, run_id="run")
)
SENT = Status(
    payload=StatusPayload(state="on"), **(origin(message_id="s", sender=AGENT, to="other", at=0.0) | {"trace_id": "m"})
)
QUESTION = Task(payload=TaskPayload(task_id="q"), **origin(message_id="q", sender=AGENT, to="other", at=0.0))
FRAME = Commit(message_id="m", sends=(SENT,))
UNTIMED = Change((), (), {})
STEP = StepRecord(name="pay", value=1)
REF = 7
ERROR = ErrorInfo(type="ValueError", message="no")
STANDING = events.Standing(at=100.0)


def whole(incarnation=NOW, **fields):
    return events.Commits(incarnation, CommittedTurn(AGENT, incarnation, FRAME), UNTIMED, **fields)


def fails(incarnation=NOW, **fields):
    return events.Fails(incarnation, 1, Raised(("ValueError",)), ERROR, STANDING, **fields)


PLAIN = {  # the plain case of each event
    events.Accepted: events.Accepted(),
    events.Refused: events.Refused(),
    events.Restored: events.Restored(),
    events.Kept: events.Kept(CommittedTurn(AGENT, NOW, FRAME), UNTIMED),
    events.Unkeepable: events.Unkeepable("its state has no form"),
    events.Recorded: events.Recorded(NOW, STEP, REF),
    events.Unrecorded: events.Unrecorded(NOW, REF, StoreError("too large")),
    events.Resolved: events.Resolved(),
    events.SentAhead: events.SentAhead(NOW),
    events.TakenBack: events.TakenBack(),
    events.Handed: events.Handed(NOW),
    events.Undeliverable: events.Undeliverable("it is too large"),
    events.Due: events.Due(),
    events.Freed: events.Freed(),
    events.Commits: whole(is_next=True),
    events.Records: events.Records(NOW, STEP, 8, is_next=True),
    events.Fails: fails(is_next=True),
    events.Doubts: events.Doubts(NOW, Doubt("pay"), is_next=True),
    events.Asks: events.Asks(
        NOW, Ask(ref=1, message_id="m", step="ask", message=QUESTION, timeout_s=1.0), is_next=True
    ),
    events.Reads: events.Reads(NOW, ReadSteps(ref=1, message_id="m", after=0), is_next=True),
    events.Streams: events.Streams(NOW, Stream(message_id="m", delivery=1, number=0), is_next=True),
    events.Exited: events.Exited(NOW, True, ERROR, STANDING),
    events.Closed: events.Closed("worker ended for good"),
    events.Cancelled: events.Cancelled(),
    events.Settled: events.Settled(STEP),
}
FRAMES = (events.Commits, events.Records, events.Fails, events.Doubts, events.Asks, events.Reads, events.Streams)


CELL = re.compile(r"in hand|in doubt|\S+")


def at(phase, **fields):
    """A message in that phase, with a step on its way into the store."""
    given = {"incarnation": NOW, "deliveries": 1, "writing": ((NOW, REF),)}
    if phase in {Phase.IN_DOUBT, Phase.SETTLING}:
        given["doubt"] = Doubt("pay", "it had begun")
    if phase is Phase.COMMITTING:
        given["frame"] = FRAME
    if phase is Phase.BEHIND:
        given["question"] = "q"
    if phase is Phase.RETRYING:
        given["due"] = 101.0
    return Turn(MESSAGE, phase, **(given | fields))


def table():
    """The rows of the docstring: by event and phase, what it says."""
    lines = machine.__doc__.splitlines()
    first = next(n for n, line in enumerate(lines) if line.split()[:2] == ["arriving", "waiting"])
    phases = [Phase(name) for name in CELL.findall(lines[first])]
    rows = {}
    for line in lines[first + 1 :]:
        if not line.strip():
            break
        name, rest = line.strip().split(maxsplit=1)
        rows[getattr(events, name)] = dict(zip(phases, CELL.findall(rest), strict=True))
    return rows


TABLE = table()


def named(value):
    return value.__name__ if isinstance(value, type) else str(value)


def kinds(todo):
    return [type(order) for order in todo]


def test_the_table_has_a_row_for_each_event_and_a_column_for_each_phase():
    assert set(TABLE) == set(get_args(events.Event)) == set(machine.RULES) == set(PLAIN)
    for event in TABLE:
        assert list(TABLE[event]) == list(machine.RULES[event]) == list(Phase)


def plain(event, phase):
    """The plain case of an event: of a message in hand it is a step that no store keeps, and else its turn."""
    is_step = event is events.Unkeepable and phase is Phase.IN_HAND
    return PLAIN[event]._replace(is_step=True) if is_step else PLAIN[event]


def does(event, phase):
    """What an event does in a phase, in the words of the table."""
    before = at(phase)
    after, todo = decide(before, event)
    if (after, todo) == (before, ()):
        return "."
    if (after, kinds(todo)) == (before, [orders.Distrust]):
        return "!" if todo[0].incarnation == NOW else "?"
    return after.phase


@pytest.mark.parametrize("event", TABLE, ids=named)
def test_each_event_does_in_each_phase_what_the_table_says(event):
    assert {phase: does(plain(event, phase), phase) for phase in Phase} == TABLE[event]


@pytest.mark.parametrize("event", FRAMES, ids=named)
def test_a_frame_of_an_older_incarnation_changes_nothing(event):
    old = PLAIN[event]._replace(incarnation=OLD)
    assert {does(old, phase) for phase in Phase} == {"."}


@pytest.mark.parametrize("event", FRAMES, ids=named)
def test_a_message_that_was_sent_ahead_and_is_not_the_next_may_not_be_spoken_of(event):
    before = at(Phase.AHEAD)
    after, todo = decide(before, PLAIN[event]._replace(is_next=False))
    assert after == before
    assert kinds(todo) == ([] if event is events.Streams else [orders.Distrust])


@pytest.mark.parametrize("event", set(FRAMES) - {events.Streams}, ids=named)
def test_the_sentence_of_a_frame_of_no_turn_names_the_message_and_what_was_said_of_it(event):
    _, (order,) = decide(at(Phase.OVER), PLAIN[event])
    assert order.why == f"it {machine.DID[event]} m, which it did not have in hand"


# Every order has its carrier.


def parts():
    children = SimpleNamespace(tell=print)
    log = EventLog(lambda: (0, 0), 1, print)
    turns = Turns(SimpleNamespace(), MemoryStore(), log, children, SimpleNamespace(), memory=None)
    return turns, [part for part in vars(turns).values() if hasattr(part, "carriers")]


def test_every_kind_of_order_is_carried_out_by_exactly_one_part():
    turns, several = parts()
    carried = Counter(order for part in several for order in part.carriers())
    assert set(turns.fold._carry) == set(get_args(orders.Order))
    assert set(carried.values()) == {1}
    assert set(get_args(orders.Order)) - set(carried) == {orders.Ring}, "the turns themselves ring the memory agent"


# A store that answers twice, late, or out of order.


def after_all(turn, *several):
    """Feed events one after the other; the state and all orders."""
    todo = []
    for event in several:
        turn, more = decide(turn, event)
        todo += more
    return turn, todo


@pytest.mark.parametrize(
    ("phase", "answer"),
    [
        (Phase.ARRIVING, PLAIN[events.Accepted]),
        (Phase.ARRIVING, PLAIN[events.Refused]),
        (Phase.COMMITTING, PLAIN[events.Kept]),
        (Phase.IN_HAND, PLAIN[events.Recorded]),
        (Phase.WAITING, PLAIN[events.Recorded]),
        (Phase.IN_HAND, PLAIN[events.Unrecorded]),
        (Phase.SETTLING, PLAIN[events.Resolved]),
    ],
    ids=named,
)
def test_what_a_store_answers_twice_happens_once(phase, answer):
    once = decide(at(phase), answer)
    assert once[1] or once[0] != at(phase)
    assert decide(once[0], answer) == (once[0], ())


def test_a_step_that_is_answered_twice_does_not_stand_for_one_that_is_not_kept():
    turn, _ = after_all(at(Phase.IN_HAND, writing=()), events.Records(NOW, STEP, 1), events.Records(NOW, STEP, 2))
    first = events.Recorded(NOW, STEP, 1)
    turn, _ = after_all(turn, first, first)
    assert turn.writing == ((NOW, 2),)


def test_steps_may_be_kept_in_another_order_than_they_were_recorded_in():
    turn, _ = after_all(at(Phase.IN_HAND, writing=()), events.Records(NOW, STEP, 1), events.Records(NOW, STEP, 2))
    turn, todo = after_all(turn, events.Recorded(NOW, STEP, 2), events.Recorded(NOW, STEP, 1))
    assert turn.writing == ()
    assert [order.answer.ref for order in todo if isinstance(order, orders.Tell)] == [2, 1]


def test_a_message_whose_step_is_kept_late_is_handed_over_only_then():
    died, _ = decide(at(Phase.IN_HAND), PLAIN[events.Exited])
    assert died.phase is Phase.WAITING
    kept, todo = decide(died, PLAIN[events.Recorded])
    assert not kept.writing
    assert kinds(todo)[-1] is orders.HandOver
    assert orders.GoOn not in kinds(todo), "its handler is gone"


def test_the_last_of_several_steps_that_are_late_hands_the_message_over():
    turn = at(Phase.WAITING, writing=((NOW, 1), (NOW, REF)))
    turn, first = decide(turn, events.Recorded(NOW, STEP, REF))
    _, last = decide(turn, events.Unrecorded(NOW, 1, StoreError("too large")))
    assert orders.HandOver not in kinds(first)
    assert kinds(last)[-1] is orders.HandOver


def test_a_turn_that_is_kept_late_of_a_message_that_is_over_is_not_released_again():
    over, _ = decide(at(Phase.COMMITTING), PLAIN[events.Kept])
    assert decide(over, PLAIN[events.Kept]) == (over, ())


def test_what_a_cancelled_turn_has_sent_goes_nowhere_when_it_is_kept():
    cancelled, first = decide(at(Phase.COMMITTING), PLAIN[events.Cancelled])
    assert first == (orders.Cancel(SENT),)
    over, todo = decide(cancelled, PLAIN[events.Kept])
    assert over.phase is Phase.OVER
    assert orders.Post not in kinds(todo)


def test_a_message_that_was_cancelled_before_it_was_kept_is_cancelled_then():
    cancelled, first = decide(at(Phase.ARRIVING), PLAIN[events.Cancelled])
    assert first == ()
    over, todo = decide(cancelled, PLAIN[events.Accepted])
    assert over.phase is Phase.OVER
    assert kinds(todo) == [orders.Emit, orders.Cancel]


# A message without a place.


@pytest.mark.parametrize("posted", [Posted.UNKNOWN_AGENT, Posted.MAILBOX_FULL])
def test_a_message_that_finds_no_place_is_buried(posted):
    over, todo = decide(at(Phase.ARRIVING), events.Accepted(Room(posted), "there is no agent 'worker'"))
    assert over.phase is Phase.OVER
    assert [order.reason for order in todo if isinstance(order, orders.Bury)] == [posted]


# A timer that fires after its message is gone.


@pytest.mark.parametrize("ending", [events.Cancelled(), events.Closed("it ended")], ids=named)
def test_a_timer_that_fires_after_its_message_is_gone_does_nothing(ending):
    over, _ = decide(at(Phase.RETRYING), ending)
    assert over.phase is Phase.OVER
    assert decide(over, events.Due()) == (over, ())


def test_a_timer_of_an_earlier_try_does_not_hand_a_message_over_that_is_in_hand():
    before = at(Phase.IN_HAND)
    assert decide(before, events.Due()) == (before, ())


# A cancel at each state.


@pytest.mark.parametrize("phase", Phase, ids=named)
def test_a_cancel_has_exactly_one_outcome_at_each_state(phase):
    is_outcome = phase not in {Phase.ARRIVING, Phase.COMMITTING, Phase.WITHDRAWN, Phase.OVER}
    after, todo = decide(at(phase), events.Cancelled())
    again, more = decide(after, events.Cancelled())
    assert (again, more) == (after, ()), "the second cancel does nothing"
    cancels = [order.message for order in todo if isinstance(order, orders.Cancel)]
    assert cancels == ([SENT] if phase is Phase.COMMITTING else [MESSAGE] if is_outcome else [])
    assert (orders.Recycle in kinds(todo)) == (after.phase is Phase.WITHDRAWN != phase)


@pytest.mark.parametrize("event", FRAMES, ids=named)
def test_what_a_process_says_of_a_message_that_was_cancelled_is_in_vain(event):
    withdrawn, _ = decide(at(Phase.IN_HAND), events.Cancelled())
    assert decide(withdrawn, PLAIN[event]) == (withdrawn, ())


# A message that was sent ahead, and that its process begins though it was told to stop.


def test_a_message_that_was_sent_ahead_and_is_begun_with_a_step_is_in_hand():
    box, first, second = Mailbox(Bounds(9)), Pending(at(Phase.IN_HAND)), Pending(at(Phase.AHEAD, writing=()))
    box.append(first)
    box.append(second)
    assert box.take() is None, "a step of it is not kept yet"
    first.turn = at(Phase.IN_HAND, writing=())
    assert box.take() is first
    box.send_ahead()
    box.settle(first)
    assert box.is_begun(second)
    second.turn, _ = decide(second.turn, PLAIN[events.Records])
    box.begin()
    assert box.in_hand is second
    assert not box.ahead


# Bad combinations.


def test_a_turn_that_is_committed_twice_is_kept_once_and_its_process_distrusted():
    committing, first = decide(at(Phase.IN_HAND), whole())
    after, again = decide(committing, whole())
    assert after == committing
    assert kinds(first).count(orders.PersistTurn) == 1
    assert kinds(again) == [orders.Distrust]


def test_a_turn_that_fails_after_it_was_committed_has_happened_and_its_process_is_distrusted():
    committing, _ = decide(at(Phase.IN_HAND), whole())
    after, todo = decide(committing, fails())
    assert after == committing
    assert kinds(todo) == [orders.Distrust]
    assert decide(after, PLAIN[events.Kept])[0].phase is Phase.OVER


def test_a_process_that_ends_while_its_turn_is_being_kept_takes_nothing_back():
    committing, _ = decide(at(Phase.IN_HAND), whole())
    assert decide(committing, PLAIN[events.Exited]) == (committing, ())


def test_a_step_that_is_recorded_after_its_turn_failed_is_distrusted_even_before_the_next_process_has_it():
    failed, _ = decide(at(Phase.IN_HAND), fails())
    after, todo = decide(failed, events.Records(NOW, STEP, 9))
    assert after == failed
    assert kinds(todo) == [orders.Distrust]


def test_a_step_that_is_recorded_by_a_process_that_the_message_was_taken_from_changes_nothing():
    handed, _ = after_all(at(Phase.IN_HAND, writing=()), fails(), events.Due(), events.Handed(NOW + 1))
    assert handed.phase is Phase.IN_HAND
    assert decide(handed, events.Records(NOW, STEP, 9)) == (handed, ())


def test_a_step_that_is_kept_after_another_process_was_handed_the_message_gives_that_one_no_budget():
    handed = at(Phase.IN_HAND, incarnation=NOW + 1)
    after, todo = decide(handed, PLAIN[events.Recorded])
    assert after.writing == ()
    assert orders.GoOn not in kinds(todo)
    assert [order.incarnation for order in todo if isinstance(order, orders.Tell)] == [NOW]


def test_the_end_of_an_older_process_charges_nothing():
    before = at(Phase.IN_HAND)
    assert decide(before, PLAIN[events.Exited]._replace(incarnation=OLD)) == (before, ())


def test_a_chunk_of_an_earlier_delivery_is_dropped():
    before = at(Phase.IN_HAND, deliveries=2)
    assert decide(before, PLAIN[events.Streams]) == (before, ())


def test_a_question_in_the_name_of_another_agent_is_not_asked():
    forged = QUESTION.model_copy(update={"sender": "other"})
    asks = PLAIN[events.Asks]
    before = at(Phase.IN_HAND)
    after, todo = decide(before, asks._replace(frame=asks.frame.model_copy(update={"message": forged})))
    assert after == before
    assert kinds(todo) == [orders.Distrust]


def test_a_turn_with_a_fault_is_not_kept():
    before = at(Phase.IN_HAND)
    after, todo = decide(before, whole(fault="it sent a message in the name of 'other'"))
    assert after == before
    assert kinds(todo) == [orders.Distrust]


def test_a_turn_that_no_store_keeps_is_taken_back_and_tried_again():
    committing, _ = decide(at(Phase.IN_HAND), whole())
    undone, todo = decide(committing, PLAIN[events.Unkeepable])
    assert (undone.phase, undone.frame) == (Phase.IN_HAND, None)
    assert kinds(todo) == [orders.Distrust]
    died, _ = decide(undone, PLAIN[events.Exited])
    assert (died.phase, died.charges) == (Phase.WAITING, Charges(deaths=1))


def test_a_step_that_no_store_keeps_is_not_waited_for():
    recording, _ = decide(at(Phase.IN_HAND, writing=((NOW, 1),)), events.Records(NOW, STEP, 2))
    undone, _ = decide(recording, events.Unkeepable("too deep", is_step=True))
    assert undone.writing == ((NOW, 1),)
