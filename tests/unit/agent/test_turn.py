"""What a handler may do, and that nothing of it leaves before the commit."""

import time
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from scr.agent.context import Context
from scr.agent.turn import Turn, plain
from scr.errors import InvalidMessage, InvalidSpec, ReplayDiverged, ScrError
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
from scr.protocol.frames import Ask, Deliver, StepRecord


class Recorder:
    """A link that remembers what was sent at once."""

    agent, incarnation = "me", 2

    def __init__(self):
        self.sent, self.asked = [], []

    def send(self, frame):
        self.sent.append(frame)

    def log(self, text):
        self.sent.append(text)

    def inquire(self, make):
        frame = make(1)
        if isinstance(frame, Ask):
            self.asked.append((frame.step, frame.message.message_id))
        else:
            self.sent.append(frame)
        return "answer"


def in_turn(*steps, message=None, max_sends=5, replay=False):
    message = message or Task(
        payload=TaskPayload(task_id="t", input=1),
        **origin(message_id="m", sender="boss", to="me", at=0.0, run_id="r"),
    )
    turn = Turn(Deliver(message=message, deliveries=2, steps=steps, replay=replay), max_sends)
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
    assert ctx.step("new", lambda: [1, 2]) == [1, 2]
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


def test_a_timer_leaves_with_the_commit_and_carries_its_time():
    ctx, turn, _ = in_turn()
    before = time.time()
    later = ctx.send_after(2.5, {"n": 1}, to="c")
    woken = ctx.wake_at(1_000_000.0)
    dated = ctx.wake_at(datetime.fromtimestamp(2_000_000, UTC), "up", in_reply_to="m")
    first, second, third = turn.commit(None).timers
    assert (first.message, second.message, third.message) == (later, woken, dated)
    assert first.after_s == 2.5
    assert before + 2.5 <= first.due <= time.time() + 2.5
    assert [(timer.due, timer.after_s) for timer in (second, third)] == [(1_000_000.0, None), (2_000_000.0, None)]
    assert [(message.to, message.sender) for message in (later, woken, dated)] == [
        ("c", "me"),
        ("me", "me"),
        ("me", "me"),
    ]
    assert (woken.payload.input, dated.payload.input, dated.in_reply_to, dated.run_id) == (None, "up", "m", "r")


def test_sends_and_timers_of_a_repeated_turn_have_the_same_ids_and_no_two_the_same():
    def ids():
        ctx, _, _ = in_turn()
        sent = [ctx.send(1, to="c"), ctx.send_after(1, 2, to="c"), ctx.send(3, to="c")]
        ctx.cancel_timer(sent[1])
        return [message.message_id for message in (*sent, ctx.wake_at(4), ctx.send(5, to="c"))]

    assert ids() == ids()
    assert len(set(ids())) == 5


def test_a_timer_of_this_turn_is_taken_back_and_one_of_an_earlier_turn_is_cancelled():
    ctx, turn, _ = in_turn()
    kept, dropped = ctx.send_after(1, 1, to="c"), ctx.send_after(1, 2, to="c")
    ctx.cancel_timer(dropped)
    ctx.cancel_timer("of-an-earlier-turn")
    commit = turn.commit(None)
    assert [timer.message for timer in commit.timers] == [kept]
    assert commit.cancels == ("of-an-earlier-turn",)


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf"), 1e300])
def test_a_time_that_is_none_is_refused_by_its_value(wrong):
    ctx, turn, _ = in_turn()
    with pytest.raises(InvalidMessage, match=f"timer cannot .*{wrong!r}".replace("+", r"\+")):
        ctx.send_after(wrong, 1, to="c")
    with pytest.raises(InvalidMessage, match="timer cannot be set to"):
        ctx.wake_at(wrong)
    assert turn.commit(None).timers == ()


def test_timers_count_as_sends():
    ctx, _, _ = in_turn(max_sends=2)
    ctx.send(1, to="c")
    ctx.send_after(1, 2, to="c")
    with pytest.raises(InvalidMessage, match="one turn may send 2 messages"):
        ctx.wake_at(3)


def test_a_key_for_the_outside_is_the_same_in_a_repeat_and_no_other_steps():
    def keys():
        ctx, _, _ = in_turn()
        found = []
        for name in ("charge", "charge", "mail"):
            found.append(ctx.step_key(name))
            ctx.step(name, dict)
        return found

    assert keys() == keys()
    assert len(set(keys())) == 3


def test_the_steps_of_a_step_are_not_taken_for_others_of_the_same_name():
    def outer(ctx):
        return ctx.step("inner", lambda: "of the outer one")

    ctx, _, link = in_turn()
    assert [ctx.step("outer", outer, ctx), ctx.step("inner", lambda: "its own")] == ["of the outer one", "its own"]
    assert [frame.step.name for frame in link.sent] == ["outer/inner", "outer", "inner"]
    again, _, _ = in_turn(*(frame.step for frame in link.sent))
    assert [again.step("outer", outer, again), again.step("inner", lambda: 1 / 0)] == ["of the outer one", "its own"]


def test_what_would_be_lost_when_a_step_is_not_run_again_is_refused_in_a_step():
    ctx, turn, _ = in_turn()
    for effect in (
        lambda: ctx.send(1, to="c"),
        lambda: ctx.send_after(1, 2, to="c"),
        lambda: ctx.remember("key", 1),
        ctx.stop,
    ):
        with pytest.raises(ScrError, match=r"in step 'outer.*would be lost"):
            ctx.step("outer", effect)
    assert (turn.sends, turn.timers, turn.entries, turn.ends) == ([], [], {}, False)
    ctx.send("after a step that failed", to="c")


def test_an_argument_of_the_users_function_may_have_any_name():
    ctx, _, _ = in_turn()
    assert ctx.step("greet", lambda name, fn: [name, fn], name="n", fn="f") == ["n", "f"]


def test_a_replay_runs_and_asks_nothing_that_is_not_recorded_as_done():
    ran = []
    old, begun = StepRecord(name="old", value="kept"), StepRecord(name="begun", state="begun")
    for divergence in (
        lambda ctx: ctx.step("new", ran.append, 1),
        lambda ctx: ctx.step_once("new", ran.append, 1),
        lambda ctx: ctx.step_once("begun", ran.append, 1, reconcile=ran.append),
        lambda ctx: ctx.ask("c", 1),
    ):
        ctx, _, link = in_turn(old, begun, replay=True)
        assert ctx.step("old", ran.append, 1) == "kept"
        with pytest.raises(ReplayDiverged, match="replay of task m to me came to step"):
            divergence(ctx)
        assert (ran, link.sent, link.asked) == ([], [], [])


def test_a_context_takes_nothing_when_its_turn_is_over():
    ctx, turn, _ = in_turn()
    turn.over = True
    with pytest.raises(ScrError, match="the turn of m is over"):
        ctx.send(1, to="c")
    with pytest.raises(ScrError, match="the turn of m is over"):
        ctx.step("late", dict)


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
    with pytest.raises(InvalidMessage, match="'not a name' cannot be an agent's name"):
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
    [(Point(x=1), {"x": 1}), ([Point(x=1)], [{"x": 1}]), ({"a": None}, {"a": None}), ("s", "s"), (1.5, 1.5)],
)
def test_what_json_can_say_is_said(value, json):
    assert plain(value, "it") == json


@pytest.mark.parametrize("value", [object(), lambda: 1, float("nan"), "\ud800", {1: object()}])
def test_what_json_cannot_say_is_refused_with_what_it_was(value):
    with pytest.raises(InvalidMessage, match=r"it(, at \S+,)? must be JSON"):
        plain(value, "it")


def test_a_number_that_no_reader_of_json_takes_is_refused_as_such():
    for value in (10**5000, {"a": [-(10**5000)]}):
        with pytest.raises(
            InvalidMessage, match="a task must be JSON, but holds a number of more digits than a reader of JSON takes"
        ):
            plain(value, "a task")
    assert plain(10**4000, "a task") == 10**4000
