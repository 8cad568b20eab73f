"""Steps whose function raises: which are called again, what is known of the others, what the handler gets."""

import asyncio
import contextlib
import pydoc
import time

import pytest

from scr.agent.context import Context
from scr.agent.steps.steps import NotDone
from scr.errors import Fatal, NotHappened, TryLater
from scr.protocol.frames import Answer, Commit, Exiting, InDoubt, StepBegun, StepDone
from scr.retry import Retry


def outputs(commit):
    return [message.payload.output for message in commit.sends if message.type == "result"]


class Bank:
    """A world outside that fails as often as it is told to."""

    def __init__(self, *errors):
        self.errors, self.calls = list(errors), 0

    def __call__(self, *_):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


QUICK = Retry(attempts=3, base_s=0.001, cap_s=0.002, jitter="none")


def taking(verb, **options):
    """An agent that takes a step on behalf of a bank, and tells how it ended."""

    def handler(ctx, message):
        try:
            return getattr(ctx, verb).using(key="k", **options)("pay", BANKS[-1])
        except Exception as error:  # noqa: BLE001  whatever it is
            return repr(error)

    return handler


def taking_async(verb, **options):
    """The same, for a loop of events."""

    async def paying():
        await asyncio.sleep(0)
        return BANKS[-1]()

    async def handler(ctx, message):
        try:
            return await getattr(ctx, f"{verb}_async").using(key="k", **options)("pay", paying)
        except Exception as error:  # noqa: BLE001  the same
            return repr(error)

    return handler


BANKS = []


@pytest.fixture(params=[taking, taking_async])
def take(request):
    return request.param


@pytest.fixture
def bank():
    def made(*errors):
        BANKS.append(Bank(*errors))
        return BANKS[-1]

    yield made
    BANKS.clear()


def kept_until_commit(runtime):
    """Keep all that is to be kept; the states of the step in their order, and the answer."""
    states = []
    while True:
        frame = runtime.hear((StepBegun, StepDone, Commit, InDoubt, Exiting))
        if not isinstance(frame, StepBegun | StepDone):
            return states, frame
        states.append("begun" if isinstance(frame, StepBegun) else frame.step.state)
        runtime.say(Answer(ref=frame.ref))


def test_a_step_is_called_again_as_often_as_its_retry_says(play, take, bank):
    counted = bank(OSError("a"), OSError("b"))
    runtime = play(take("step", retry=QUICK))
    runtime.deliver()
    states, commit = kept_until_commit(runtime)
    assert (states, outputs(commit), counted.calls) == (["done"], ["done"], 3)


@pytest.mark.parametrize(
    ("error", "retry", "calls"),
    [
        (OSError("x"), None, 1),
        (OSError("x"), QUICK, 3),
        (OSError("x"), QUICK.model_copy(update={"never_on": ("OSError",)}), 1),
        (OSError("x"), QUICK.model_copy(update={"on": ("ValueError",)}), 1),
        (Fatal("x"), QUICK, 1),
        (TryLater(1, "x"), QUICK, 1),
        (NotHappened(OSError("x")), QUICK, 3),
    ],
)
def test_what_is_not_worth_another_call_or_was_called_often_enough_is_raised(play, take, bank, error, retry, calls):
    counted = bank(*[error] * 5)
    runtime = play(take("step", retry=retry))
    runtime.deliver()
    states, commit = kept_until_commit(runtime)
    shown = repr(getattr(error, "error", error))
    assert (states, outputs(commit), counted.calls) == ([], [shown], calls)


def test_a_once_step_that_has_not_happened_is_taken_back_and_may_be_called_again(play, take, bank):
    counted = bank(NotHappened(OSError("declined")), NotHappened("busy"))
    runtime = play(take("step_once", retry=QUICK))
    runtime.deliver()
    states, commit = kept_until_commit(runtime)
    assert states == ["begun", "not done", "begun", "not done", "begun", "done"]
    assert (outputs(commit), counted.calls) == (["done"], 3)


def test_a_once_step_that_has_not_happened_is_an_ordinary_failure(play, take, bank):
    bank(NotHappened(OSError("declined")))
    runtime = play(take("step_once"))
    runtime.deliver()
    states, commit = kept_until_commit(runtime)
    assert (states, outputs(commit)) == (["begun", "not done"], ["OSError('declined')"])


def test_a_once_step_that_raised_anything_else_is_not_called_again(play, take, bank):
    counted = bank(OSError("it may have gone through"))
    runtime = play(take("step_once", retry=QUICK))
    runtime.deliver()
    states, commit = kept_until_commit(runtime)
    assert (states, counted.calls) == (["begun"], 1)
    assert outputs(commit) == ["OSError('it may have gone through')"]


def stubborn(reconcile=None):
    """An agent that pays again when the payment has raised."""

    def handler(ctx, message):
        for _ in range(3):
            with contextlib.suppress(OSError):
                return ctx.step_once.using(key="k", reconcile=reconcile)("pay", BANKS[-1])
        return "gave up"

    return handler


def test_a_once_step_that_raised_is_in_doubt_in_the_same_delivery(play, bank):
    counted = bank(OSError("it may have gone through"))
    runtime = play(stubborn())
    runtime.deliver()
    states, doubt = kept_until_commit(runtime)
    assert isinstance(doubt, InDoubt)
    assert (states, counted.calls, "no `reconcile`" in doubt.detail) == (["begun"], 1, True)


def test_a_once_step_that_raised_is_reconciled_in_the_same_delivery(play, bank):
    counted = bank(OSError("it may have gone through"))
    runtime = play(stubborn(NotDone))
    runtime.deliver()
    states, commit = kept_until_commit(runtime)
    assert (states, outputs(commit), counted.calls) == (["begun", "done"], ["done"], 2)


def test_a_plain_step_that_raised_is_the_same_when_it_is_called_again(play, bank):
    def handler(ctx, message):
        for _ in range(3):
            with contextlib.suppress(OSError):
                return ctx.step.using(key="k")("pay", BANKS[-1])
        return "gave up"

    counted = bank(OSError("x"))
    runtime = play(handler)
    runtime.deliver()
    done = runtime.keep()
    runtime.hear(Commit)
    runtime.deliver(None, done.step, deliveries=2)
    assert outputs(runtime.hear(Commit)) == ["done"]
    assert counted.calls == 2


def test_the_handler_has_its_whole_deadline_again_while_a_step_waits(play, take, bank):
    left = []

    class Watch(Bank):
        def __call__(self, *_):
            left.append(time.monotonic())
            return super().__call__()

    BANKS.append(Watch(OSError("x")))
    seen = []
    handler = take("step", retry=Retry(attempts=2, base_s=0.12, jitter="none"))

    def watched(ctx, message):
        found = handler(ctx, message)
        seen.append(ctx.deadline)
        return found

    async def watched_async(ctx, message):
        found = await handler(ctx, message)
        seen.append(ctx.deadline)
        return found

    runtime = play(watched if take is taking else watched_async)
    runtime.deliver(deadline_s=10.0)
    kept_until_commit(runtime)
    assert left[1] - left[0] >= 0.12
    assert seen[0] > 10.0 - (left[1] - left[0])
    BANKS.clear()


def test_a_retry_that_is_none_is_refused_before_anything_runs(play):
    runtime = play(lambda ctx, message: ctx.step.using(retry=3)("note", dict))
    runtime.deliver()
    assert "a step is retried by a scr.Retry, not by 3" in runtime.hear(Exiting).message


@pytest.mark.parametrize("verb", ["step", "step_async", "step_once", "step_once_async"])
def test_the_ways_to_take_a_step_explain_themselves(play, verb):
    said = pydoc.plain(pydoc.render_doc(getattr(Context(None, None, None), verb)))
    assert "ctx.step" in said
    assert "using(self, *, key" in said
    assert verb in pydoc.plain(pydoc.render_doc(Context))
