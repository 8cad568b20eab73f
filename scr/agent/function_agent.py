"""An agent that is a function: what it is given, and what is dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.messages import Down, Failure, Message, Task, Tick
from scr.specs import Wanted

SHOWN_CHARACTERS = 200
LINES_MAX = 100
ALL = 'start it with messages="all" to be given all messages'


class FunctionAgent(Agent):
    """An agent whose only handler is a function, which is given its tasks and timers, or all messages.

    What it returns, unless that is None, is the reply to a task.  Of what is dropped the first of each kind and origin
    is logged, `LINES_MAX` lines in all.
    """

    def __init__(self, function: Callable[[Context, Message], Any], messages: Wanted = "tasks") -> None:
        self._function, self.takes_all = function, messages == "all"
        self._told: set[tuple[str, ...]] = set()

    def on_message(self, ctx: Context, message: Message) -> Any:
        """Give the message to the function, if that takes it."""
        if self.takes_all or isinstance(message, Task | Tick):
            return self._function(ctx, message)
        return self._drop(ctx, message)

    def _drop(self, ctx: Context, message: Message) -> None:
        origin = origin_of(message)
        if origin not in self._told and len(self._told) < LINES_MAX:
            self._told.add(origin)
            ctx.log(f"dropped {dropped(message)}; a function is given its tasks and timers: {ALL}")


def origin_of(message: Message) -> tuple[str, ...]:
    """Name the kind of a message, and whose doing it is."""
    match message:
        case Failure(payload=payload):
            return message.type, payload.agent, payload.reason
        case Down(payload=payload):
            return message.type, payload.agent, str(payload.reason)
        case _:
            return message.type, message.sender


def dropped(message: Message) -> str:
    """Say what was dropped, in short."""
    match message:
        case Failure(payload=payload) | Down(payload=payload):
            why = f": {payload.detail}" if payload.detail else ""
            return f"a {message.type} of {payload.agent} ({payload.reason}{why[:SHOWN_CHARACTERS]})"
        case _:
            return f"a {message.type} from {message.sender}"
