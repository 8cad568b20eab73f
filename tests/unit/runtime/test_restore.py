"""What an earlier runtime has left, put back into its places."""

from types import SimpleNamespace

import pytest

from scr.frames import StartRequest
from scr.messages import Task, origin
from scr.runtime.restore import announce, restore
from scr.specs import AgentSpec, Code, SupervisorSpec
from scr.store.records import Effect, Image, KeptAgent, KeptMessage
from scr.telemetry.sinks import EventLog


def agent(name):
    return AgentSpec(id=name, code=Code(reference=f"agents:{name}"))


TREE = SupervisorSpec(
    id="root",
    strategy="one_for_one",
    children=(agent("planner"), SupervisorSpec(id="workers", strategy="one_for_one", dynamic=True)),
)


class Turns:
    """Who has a mailbox, what waits in it, and what could not be put into one."""

    def __init__(self):
        self.open, self.waiting, self.buried, self.deliveries, self.causes = set(), [], [], [], []
        self.router = SimpleNamespace(restore=self.put, holds_up=lambda _: False)
        self.post = SimpleNamespace(bury=lambda message, *_: self.buried.append(message.to))
        self.failures = SimpleNamespace(restore=lambda _: None)

    def opened(self, spec, _state=None):
        self.open.add(spec.id)

    def put(self, pending):
        is_open = pending.message.to in self.open
        self.waiting += [pending.message.to] if is_open else []
        self.deliveries.append(pending.deliveries)
        self.causes.append(pending.cause)
        return is_open


def mail(*names):
    return tuple(
        KeptMessage(Task(payload={"task_id": name}, **origin(message_id=name, sender="planner", to=name, at=1.0)))
        for name in names
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
    turns = Turns()
    assert [kept.spec.id for kept in restore(image, turns, None, TREE)] == ["w-1"]
    assert (turns.waiting, turns.buried) == (waiting, buried)


@pytest.mark.parametrize(("is_fresh", "deliveries"), [(True, [0, 0]), (False, [1, 0])])
def test_a_message_that_no_runtime_can_have_delivered_counts_no_delivery(is_fresh, deliveries):
    image, turns = Image(mail=(*mail("planner"), *mail("planner")), is_fresh=is_fresh), Turns()
    restore(image, turns, None, TREE)
    assert turns.deliveries == deliveries


def test_the_messages_of_a_run_that_no_runtime_has_had_are_accepted_with_an_event_that_is_their_cause():
    events, turns = EventLog(lambda: (1.0, 1.0), 9, lambda _: None, 4), Turns()
    image = Image(mail=mail("planner"), is_fresh=True)
    causes = announce(image, events)
    restore(image, turns, None, TREE, causes)
    assert (causes, turns.causes) == ({"planner": 5}, [5])
    assert announce(Image(mail=mail("planner"), seq=9), events) == {}
