"""What of a turn is in the store before it commits: steps and asks.

Lives in the agent's process, as a part of the `ctx` that every handler is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from time import monotonic, time
from typing import Any

from typing_extensions import TypeVar

from scr.agent.arguments import address, read_output, reader_of, seconds, shown
from scr.agent.handler_thread import refuse_elsewhere
from scr.agent.runtime_link import Link
from scr.agent.steps.canonical import Uncounted
from scr.agent.steps.claims import StepCall
from scr.agent.steps.identity import Identity, StepKey, filled, identity_of
from scr.agent.steps.steps import WITHIN, Hands, Step, Waiting
from scr.agent.steps.verbs import AsyncOnceStep, AsyncStep, OnceStep, Options, PlainStep
from scr.agent.turn import Turn, compose, plain
from scr.errors import InvalidMessage, ScrError
from scr.launch.heartbeat import Pulse
from scr.messages import Message, Payload, TaskPayload, derive_id, follow, of_payload
from scr.protocol.frames import COUNT_MAX, Ask, FromAgent
from scr.step_names import question_id
from scr.values import Frozen

CONCURRENCY = "scr.agent.async_handlers"
TOLD_EVERY_S, NEWS_MAX = 0.25, 20
T = TypeVar("T", default=Any)


class Stepping(Uncounted):
    """The steps and asks of one turn, and its time; without a turn, in `on_start` and `on_stop`, there are none."""

    def __init__(self, link: Link, turn: Turn | None, pulse: Pulse | None = None) -> None:
        self._link, self._turn, self._pulse = link, turn, pulse
        self._until = monotonic() + turn.delivery.deadline_s if turn else None
        self._told_at = self._news_due_at = 0.0
        self._note = ""

    @property
    def agent(self) -> str:
        """This agent's id."""
        return self._link.agent

    @property
    def deadline(self) -> float | None:
        """Seconds left of the handler's budget; None in `on_start` and `on_stop`."""
        return None if self._until is None else self._until - monotonic()

    def progress(self, done: int = 0, total: int = 0, note: str = "done") -> None:
        """Say that the handler gets on, however long it takes: it has its whole `deadline_s` again from here.

        With a `total` people see how far it is, too: `ctx.progress(240, 1000, "reading documents")`.  Of many such
        calls a few in a second are shown, and the first and the last of each note.  Raises InvalidMessage for what
        are no counts.
        """
        if not all(type(number) is int and 0 <= number <= COUNT_MAX for number in (done, total)):
            raise InvalidMessage(f"progress({shown(done)}, {shown(total)}): give whole numbers, 0 or more, below 2**63")
        now = monotonic()
        if self._pulse:
            self._pulse.progressed()
        if self._turn:
            self._until = now + self._turn.delivery.deadline_s
        if total > 0 and self._is_worth_telling(now, is_news=done >= total or note != self._note):
            self._told_at, self._note = now, note
            message_id = self._turn.delivery.message.message_id if self._turn else None
            self._link.progress(message_id, done, total, str(note))

    def _is_worth_telling(self, now: float, *, is_news: bool) -> bool:
        """Tell whether progress is told now: every `TOLD_EVERY_S`, and news at once, `NEWS_MAX` of them in a row."""
        if now - self._told_at >= TOLD_EVERY_S:
            return True
        due_at = max(self._news_due_at, now - NEWS_MAX * TOLD_EVERY_S)
        if not is_news or due_at > now:
            return False
        self._news_due_at = due_at + TOLD_EVERY_S
        return True

    @property
    def step(self) -> PlainStep:
        """Run a function once for this message, and record its result: `ctx.step(name, fn, *args, **kwargs)`."""
        return PlainStep(self._take, self._waiting)

    @property
    def step_async(self) -> AsyncStep:
        """`step` for an `async def` function: `await ctx.step_async(name, fn, *args, **kwargs)`."""
        return AsyncStep(self._take, self._concurrent)

    @property
    def step_once(self) -> OnceStep:
        """`step` for what must not happen twice: `ctx.step_once(name, fn, *args, reconcile=..., **kwargs)`."""
        return OnceStep(self._take, self._waiting)

    @property
    def step_once_async(self) -> AsyncOnceStep:
        """`step_once` for an `async def` function."""
        return AsyncOnceStep(self._take, self._concurrent)

    def step_key(self, name: str, /, *args: Any, key: Any = None, **kwargs: Any) -> str:
        """Make a key for the world outside, by which it can tell that it has seen this step before.

        It is the same in every delivery of the message in hand, in whatever
        order steps come, and no other step's: that of the next step of that
        name with these arguments, or with this key.

            ctx.step_once("charge", charge, card, 100, ctx.step_key("charge", card, 100))

        Without arguments it is the key of the step of that name that it is an
        argument of, and says the same:

            ctx.step_once("charge", charge, card, 100, key=ctx.step_key("charge"))

        It counts as nothing among the arguments of that step.
        """
        turn, scope = self._open_turn("make a key for a step"), WITHIN.get()
        identity = identity_of(scope.record, name, None, args, kwargs, key)
        is_open = identity.is_bare
        turn.claims.has_open_keys |= is_open
        made = turn.claims.next_by_name(identity.path) if is_open else turn.claims.next_id(identity)
        return StepKey(made, identity.path, is_open=is_open)

    def ask(self, agent: str, payload: Payload | Any, *, timeout_s: float = 30.0, output: type[T] | None = None) -> T:
        """Send a task at once, wait for its result, and return the output.  A step: an answer that came is kept.

        Raises TaskFailed, NotAnswered, StepInDoubt, AskTimedOut, UnknownAgent, MailboxFull, AgentGone, ReplayDiverged.
        With `output`, a pydantic model or another type, the answer is read as that, and InvalidMessage raised where it
        does not fit.
        A timeout begins anew in which the store held everybody up: a write waited for over 1 s.

        A later delivery of the message in hand that asks the same joins the question that is under way (late, or in
        doubt), and has an answer that came meanwhile; a question that failed is asked anew.  Asking the same again
        within one turn is another question, after AskTimedOut too.  While a question waits for a person (StepInDoubt),
        the message that asked waits with it and uses no attempt, unless its handler catches the error.
        """
        reader = reader_of(output)
        turn, claim, message = self._question(agent, payload)
        if known := turn.done(claim):
            value = known.value
        else:
            value = self._link.inquire(asking(turn, claim, message, timeout_s))
        answer: T = read_output(value, reader, agent)
        return answer

    async def ask_async(
        self, agent: str, payload: Payload | Any, *, timeout_s: float = 30.0, output: type[T] | None = None
    ) -> T:
        """`ask` in an `async def` handler; several may be under way together."""
        reader = reader_of(output)
        turn, claim, message = self._question(agent, payload)
        if known := turn.done(claim):
            value = known.value
        else:
            make = asking(turn, claim, message, timeout_s)
            value = await import_module(CONCURRENCY).inquire(self._link, make)
        answer: T = read_output(value, reader, agent)
        return answer

    def _take(
        self, name: str, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], options: Options
    ) -> tuple[Turn, Step]:
        refuse_elsewhere(f"run step {name!r}")
        turn, scope = self._open_turn("run a step"), WITHIN.get()
        identity = identity_of(scope.record, name, fn, args, kwargs, options.key)
        claim = turn.claims.claim(identity, scope)
        call = partial(fn, *args, **kwargs)
        judge = options.reconcile and partial(options.reconcile, *args, **kwargs)
        if turn.claims.has_open_keys:
            key = turn.claims.id_of(claim)
            call, count = with_key(call, identity, key)
            judge = judge and with_key(judge, identity, key)[0]
            if identity.open_keys > count and not turn.claims.is_alone(claim):
                raise InvalidMessage(
                    f"step {name!r} is not the only one of its name, and its key is not among its arguments: make the "
                    f"key of what tells the step from others, `ctx.step_key({name!r}, ...)`"
                )
        return turn, Step(claim, call, judge, options.retry)

    def _waiting(self) -> Hands:
        return Waiting(self._link, self.progress)

    def _concurrent(self) -> Hands:
        hands: Hands = import_module(CONCURRENCY).Concurrent(self._link, self.progress)
        return hands

    def _question(self, agent: str, payload: Payload | Any) -> tuple[Turn, StepCall, Message]:
        refuse_elsewhere(f"ask {agent}")
        turn, scope = self._open_turn("ask"), WITHIN.get()
        address(agent)
        if agent == self.agent:
            raise InvalidMessage(f"{agent} asks itself and would wait for ever; call the function instead")
        given = payload if isinstance(payload, Frozen) else plain(payload, "a payload", turn.most_bytes)
        identity = identity_of(scope.record, f"ask {agent}", None, (given,), {})
        claim = turn.claims.claim(identity, scope, is_question=True)
        first = claim.digest or derive_id(turn.message.message_id, claim.name)
        message_id = question_id(first, turn.delivery.deliveries, self._link.incarnation)
        envelope = self._envelope(turn, agent, None) | {"message_id": message_id}
        if isinstance(given, Frozen):
            return turn, claim, compose(given, envelope, turn.most_bytes)
        return turn, claim, of_payload(TaskPayload(task_id=message_id, input=given), envelope)

    def _envelope(self, turn: Turn, to: str, in_reply_to: str | None) -> dict[str, Any]:
        return follow(turn.message, turn.posted, sender=self.agent, to=to, at=time(), in_reply_to=in_reply_to)

    def _open_turn(self, verb: str) -> Turn:
        turn = self._a_turn(verb)
        turn.check(verb)
        return turn

    def _a_turn(self, verb: str) -> Turn:
        if self._turn is None:
            raise ScrError(f"cannot {verb} in on_start or on_stop: only the handler of a message is a turn")
        return self._turn


def asking(turn: Turn, claim: StepCall, message: Message, timeout_s: float) -> Callable[[int], FromAgent]:
    """The frame of a question, for a number that its answer will bear."""
    within_s = seconds(timeout_s)
    fields = {"message_id": turn.message.message_id, "step": claim.name, "former": claim.former}
    return lambda ref: Ask(ref=ref, message=message, timeout_s=within_s, **fields)


def with_key(call: partial[Any], identity: Identity, key: str) -> tuple[partial[Any], int]:
    """A call with this key in place of the open ones, and how many there were."""
    args, given = filled(call.args, identity.path, key)
    kwargs, named = filled(call.keywords, identity.path, key)
    return partial(call.func, *args, **kwargs), given + named
