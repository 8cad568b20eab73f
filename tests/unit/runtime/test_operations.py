"""What an operator may do to a runtime, with every part in its place and no process: nothing here is a socket."""

import asyncio
from contextlib import asynccontextmanager
from typing import get_args
from unittest.mock import Mock

import pytest

from scr.config import Settings
from scr.errors import AgentError, InvalidInput, LaunchFailed, StoreUnavailable, UnknownAgent
from scr.messages import RUNTIME, TaskPayload
from scr.protocol.boot import Boot
from scr.protocol.control import AnyRequest
from scr.runtime import composition
from scr.runtime.dispatch.open_questions import Outcome
from scr.runtime.request_table import TABLE
from scr.specs import AgentSpec, Code, SupervisorSpec
from scr.store.memory import MemoryStore

LIMIT_S = 20.0
PAYLOAD = TaskPayload(task_id="t", kind="k", input=None)


def agent(name, **fields):
    return AgentSpec(id=name, code=Code(reference=f"agents:{name}"), **fields)


TREE = SupervisorSpec(
    id="root",
    strategy="one_for_one",
    max_restarts=0,
    children=(
        SupervisorSpec(id="pool", strategy="one_for_one", dynamic=True),
        agent("a", start_timeout_s=600.0),
    ),
)


class Launches:
    """A launcher: each request waits until the test refuses it."""

    def __init__(self):
        self.asked = []

    def launch(self, _request, ready):
        self.asked.append(ready)

    def refuse(self):
        self.asked.pop()(LaunchFailed("no room"))


@asynccontextmanager
async def runtime(tmp_path, monkeypatch, **limits):
    """A runtime whose agent a is being started: its parts, its launcher, its store, and whether it is over."""
    monkeypatch.setattr(composition, "Reaper", Mock())
    loop, over, launches, store = asyncio.get_running_loop(), asyncio.Event(), Launches(), MemoryStore()
    settings = Settings(store="memory:", limits={"stop_s": 0.1, **limits})
    boot = Boot(runtime="r", run="run", tree=TREE, settings=settings)
    parts = composition.compose(
        loop, boot, tmp_path, store, launches, fresh=Mock(), helpers=lambda: {"standbys": 2}, over=over.set
    )
    composition.start(loop, boot, store, parts)
    try:
        yield parts, launches, over
    finally:
        parts.control.close()


@pytest.fixture
def played(tmp_path, monkeypatch):
    """Play a story with a runtime's operations, its launcher and the event of its end."""

    def play(story, **limits):
        async def main():
            async with (
                asyncio.timeout(LIMIT_S),
                runtime(tmp_path, monkeypatch, **limits) as (parts, launches, over),
            ):
                told = asyncio.Queue()
                return await story(parts.operations, told, launches, over)

        return asyncio.run(main())

    return play


def test_every_request_has_its_row_in_the_table():
    assert set(TABLE) == set(get_args(get_args(AnyRequest)[0]))


def test_a_submission_is_told_by_its_id_and_is_in_the_mailbox_and_can_be_cancelled(played):
    async def story(operations, told, *_):
        operations.submit("a", PAYLOAD, told.put_nowait, message_id="m1")
        assert await told.get() == Outcome(output="m1")
        operations.await_answer("m1", 60.0, told.put_nowait)
        operations.read_status(told.put_nowait, pytest.fail)
        status = await told.get()
        mailboxes = {one.id: one.mailbox for one in status.agents}
        assert (mailboxes["a"], status.open_messages, status.helpers) == (1, 1, {"standbys": 2})
        assert operations.cancel("m1") == 1
        assert (await told.get()).error == "RunCancelled"

    played(story)


def test_an_ask_is_told_when_its_message_is_cancelled(played):
    async def story(operations, told, *_):
        operations.ask("a", PAYLOAD, 60.0, told.put_nowait, message_id="m1")
        operations.cancel("m1")
        assert (await told.get()).error == "RunCancelled"

    played(story)


def test_what_is_no_agent_gets_no_message(played):
    async def story(operations, told, *_):
        with pytest.raises(UnknownAgent, match="'runtime' is no agent"):
            operations.submit(RUNTIME, PAYLOAD, told.put_nowait, message_id="m1")
        assert told.empty()

    played(story)


def test_a_store_that_is_too_far_behind_takes_no_message(played, monkeypatch):
    async def story(operations, told, *_):
        monkeypatch.setattr(MemoryStore, "status", lambda _: Mock(pending=7))
        with pytest.raises(StoreUnavailable, match="too far behind"):
            operations.submit("a", PAYLOAD, told.put_nowait, message_id="m1")

    played(story, store_pending=7)


def test_a_message_to_an_unknown_agent_is_a_dead_letter_that_can_be_retried(played):
    async def story(operations, told, *_):
        operations.submit("b", PAYLOAD, told.put_nowait, message_id="m1")
        await told.get()
        operations.retry_dead("m1", told.put_nowait, pytest.fail)
        assert await told.get() == Outcome(output="b")
        operations.read_status(told.put_nowait, pytest.fail)
        status = await told.get()
        assert (status.dead_letters, status.open_messages) == (1, 0)
        operations.retry_dead("other", pytest.fail, told.put_nowait)
        error = await told.get()
        assert isinstance(error, InvalidInput)
        assert "no dead letter" in str(error)

    played(story)


def test_a_start_under_a_supervisor_that_is_not_there_is_refused_by_name(played):
    async def story(operations, told, *_):
        operations.start_agent("nowhere", agent("b"), told.put_nowait)
        outcome = await told.get()
        assert (outcome.error, "nowhere" in outcome.detail) == ("UnknownAgent", True)

    played(story)


def test_a_start_is_told_when_the_store_has_all_that_was_before_it(played, monkeypatch):
    kept = []
    monkeypatch.setattr(MemoryStore, "sync", lambda _, then: kept.append(then))

    async def story(operations, told, *_):
        operations.start_agent("nowhere", agent("b"), told.put_nowait)
        operations.stop_agent("b", told.put_nowait)
        assert (told.empty(), len(kept)) == (True, 2)
        kept.pop(0)()
        assert (await told.get()).error == "UnknownAgent"

    played(story)


def test_a_start_that_fails_is_told_with_its_error(played):
    async def story(operations, told, launches, _):
        operations.start_agent("pool", agent("b", restart="temporary"), told.put_nowait)
        launches.refuse()
        outcome = await told.get()
        assert (outcome.error, "no room" in outcome.detail) == ("StartFailed", True)

    played(story)


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda operations, tell: operations.stop_agent("b", tell), "UnknownAgent"),
        (lambda operations, tell: operations.restart_agent("b", tell), "UnknownAgent"),
        (lambda operations, tell: operations.reload_agent("b", None, tell), "UnknownAgent"),
    ],
    ids=["stop", "restart", "reload"],
)
def test_an_agent_that_there_is_none_of_is_told_as_such(played, ask, error):
    async def story(operations, told, *_):
        ask(operations, told.put_nowait)
        assert (await told.get()).error == error

    played(story)


def test_an_agent_without_a_process_can_be_neither_signalled_nor_asked_for_its_stack(played):
    async def story(operations, told, *_):
        with pytest.raises(AgentError, match="has no process"):
            operations.signal_agent("a", 15)
        with pytest.raises(UnknownAgent, match="'b'"):
            operations.read_stack("b", told.put_nowait)
        with pytest.raises(InvalidInput, match="no step of 'm' is in doubt"):
            operations.resolve("m", None, told.put_nowait, is_done=False)

    played(story)


def test_what_goes_wrong_with_the_status_or_the_crashes_is_told(played):
    async def story(operations, told, *_):
        broken = ValueError("broken")
        operations.read_crashes(None, 1, Mock(side_effect=broken), told.put_nowait)
        operations.read_status(Mock(side_effect=broken), told.put_nowait)
        assert [await told.get(), await told.get()] == [broken, broken]

    played(story)


def test_a_subscription_is_of_one_agent_and_some_kinds_from_an_event_on(played):
    async def story(operations, told, launches, over):
        everything, starts_of_a, gone = [], [], []
        operations.subscribe(lambda record: everything.append(record.event.kind))
        operations.subscribe(starts_of_a.append, agent="a", kinds=["agent_starting"])
        operations.subscribe(gone.append, since=2, agent="a", kinds=["agent_starting", "agent_gone"])
        operations.start_agent("pool", agent("b"), told.put_nowait)
        operations.shut_down("enough")
        while launches.asked:
            launches.refuse()
        await over.wait()
        assert everything[:3] == ["runtime_up", "agent_starting", "agent_starting"]
        assert everything.count("agent_gone") == 2
        assert [record.event.agent for record in starts_of_a] == ["a"]
        assert [(record.event.kind, record.event.agent) for record in gone] == [("agent_gone", "a")]

    played(story)


def test_a_subscription_that_has_ended_is_told_nothing_more(played):
    async def story(operations, told, *_):
        heard = []
        end = operations.subscribe(heard.append, since=2)
        end()
        operations.start_agent("pool", agent("b"), told.put_nowait)
        assert heard == []

    played(story)


def test_a_tree_that_does_not_start_is_told_to_who_waits_for_it_and_ends_the_runtime(played):
    async def story(operations, told, launches, over):
        operations.await_ready(told.put_nowait)
        assert told.empty()
        launches.refuse()
        await over.wait()
        outcome = await told.get()
        assert outcome.error == "StartFailed"
        assert outcome.detail.startswith("the runtime stopped: ")
        assert "no room" in outcome.detail

    played(story)


def test_a_runtime_that_is_shut_down_ends_and_its_mail_stays_open(played):
    async def story(operations, told, launches, over):
        operations.submit("a", PAYLOAD, told.put_nowait, message_id="m1")
        operations.shut_down("enough")
        launches.refuse()
        await over.wait()
        operations.read_status(told.put_nowait, pytest.fail)
        assert (await told.get(), (await told.get()).open_messages) == (Outcome(output="m1"), 1)

    played(story)
