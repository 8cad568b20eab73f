"""Steps, between the real loop of an agent and a runtime that is played by hand."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import pytest
from pydantic import BaseModel

from scr.agent.agent import Agent
from scr.agent.steps.steps import Done, NotDone
from scr.errors import StepInDoubt
from scr.protocol.frames import Answer, Ask, Commit, Exiting, InDoubt, Log, StepBegun, StepDone, StepRecord
from scr.step_names import shown_step

RAN = []
BEGUN = StepRecord(name="charge", state="begun")


def charging(charge, reconcile=None):
    """An agent that charges what it is given, in a `once` step."""

    def handler(ctx, message):
        ctx.send("of the turn", to="c")
        return ctx.step_once("charge", charge, message.payload.input, reconcile=reconcile)

    return handler


def charging_async(charge, reconcile=None):
    """The same, for a loop of events."""

    async def charge_async(amount):
        await asyncio.sleep(0)
        return charge(amount)

    async def handler(ctx, message):
        ctx.send("of the turn", to="c")
        return await ctx.step_once_async("charge", charge_async, message.payload.input, reconcile=reconcile)

    return handler


@pytest.fixture(params=[charging, charging_async])
def charger(request):
    return request.param


def noting(ctx, message):
    return ctx.step("note", lambda: 1)


async def noting_async(ctx, message):
    return await ctx.step_async("note", lambda: 1)


@pytest.mark.parametrize("handler", [noting, noting_async])
def test_the_store_may_take_longer_than_the_handler_has(play, handler):
    runtime = play(handler)
    runtime.deliver(deadline_s=0.001)
    step = runtime.hear(StepDone)
    with pytest.raises(TimeoutError):
        runtime._channel.receive(0.1)
    runtime.say(Answer(ref=step.ref))
    assert runtime.hear(Commit).sends[0].payload.output == 1


@dataclass
class Till:
    """The world outside: counts what is charged."""

    charged: list[int] = field(default_factory=list, compare=False)

    def charge(self, amount):
        self.charged.append(amount)
        return {"receipt": amount}


@pytest.fixture
def till():
    return Till()


def told(frame):
    """The step that is to be kept, as people know it, and its value."""
    return shown_step(frame.step.name), frame.step.value


def outputs(commit):
    return [message.payload.output for message in commit.sends if message.type == "result"]


def test_a_step_returns_when_it_is_in_the_store(play):
    runtime = play(lambda ctx, message: ctx.step("add", lambda a, b: a + b, 1, b=2))
    runtime.deliver()
    kept = runtime.hear(StepDone)
    assert (kept.message_id, *told(kept)) == ("m", "add", 3)
    runtime.say(Answer(ref=kept.ref))
    assert outputs(runtime.hear(Commit)) == [3]


def test_what_the_store_says_instead_is_raised_in_the_handler(play):
    runtime = play(lambda ctx, message: ctx.step("add", int))
    runtime.deliver()
    runtime.say(Answer(ref=runtime.hear(StepDone).ref, error="StoreUnavailable", detail="the disk is full"))
    exiting = runtime.hear(Exiting)
    assert (exiting.error_type, exiting.message) == ("StoreUnavailable", "the disk is full")


def test_a_once_step_that_cannot_be_recorded_as_begun_is_not_run(play, charger, till):
    runtime = play(charger(till.charge))
    runtime.deliver(5)
    runtime.say(Answer(ref=runtime.hear(StepBegun).ref, error="StoreUnavailable", detail="the disk is full"))
    assert runtime.hear(Exiting).error_type == "StoreUnavailable"
    assert till.charged == []


def test_a_once_step_is_recorded_as_begun_and_as_done(play, charger, till):
    runtime = play(charger(till.charge))
    runtime.deliver(5)
    begun = runtime.keep(StepBegun)
    done = runtime.keep(StepDone)
    assert (shown_step(begun.name), told(done)) == ("charge", ("charge", {"receipt": 5}))
    assert (done.step.name, done.step.digest) == (begun.name, begun.digest)
    assert outputs(runtime.hear(Commit)) == [{"receipt": 5}]
    assert till.charged == [5]


def test_a_once_step_that_was_done_is_not_run_and_not_reconciled(play, charger, till):
    runtime = play(charger(till.charge, reconcile=till.charge))
    runtime.deliver(5, StepRecord(name="charge", value="kept"))
    assert outputs(runtime.hear(Commit)) == ["kept"]
    assert till.charged == []


def test_a_once_step_that_is_found_to_have_happened_is_recorded_and_not_run(play, charger, till):
    runtime = play(charger(till.charge, reconcile=lambda amount: Done({"found": amount})))
    runtime.deliver(5, BEGUN)
    assert runtime.keep().step == StepRecord(name="charge", value={"found": 5})
    assert outputs(runtime.hear(Commit)) == [{"found": 5}]
    assert till.charged == []


def test_a_once_step_that_is_found_not_to_have_happened_is_run(play, charger, till):
    runtime = play(charger(till.charge, reconcile=lambda amount: NotDone()))
    runtime.deliver(5, BEGUN)
    runtime.keep(StepDone)
    assert outputs(runtime.hear(Commit)) == [{"receipt": 5}]
    assert till.charged == [5]


def test_reconcile_may_be_async(play, till):
    async def look(amount):
        await asyncio.sleep(0)
        return Done(amount)

    runtime = play(charging_async(till.charge, reconcile=look))
    runtime.deliver(5, BEGUN)
    runtime.keep(StepDone)
    assert outputs(runtime.hear(Commit)) == [5]


def unknowing(amount):
    raise StepInDoubt(f"the bank says nothing about {amount}")


@pytest.mark.parametrize(
    ("reconcile", "why"),
    [
        (None, "no `reconcile`"),
        (unknowing, "the bank says nothing about 5"),
        (lambda amount: None, "returned None, which is neither"),
    ],
)
def test_a_once_step_that_nobody_knows_about_ends_the_turn_in_doubt(play, charger, till, reconcile, why):
    runtime = play(charger(till.charge, reconcile))
    runtime.deliver(5, BEGUN)
    doubt = runtime.hear(InDoubt)
    assert (doubt.message_id, doubt.step) == ("m", "charge")
    assert why in doubt.detail
    assert till.charged == []


def test_a_reconcile_that_fails_is_a_crash_like_any_other(play, charger, till):
    runtime = play(charger(till.charge, reconcile=lambda amount: {}["nothing"]))
    runtime.deliver(5, BEGUN)
    assert runtime.hear(Exiting).error_type == "KeyError"


class Ledger(Agent):
    class State(BaseModel):
        seen: list[int] = []

    def on_task(self, ctx, message):
        self.state.seen.append(message.payload.input)
        ctx.remember("seen", self.state.seen)
        if message.payload.input == 2:
            ctx.stop()
            ctx.step_once("charge", dict)
        ctx.reply(self.state.seen)


def test_nothing_of_a_turn_in_doubt_happens_and_the_next_message_is_handled(play):
    runtime = play(Ledger)
    runtime.deliver(1, message_id="m1")
    assert runtime.hear(Commit).state == {"seen": [1]}
    runtime.deliver(2, BEGUN, message_id="m2")
    assert runtime.hear(InDoubt).message_id == "m2"
    runtime.deliver(3, message_id="m3")
    commit = runtime.hear(Commit)
    assert (commit.message_id, commit.state, outputs(commit)) == ("m3", {"seen": [1, 3]}, [[1, 3]])
    assert (commit.ends, [entry.value for entry in commit.entries]) == (False, [[1, 3]])


def swallows(ctx, message):
    try:
        ctx.step_once("charge", dict)
    except BaseException:  # noqa: BLE001  as careless as a handler can be
        return "as if nothing had been"


def goes_on(ctx, message):
    try:
        ctx.step_once("charge", dict)
    except BaseException:  # noqa: BLE001  the same
        ctx.step("charge after all", RAN.append, "it ran")


def shrugs(ctx, message):
    with contextlib.suppress(BaseException):
        ctx.step_once("charge", dict)


async def in_a_group(ctx, message):
    async with asyncio.TaskGroup() as group:
        group.create_task(ctx.step_once_async("charge", dict))
        group.create_task(asyncio.sleep(60))


def fails_meanwhile(ctx, message):
    try:
        ctx.step_once("charge", dict)
    finally:
        {}["nothing"]


@pytest.mark.parametrize("handler", [swallows, goes_on, shrugs])
def test_a_handler_that_swallows_the_doubt_can_neither_go_on_nor_commit(play, handler):
    runtime = play(handler)
    runtime.deliver(5, BEGUN)
    runtime.hear(InDoubt)
    assert RAN == []


@pytest.mark.parametrize(("handler", "said"), [(in_a_group, "ExceptionGroup"), (fails_meanwhile, "KeyError")])
def test_what_a_handler_raises_while_it_unwinds_is_logged(play, handler, said):
    runtime = play(handler)
    runtime.deliver(5, BEGUN)
    assert said in runtime.hear(Log).text
    runtime.hear(InDoubt)


@pytest.mark.parametrize("handler", [swallows, shrugs])
def test_a_replay_that_diverged_ends_the_agent_though_its_handler_swallows_that(play, handler):
    runtime = play(handler)
    runtime.deliver(5, replay=True)
    exiting = runtime.hear(Exiting)
    assert (exiting.reason, exiting.error_type) == ("error", "ReplayDiverged")


def test_a_reconcile_that_takes_steps_of_its_own_takes_them_anew_in_each_delivery(play):
    def look(ctx):
        return NotDone() if ctx.step("look", lambda: "not there") else Done()

    def handler(ctx, message):
        ctx.step_once("charge", lambda ctx: None, ctx, reconcile=look)

    runtime = play(handler)
    runtime.deliver(5, BEGUN, deliveries=2)
    first = runtime.keep().step.name
    runtime.keep()
    runtime.hear(Commit)
    runtime.deliver(5, BEGUN, deliveries=3)
    assert runtime.keep().step.name != first
    runtime.keep()
    runtime.hear(Commit)


async def three_at_once(ctx, message):
    async def double(n):
        await asyncio.sleep(0)
        return n * 2

    ctx.reply(await asyncio.gather(*(ctx.step_async(f"double {n}", double, n) for n in (1, 2, 3))))


def test_async_steps_are_under_way_together_and_their_answers_may_come_in_one_piece(play):
    runtime = play(three_at_once)
    runtime.deliver()
    refs = [runtime.hear(StepDone).ref for _ in range(3)]
    runtime.say_together(*(Answer(ref=ref) for ref in reversed(refs)))
    assert outputs(runtime.hear(Commit)) == [[2, 4, 6]]


def test_a_plain_step_in_an_async_handler_takes_no_answer_from_others(play):
    async def handler(ctx, message):
        asked = asyncio.create_task(ctx.ask_async("c", 1))
        await asyncio.sleep(0)
        ctx.step("plain", dict)
        ctx.reply(await asked)

    runtime = play(handler)
    runtime.deliver()
    ask, step = runtime.hear(Ask), runtime.hear(StepDone)
    runtime.say_together(Answer(ref=step.ref), Answer(ref=ask.ref, value="asked"))
    assert outputs(runtime.hear(Commit)) == ["asked"]


def test_an_answer_to_one_who_was_cancelled_disturbs_nobody(play):
    async def handler(ctx, message):
        asked = asyncio.create_task(ctx.ask_async("c", 1))
        await asyncio.sleep(0)
        asked.cancel()
        ctx.reply(ctx.step("plain", int))

    runtime = play(handler)
    runtime.deliver()
    ask, step = runtime.hear(Ask), runtime.hear(StepDone)
    runtime.say_together(Answer(ref=ask.ref, value="too late"), Answer(ref=step.ref))
    assert outputs(runtime.hear(Commit)) == [0]


@pytest.mark.parametrize("handler", [three_at_once, lambda ctx, message: ctx.step("one", dict)])
def test_an_agent_that_waits_on_a_runtime_that_is_gone_ends(play, handler):
    runtime = play(handler)
    runtime.deliver()
    runtime.hear(StepDone)
    assert runtime.close() == 0


async def begins_late(ctx, gate):
    await gate.wait()
    await ctx.step_async("late", asyncio.sleep, 0)


async def ends_late(ctx, gate):
    await ctx.step_async.using(key="late")("late", gate.wait)


@pytest.mark.parametrize("late", [begins_late, ends_late])
def test_what_a_handler_left_running_cannot_act_when_its_turn_is_over(play, late):
    left, gate = [], asyncio.Event()

    async def handler(ctx, message):
        if left:
            gate.set()
            await asyncio.wait(left)
            ctx.reply(str(left[0].exception()))
        else:
            left.append(asyncio.create_task(late(ctx, gate)))
            await asyncio.sleep(0)

    runtime = play(handler)
    runtime.deliver(message_id="m1")
    runtime.hear(Commit)
    runtime.deliver(message_id="m2")
    assert "the turn of m1 is over" in outputs(runtime.hear(Commit))[0]
