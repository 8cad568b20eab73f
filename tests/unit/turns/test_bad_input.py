"""Bad input of stores, agents and timers: each has a rule, none raises, nothing happens twice."""

import pytest

from scr.charging import Charges
from scr.errors import StoreError
from scr.mail.mailbox import Mailbox, MailboxBounds
from scr.mail.pending import Pending, Phase
from scr.mail.router import Posted, Room
from scr.turns import events, orders
from scr.turns.machine import decide
from tests.unit.turns.plain import (
    FRAMES,
    MESSAGE,
    NOW,
    OLD,
    PLAIN,
    QUESTION,
    REF,
    SENT,
    STEP,
    at,
    fails,
    kinds,
    named,
    whole,
)

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
    box, first, second = Mailbox(MailboxBounds(9)), Pending(at(Phase.IN_HAND)), Pending(at(Phase.AHEAD, writing=()))
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
