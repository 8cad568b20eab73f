"""Functions that are declared to be steps."""

import asyncio
import threading

import pytest

import scr
from scr.agent.code import code_of, open_code
from scr.errors import ScrError
from scr.protocol.frames import Answer, Commit, Exiting, StepBegun, StepDone, StepRecord
from scr.step_names import shown_step


@scr.step
def add(a, b):
    return a + b


@scr.step(name="twice")
async def double(n):
    await asyncio.sleep(0)
    return n * 2


def find(name, amount):
    return scr.Done(f"{name} had been charged {amount}")


@scr.step_once(reconcile=find)
def charge(name, amount):
    return f"charged {name} {amount}"


@scr.step_once
async def mail(to):
    await asyncio.sleep(0)
    return f"sent to {to}"


class Clerk(scr.Agent):
    def on_start(self, ctx):
        self.started = add(1, 1)

    def on_task(self, ctx, message):
        ctx.reply([self.started, self.file(message.payload.input)])

    @scr.step
    def file(self, what):
        return f"filed {what}"


def output(commit):
    return commit.sends[0].payload.output


def told(frame):
    """The step that is to be kept, as people know it, and its value."""
    return shown_step(frame.step.name), frame.step.value


def test_outside_of_a_turn_it_is_the_function():
    assert (add(1, b=2), charge("a", amount=1)) == (3, "charged a 1")
    assert asyncio.run(double(2)) == 4
    assert (add.__name__, add.__wrapped__(1, 2)) == ("add", 3)


def test_in_a_handler_it_is_a_step_with_the_name_of_the_function(play):
    runtime = play(lambda ctx, message: add(1, b=2))
    runtime.deliver()
    assert told(runtime.keep()) == ("add", 3)
    assert output(runtime.hear(Commit)) == 3
    runtime.deliver(None, StepRecord(name="add", value="kept"))
    assert output(runtime.hear(Commit)) == "kept"


def test_a_method_is_named_with_its_class_and_a_start_is_no_turn(play):
    runtime = play(Clerk)
    runtime.deliver("it")
    assert told(runtime.keep()) == ("Clerk.file", "filed it")
    assert output(runtime.hear(Commit)) == [2, "filed it"]


def test_an_async_function_is_a_step_in_the_tasks_of_a_handler_too(play):
    async def handler(ctx, message):
        ctx.reply(await asyncio.gather(asyncio.create_task(double(1)), double(2), mail("x")))

    runtime = play(handler)
    runtime.deliver()
    kept = []
    for _ in range(4):
        kept.append(runtime.hear((StepBegun, StepDone)))
        runtime.say(Answer(ref=kept[-1].ref))
    done = [frame for frame in kept if isinstance(frame, StepDone)]
    assert sorted(told(frame)[0] for frame in done) == ["mail", "twice", "twice"]
    assert len({frame.step.name for frame in done}) == 3
    assert output(runtime.hear(Commit)) == [2, 4, "sent to x"]


def test_a_once_function_is_reconciled_with_its_own_arguments_whatever_their_names(play):
    runtime = play(lambda ctx, message: charge(name="a", amount=3))
    runtime.deliver(None, StepRecord(name="charge", state="begun"))
    assert runtime.keep().step.value == "a had been charged 3"
    assert output(runtime.hear(Commit)) == "a had been charged 3"
    runtime.deliver()
    runtime.keep(StepBegun)
    runtime.keep(StepDone)
    assert output(runtime.hear(Commit)) == "charged a 3"


def in_a_thread(ctx, message):
    said = []

    def call():
        try:
            add(1, 2)
        except ScrError as error:
            said.append(str(error))

    thread = threading.Thread(target=call, name="side")
    thread.start()
    thread.join()
    return said[0]


def test_in_a_thread_that_the_handler_started_it_is_refused_by_name(play):
    runtime = play(in_a_thread)
    runtime.deliver()
    assert "cannot call step 'add' in thread 'side'" in output(runtime.hear(Commit))


@pytest.mark.parametrize("call", [lambda ctx: add(1, 2), lambda ctx: ctx.step("add", int), lambda ctx: ctx.ask("c", 1)])
def test_a_thread_that_inherits_the_context_is_no_exception(play, call):
    async def handler(ctx, message):
        await asyncio.to_thread(call, ctx)

    runtime = play(handler)
    runtime.deliver()
    assert "belong to the handler's own thread" in runtime.hear(Exiting).message


def test_it_travels_to_another_process_like_any_function():
    @scr.step
    def local(n):
        return n + 1

    assert open_code(code_of(lambda: local(1)))() == 2
