"""Timers with a name in the runtime: one of each, in phase, no burst, over restarts."""

from functools import partial
from itertools import count
from types import SimpleNamespace

import pytest

from scr.errors import InvalidMessage
from scr.messages import Task, TaskPayload, Tick, TimerPayload, origin
from scr.protocol.frames import Timer
from scr.runtime.dispatch import ticks, timers
from scr.runtime.dispatch.ticks import Ticks
from scr.store.memory import MemoryStore
from scr.turns.timing import NAMES_MAX, change_of, following

HOUR_S = 3600.0


def tick(name="tick", every_s=10.0, message_id="t", due=100.0):
    payload = TimerPayload(name=name, every_s=every_s)
    message = Tick(payload=payload, **origin(message_id=message_id, sender="a", to="a", at=0.0))
    return Timer(message=message, due=due, after_s=every_s)


def once(message_id="o"):
    payload = TaskPayload(task_id="t")
    message = Task(payload=payload, **origin(message_id=message_id, sender="a", to="b", at=0.0))
    return Timer(message=message, due=5.0, after_s=5.0)


SET, OTHER, LATER = tick(), tick(message_id="u"), tick(every_s=20.0, message_id="v")


@pytest.mark.parametrize(
    ("named", "set_now", "cancels", "new", "ended", "after"),
    [
        ({}, (SET, once()), (), (SET, once()), (), {"tick": SET}),
        ({"tick": SET}, (OTHER,), (), (), (), {"tick": SET}),
        ({"tick": SET}, (LATER,), (), (LATER,), ("t",), {"tick": LATER}),
        ({"tick": SET}, (), ("tick", "none"), (), ("t",), {}),
        ({"tick": SET}, (OTHER,), ("tick",), (OTHER,), ("t",), {"tick": OTHER}),
        ({"tick": SET}, (tick("tock"),), (), (tick("tock"),), (), {"tick": SET, "tock": tick("tock")}),
    ],
)
def test_a_name_has_one_timer_which_stays_where_it_is_set_again_with_its_period(
    named, set_now, cancels, new, ended, after
):
    change = change_of(named, set_now, cancels)
    assert (change.new, change.ended, change.named) == (new, ended, after)


def test_an_agent_has_so_many_names_at_most():
    many = [tick(f"n{n}") for n in range(NAMES_MAX)]
    assert len(change_of({}, many, ()).named) == NAMES_MAX
    with pytest.raises(InvalidMessage, match="an agent may have 1000 timers with a name"):
        change_of({"one more": SET}, many, ())


@pytest.mark.parametrize(
    ("at", "due", "after_s"),
    [(100.0, 110.0, 10.0), (103.0, 110.0, 7.0), (100.0 + HOUR_S, 110.0 + HOUR_S, 10.0), (98.0, 108.0, 10.0)],
    ids=["in time", "late", "missed for an hour", "the clock was set back"],
)
def test_the_next_tick_keeps_the_phase_and_what_was_missed_is_not_made_up_for(at, due, after_s):
    later = following(SET, SET.message.payload, at)
    assert (later.due, later.after_s, later.message.payload) == (due, after_s, SET.message.payload)
    assert later.message.message_id not in {"t", following(later, SET.message.payload, due).message.message_id}


class Loop:
    """A loop, and its clock."""

    def __init__(self, now):
        self.now, self.numbers, self.calls = now, count(), {}

    def call_later(self, delay_s, then, *given):
        number = next(self.numbers)
        self.calls[number] = (self.now + delay_s, then, given)
        return SimpleNamespace(cancel=lambda: self.calls.pop(number, None))

    def until(self, at):
        """Let time pass: what is due is called."""
        while due := sorted((when, number) for number, (when, *_) in self.calls.items() if when <= at):
            self.now, number = due[0]
            _, then, given = self.calls.pop(number)
            then(*given)
        self.now = at


class House:
    """The mail: `handled` are the messages that wait no more."""

    def __init__(self, *agents):
        self.agents, self.posted, self.handled = set(agents), [], set()

    def __contains__(self, agent):
        return agent in self.agents

    def expect(self, message):
        return partial(self.post, message)

    def post(self, message):
        self.posted.append(message)

    def find(self, _agent, message_id):
        waiting = {message.message_id for message in self.posted} - self.handled
        return message_id if message_id in waiting else None

    def handle(self):
        """Handle all that was posted."""
        self.handled |= {message.message_id for message in self.posted}


@pytest.fixture
def begin(monkeypatch):
    """Ticks of a runtime that begins from this store, with its loop and its mail; time is the loop's."""

    def start(store, house, at=0.0):
        loop = Loop(at)
        for module in (ticks.time, timers):
            monkeypatch.setattr(module, "time", lambda: loop.now)
        made = Ticks(loop, store, house, house)
        for timer in store.present().timers:
            made.restore(timer)
        return made, loop

    return start


def started(made, *timers, cancels=()):
    made.started("a", timers, cancels)


def take(made, *timers):
    """Take in what a turn sets that is on its way into the store."""
    change = made.change_of("a", timers, ())
    made.take("a", change)
    return change


def test_a_timer_fires_again_and_again_and_each_tick_is_a_message_of_its_own(begin):
    store, house = MemoryStore(), House("a")
    made, loop = begin(store, house)
    started(made, tick(due=10.0))
    for at in (10.0, 20.0, 30.0):
        loop.until(at)
        house.handle()
    assert len({message.message_id for message in house.posted}) == len(house.posted) == 3
    assert [timer.due for timer in store.present().timers] == [40.0]
    assert store.counts().open_messages == 3


def test_a_tick_is_left_out_while_the_last_one_waits(begin):
    store, house = MemoryStore(), House("a")
    made, loop = begin(store, house)
    started(made, tick(due=10.0))
    loop.until(55.0)
    assert len(house.posted) == 1
    house.handle()
    loop.until(60.0)
    assert len(house.posted) == 2


def test_a_restart_that_sets_the_timer_again_keeps_its_phase_and_another_period_begins_anew(begin):
    store, house = MemoryStore(), House("a")
    made, loop = begin(store, house)
    started(made, tick(due=10.0))
    loop.until(7.0)
    started(made, tick(message_id="again", due=17.0))
    assert [timer.due for timer in store.present().timers] == [10.0]
    started(made, tick(message_id="other", every_s=5.0, due=12.0))
    assert [timer.due for timer in store.present().timers] == [12.0]
    loop.until(11.0)
    assert house.posted == []
    loop.until(12.0)
    assert [message.message_id for message in house.posted] == ["other"]


def test_what_was_missed_while_no_runtime_lived_is_one_tick_and_the_phase_is_kept(begin):
    store, house = MemoryStore(), House("a")
    made, _ = begin(store, house)
    started(made, tick(due=10.0))
    _, loop = begin(store, house, at=65.0)
    loop.until(65.0)
    assert len(house.posted) == 1
    house.handle()
    loop.until(69.0)
    assert len(house.posted) == 1
    loop.until(70.0)
    assert len(house.posted) == 2


def test_a_tick_that_an_earlier_runtime_has_left_in_the_mailbox_is_waited_for(begin):
    store, house = MemoryStore(), House("a")
    made, loop = begin(store, house)
    started(made, tick(due=10.0))
    loop.until(10.0)
    made, loop = begin(store, house, at=15.0)
    made.sent(house.posted[0])
    loop.until(25.0)
    assert len(house.posted) == 1


def test_a_timer_that_is_cancelled_or_whose_agent_is_gone_ends_in_the_store_too(begin):
    store, house = MemoryStore(), House("a")
    made, loop = begin(store, house)
    started(made, tick(due=10.0), tick("tock", message_id="u", due=10.0))
    started(made, cancels=("tock",))
    assert len(store.present().timers) == 1
    made.close("a")
    assert not store.present().timers
    started(made, tick(message_id="w", due=10.0))
    house.agents.clear()
    loop.until(100.0)
    assert (house.posted, store.present().timers) == ([], ())


def test_a_turn_that_is_not_kept_changes_no_timer_and_one_that_is_replaced_meanwhile_is_not_armed(begin):
    store, house = MemoryStore(), House("a")
    made, loop = begin(store, house)
    started(made, tick(due=10.0))
    before = made.named("a")
    take(made, tick(every_s=1.0, message_id="u", due=1.0))
    made.take_back("a", before)
    loop.until(10.0)
    house.handle()
    first = take(made, tick(every_s=1.0, message_id="u", due=11.0))
    second = take(made, tick(every_s=5.0, message_id="v", due=15.0))
    made.carry_out("a", first)
    loop.until(14.0)
    made.carry_out("a", second)
    assert [message.message_id for message in house.posted] == ["t"]
    assert made.named("a")["tick"].message.message_id == "v"
