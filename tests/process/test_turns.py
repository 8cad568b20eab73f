"""Turns, with real agents that are really killed."""

import asyncio
import os
import signal
import sys
import time

import pytest
from pydantic import BaseModel

import scr
from scr.errors import (
    AgentParked,
    AlreadyStarted,
    AskTimedOut,
    InvalidCode,
    InvalidMessage,
    InvalidSpec,
    StartFailed,
    TaskFailed,
    UnknownAgent,
)


class Counter(scr.Agent):
    class State(BaseModel):
        total: int = 0

    def on_task(self, ctx, message):
        self.state.total += message.payload.input
        ctx.reply({"total": self.state.total, "incarnation": ctx.incarnation, "deliveries": ctx.deliveries})


def die_first(ctx, message):
    """Dies at its first delivery, after it had wanted everything."""
    ctx.send({"from": "a turn that never was"}, to="counter")
    ctx.remember("ghost", ctx.deliveries)
    if ctx.deliveries == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    ctx.reply({"deliveries": ctx.deliveries})


def poison(ctx, message):
    os.kill(os.getpid(), signal.SIGKILL)


def raises(ctx, message):
    raise ValueError(f"cannot handle {message.payload.input}")


def leaves(ctx, message):
    if ctx.deliveries == 1:
        os._exit(0)
    return "came back"


def stepped(ctx, message):
    first = ctx.step("first", lambda: {"pid": os.getpid(), "n": 1})
    if ctx.deliveries == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    second = ctx.step("second", os.getpid)
    return {"first": first["pid"], "second": second, "pid": os.getpid()}


class Boss(scr.Agent):
    def on_task(self, ctx, message):
        answer = ctx.ask("counter", 5, timeout_s=10)
        if ctx.deliveries == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        ctx.reply(answer)


class Later(scr.Agent):
    async def on_task(self, ctx, message):
        answers = [await ctx.ask_async("counter", n) for n in (1, 2, 3)]
        ctx.reply([answer["total"] for answer in answers])


class Parent(scr.Agent):
    class State(BaseModel):
        client: str = ""
        task: str = ""
        seen: list[str] = []

    def on_task(self, ctx, message):
        self.state.client, self.state.task = message.sender, message.message_id
        for name in ("child-1", "child-2", "child-3"):
            ctx.start_agent(name, Counter)
            ctx.monitor(name)
        ctx.monitor("nobody")
        ctx.stop_agent("child-2")

    def on_message(self, ctx, message):
        self.state.seen.append(f"{message.type} {message.payload.agent} {message.payload.reason}")
        if len(self.state.seen) == 2:
            ctx.send(
                scr.ResultPayload(task_id=self.state.task, output=sorted(self.state.seen)),
                to=self.state.client,
                in_reply_to=self.state.task,
            )


class Diary(scr.Agent):
    class State(BaseModel):
        seen: list[list[int]] = []

    def on_task(self, ctx, message):
        n = message.payload.input
        if n == "tell":
            ctx.reply(self.state.seen)
            return
        self.state.seen.append([n, ctx.recall("last", 0)])
        self.note(ctx, n)

    def note(self, ctx, n):
        ctx.remember("last", n)
        if n == 8 and ctx.deliveries == 1:
            os.kill(os.getpid(), signal.SIGKILL)


class ThreadedDiary(Diary):
    async def on_task(self, ctx, message):
        n = message.payload.input
        if n == "tell":
            ctx.reply(self.state.seen)
            return
        self.state.seen.append([n, await asyncio.to_thread(ctx.recall, "last", 0)])
        self.note(ctx, n)


def feed(ctx, message):
    for n in range(1, 41):
        ctx.send(n, to="diary")
    return "fed"


class Holder(scr.Agent):
    class State(BaseModel):
        done: list[str] = []

    def on_task(self, ctx, message):
        path = message.payload.input
        while path.startswith("/") and not os.path.exists(path):
            time.sleep(0.005)
        self.state.done.append(os.path.basename(path))
        ctx.reply(self.state.done)


@pytest.mark.parametrize("diary", [Diary, ThreadedDiary])
def test_a_backlog_is_handled_in_order_and_each_turn_recalls_what_the_last_one_remembered(story, diary):
    for name, code in (("diary", diary), ("feeder", feed), ("bystander", Counter)):
        story.runtime.start_agent(name, code)
    assert story.runtime.ask("feeder", None) == "fed"
    story.until("message_delivered", agent="diary", deliveries=2)
    story.runtime.restart_agent("diary")
    assert story.runtime.ask("diary", "tell") == [[n, n - 1] for n in range(1, 41)]
    assert len(story.events("agent_exited", agent="diary")) == 2
    assert len(story.events("turn_committed", agent="diary")) == 41


def test_a_message_that_was_sent_ahead_can_still_be_cancelled(story, tmp_path):
    for name in ("holder", "bystander-1", "bystander-2"):
        story.runtime.start_agent(name, Holder)
    held, unwanted, last = (story.runtime.submit("holder", what) for what in (str(tmp_path / "go"), "no", "last"))
    story.until("message_delivered", agent="holder")
    assert unwanted.cancel() == 1
    (tmp_path / "go").touch()
    assert held.result(10) == ["go"]
    assert last.result(10) == ["go", "last"]
    with pytest.raises(scr.errors.ScrError, match="cancelled"):
        unwanted.result(10)


def test_state_survives_a_kill_and_the_next_message_finds_it(story):
    story.runtime.start_agent("counter", Counter)
    assert story.runtime.ask("counter", 3)["total"] == 3
    os.kill(story.pid("counter"), signal.SIGKILL)
    answer = story.runtime.ask("counter", 4)
    assert (answer["total"], answer["incarnation"]) == (7, 2)


def test_a_turn_that_was_killed_never_was_and_is_done_again(story):
    story.runtime.start_agent("counter", Counter)
    story.runtime.start_agent("victim", die_first)
    assert story.runtime.ask("victim", "go") == {"deliveries": 2}
    story.until("turn_committed", agent="victim")
    assert story.events("agent_exited", agent="victim")[0].reason == "killed"
    assert len(story.events("message_accepted", sender="victim", to="counter")) == 1


def test_a_recorded_step_is_not_run_again(story):
    story.runtime.start_agent("stepper", stepped)
    pids = story.runtime.ask("stepper", None)
    assert pids["first"] != pids["pid"] == pids["second"]
    assert story.events("message_delivered", agent="stepper")[1].steps_reused == 1


def test_an_answer_that_had_come_is_not_asked_for_again(story):
    story.runtime.start_agent("counter", Counter)
    story.runtime.start_agent("boss", Boss)
    assert story.runtime.ask("boss", None)["total"] == 5
    assert len(story.events("turn_committed", agent="counter")) == 1


def test_a_message_that_kills_three_times_is_quarantined_and_its_siblings_go_on(story):
    for name in ("bystander-1", "bystander-2"):
        story.runtime.start_agent(name, Counter)
    story.runtime.start_agent("weak", poison)
    with pytest.raises(TaskFailed, match="weak failed, and the process ended 3 times"):
        story.runtime.ask("weak", "poison")
    buried = story.until("message_buried", to="weak")
    assert (buried.reason, buried.deliveries) == ("quarantined", 3)
    story.until("agent_up", count=4, agent="weak")
    assert [status.incarnation for status in story.runtime.status().agents if status.id.startswith("bystander")] == [
        1,
        1,
    ]


def test_an_exception_may_be_a_crash_with_its_traceback_in_the_exit_record(story):
    story.runtime.start_agent("raiser", raises, on_error="crash")
    with pytest.raises(TaskFailed, match="ValueError: cannot handle 7"):
        story.runtime.ask("raiser", 7)
    exited = story.events("agent_exited", agent="raiser")[0]
    assert exited.reason == "error"
    assert "cannot handle 7" in exited.detail


def test_leaving_with_exit_status_zero_in_the_middle_of_a_task_loses_nothing(story):
    story.runtime.start_agent("leaver", leaves)
    assert story.runtime.ask("leaver", None) == "came back"
    assert story.events("agent_exited", agent="leaver")[0].reason == "error"


def test_async_handlers_ask_several_and_get_their_answers(story):
    story.runtime.start_agent("counter", Counter)
    story.runtime.start_agent("later", Later)
    assert story.runtime.ask("later", None) == [1, 3, 6]


def test_children_are_started_stopped_and_monitored_from_a_handler(story):
    story.runtime.start_agent("parent", Parent)
    assert story.runtime.ask("parent", None) == ["down child-2 shutdown", "down nobody unknown_agent"]
    story.until("agent_up", agent="child-1")
    story.until("agent_up", agent="child-3")
    story.until("agent_gone", agent="child-2")
    assert "child-2" not in {status.id for status in story.runtime.status().agents}


def test_a_closure_and_a_class_made_in_a_function_are_agents(story):
    factor = 3

    class Local(scr.Agent):
        class State(BaseModel):
            seen: int = 0

        def on_task(self, ctx, message):
            self.state.seen += 1
            ctx.reply(self.state.seen * factor)

    story.runtime.start_agent("local", Local)
    story.runtime.start_agent("closure", lambda ctx, message: message.payload.input * factor)
    assert [story.runtime.ask("local", None), story.runtime.ask("local", None)] == [3, 6]
    assert story.runtime.ask("closure", 14) == 42


def test_what_is_remembered_in_a_turn_is_recalled_by_whoever_comes_after_it(story):
    def keep(ctx, message):
        ctx.remember("answer", message.payload.input)
        return "kept"

    story.runtime.start_agent("keeper", keep)
    story.runtime.start_agent("reader", lambda ctx, message: ctx.recall("answer", "nothing"))
    for n in range(20):
        assert story.runtime.ask("keeper", n) == "kept"
        assert story.runtime.ask("reader", None) == n


def test_a_killed_table_is_refilled_and_its_readers_see_no_error_and_no_lost_entry(story):
    def keep(ctx, message):
        ctx.remember(f"key-{message.payload.input}", message.payload.input)
        return "kept"

    def count(ctx, message):
        return sum(ctx.recall(f"key-{n}", -1000) for n in range(10))

    story.runtime.start_agent("keeper", keep)
    story.runtime.start_agent("reader", count)
    for n in range(10):
        story.runtime.ask("keeper", n)
    os.kill(story.pid("table"), signal.SIGKILL)
    story.until("agent_up", count=2, agent="memory")
    assert story.runtime.ask("reader", None) == 45
    assert not story.events("agent_exited", agent="reader"), "whoever reads the table does not start again with it"


def test_whoever_waits_on_a_slow_agent_is_told_at_the_deadline(story):
    story.runtime.start_agent("slow", lambda ctx, message: time.sleep(message.payload.input))
    with pytest.raises(AskTimedOut, match=r"slow did not answer within 0\.2 s"):
        story.runtime.ask("slow", 2.0, timeout_s=0.2)


def test_a_client_that_waits_on_an_agent_that_will_not_come_back_is_told_at_once(story):
    story.runtime.start_agent("mortal", poison, restart="temporary")
    with pytest.raises(AgentParked, match=r"mortal is down \(killed.*its mail waits"):
        story.runtime.ask("mortal", None, timeout_s=30)


def test_an_unknown_agent_and_a_taken_name_are_told_by_name(story):
    story.runtime.start_agent("taken", Counter)
    with pytest.raises(UnknownAgent, match="'nobody'"):
        story.runtime.ask("nobody", 1)
    with pytest.raises(AlreadyStarted, match="taken"):
        story.runtime.start_agent("taken", Counter)
    assert story.runtime.ask("taken", 1)["total"] == 1


def test_a_start_that_raises_is_told_with_its_reason_and_leaves_nothing(story):
    class Stillborn(scr.Agent):
        def on_start(self, ctx):
            raise RuntimeError("no database here")

    with pytest.raises(StartFailed, match="RuntimeError: no database here"):
        story.runtime.start_agent("stillborn", Stillborn)
    with pytest.raises(UnknownAgent):
        story.runtime.ask("stillborn", None)


def test_what_is_no_agent_or_no_json_is_refused_where_it_is_given(story):
    with pytest.raises(InvalidCode, match="42"):
        story.runtime.start_agent("number", 42)
    with pytest.raises(InvalidCode, match="generator"):
        story.runtime.start_agent("generator", _with_a_generator())
    with pytest.raises(InvalidMessage, match="object"):
        story.runtime.send("anyone", object())
    with pytest.raises(StartFailed, match="nowhere"):
        story.runtime.start_agent("lost", "nowhere:Agent")


def _with_a_generator():
    numbers = (n for n in range(3))
    return lambda ctx, message: next(numbers)


def test_output_is_captured_line_by_line_with_the_agent_that_wrote_it(story):
    def talk(ctx, message):
        print("to people")
        sys.stderr.write("to operators\n")
        ctx.log("to the log")
        return "said"

    story.runtime.start_agent("talker", talk)
    story.runtime.ask("talker", None)
    assert story.until("printed", agent="talker", stream="stdout").text == "to people"
    assert story.until("printed", agent="talker", stream="stderr").text == "to operators"
    assert story.until("logged", agent="talker").text == "to the log"


def test_a_result_that_nobody_waits_for_is_no_dead_letter_and_reserved_names_are_refused(story):
    story.runtime.start_agent("echo", lambda ctx, message: message.payload.input)
    story.runtime.send("echo", 1)
    story.until("turn_committed", agent="echo")
    status = story.runtime.status()
    assert (status.dead_letters, status.open_messages) == (0, 0)
    with pytest.raises(InvalidSpec, match="address of somebody else"):
        story.runtime.start_agent("client", lambda ctx, message: None)
