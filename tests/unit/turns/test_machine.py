"""The turn machine is what its table says: each event in each phase, and what is done about it."""

import re
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from scr.charging import PARKED_AFTER
from scr.mail.mailbox import Mailbox, MailboxBounds
from scr.mail.pending import Pending, Phase
from scr.messages import CLIENT, RUNTIME
from scr.protocol.frames import Entry
from scr.retry import Retry
from scr.runtime.dispatch.turns import Turns
from scr.store.memory import MemoryStore
from scr.store.records import CommittedTurn
from scr.telemetry.sinks import EventLog
from scr.turns import events, machine, orders
from scr.turns.failing import explains
from scr.turns.machine import decide
from tests.unit.turns.plain import (
    AGENT,
    ERROR,
    FRAME,
    FRAMES,
    MESSAGE,
    NOW,
    OLD,
    PLAIN,
    STANDING,
    UNTIMED,
    at,
    fails,
    kinds,
    named,
    plain,
    whole,
)

CELL = re.compile(r"in hand|in doubt|\S+")


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


def test_the_table_has_a_row_for_each_event_and_a_column_for_each_phase():
    assert set(TABLE) == set(get_args(events.Event)) == set(machine.RULES) == set(PLAIN)
    for event in TABLE:
        assert list(TABLE[event]) == list(machine.RULES[event]) == list(Phase)


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


@pytest.mark.parametrize("event", FRAMES[:-1], ids=named)
def test_the_sentence_of_a_frame_of_no_turn_names_the_message_and_what_was_said_of_it(event):
    _, (order,) = decide(at(Phase.OVER), PLAIN[event])
    assert order.why == f"it {machine.DID[event]} m, which it did not have in hand"


IN_ORDER = {  # what is to be done, where anything is; a message that was sent ahead is begun first
    events.Accepted: {Phase.ARRIVING: "Emit Enqueue"},
    events.Restored: {Phase.ARRIVING: "Enqueue"},
    events.Kept: {Phase.COMMITTING: "Emit Post Settle"},
    events.Recorded: {
        Phase.WAITING: "SetStep Emit Tell HandOver",
        Phase.IN_HAND: "SetStep Emit GoOn Tell",
        Phase.OVER: "SetStep Emit Tell",
    },
    events.Unrecorded: {Phase.WAITING: "Tell HandOver", Phase.IN_HAND: "GoOn Tell", Phase.OVER: "Tell"},
    events.Resolved: {Phase.SETTLING: "PutFirst FreeBehind"},
    events.SentAhead: {Phase.WAITING: "SendAhead"},
    events.Handed: {Phase.WAITING: "Send Busy Emit", Phase.AHEAD: "Busy Emit"},
    events.Undeliverable: {Phase.IN_HAND: "Settle Bury"},
    events.Due: {Phase.RETRYING: "PutFirst"},
    events.Freed: {Phase.BEHIND: "PutFirst FreeBehind"},
    events.Commits: {Phase.IN_HAND: "Idle PersistTurn EndQuestions Advance"},
    events.Records: {Phase.IN_HAND: "AwaitStore PersistStep"},
    events.Fails: {
        Phase.IN_HAND: "Idle FailQuestions Pause Hold KeepCrash Emit PersistCharges StartTimer Tell Recycle"
    },
    events.Doubts: {Phase.IN_HAND: "Idle PersistDoubt Emit TellDoubt Settle"},
    events.Asks: {Phase.IN_HAND: "AskQuestion"},
    events.Reads: {Phase.IN_HAND: "Read"},
    events.Streams: {Phase.IN_HAND: "PassOn"},
    events.Exited: {Phase.IN_HAND: "PutFirst Emit PersistCharges"},
    events.Closed: {Phase.WAITING: "Bury FreeBehind", Phase.BEHIND: "Bury FreeBehind"},
    events.Cancelled: {
        Phase.WAITING: "Cancel EndQuestions",
        Phase.IN_HAND: "Pause TakeBack Cancel EndQuestions Recycle",
        Phase.COMMITTING: "Cancel",
    },
    events.Swept: {Phase.OVER: "FreeBehind"},
    events.Settled: {Phase.IN_DOUBT: "SetStep PersistSettlement"},
}


@pytest.mark.parametrize("event", IN_ORDER, ids=named)
def test_what_is_to_be_done_is_done_in_order(event):
    for phase, says in IN_ORDER[event].items():
        _, todo = decide(at(phase), PLAIN[event])
        assert [kind.__name__ for kind in kinds(todo)] == says.split(), phase


@pytest.mark.parametrize("event", FRAMES[:-1], ids=named)
def test_a_message_that_was_sent_ahead_is_begun_before_what_is_said_of_it(event):
    _, todo = decide(at(Phase.AHEAD), PLAIN[event])
    _, then = decide(at(Phase.IN_HAND), PLAIN[event])
    assert kinds(todo) == [orders.Begin, orders.Busy, orders.Emit, *kinds(then)]


def test_a_delivery_is_counted_as_it_is_handed_over():
    handed, todo = decide(at(Phase.WAITING, deliveries=1), PLAIN[events.Handed])
    assert handed.deliveries == 2
    assert [order.event.deliveries for order in todo if isinstance(order, orders.Emit)] == [2]


def test_an_agent_that_ends_with_its_turn_is_handed_nothing_more():
    ends = CommittedTurn(AGENT, NOW, FRAME.model_copy(update={"ends": True}))
    _, todo = decide(at(Phase.IN_HAND), whole()._replace(turn=ends))
    assert kinds(todo) == [orders.Idle, orders.PersistTurn, orders.EndQuestions]


@pytest.mark.parametrize(("sender", "row", "rows"), [(CLIENT, 2, [0]), (CLIENT, 0, []), (RUNTIME, 2, [])])
def test_a_turn_that_is_kept_ends_the_row_of_dead_letters_unless_it_was_of_the_runtimes_own_mail(sender, row, rows):
    message = MESSAGE.model_copy(update={"sender": sender})
    _, todo = decide(at(Phase.COMMITTING)._replace(message=message), PLAIN[events.Kept]._replace(row=row))
    assert [order.row for order in todo if isinstance(order, orders.CountRow)] == rows


@pytest.mark.parametrize(("row", "parks"), [(PARKED_AFTER - 2, False), (PARKED_AFTER - 1, True)])
def test_an_agent_is_parked_by_the_last_of_so_many_dead_letters_and_counts_anew(row, parks):
    policy = events.Policy(Retry(attempts=1), retries=True, parks=True)
    failed, todo = decide(at(Phase.IN_HAND), fails()._replace(standing=events.Standing(0.0, policy, row)))
    counted = [order.row for order in todo if isinstance(order, orders.CountRow)]
    assert failed.phase is Phase.OVER
    assert counted == ([0] if parks else [row + 1])
    assert (orders.Park in kinds(todo)) == parks


def test_a_retry_for_which_there_is_no_room_is_a_dead_letter():
    failed, todo = decide(at(Phase.IN_HAND), fails()._replace(standing=STANDING._replace(may_wait=False)))
    assert failed.phase is Phase.OVER
    assert [order.error.attempts for order in todo if isinstance(order, orders.Bury)] == [1]


def test_the_same_question_of_another_try_does_not_count_towards_parking():
    message = MESSAGE.model_copy(update={"message_id": "m.2"})
    standing = events.Standing(0.0, events.Policy(Retry(attempts=1), retries=True, parks=True), PARKED_AFTER - 1)
    _, todo = decide(at(Phase.IN_HAND)._replace(message=message), fails()._replace(standing=standing))
    assert orders.Park not in kinds(todo)
    assert orders.CountRow not in kinds(todo)


@pytest.mark.parametrize(
    ("turn", "given", "is_explained"),
    [
        (at(Phase.IN_HAND), {}, True),
        (at(Phase.IN_HAND), {"blamed": False}, False),
        (at(Phase.IN_HAND), {"incarnation": OLD}, False),
        (at(Phase.IN_HAND), {"standing": STANDING}, False),
        (at(Phase.COMMITTING), {}, False),
        (at(Phase.WAITING), {}, False),
    ],
)
def test_a_message_in_hand_explains_the_end_of_its_process_where_failures_are_retried(turn, given, is_explained):
    exited = events.Exited(NOW, True, ERROR, events.Standing(0.0, events.Policy(retries=True)))
    assert explains(turn, exited._replace(**given)) == is_explained


@pytest.mark.parametrize("is_held", [True, False])
def test_what_was_sent_ahead_and_must_not_overtake_is_taken_back(is_held):
    standing = events.Standing(0.0, events.Policy(fresh_process=False))
    _, todo = decide(at(Phase.IN_HAND), fails(ahead=True, ahead_in_lane=is_held)._replace(standing=standing))
    assert (orders.TakeBack in kinds(todo)) == is_held
    assert [order.answer.value for order in todo if isinstance(order, orders.Tell)] == [is_held]
    assert kinds(todo)[-1] is orders.Resume


# Every order has its carrier.


def parts():
    children = SimpleNamespace(tell=print)
    log = EventLog(lambda: (0, 0), 1, print)
    turns = Turns(SimpleNamespace(), MemoryStore(), log, children, SimpleNamespace(), memory=None)
    return turns, [part for part in vars(turns).values() if hasattr(part, "carriers")]


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ({"entries": (Entry(key="k", value=1),)}, orders.Ring),
        ({"stops": ("d",)}, orders.RequestStop),
        ({"monitors": ("d",)}, orders.Monitor),
        ({"demonitors": ("d",)}, orders.Monitor),
        ({"cancels": ("tick",)}, orders.SetTimers),
    ],
    ids=lambda value: "" if isinstance(value, type) else next(iter(value)),
)
def test_what_a_turn_asks_for_beside_messages_is_done_when_it_is_kept(asked, order):
    turn = CommittedTurn(AGENT, NOW, FRAME.model_copy(update=asked))
    _, todo = decide(at(Phase.COMMITTING), events.Kept(turn, UNTIMED))
    assert order in kinds(todo)


def test_the_next_message_may_be_handed_over_while_the_turn_before_it_is_being_kept():
    mailbox = Mailbox(MailboxBounds(size=2))
    mailbox.in_hand = Pending(at(Phase.IN_HAND))
    assert not mailbox.advance(), "it has no turn yet"
    mailbox.in_hand = Pending(at(Phase.COMMITTING))
    assert mailbox.advance()
    assert mailbox.in_hand is None


def test_every_kind_of_order_is_carried_out_by_exactly_one_part():
    turns, several = parts()
    carried = Counter(order for part in several for order in part.carriers())
    assert set(turns.fold._carry) == set(get_args(orders.Order))
    assert set(carried.values()) == {1}
    assert set(get_args(orders.Order)) - set(carried) == {orders.Ring}, "the turns themselves ring the memory agent"


def test_the_way_of_a_message_in_the_documentation_names_what_there_is():
    page = (Path(__file__).parents[3] / "scr" / "docs" / "architecture.md").read_text()
    screen = page.split("## One message's way")[1].split("What a question of an agent")[0]
    rows = [line.split("|")[2:5] for line in screen.splitlines() if "| `" in line]
    assert len(rows) == 9
    for fed, ruled, ordered in rows:
        for name in re.findall(r"`(\w+)\.(\w+)`", fed):
            module = {"Delivery": "delivery", "Fold": "fold", "Turns": "turns", "Facts": "facts", "Writing": "writing"}[
                name[0]
            ]
            assert hasattr(getattr(import_module(f"scr.runtime.dispatch.{module}"), name[0]), name[1])
        for event in re.findall(r": `(\w+)`", fed):
            (module, rule), phase = *re.findall(r"`(\w+)\.(\w+)`", ruled), re.findall(r"\*([a-z ]+)\*", ruled)[0]
            rules = machine.RULES[getattr(events, event)].values()
            wanted = getattr(import_module(f"scr.turns.{module}"), rule)
            assert wanted in rules, "the rule is that of the event"
            assert Phase(phase)
        assert all(hasattr(orders, order) for order in re.findall(r"`(\w+)`", ordered))


def test_what_a_replaced_process_says_of_a_message_that_it_had_ahead_is_none_of_its_business_any_more():
    taken_back, _ = decide(at(Phase.AHEAD), events.TakenBack(is_over=True))
    assert decide(taken_back, PLAIN[events.Commits]) == (taken_back, ())
    given_anew, _ = decide(at(Phase.AHEAD), events.TakenBack())
    assert [type(order) for order in decide(given_anew, PLAIN[events.Commits])[1]] == [orders.Distrust]
