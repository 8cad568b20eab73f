"""The class that every agent extends.

An agent handles one message at a time in a process of its own.  Everything
that a handler does in answer to one message is a turn: it happens whole, when
the handler has returned, or not at all.  A handler that is killed at any
instruction is run again on the next incarnation, with the last committed
state and the results of the steps that it had finished.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, get_args, get_origin

from pydantic import BaseModel, JsonValue
from typing_extensions import TypeVar

from scr.agent.steps.canonical import Uncounted
from scr.messages import Critique, Message, Ping, Result, Task, Tick

if TYPE_CHECKING:
    from scr.agent.context import Context

Handled: TypeAlias = Awaitable[None] | None


class Stateless(BaseModel):
    """The state of an agent that keeps none."""


S = TypeVar("S", bound=BaseModel, default=Any)


class Agent(Uncounted, Generic[S]):
    """Extend it, give it a state, and write the handlers that you need, each `def` or `async def`.

    All handlers run in the agent's own process, one at a time.  An exception
    from one that has a message costs that message an attempt, or ends the process
    (`AgentSpec.on_error`); one from the others ends the process.

    `class Counter(scr.Agent[Total])` has a `Total` as its state, and type checkers know `self.state.total`; a class
    `State` in the body says the same without them.

    A start is refused for a handler that is a generator or takes other
    arguments, for a class that handles no task and does nothing at its start or stop,
    and for a public method whose name is nearly that of a handler (`on_tsak`).
    """

    State: ClassVar[type[BaseModel]] = Stateless
    """A pydantic model whose fields all have defaults.  What is in it survives; what is not, does not.

    A turn is refused (InvalidMessage, with the field's path) when the next incarnation would not read exactly the
    state that it leaves, by value and type.  Private attributes, computed fields and fields with `exclude=True` are
    no part of it.
    """

    state: S
    options: dict[str, JsonValue]

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Make `State` of the model in brackets, unless the body has a `State`."""
        super().__init_subclass__(**keywords)
        if "State" in vars(cls):
            return
        for base in vars(cls).get("__orig_bases__", ()):
            origin, given = get_origin(base), get_args(base)[:1]
            if origin is Agent and given[0] is not Any and not isinstance(given[0], TypeVar):
                cls.State = given[0]
            elif isinstance(origin, type) and issubclass(origin, Agent) and origin.State is Stateless:
                cls.State = next(filter(_is_model, given), Stateless)

    def on_start(self, ctx: Context) -> Handled:
        """Called once in each incarnation, before any message, with `state` and `options` in place.

        Nothing can be sent here; timers can be set (`ctx.timer`).  Raise to fail the start; raise `Ignored` to stay
        down without a failure.
        """

    def on_task(self, ctx: Context, message: Task) -> Any:
        """Handle a task: what it returns, unless that is None, is the reply; or it calls `ctx.reply(output)`.

        A task whose turn commits without an answer is answered with NotAnswered, unless the turn keeps the answer open:
        it keeps the id of the message in `self.state` or in an entry, sends it to another agent, or calls
        `ctx.answer_later()`.  Of an agent with another handler for messages than this one, whatever it sends, a timer,
        a start and a monitor keep the answer open too.  Only who waits for an answer is told: a program, or an agent
        that asks; a task that came by `ctx.send` needs none.
        """
        return self.on_message(ctx, message)

    def on_timer(self, ctx: Context, message: Tick) -> Any:
        """Handle a timer of this agent's own (`ctx.timer`); `message.payload.name` says which."""
        return self.on_message(ctx, message)

    def on_result(self, ctx: Context, message: Result) -> Any:
        """The result of a task that this agent sent."""
        return self.on_message(ctx, message)

    def on_critique(self, ctx: Context, message: Critique) -> Any:
        """A judgement of something that this agent made."""
        return self.on_message(ctx, message)

    def on_message(self, ctx: Context, message: Message) -> Any:
        """Handle what has no handler of its own: status, down, failure, pong, and what the others left."""

    @classmethod
    def migrate(cls, state: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Called at a start when the state in the store, however old, does not fit `State`: make of it what does.

        Raise to fail the start; a state that does not fit after this fails it too.
        """
        return state

    def on_stop(self, ctx: Context) -> Handled:
        """Called once when the agent is asked to stop, after the message in hand; not when it is killed.

        Nothing can be sent here; it has the rest of the agent's `shutdown_s`.
        """


def _is_model(given: Any) -> bool:
    return isinstance(given, type) and issubclass(given, BaseModel)


class Ignored(Exception):
    """Raised by `on_start`: this agent is not needed now; it stays down and that is no failure."""


def handle(agent: Agent, ctx: Context, message: Message) -> Any:
    """Give a message to the handler of its type, and return what that returns."""
    match message:
        case Task():
            return agent.on_task(ctx, message)
        case Result():
            return agent.on_result(ctx, message)
        case Critique():
            return agent.on_critique(ctx, message)
        case Tick():
            return agent.on_timer(ctx, message)
        case Ping():
            ctx.reply(message.payload)
            return None
        case _:
            return agent.on_message(ctx, message)
