"""What a function is given, what the reply to a task is, and which task is told to have no answer."""

import pytest
from pydantic import BaseModel

from scr.agent.agent import Agent
from scr.agent.function_agent import LINES_MAX
from scr.messages import (
    Critique,
    CritiquePayload,
    Down,
    DownPayload,
    Failure,
    FailurePayload,
    Result,
    ResultPayload,
    Status,
    StatusPayload,
    Tick,
    TimerPayload,
    origin,
)
from scr.protocol.frames import Commit, Deliver, FailTurn, Log


def envelope(n=0, sender="other"):
    return origin(message_id=f"m{n}", sender=sender, to="me", at=0.0)


def failure(n=0, agent="nobody"):
    payload = FailurePayload(message_id="sent", agent=agent, reason="unknown_agent", detail="there is no agent")
    return Failure(payload=payload, **envelope(n, "runtime"))


NO_TASKS = {
    "a result": Result(payload=ResultPayload(task_id="t", output=1), **envelope()),
    "a critique": Critique(payload=CritiquePayload(task_id="t", score=1), **envelope()),
    "a status": Status(payload=StatusPayload(state="well"), **envelope()),
    "a failure": failure(),
    "a down": Down(payload=DownPayload(agent="other", reason="killed"), **envelope(0, "runtime")),
}
TICK = Tick(payload=TimerPayload(name="tick", every_s=1.0), **envelope(0, "me"))


def sends_again(ctx, message):
    ctx.send({"n": 1}, to="nobody")
    return "ok"


@pytest.mark.parametrize("name", NO_TASKS)
def test_a_function_is_given_no_message_but_tasks_and_the_first_that_is_dropped_is_logged(play, name):
    runtime = play(sends_again)
    for n in range(3):
        runtime.say(Deliver(message=NO_TASKS[name].model_copy(update={"message_id": f"m{n}"})))
    assert f"dropped {name} " in runtime.hear(Log).text
    for n in range(3):
        assert runtime.hear(Commit) == Commit(message_id=f"m{n}")
    runtime.deliver()
    assert len(runtime.hear(Commit).sends) == 2


def test_each_origin_of_what_is_dropped_has_a_line_and_there_are_so_many_at_most(play):
    runtime = play(sends_again)
    for n in range(LINES_MAX + 1):
        runtime.say(Deliver(message=failure(n, f"agent-{n}")))
        if n < LINES_MAX:
            assert f"a failure of agent-{n} (unknown_agent: there is no agent)" in runtime.hear(Log).text
        runtime.hear(Commit)


@pytest.mark.parametrize("message", [*NO_TASKS.values(), TICK], ids=lambda message: message.type)
def test_a_function_that_wants_all_messages_is_given_all(play, message):
    runtime = play(lambda ctx, given: ctx.remember("type", given.type), messages="all")
    runtime.say(Deliver(message=message))
    assert runtime.hear(Commit).entries[0].value == message.type


def test_a_function_is_given_the_timers_that_it_has_set(play):
    runtime = play(lambda ctx, message: ctx.remember("name", message.payload.name))
    runtime.say(Deliver(message=TICK))
    assert runtime.hear(Commit).entries[0].value == "tick"


class Returns(Agent):
    def on_task(self, ctx, message):
        return message.payload.input


class ReturnsLater(Agent):
    async def on_task(self, ctx, message):
        return message.payload.input


class ReturnsFromAll(Agent):
    def on_message(self, ctx, message):
        return message.payload.input


class ReturnsItsReply(Agent):
    def on_task(self, ctx, message):
        return ctx.reply(message.payload.input)


async def returns_later(ctx, message):
    return message.payload.input


@pytest.mark.parametrize("code", [Returns, ReturnsLater, ReturnsFromAll, ReturnsItsReply, returns_later])
@pytest.mark.parametrize("given", [42, {"n": 1}, False, ""])
def test_what_the_handler_of_a_task_returns_is_the_reply(play, code, given):
    runtime = play(code)
    runtime.deliver(given)
    commit = runtime.hear(Commit)
    (reply,) = commit.sends
    assert (reply.to, reply.in_reply_to, reply.payload.output, commit.unanswered) == ("boss", "m", given, False)


def replies_twice(ctx, message):
    ctx.reply(1)
    return 2


class RepliesTwice(Agent):
    async def on_task(self, ctx, message):
        return replies_twice(ctx, message)


@pytest.mark.parametrize("code", [replies_twice, RepliesTwice])
def test_a_handler_that_replies_and_returns_something_else_is_told_to_do_one_of_them(play, code):
    runtime = play(code, retries=True)
    runtime.deliver()
    failed = runtime.hear(FailTurn)
    assert failed.error_type == "InvalidMessage"
    assert "has called ctx.reply and returned 2, and both are the reply: do one of them" in failed.message


def test_a_second_reply_to_a_task_is_refused_and_its_turn_sends_nothing(play):
    def replies(ctx, message):
        ctx.reply("one")
        ctx.reply("two")

    runtime = play(replies, retries=True)
    runtime.deliver()
    failed = runtime.hear(FailTurn)
    assert failed.error_type == "InvalidMessage"
    assert "me has replied to the task already, and the asker gets one answer" in failed.message


def test_what_the_handler_of_another_message_returns_is_no_reply(play):
    class Takes(Agent):
        def on_result(self, ctx, message):
            return message.payload.output

        on_task = Returns.on_task

    runtime = play(Takes)
    runtime.say(Deliver(message=NO_TASKS["a result"]))
    assert runtime.hear(Commit) == Commit(message_id="m0")


class Keeps(Agent):
    """Handles tasks alone, so that nothing but a task tells it anything later."""

    class State(BaseModel):
        total: int = 0
        asked: list[str] = []

    does = staticmethod(lambda agent, ctx, message: None)

    def on_task(self, ctx, message):
        type(self).does(self, ctx, message)


SILENT = {
    "nothing": lambda agent, ctx, message: None,
    "counts": lambda agent, ctx, message: setattr(agent.state, "total", 5),
    "logs": lambda agent, ctx, message: ctx.log("done"),
    "remembers": lambda agent, ctx, message: ctx.remember("total", 5),
    "ends": lambda agent, ctx, message: ctx.stop(),
}
HEARD = {
    "sends": lambda agent, ctx, message: ctx.send(1, to="other"),
    "forwards": lambda agent, ctx, message: ctx.send(message.payload, to="other"),
    "sends later": lambda agent, ctx, message: ctx.send_after(1, 1, to="me"),
    "sets a timer": lambda agent, ctx, message: ctx.timer("tick", every_s=1),
    "starts": lambda agent, ctx, message: ctx.start_agent("child", "package.module:Class"),
    "monitors": lambda agent, ctx, message: ctx.monitor("other"),
}
"""What keeps an answer open only where the agent has a handler for what comes of it."""
OPEN = {
    "replies": lambda agent, ctx, message: ctx.reply(None),
    "replies with a status": lambda agent, ctx, message: ctx.reply(StatusPayload(state="well")),
    "hands on who asked": lambda agent, ctx, message: ctx.send({"id": message.message_id}, to="other"),
    "hands on in the envelope": lambda agent, ctx, message: ctx.send(1, to="o", in_reply_to=message.message_id),
    "wakes itself with it": lambda agent, ctx, message: ctx.wake_at(0, [message.message_id]),
    "starts one that knows it": lambda agent, ctx, message: ctx.start_agent(
        "child", "package.module:Class", options={"asked": message.message_id}
    ),
    "keeps who asked": lambda agent, ctx, message: agent.state.asked.append(message.message_id),
    "remembers who asked": lambda agent, ctx, message: ctx.remember("asked", {"id": message.message_id}),
    "says so": lambda agent, ctx, message: ctx.answer_later(),
}


def left_unanswered(runtime):
    """Tell whether the turn of a task is said to be without an answer."""
    runtime.deliver(message_id='a "key" of öne')
    said = runtime.hear((Commit, Log))
    return (runtime.hear(Commit) if isinstance(said, Log) else said).unanswered


@pytest.mark.parametrize("does", [*SILENT, *HEARD, *OPEN])
def test_a_task_without_an_answer_is_told_to_be_so_unless_its_turn_keeps_the_answer_open(play, does):
    kind = type("Kept", (Keeps,), {"does": staticmethod((SILENT | HEARD | OPEN)[does])})
    assert left_unanswered(play(kind)) is (does not in OPEN)


def is_given_more(agent, ctx, message):
    """Stand for a handler in which the answer may be known."""


@pytest.mark.parametrize("handler", ["on_result", "on_critique", "on_timer", "on_message"])
@pytest.mark.parametrize("does", HEARD)
def test_an_agent_that_may_hear_the_answer_keeps_it_open_by_what_it_does(play, does, handler):
    kind = type("Hears", (Keeps,), {"does": staticmethod(HEARD[does]), handler: is_given_more})
    assert left_unanswered(play(kind)) is False


@pytest.mark.parametrize(("messages", "is_told"), [("tasks", True), ("all", False)])
def test_a_function_that_only_sends_keeps_no_answer_open_unless_it_is_given_all_messages(play, messages, is_told):
    def sends(ctx, message):
        ctx.send(1, to="other")

    assert left_unanswered(play(sends, messages=messages)) is is_told


def test_an_answer_that_an_earlier_state_keeps_open_stays_open(play):
    runtime = play(Keeps, state={"total": 1, "asked": ["m"]})
    runtime.deliver()
    assert runtime.hear(Commit).unanswered is False
    runtime.deliver(message_id="n")
    assert runtime.hear(Commit).unanswered is True
