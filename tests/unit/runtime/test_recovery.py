"""What an earlier runtime has left, put back into its places."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest

from scr.mail.pending import Phase
from scr.messages import Task, Tick, TimerPayload, origin
from scr.protocol.frames import StartRequest, Timer
from scr.runtime.dispatch.turns import Turns
from scr.runtime.recovery import UNCAUSED, announce, restore
from scr.specs import AgentSpec, Code, SupervisorSpec
from scr.store.memory import MemoryStore
from scr.store.records import Effect, Image, KeptAgent, KeptMessage
from scr.telemetry.sinks import EventLog
from tests.contract.store_harness import dead_in
from tests.unit.runtime.test_turn_machine import LOOP, Nobody


def agent(name):
    return AgentSpec(id=name, code=Code(reference=f"agents:{name}"))


TREE = SupervisorSpec(
    id="root",
    strategy="one_for_one",
    children=(agent("planner"), SupervisorSpec(id="workers", strategy="one_for_one", dynamic=True)),
)


class Left:
    """A runtime that takes over what another one has left: `waiting` and `buried` are whose messages are where."""

    def __init__(self, image, log=None, causes=UNCAUSED, loop=LOOP):
        self.store = MemoryStore()
        for kept in image.mail:
            self.store.accept(kept.message, lambda: None)
        nobody = Nobody()
        log = log or EventLog(lambda: (1.0, 1.0), 9, self.store.append)
        self.turns = Turns(loop, self.store, log, nobody, nobody, memory=None)
        self.to_start = [kept.spec.id for kept in restore(image, self.turns, None, TREE, causes)]
        left = {kept.message.message_id for kept in image.mail}
        self.put_back = [one for one in self.turns.router.open_messages() if one.message.message_id in left]
        self.waiting = [pending.message.to for pending in self.put_back if pending.turn.phase is Phase.WAITING]
        self.buried = [letter.message.to for letter in dead_in(self.store)]


def mail(*names):
    return tuple(
        KeptMessage(Task(payload={"task_id": name}, **origin(message_id=f"m{n}", sender="planner", to=name, at=1.0)))
        for n, name in enumerate(names)
    )


def start(name, supervisor="workers"):
    return Effect(f"start {name}", "planner", "m", start=StartRequest(supervisor=supervisor, spec=agent(name)))


@pytest.mark.parametrize(
    ("effects", "waiting", "buried"),
    [
        ((start("w-2"), start("w-3")), ["planner", "w-1", "w-2", "w-3"], []),
        ((start("w-2"), start("w-3", "nobody")), ["planner", "w-1", "w-2"], ["w-3"]),
        ((), ["planner", "w-1"], ["w-2", "w-3"]),
    ],
)
def test_mail_waits_for_whom_there_is_and_for_whom_a_turn_had_asked_to_be_started(effects, waiting, buried):
    image = Image(
        seq=9, agents=(KeptAgent(agent("w-1"), "workers"),), mail=mail("planner", "w-1", "w-2", "w-3"), effects=effects
    )
    left = Left(image)
    assert left.to_start == ["w-1"]
    assert (left.waiting, left.buried) == (waiting, buried)
    assert all(left.turns.router.held(name) for name in waiting)


@pytest.mark.parametrize(("is_fresh", "deliveries"), [(True, [0, 0]), (False, [1, 0])])
def test_a_message_that_no_runtime_can_have_delivered_counts_no_delivery(is_fresh, deliveries):
    left = Left(Image(mail=mail("planner", "planner"), is_fresh=is_fresh))
    assert [pending.deliveries for pending in left.put_back] == deliveries


@pytest.mark.parametrize(("is_fresh", "deliveries"), [(True, [2, 0, 0, 0, 0]), (False, [2, 1, 1, 0, 1])])
def test_a_message_that_was_delivered_before_is_not_the_first_that_may_have_been(is_fresh, deliveries):
    failed, parked, first, second, due = mail(*["planner"] * 5)
    kept = (replace(failed, deliveries=2), replace(parked, parked="pay"), first, second, replace(due, due=9.0))
    left = Left(Image(mail=kept, is_fresh=is_fresh))
    assert [pending.deliveries for pending in left.put_back] == deliveries


def test_the_messages_of_a_run_that_no_runtime_has_had_are_accepted_with_an_event_that_is_their_cause():
    events = EventLog(lambda: (1.0, 1.0), 9, lambda _: None, 4)
    image = Image(mail=mail("planner"), is_fresh=True)
    causes = announce(image, events)
    (kept,) = Left(image, events, causes).put_back
    assert (causes, kept.cause) == ({"m0": 5}, 5)
    assert announce(Image(mail=mail("planner"), seq=9), events) == {}


def tick(message_id):
    payload = TimerPayload(name="tick", every_s=3600.0)
    return Tick(payload=payload, **origin(message_id=message_id, sender="planner", to="planner", at=1.0))


@pytest.mark.parametrize("due", [None, 1e12], ids=["in its mailbox", "for its next try"])
def test_a_timer_of_a_name_posts_no_tick_while_the_one_that_an_earlier_runtime_has_left_waits(due):
    armed = []
    loop = SimpleNamespace(call_later=lambda _, then, *given: armed.append(partial(then, *given)), call_at=LOOP.call_at)
    loop.time = LOOP.time
    timer = Timer(message=tick("next"), due=1.0, after_s=3600.0)
    left = Left(Image(mail=(KeptMessage(tick("last"), due=due),), timers=(timer,)), loop=loop)
    armed[0]()
    assert [message.message_id for message in left.turns.router.held("planner")] == ["last"]
