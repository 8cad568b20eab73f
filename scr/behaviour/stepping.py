"""What of a turn is in the store before it commits: steps and asks.

Lives in the agent's process, as a part of the `ctx` that every handler is given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from time import time
from typing import Any

from scr.behaviour.arguments import address, seconds
from scr.behaviour.home import refuse_elsewhere
from scr.behaviour.link import Link
from scr.behaviour.steps import Step, Waiting, at_once, run, run_once, scoped
from scr.behaviour.turn import Turn, compose
from scr.errors import InvalidMessage, ScrError
from scr.frames import Ask, FromAgent
from scr.messages import Message, Payload, derive_id, follow

CONCURRENCY = "scr.behaviour.concurrency"


class Stepping:
    """The steps and asks of one turn; without a turn, in `on_start` and `on_stop`, there are none."""

    def __init__(self, link: Link, turn: Turn | None) -> None:
        self._link, self._turn = link, turn

    @property
    def agent(self) -> str:
        """This agent's id."""
        return self._link.agent

    def step(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run `fn` for this message, and return its result, which must be JSON, when that is in the store.

        A step that has returned is never run again: when the message is
        redelivered after a crash, the recorded result is returned.  One that
        had not returned is run again.  What `fn` raises is a crash like any
        other.  `fn` cannot send, remember or start anything: when it is not
        run again, that would be lost.  Raises what the store says when it
        cannot keep the result, and ReplayDiverged.
        """
        turn, step = self._step(name, partial(fn, *args, **kwargs))
        return at_once(run(step, turn, Waiting(self._link)))

    async def step_async(self, name: str, fn: Callable[..., Awaitable[Any]], /, *args: Any, **kwargs: Any) -> Any:
        """`step` for an `async def` function, in an `async def` handler; several may be under way together."""
        turn, step = self._step(name, partial(fn, *args, **kwargs))
        return await run(step, turn, import_module(CONCURRENCY).Concurrent(self._link))

    def step_once(
        self,
        name: str,
        fn: Callable[..., Any],
        /,
        *args: Any,
        reconcile: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """`step` for what must not happen twice: it is in the store that it begins before it does.

        When an earlier delivery began it and it is not known how that ended,
        `reconcile` is called with the same arguments, and looks: it returns
        `scr.Done(value)` when the step had happened, `scr.NotDone()` when it
        had not and is to be run now.  When it raises `scr.StepInDoubt`, or
        there is none, the turn is abandoned: nothing of it is sent, the state
        is what it was, and the message waits for a person (`scr doubts`).
        """
        judge = reconcile and partial(reconcile, *args, **kwargs)
        turn, step = self._step(name, partial(fn, *args, **kwargs), judge)
        return at_once(run_once(step, turn, Waiting(self._link)))

    async def step_once_async(
        self,
        name: str,
        fn: Callable[..., Awaitable[Any]],
        /,
        *args: Any,
        reconcile: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """`step_once` for an `async def` function, in an `async def` handler; `reconcile` may be either."""
        judge = reconcile and partial(reconcile, *args, **kwargs)
        turn, step = self._step(name, partial(fn, *args, **kwargs), judge)
        return await run_once(step, turn, import_module(CONCURRENCY).Concurrent(self._link))

    def step_key(self, name: str) -> str:
        """A key for the world outside, by which it can tell that it has seen the next step of that name before.

        The same in every delivery of the message in hand, and no other step's:

            ctx.step_once("charge", charge, card, 100, key=ctx.step_key("charge"))
        """
        turn = self._open_turn("make a key for a step")
        return derive_id(turn.message.message_id, turn.next_name(scoped(name)))

    def ask(self, agent: str, payload: Payload | Any, *, timeout_s: float = 30.0) -> Any:
        """Send a task at once, wait for its result, and return the output.  A step: an answer that came is kept.

        Raises AskTimedOut, UnknownAgent, MailboxFull, AgentGone, ReplayDiverged.  An answer that comes after the
        timeout is dropped.  A timeout begins anew in which the store held everybody up: a write waited for over 1 s.
        """
        turn, key, message = self._question(agent, payload)
        if known := turn.done(key):
            return known.value
        return self._link.inquire(asking(turn, key, message, timeout_s))

    async def ask_async(self, agent: str, payload: Payload | Any, *, timeout_s: float = 30.0) -> Any:
        """`ask` in an `async def` handler; several may be under way together."""
        turn, key, message = self._question(agent, payload)
        if known := turn.done(key):
            return known.value
        make = asking(turn, key, message, timeout_s)
        return await import_module(CONCURRENCY).inquire(self._link, make)

    def _step(
        self, name: str, call: Callable[[], Any], reconcile: Callable[[], Any] | None = None
    ) -> tuple[Turn, Step]:
        refuse_elsewhere(f"run step {name!r}")
        turn = self._open_turn("run a step")
        return turn, Step(turn.step_name(scoped(name)), call, reconcile)

    def _question(self, agent: str, payload: Payload | Any) -> tuple[Turn, str, Message]:
        refuse_elsewhere(f"ask {agent}")
        turn = self._open_turn("ask")
        address(agent)
        if agent == self.agent:
            raise InvalidMessage(f"{agent} asks itself and would wait for ever; call the function instead")
        key = turn.step_name(scoped(f"ask {agent}"))
        envelope = self._envelope(turn, agent, None) | {"message_id": derive_id(turn.message.message_id, key)}
        return turn, key, compose(payload, envelope, turn.most_bytes)

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


def asking(turn: Turn, key: str, message: Message, timeout_s: float) -> Callable[[int], FromAgent]:
    """The frame of a question, for a number that its answer will bear."""
    message_id, within_s = turn.message.message_id, seconds(timeout_s)
    return lambda ref: Ask(ref=ref, message_id=message_id, step=key, message=message, timeout_s=within_s)
