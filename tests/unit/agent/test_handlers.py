"""What cannot be an agent is refused before a process is used for it, with the name and the line."""

import abc
import functools
from typing import Generic, TypeVar

import pytest
from pydantic import BaseModel

from scr.agent.agent import Agent
from scr.agent.code import agent_code
from scr.agent.handlers import check_agent
from scr.apps.research.agents.critic import CriticAgent
from scr.apps.research.agents.planner import PlannerAgent
from scr.apps.research.agents.worker import WorkerAgent
from scr.errors import InvalidCode
from scr.protocol.frames import Commit, Exiting
from scr.services.memory import MemoryAgent
from scr.services.table import TableAgent

T = TypeVar("T")


def agent(**members):
    return type("Worker", (Agent,), members)


def handles(self, ctx, message):
    """As a handler of messages should be."""


def starts(self, ctx):
    """As on_start and on_stop should be."""


def yields(self, ctx, message):
    yield ctx.reply("never")


async def yields_async(self, ctx, message):
    yield ctx.reply("never")


def handles_more(self, ctx, message, database):
    pass


def wrapped(fn, *more):
    @functools.wraps(fn)
    def inner(*args):
        return fn(*args, *more)

    return inner


class Called:
    def __call__(self, ctx, message):
        pass


class CalledYields:
    def __call__(self, ctx, message):
        yield


class Based(Agent):
    def on_task(self, ctx, message):
        pass


class Inherits(Based):
    pass


class Box(Based, Generic[T]):
    pass


class Abstract(Based, abc.ABC):
    @abc.abstractmethod
    def work(self):
        pass


class Needy(Based):
    def __init__(self, database):
        self.database = database


class Handy(Based):
    """Its methods have names like those of handlers, and are its own."""

    def on_task_done(self, ctx, message):
        pass

    def on_event_loop(self, ctx, message):
        pass

    def on_tasks(self, ctx, message):
        pass

    def on_results(self, results):
        pass

    def on_step(self, step):
        pass

    def on_post(self, form):
        pass

    def on_down(self, host):
        pass

    def handle_task(self, ctx, message):
        pass


class Dispatches(Agent):
    """What its `on_message` calls may be called nearly as handlers are."""

    def on_message(self, ctx, message):
        pass

    def on_down(self, ctx, message):
        pass

    def on_ask(self, ctx, message):
        pass

    def on_results(self, ctx, message):
        pass


def function(ctx, message):
    pass


GOOD = {
    "a handler": agent(on_task=handles),
    "an inherited handler": Inherits,
    "a handler of a mixin": type("Mixed", (type("Mixin", (), {"on_task": handles}), Agent), {}),
    "a generic class": Box,
    "a staticmethod": agent(on_task=staticmethod(function)),
    "a classmethod": agent(on_task=classmethod(handles)),
    "a decorator that gives more": agent(on_task=wrapped(handles_more, None)),
    "a decorator that runs a generator": agent(on_task=wrapped(yields)),
    "a partialmethod": agent(on_task=functools.partialmethod(handles_more, database=None)),
    "a singledispatchmethod": agent(on_task=functools.singledispatchmethod(handles)),
    "a property": agent(on_task=property(lambda self: function)),
    "an object that is called": agent(on_task=Called()),
    "only on_timer": agent(on_timer=handles),
    "only on_start": agent(on_start=starts),
    "only on_stop": agent(on_stop=starts),
    "only __init__": agent(__init__=lambda self: setattr(self, "on_task", function)),
    "migrate": agent(on_task=handles, migrate=classmethod(lambda cls, state: state)),
    "methods of its own": Handy,
    "methods for on_message": Dispatches,
    "a function": function,
    "a partial": functools.partial(handles, None),
    "a lambda of anything": lambda *given: given,
    "a function of more with defaults": lambda ctx, message, more=1: more,
    "a bound method": Called().__call__,
    "a callable object": Called(),
}
NEAR = {
    "on_tsak": "on_task",
    "on_taks": "on_task",
    "onTask": "on_task",
    "on_task_": "on_task",
    "on_tasks": "on_task",
    "handle_task": "on_task",
    "process_tasks": "on_task",
    "on_mesage": "on_message",
    "on_massage": "on_message",
    "on_results": "on_result",
    "on_reslut": "on_result",
    "on_critque": "on_critique",
    "on_tiemr": "on_timer",
    "on_timers": "on_timer",
    "on_down": "on_message",
    "on_failure": "on_message",
}


@pytest.mark.parametrize("name", GOOD)
def test_what_can_be_an_agent_is_taken(name):
    check_agent(GOOD[name])


@pytest.mark.parametrize("kind", [TableAgent, MemoryAgent, PlannerAgent, WorkerAgent, CriticAgent])
def test_the_agents_of_the_project_are_taken(kind):
    check_agent(kind)


@pytest.mark.parametrize(
    "thing",
    [
        agent(on_task=yields),
        agent(on_task=yields_async),
        agent(on_task=handles, on_result=yields),
        agent(on_message=functools.partialmethod(yields)),
        agent(on_task=staticmethod(lambda ctx, message: (yield))),
        agent(on_task=CalledYields()),
        agent(on_task=handles, on_start=lambda self, ctx: (yield)),
        agent(on_task=handles, on_stop=lambda self, ctx: (yield)),
        type("Child", (agent(on_task=yields),), {}),
        lambda ctx, message: (yield),
        functools.partial(yields_async, None),
        CalledYields(),
    ],
)
def test_a_handler_that_is_a_generator_is_refused_with_its_line(thing):
    with pytest.raises(InvalidCode, match=r"test_handlers\.py, line \d+\) contains `yield`.*ctx\.reply"):
        agent_code(thing)


@pytest.mark.parametrize("name", NEAR)
def test_a_method_that_is_nearly_a_handler_is_refused_with_the_handler_that_is_meant(name):
    for others in ({}, {"on_start": starts}):
        with pytest.raises(InvalidCode, match=rf"Worker\.{name} .*, line \d+\).*did you mean {NEAR[name]}\?"):
            agent_code(agent(**{name: handles}, **others))


@pytest.mark.parametrize("name", ["on_tsak", "onTask", "on_results", "on_down", "on_mesage"])
def test_a_misspelt_handler_is_refused_beside_a_handler_too(name):
    others = {"on_critique": handles}
    with pytest.raises(InvalidCode, match=rf"Worker\.{name} .* did you mean {NEAR[name]}\?"):
        agent_code(agent(**{name: handles}, **others))


def test_two_letters_in_the_wrong_order_are_refused_beside_any_handler():
    with pytest.raises(InvalidCode, match=r"did you mean on_start\?"):
        agent_code(agent(on_task=handles, on_satrt=starts))
    with pytest.raises(InvalidCode, match=r"did you mean on_task\?"):
        agent_code(agent(on_message=handles, on_taks=starts))
    with pytest.raises(InvalidCode, match=r"did you mean on_task\?"):
        agent_code(agent(on_task=handles, on_tsak=handles))
    agent_code(agent(on_message=handles, no_task=starts))


@pytest.mark.parametrize(
    ("thing", "sentence"),
    [
        (Agent, "Agent handles no task"),
        (agent(), "Worker handles no task.*write on_task"),
        (agent(on_result=handles), "Worker handles no task"),
        (agent(work=handles), "Worker handles no task"),
        (agent(on_mesagge=starts), r"handles no task.*did you mean on_message by on_mesagge\?"),
        (agent(on_task=None), "Worker.on_task is None, which cannot be called"),
        (agent(on_task=42), "Worker.on_task is 42"),
        (
            agent(on_task=lambda self, ctx: None),
            r"Worker.on_task .*line \d+\) takes \(ctx\), and is called with \(ctx, m",
        ),
        (agent(on_task=lambda ctx, message: None), r"takes \(message\)"),
        (agent(on_task=staticmethod(handles)), r"takes \(self, ctx, message\)"),
        (agent(on_task=handles, on_start=handles), r"on_start .*is called with \(ctx\)"),
        (agent(on_task=handles, migrate=lambda state: state), r"migrate .*is called with \(state\)"),
        (lambda message: None, r"takes \(message\), and is called with \(ctx, message\)"),
        (lambda ctx, message, *, more: None, r"\*, more"),
        (agent(on_task=handles, State=dict), r"Worker.State is <class 'dict'>.*class State\(BaseModel\)"),
        (agent(on_task=handles, State=Called()), "which is no subclass of pydantic's BaseModel"),
        (agent(on_task=handles, State=BaseModel), "which is no subclass of pydantic's BaseModel"),
        (Abstract, "Abstract is abstract: it has no work"),
        (Needy, r"Needy.__init__ .*takes arguments.*self\.options"),
        (Inherits(), "give Inherits, not an instance"),
        (Box[int], "subclass of scr.Agent or a function"),
        (Called, "subclass of scr.Agent or a function"),
        (None, "subclass of scr.Agent or a function"),
    ],
)
def test_what_cannot_work_as_an_agent_is_refused_with_a_sentence(thing, sentence):
    with pytest.raises(InvalidCode, match=sentence):
        agent_code(thing)


def test_a_migrate_that_is_async_is_refused():
    async def migrate(cls, state):
        return state

    with pytest.raises(InvalidCode, match="async def"):
        agent_code(agent(on_task=handles, migrate=classmethod(migrate)))


async def answers_later():
    return 1


async def promises_async(self, ctx, message):
    return answers_later()


@pytest.mark.parametrize(
    "thing",
    [
        lambda ctx, message: (n for n in range(3)),
        agent(on_task=lambda self, ctx, message: (n for n in range(3))),
        agent(on_task=wrapped(yields)),
        agent(on_task=wrapped(yields_async)),
        functools.partial(lambda given, ctx, message: given(ctx, message), functools.partial(yields, None)),
        agent(on_task=promises_async),
        functools.partial(promises_async, None),
    ],
)
def test_a_handler_that_returns_what_has_not_run_fails_its_turn(play, thing):
    runtime = play(thing)
    runtime.deliver()
    exiting = runtime.hear(Exiting)
    assert (exiting.reason, exiting.error_type) == ("error", "InvalidCode")
    assert "of which no line has run" in exiting.message


def test_a_handler_that_runs_what_it_makes_is_committed(play):
    runtime = play(lambda ctx, message: list(n for n in range(3)))  # noqa: C400
    runtime.deliver()
    assert runtime.hear(Commit).sends[0].payload.output == [0, 1, 2]


def test_a_class_that_is_found_by_its_name_is_refused_in_its_own_process(play):
    exiting = play(agent(on_task=yields), up=False).hear(Exiting)
    assert (exiting.reason, exiting.error_type) == ("start_failed", "InvalidCode")
    assert "Worker.on_task" in exiting.message


def test_a_state_whose_fields_have_no_defaults_is_refused_naming_them(play):
    class State(BaseModel):
        total: int
        owner: str
        seen: int = 0

    exiting = play(agent(on_task=handles, State=State), up=False).hear(Exiting)
    assert exiting.error_type == "StartFailed"
    assert "total: Field required; owner: Field required;" in exiting.message
