"""The life of one incarnation: start, one message at a time, stop.

Runs in the agent's process, in its main thread, from the first frame to the
exit record.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from time import time_ns
from typing import Any

from scr.agent.agent import Agent, Ignored, handle
from scr.agent.code import open_code
from scr.agent.context import Context
from scr.agent.descriptions import described, printable, shown
from scr.agent.function_agent import FunctionAgent
from scr.agent.handler_thread import at_home
from scr.agent.handlers import check_agent, hears, ran
from scr.agent.limits import take_on
from scr.agent.runtime_link import Link
from scr.agent.state import Committed, restored
from scr.agent.steps.step_decorators import in_hand
from scr.agent.steps.turn_steps import CONCURRENCY
from scr.agent.ticks import Starting
from scr.agent.turn import Abandoned, Turn, overfull
from scr.bounds import most_of, refuse_deep, refuse_large
from scr.charging import class_names, is_doubt, put_off_s
from scr.errors import FrameTooLarge, InvalidMessage, PeerGone, ReplayDiverged, StartFailed
from scr.failpoints import reach
from scr.launch.heartbeat import Heart, Pulse
from scr.messages import Task, to_json
from scr.protocol.channel import BlockingChannel
from scr.protocol.frames import Become, Commit, Deliver, Exiting, FailTurn, FromRuntime, Halt, Ignore
from scr.specs import Wanted
from scr.table import TABLE_SERVICE
from scr.table.table import TableClient

ENDS = (SystemExit, KeyboardInterrupt, PeerGone, ReplayDiverged)
"""What ends the process, whatever its specification says of exceptions."""
NAMES_MAX = 64


class Loop:
    """One incarnation of one agent.  `heart` answers for the process, where there is one that wants to know."""

    def __init__(self, channel: BlockingChannel[FromRuntime], become: Become, heart: Heart | None = None) -> None:
        self._become = become
        self._link = Link(channel, become)
        self._committed: Committed
        self._starting = Starting(f"{become.agent} {become.incarnation} {time_ns()}", become.max_sends)
        table = become.services.get(TABLE_SERVICE)
        self._table = TableClient(table) if table else None
        self._recalls = self._hears = False
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
        self._link.send(self._starting.ready())
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
        agent = as_agent(open_code(self._become.code), self._become.messages)()
        agent.options = dict(self._become.options)
        name, stored = self._become.agent, self._become.state
        agent.state = restored(name, type(agent), stored)
        self._committed = Committed(name, agent.state, is_new=stored is None, check=self._refuse_unreadable)
        ctx = Context(self._link, None, self._table, starting=self._starting)
        refuse_nonsense(self._become.agent, self._finish(agent.on_start(ctx)))
        self._starting.over = True
        self._committed.begin(agent.state)
        self._hears = hears_answers(agent)
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
        """Handle one message and commit; True when the agent ends with it.

        An exception fails the turn, where the agent is to be tried again; else it ends the process.
        """
        fetch = partial(self._link.result, delivery.message.message_id)
        most_bytes = most_of(self._become.max_frame_bytes)
        turn = Turn(delivery, self._become.max_sends, most_bytes, fetch, hears=self._hears)
        try:
            return self._tried(agent, turn)
        except BaseException as error:
            if not self._become.retries or delivery.replay or isinstance(error, ENDS):
                raise
            turn.over = True
            self._fail(turn, error)
            agent.state = self._committed.again()
            return False

    def _tried(self, agent: Agent, turn: Turn) -> bool:
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
                frame = turn.commit(self._committed.changed(agent.state), holds=self._committed.holds)
                reach("agent.before_commit")
                self._commit(frame)
                self._committed.settle()
                reach("agent.after_commit")
                return turn.ends
            case Abandoned(frame=frame):
                self._link.send(frame)
                agent.state = self._committed.again()
                return False
            case diverged:
                raise diverged

    def _fail(self, turn: Turn, error: BaseException) -> None:
        """Tell that the turn has failed.  A process that is to be replaced gets the request to stop next."""
        told, names = described(error), tuple(map(printable, class_names(error)[:NAMES_MAX]))
        after_s = put_off_s(error)
        if after_s is None:
            sys.stderr.write(told["traceback"])
            sys.stderr.flush()
        message_id = turn.message.message_id
        self._link.inquire(
            lambda ref: FailTurn(
                ref=ref, message_id=message_id, names=names, after_s=after_s, in_doubt=is_doubt(error), **told
            ),
            may_drop=True,
        )

    def _commit(self, frame: Commit) -> None:
        try:
            self._link.send(frame)
        except FrameTooLarge as error:
            raise InvalidMessage(overfull(frame, str(error))) from error

    def _handle(self, agent: Agent, ctx: Context, turn: Turn) -> None:
        """Have the message handled.  What the handler of an abandoned turn raises matters no more, and is logged."""
        if turn.message.type == "stop":
            ctx.stop()
            return
        try:
            with in_hand(ctx):
                answer(ctx, turn, self._finish(handle(agent, ctx, turn.message)))
        except BaseException as error:
            if not isinstance(turn.unwinding, Abandoned):
                raise
            if error is not turn.unwinding:
                self._link.log(f"the handler of an abandoned turn raised {shown(error)}")

    def _refuse_unreadable(self, state: bytes) -> None:
        """Raise InvalidMessage for a state that no later process could be given, with its code and options."""
        what = f"the state of {self._link.agent}"
        refuse_deep(state, what)
        beside = f"beside {self._beside_bytes} bytes of code and options"
        most_bytes = most_of(self._become.max_frame_bytes) - self._beside_bytes
        refuse_large(len(state), most_bytes, what, f"{beside}; keep less in it, and remember the rest under keys")

    @cached_property
    def _beside_bytes(self) -> int:
        """What a process is told beside its state."""
        return len(to_json(self._become.model_copy(update={"state": None})))

    def _finish(self, handled: Any) -> Any:
        """Wait for what an `async def` handler returned; what a handler has returned in the end."""
        return ran(import_module(CONCURRENCY).finish(handled) if inspect.isawaitable(handled) else handled)

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


def answer(ctx: Context, turn: Turn, returned: Any) -> None:
    """Reply with what the handler of a task has returned.

    None is no reply, and a message that the turn has sent (`return ctx.reply(...)`) is none beside itself.
    Raises InvalidMessage when the handler has replied already.
    """
    if returned is None or not isinstance(turn.message, Task) or turn.has_made(returned):
        return
    if turn.has_replied:
        raise InvalidMessage(
            f"the handler of {turn.message.to} has called ctx.reply and returned {shown(returned)}, and both are the "
            "reply: do one of them"
        )
    ctx.reply(returned)


def hears_answers(agent: Agent) -> bool:
    """Tell whether the agent is given what comes back of what it sends."""
    return agent.takes_all if isinstance(agent, FunctionAgent) else hears(agent)


def as_agent(thing: Any, messages: Wanted = "tasks") -> Callable[[], Agent]:
    """A class as it is; a function of (ctx, message) as an agent that gives it these messages.  Raises InvalidCode."""
    check_agent(thing)
    return thing if isinstance(thing, type) else lambda: FunctionAgent(thing, messages)
