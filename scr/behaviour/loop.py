"""The life of one incarnation: start, one message at a time, stop.

Runs in the agent's process, in its main thread, from the first frame to the
exit record.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError

from scr.behaviour.agent import Agent, Handled, Ignored, handle
from scr.behaviour.code import open_code
from scr.behaviour.context import Context
from scr.behaviour.declared import in_hand
from scr.behaviour.describing import described, shown
from scr.behaviour.home import at_home
from scr.behaviour.limits import take_on
from scr.behaviour.link import Link
from scr.behaviour.stepping import CONCURRENCY
from scr.behaviour.turn import Abandoned, Turn
from scr.errors import InvalidCode, InvalidMessage, PeerGone, StartFailed
from scr.failpoints import reach
from scr.frames import Become, Deliver, Exiting, FromRuntime, Halt, Ignore, Ready
from scr.launch.pulse import Heart, Pulse
from scr.mail.channel import BlockingChannel
from scr.memory.table import TableClient
from scr.messages import Message
from scr.values import complaint


class Loop:
    """One incarnation of one agent.  `heart` answers for the process, where there is one that wants to know."""

    def __init__(self, channel: BlockingChannel[FromRuntime], become: Become, heart: Heart | None = None) -> None:
        self._become = become
        self._link = Link(channel, become)
        self._table = TableClient(become.table) if become.table else None
        self._committed = ""
        self._recalls = False
        self._pulse = Pulse.open(Path(become.pulse)) if become.pulse else None
        self._heart = heart

    def run(self) -> int:
        """The whole life; returns the exit code.  The exit record is sent before it returns."""
        with at_home():
            return self._live()

    def _live(self) -> int:
        try:
            agent = self._start()
        except Ignored:
            self._link.send(Ignore())
            return 0
        except BaseException as error:  # noqa: BLE001  whatever it was, it is told and the process ends
            return self._end("start_failed", error)
        reach("agent.started")
        self._link.send(Ready())
        try:
            return self._serve(agent)
        except PeerGone:
            return 0
        except BaseException as error:  # noqa: BLE001  the same
            return self._end("error", error)

    def _start(self) -> Agent:
        take_on(self._become.limits)
        if self._pulse and self._heart:
            self._heart.beat(self._pulse)
        agent = as_agent(open_code(self._become.code))()
        agent.options = dict(self._become.options)
        agent.state = restored(self._become.agent, agent, self._become.state)
        self._committed = agent.state.model_dump_json()
        refuse_nonsense(self._become.agent, self._finish(agent.on_start(Context(self._link, None, self._table))))
        return agent

    def _serve(self, agent: Agent) -> int:
        while True:
            match self._link.next():
                case Deliver() as delivery:
                    if self._turn(agent, delivery):
                        return self._end("normal")
                case Halt():
                    self._finish(agent.on_stop(Context(self._link, None, self._table)))
                    return self._end("shutdown")
                case None:
                    return 0

    def _turn(self, agent: Agent, delivery: Deliver) -> bool:
        """Handle one message and commit; True when the agent ends with it."""
        turn = Turn(delivery, self._become.max_sends)
        if turn.is_behind and self._recalls:  # it may recall in any thread, and only this one can ask
            turn.catch_up(self._link.newest())
        ctx = Context(self._link, turn, self._table, self._pulse)
        ctx.progress()
        reach("agent.before_handle")
        self._handle(agent, ctx, turn)
        turn.over = True
        self._recalls = self._recalls or turn.recalled or bool(turn.entries)
        match turn.unwinding:
            case None:
                frame = turn.commit(self._changed(agent))
                reach("agent.before_commit")
                self._link.send(frame)
                reach("agent.after_commit")
                return turn.ends
            case Abandoned(frame=frame):
                self._link.send(frame)
                agent.state = agent.State.model_validate_json(self._committed)
                return False
            case diverged:
                raise diverged

    def _handle(self, agent: Agent, ctx: Context, turn: Turn) -> None:
        """Have the message handled.  What the handler of an abandoned turn raises matters no more, and is logged."""
        if turn.message.type == "stop":
            ctx.stop()
            return
        try:
            with in_hand(ctx):
                self._finish(handle(agent, ctx, turn.message))
        except BaseException as error:
            if not isinstance(turn.unwinding, Abandoned):
                raise
            if error is not turn.unwinding:
                self._link.log(f"the handler of an abandoned turn raised {shown(error)}")

    def _changed(self, agent: Agent) -> JsonValue:
        """The state when it is not the one that was committed last, else None.  Raises InvalidMessage for no JSON."""
        try:
            now = agent.state.model_dump_json()
        except ValueError as error:
            raise InvalidMessage(f"the state of {self._link.agent} cannot be written as JSON: {error}") from error
        if now == self._committed:
            return None
        self._committed = now
        return agent.state.model_dump(mode="json")

    def _finish(self, handled: Handled) -> Any:
        """Wait for what an `async def` handler returned; what a handler has returned in the end."""
        return import_module(CONCURRENCY).finish(handled) if inspect.isawaitable(handled) else handled

    def _end(self, reason: str, error: BaseException | None = None) -> int:
        record = Exiting.model_validate({"reason": reason, **described(error)})
        try:
            self._link.send(record)
        except PeerGone:
            return 1
        return 0 if error is None else 1


def refuse_nonsense(agent: str, returned: object) -> None:
    """Raise StartFailed when `on_start` has returned something: whoever wrote that means what will not happen."""
    if returned is not None:
        raise StartFailed(
            f"on_start of {agent} returned {shown(returned)}, and only None has a meaning; "
            "keep what you need in `self`, raise to fail the start, raise `scr.Ignored` to stay down"
        )


def restored(name: str, agent: Agent, state: JsonValue) -> BaseModel:
    """The committed state, or the model's defaults; one that does not fit is the agent's own to migrate.

    Raises StartFailed naming the field that does not fit even then.
    """
    if state is None:
        return agent.State()
    try:
        return agent.State.model_validate(state)
    except ValidationError:
        migrated = agent.migrate(state) if isinstance(state, dict) else state
    try:
        return agent.State.model_validate(migrated)
    except ValidationError as error:
        kind = type(agent).__qualname__
        raise StartFailed(
            f"{complaint(f'state of {name}', error)}; {kind} has changed since it was committed: give new fields a "
            f"default and keep the old ones readable, or write {kind}.migrate(state), which returns what fits"
        ) from error


def as_agent(thing: Any) -> Callable[[], Agent]:
    """A class as it is; a function of (ctx, message) as an agent that gives it every message.  Raises InvalidCode."""
    if isinstance(thing, type) and issubclass(thing, Agent):
        return thing
    if callable(thing) and not isinstance(thing, type):
        return lambda: FunctionAgent(thing)
    raise InvalidCode(f"an agent is a subclass of scr.Agent or a function of (ctx, message), not {shown(thing)}")


class FunctionAgent(Agent):
    """An agent whose only handler is a function.  What it returns, if anything, is the reply to a task."""

    def __init__(self, function: Callable[[Context, Message], Any]) -> None:
        self._function = function

    def on_message(self, ctx: Context, message: Message) -> Handled:
        """Give the message to the function."""
        result = self._function(ctx, message)
        if inspect.isawaitable(result):
            return self._later(ctx, message, result)
        self._answer(ctx, message, result)
        return None

    async def _later(self, ctx: Context, message: Message, result: Any) -> None:
        self._answer(ctx, message, await result)

    def _answer(self, ctx: Context, message: Message, result: Any) -> None:
        if message.type == "task" and result is not None:
            ctx.reply(result)
