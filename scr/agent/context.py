"""What a handler can do: the `ctx` that every handler is given.

Lives in the agent's process.  What sends, starts, stops, monitors, remembers or
sets a timer takes effect when the turn commits; steps and asks are recorded at
once, so that a turn that is run again does not repeat them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from time import time
from typing import Any, Unpack

from pydantic import JsonValue

from scr.agent import arguments
from scr.agent.arguments import address
from scr.agent.code import spec_of
from scr.agent.handler_thread import is_home
from scr.agent.runtime_link import Link
from scr.agent.spec_fields import AgentFields
from scr.agent.steps.steps import WITHIN
from scr.agent.steps.turn_steps import Stepping
from scr.agent.ticks import Starting, tick_of
from scr.agent.turn import Turn, compose, duration, moment, plain
from scr.errors import InvalidMessage, ScrError
from scr.launch.heartbeat import Pulse
from scr.messages import (
    CritiquePayload,
    Message,
    Payload,
    Ping,
    PingPayload,
    Pong,
    Result,
    ResultPayload,
    StatusPayload,
    Task,
    TaskPayload,
)
from scr.protocol.frames import Entry, StartRequest, Timer
from scr.specs import AgentSpec, Code
from scr.step_names import shown_step
from scr.table.table import TableClient

ENTRIES_PAGE = 500
PAYLOADS = (TaskPayload, ResultPayload, CritiquePayload, StatusPayload)


class Context(Stepping):
    """One for each message (and one for `on_start` and `on_stop`, which have no message and cannot send).

    `starting` takes the timers of `on_start`.
    """

    def __init__(
        self,
        link: Link,
        turn: Turn | None,
        table: TableClient | None,
        pulse: Pulse | None = None,
        *,
        starting: Starting | None = None,
    ) -> None:
        super().__init__(link, turn, pulse)
        self._table, self._starting = table, starting

    @property
    def incarnation(self) -> int:
        """Which process of this agent this is, from 1."""
        return self._link.incarnation

    @property
    def message(self) -> Message:
        """The message in hand.  Raises ScrError outside a handler of one."""
        return self._a_turn("read a message").message

    @property
    def deliveries(self) -> int:
        """How often the message in hand has been delivered, this time included."""
        return self._a_turn("count deliveries").delivery.deliveries

    @property
    def attempt(self) -> int:
        """Which try this is of the message in hand, from 1: the tries that ended by an exception, and this one."""
        return self._a_turn("count attempts").delivery.attempt

    @property
    def table(self) -> TableClient | None:
        """The shared table, for agents that keep it; others `remember` and `recall`."""
        return self._table

    def pages(self, after: int = 0) -> Iterator[list[Entry]]:
        """What all agents remember, from the store, in order of version from above `after`."""
        while page := self._link.fetch(after, ENTRIES_PAGE):
            entries = [Entry.model_validate(fields) for fields in page]
            yield entries
            after = entries[-1].version

    def send(self, payload: Payload | Any, *, to: str, in_reply_to: str | None = None) -> Message:
        """Send a payload (plain JSON becomes a task) when the turn commits; returns the message as it will leave."""
        turn = self._in_turn("send")
        message = compose(payload, self._envelope(turn, address(to), in_reply_to), turn.most_bytes)
        turn.send(message)
        return message

    def reply(self, payload: Payload | Any = None) -> Message:
        """Answer the message in hand; plain JSON becomes the result of the task in hand.

        Raises InvalidMessage when the turn holds the result of this task already: a task has one answer.
        """
        turn = self._in_turn("reply")
        asked = turn.message
        envelope = self._envelope(turn, asked.sender, asked.message_id)
        if isinstance(asked, Ping) and isinstance(payload, PingPayload):
            message: Message = Pong(payload=payload, **envelope)
        elif isinstance(payload, PAYLOADS):
            message = compose(payload, envelope, turn.most_bytes)
        else:
            task_id = asked.payload.task_id if isinstance(asked, Task) else asked.message_id
            output = plain(payload, "a reply", turn.most_bytes)
            message = Result(payload=ResultPayload(task_id=task_id, output=output), **envelope)
        if isinstance(asked, Task) and isinstance(message, Result) and turn.has_replied:
            raise InvalidMessage(
                f"the handler of {self.agent} has replied to the task already, and the asker gets one answer: give it "
                "all in one reply, or send what is on the way with ctx.stream"
            )
        turn.send(message)
        return message

    def answer_later(self) -> None:
        """Keep the answer to the task in hand open: a later turn gives it, by `ctx.send(..., in_reply_to=its id)`.

        Needed only where nothing else says so: see `Agent.on_task`.
        """
        self._in_turn("keep an answer open").answers_later = True

    def start_agent(
        self,
        agent: str,
        code: type | Callable[..., Any] | Code | str,
        *,
        options: dict[str, JsonValue] | None = None,
        under: str = "agents",
        **spec: Unpack[AgentFields],
    ) -> AgentSpec:
        """Start an agent under a supervisor when the turn commits; further keywords are fields of `AgentSpec`.

        Raises InvalidSpec naming what does not fit.  A start that is refused
        later (the id is taken, the supervisor is full) comes back as a `failure`.
        """
        turn = self._in_turn("start an agent")
        wanted = spec_of(agent, code, options, spec)
        turn.starts.append(StartRequest(supervisor=address(under, "a supervisor's name"), spec=wanted))
        return wanted

    def stop_agent(self, agent: str) -> None:
        """Stop an agent for good, in order, when the turn commits."""
        self._in_turn("stop an agent").stops.append(address(agent))

    def stop(self) -> None:
        """End this agent normally when the turn has committed."""
        self._in_turn("stop").ends = True

    def monitor(self, agent: str) -> None:
        """Get one `down` when the agent has ended for good; at once when there is none of that name."""
        self._in_turn("monitor").monitors.append(address(agent))

    def demonitor(self, agent: str) -> None:
        """Monitor it no longer when the turn commits; a `down` of it that waits in the mailbox is dropped."""
        turn = self._in_turn("demonitor")
        turn.monitors = [monitored for monitored in turn.monitors if monitored != agent]
        turn.demonitors.append(address(agent))

    def send_after(self, delay_s: float, payload: Payload | Any, *, to: str, in_reply_to: str | None = None) -> Message:
        """`send`, that much later than the turn commits.  Kept in the store until then, whatever ends meanwhile."""
        turn = self._in_turn("set a timer")
        after_s = duration(delay_s)
        message = compose(payload, self._envelope(turn, address(to), in_reply_to), turn.most_bytes)
        turn.set_timer(Timer(message=message, due=time() + after_s, after_s=after_s))
        return message

    def wake_at(
        self, when: float | datetime, payload: Payload | Any = None, *, in_reply_to: str | None = None
    ) -> Message:
        """Have a payload sent to this agent itself at a time on the wall clock (seconds since the epoch).

        At once when the time is past.  A datetime without a zone is local time.
        """
        turn, due = self._in_turn("set a timer"), moment(when)
        message = compose(payload, self._envelope(turn, self.agent, in_reply_to), turn.most_bytes)
        turn.set_timer(Timer(message=message, due=due))
        return message

    def timer(self, name: str, *, every_s: float) -> None:
        """Have `on_timer` called every so many seconds, from when the turn commits (or the start is complete).

        There is one timer of a name.  Set again with the same period it stays as it is, so that `on_start` may set it
        in every incarnation; with another one it begins anew.  It is kept in the store: it outlives the process and
        the runtime.  What was missed while nothing ran, or while the last tick still waits, is made up for by one tick.
        It ends by `cancel_timer(name)`, and with the agent.
        """
        timers = self._timed("set a timer")
        timers.set_timer(tick_of(self.agent, timers.next_id, name, every_s))

    def cancel_timer(self, timer: Message | str) -> None:
        """Take back what `send_after` or `wake_at` returned (or its `message_id`) when the turn commits.

        The name of a `timer` takes that back, in `on_start` too.  A message that has been sent by then stays sent.
        """
        timer_id = arguments.key(getattr(timer, "message_id", timer), "the id or the name of a timer")
        self._timed("cancel a timer").cancel_timer(timer_id)

    def remember(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key that all agents can recall, when the turn commits."""
        turn = self._in_turn("remember")
        arguments.key(key, "a key", arguments.ENTRY_CHARACTERS)
        said = plain(value, f"what is remembered as {key!r}", turn.most_bytes)
        turn.entries[key] = Entry(key=key, value=said)

    def recall(self, key: str, default: Any = None) -> Any:
        """What was remembered last under the key, by this turn or by any committed before this message was delivered.

        Raises TableUnavailable when the table does not answer within seconds.
        """
        arguments.key(key, "a key", arguments.ENTRY_CHARACTERS)
        if self._turn and key in self._turn.entries:
            return self._turn.entries[key].value
        if self._table is None:
            raise ScrError(f"cannot recall {key!r}: this runtime has no table; add one to its tree")
        if self._turn is None:
            return self._table.get(key, default)
        self._turn.recalled = True
        if self._turn.is_behind and is_home():  # in another thread, what was known when it was sent must do
            self._turn.catch_up(self._link.newest())
        version = self._turn.entries_version
        if self._turn.delivery.replay:  # what a replay recalls is seen by who plays it again
            return self._table.get(key, default, at_least=version)
        return self._table.recall(key, default, at_least=version)

    def log(self, text: str) -> None:
        """One line for people, at once."""
        self._link.log(str(text))

    def stream(self, chunk: Any) -> None:
        """Send a JSON value at once to the program that submitted the task in hand: `Submitted.stream` reads it.

        Works in steps and in threads of the handler.  A chunk is not stored: it leaves before the turn commits, and
        another delivery of the task streams anew.  What an agent is asked by another agent has no reader.
        Raises InvalidMessage for what is no JSON or too large, ScrError where the message in hand is no task or this
        agent's own.
        """
        turn = self._open_turn("stream")
        asked = turn.message
        if not isinstance(asked, Task) or asked.sender == self.agent:
            own = " of this agent itself" if asked.sender == self.agent else ""
            raise ScrError(f"cannot stream: the message in hand is a {asked.type}{own}; only a task of another is read")
        data = plain(chunk, "a chunk", turn.most_bytes)
        if not turn.delivery.replay:
            self._link.send_in_order(partial(turn.chunk, data))

    def _timed(self, verb: str) -> Turn | Starting:
        """Return what takes timers now.  Raises ScrError in `on_stop`."""
        if self._turn is None and self._starting is None:
            raise ScrError(f"cannot {verb} in on_stop: do it in on_start or in a handler")
        return self._starting or self._in_turn(verb)

    def _in_turn(self, verb: str) -> Turn:
        """The turn, for what takes effect when it commits: that cannot be wanted by a step that may not run again."""
        turn = self._open_turn(verb)
        if step := WITHIN.get().record:
            raise ScrError(
                f"cannot {verb} in step {shown_step(step)!r}: it is not run again when the message is redelivered, and "
                "this would be lost; return what is to be done, and do it after the step"
            )
        return turn
