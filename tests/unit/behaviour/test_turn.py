"""What a handler may do, and that nothing of it leaves before the commit."""

import pytest
from pydantic import BaseModel

from scr.behaviour.context import Context
from scr.behaviour.turn import Turn, plain
from scr.errors import InvalidMessage, InvalidSpec, ScrError
from scr.frames import Deliver, StepRecord
from scr.messages import (
    Ping,
    PingPayload,
    Pong,
    Result,
    ResultPayload,
    Status,
    StatusPayload,
    Task,
    TaskPayload,
    origin,
)


class Recorder:
    """A link that remembers what was sent at once."""

    agent, incarnation = "me", 2

    def __init__(self):
        self.sent, self.asked = [], []

    def send(self, frame):
        self.sent.append(frame)

    def log(self, text):
        self.sent.append(text)

    def ask(self, message_id, step, message, timeout_s):
        self.asked.append((step, message.message_id))
        return "answer"


def in_turn(*steps, message=None, max_sends=5):
    message = message or Task(
        payload=TaskPayload(task_id="t", input=1),
        **origin(message_id="m", sender="boss", to="me", at=0.0, run_id="r"),
    )
    turn = Turn(Deliver(message=message, deliveries=2, steps=steps), max_sends)
    link = Recorder()
    return Context(link, turn, None), turn, link


def test_nothing_leaves_before_the_commit_and_everything_leaves_with_it():
    ctx, turn, link = in_turn()
    ctx.reply({"n": 1})
    ctx.send(StatusPayload(state="well"), to="c")
    ctx.start_agent("child", "package.module:Class")
    ctx.stop_agent("other")
    ctx.monitor("child")
    ctx.remember("key", [1])
    assert link.sent == []
    commit = turn.commit({"s": 1})
    assert [type(message) for message in commit.sends] == [Result, Status]
    assert (commit.starts[0].spec.id, commit.stops, commit.monitors) == ("child", ("other",), ("child",))
    assert (commit.entries[0].key, commit.entries[0].value, commit.state) == ("key", [1], {"s": 1})


def test_a_reply_carries_the_task_and_a_send_carries_the_trace():
    ctx, _, _ = in_turn()
    reply, sent = ctx.reply(7), ctx.send(8, to="c")
    assert reply.payload == ResultPayload(task_id="t", output=7)
    assert (reply.to, reply.in_reply_to, reply.run_id, reply.trace_id) == ("boss", "m", "r", "m")
    assert (sent.payload.input, sent.in_reply_to, sent.run_id) == (8, None, "r")


def test_a_repeated_turn_sends_messages_with_the_same_ids():
    def ids():
        ctx, _, _ = in_turn()
        return [ctx.send(n, to="c").message_id for n in range(3)]

    assert ids() == ids()
    assert len(set(ids())) == 3


def test_a_ping_is_answered_by_a_pong():
    ping = Ping(payload=PingPayload(nonce="n"), **origin(message_id="m", sender="a", to="me", at=0.0))
    ctx, _, _ = in_turn(message=ping)
    assert isinstance(ctx.reply(ping.payload), Pong)


def test_a_step_is_recorded_at_once_and_not_run_when_it_had_been():
    ctx, _, link = in_turn(StepRecord(name="old", value="kept"))
    assert ctx.step("old", lambda: 1 / 0) == "kept"
    assert ctx.step("new", lambda: (1, 2)) == [1, 2]
    assert [(frame.step.name, frame.step.value) for frame in link.sent] == [("new", [1, 2])]


def test_steps_of_one_name_are_told_apart_by_their_occurrence():
    ctx, _, link = in_turn(StepRecord(name="s", value="first"))
    assert [ctx.step("s", lambda: "ran") for _ in range(3)] == ["first", "ran", "ran"]
    assert [frame.step.name for frame in link.sent] == ["s#2", "s#3"]


def test_an_ask_is_a_step_with_a_message_id_of_its_own():
    ctx, _, link = in_turn(StepRecord(name="ask c", value="kept"))
    assert [ctx.ask("c", 1), ctx.ask("c", 1)] == ["kept", "answer"]
    again, _, other = in_turn()
    again.ask("d", 0)
    again.ask("c", 1)
    again.ask("c", 1)
    assert link.asked[0] == other.asked[2]


def test_a_turn_recalls_what_it_remembered_itself():
    ctx, _, _ = in_turn()
    ctx.remember("k", {"a": 1})
    assert ctx.recall("k") == {"a": 1}
    with pytest.raises(ScrError, match="no table"):
        ctx.recall("other")


def test_more_sends_than_a_turn_may_have_are_refused_in_the_handler():
    ctx, _, _ = in_turn(max_sends=2)
    ctx.send(1, to="c")
    ctx.send(2, to="c")
    with pytest.raises(InvalidMessage, match="one turn may send 2 messages"):
        ctx.send(3, to="c")


def test_asking_oneself_is_refused_at_once():
    ctx, _, _ = in_turn()
    with pytest.raises(InvalidMessage, match="asks itself"):
        ctx.ask("me", 1)


def test_a_bad_address_code_or_option_is_refused_by_name():
    ctx, _, _ = in_turn()
    with pytest.raises(InvalidMessage, match="to:"):
        ctx.send(1, to="not a name")
    with pytest.raises(InvalidSpec, match="restrat"):
        ctx.start_agent("child", "package.module:Class", restrat="never")


def test_on_start_and_on_stop_cannot_send():
    ctx = Context(Recorder(), None, None)
    with pytest.raises(ScrError, match="cannot send in on_start"):
        ctx.send(1, to="c")
    assert ctx.deadline is None


class Point(BaseModel):
    x: int


@pytest.mark.parametrize(
    ("value", "json"),
    [(Point(x=1), {"x": 1}), ((1, 2), [1, 2]), ({"a": None}, {"a": None}), ("s", "s"), (1.5, 1.5)],
)
def test_what_json_can_say_is_said(value, json):
    assert plain(value, "it") == json


@pytest.mark.parametrize("value", [object(), lambda: 1, float("nan"), "\ud800", {1: object()}])
def test_what_json_cannot_say_is_refused_with_what_it_was(value):
    with pytest.raises(InvalidMessage, match="it must be JSON"):
        plain(value, "it")
