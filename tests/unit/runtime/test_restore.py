"""What an earlier runtime has left, put back into its places."""

from types import SimpleNamespace

import pytest

from scr.frames import StartRequest
from scr.messages import Task, origin
from scr.runtime.restore import restore
from scr.specs import AgentSpec, Code, SupervisorSpec
from scr.store.records import Effect, Image, KeptAgent, KeptMessage


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
        self.open, self.waiting, self.buried = set(), [], []
        self.router = SimpleNamespace(restore=self.put, holds_up=lambda _: False)
        self.post = SimpleNamespace(bury=lambda message, *_: self.buried.append(message.to))
        self.failures = SimpleNamespace(restore=lambda _: None)

    def opened(self, spec, _state=None):
        self.open.add(spec.id)

    def put(self, pending):
        is_open = pending.message.to in self.open
        self.waiting += [pending.message.to] if is_open else []
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
