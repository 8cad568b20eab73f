"""What a handler can do: the `ctx` that every handler is given.

Lives in the agent's process.  `send`, `reply`, `start_agent`, `stop_agent`,
`remember`, `monitor` and `demonitor` take effect when the turn commits; `step` and `ask`
are recorded at once, so that a turn that is run again does not repeat them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from time import monotonic, time
from typing import Any

from pydantic import BaseModel, JsonValue

from scr.behaviour.code import spec_of
from scr.behaviour.link import Link
from scr.behaviour.turn import Turn, compose, plain
from scr.errors import InvalidMessage, ScrError
from scr.frames import Entry, StartRequest, StepDone, StepRecord
from scr.launch.pulse import Pulse
from scr.memory.table import TableClient
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
    derive_id,
    follow,
)
from scr.specs import AgentSpec, Code

CONCURRENCY = "scr.behaviour.concurrency"
ENTRIES_PAGE = 500
ENTRIES_S = 10.0
PAYLOADS = (TaskPayload, ResultPayload, CritiquePayload, StatusPayload)


class Context:
    """One for each message (and one for `on_start` and `on_stop`, which have no message and cannot send)."""

    def __init__(self, link: Link, turn: Turn | None, table: TableClient | None, pulse: Pulse | None = None) -> None:
        self._link, self._turn, self._table, self._pulse = link, turn, table, pulse
        self._until = monotonic() + turn.delivery.deadline_s if turn else None

    @property
    def agent(self) -> str:
        """This agent's id."""
        return self._link.agent

    @property
    def incarnation(self) -> int:
        """Which process of this agent this is, from 1."""
        return self._link.incarnation

    @property
    def message(self) -> Message:
        """The message in hand.  Raises ScrError outside a handler of one."""
        return self._in_turn("read a message").message

    @property
    def deliveries(self) -> int:
        """How often the message in hand has been delivered, this time included."""
        return self._in_turn("count deliveries").delivery.deliveries

    @property
    def deadline(self) -> float | None:
        """Seconds left of the handler's budget; None in `on_start` and `on_stop`."""
        return None if self._until is None else self._until - monotonic()

    @property
    def table(self) -> TableClient | None:
        """The shared table, for agents that keep it; others `remember` and `recall`."""
        return self._table

    def pages(self, after: int = 0) -> Iterator[list[Entry]]:
        """What all agents remember, from the store, in order of version from above `after`."""
        while page := self._link.fetch(after, ENTRIES_PAGE, ENTRIES_S):
            entries = [Entry.model_validate(fields) for fields in page]
            yield entries
            after = entries[-1].version

    def send(self, payload: Payload | Any, *, to: str, in_reply_to: str | None = None) -> Message:
        """Send a payload (plain JSON becomes a task) when the turn commits; returns the message as it will leave."""
        turn = self._in_turn("send")
        message = compose(payload, self._envelope(turn, to, in_reply_to))
        turn.send(message)
        return message

    def reply(self, payload: Payload | Any = None) -> Message:
        """Answer the message in hand; plain JSON becomes the result of the task in hand."""
        turn = self._in_turn("reply")
        asked = turn.message
        envelope = self._envelope(turn, asked.sender, asked.message_id)
        if isinstance(asked, Ping) and isinstance(payload, PingPayload):
            message: Message = Pong(payload=payload, **envelope)
        elif isinstance(payload, PAYLOADS):
            message = compose(payload, envelope)
        else:
            task_id = asked.payload.task_id if isinstance(asked, Task) else asked.message_id
            output = plain(payload, "a reply")
            message = Result(payload=ResultPayload(task_id=task_id, output=output), **envelope)
        turn.send(message)
        return message

    def start_agent(
        self,
        agent: str,
        code: type | Callable[..., Any] | Code | str,
        *,
        options: dict[str, JsonValue] | None = None,
        under: str = "agents",
        **spec: Any,
    ) -> AgentSpec:
        """Start an agent under a supervisor when the turn commits; further keywords are fields of `AgentSpec`.

        Raises InvalidSpec naming what does not fit.  A start that is refused
        later (the id is taken, the supervisor is full) comes back as a `failure`.
        """
        turn = self._in_turn("start an agent")
        wanted = spec_of(agent, code, options, spec)
        turn.starts.append(StartRequest(supervisor=under, spec=wanted))
        return wanted

    def stop_agent(self, agent: str) -> None:
        """Stop an agent for good, in order, when the turn commits."""
        self._in_turn("stop an agent").stops.append(agent)

    def stop(self) -> None:
        """End this agent normally when the turn has committed."""
        self._in_turn("stop").ends = True

    def monitor(self, agent: str) -> None:
        """Get one `down` when the agent has ended for good; at once when there is none of that name."""
        self._in_turn("monitor").monitors.append(agent)

    def demonitor(self, agent: str) -> None:
        """Monitor it no longer when the turn commits; a `down` of it that waits in the mailbox is dropped."""
        turn = self._in_turn("demonitor")
        turn.monitors = [monitored for monitored in turn.monitors if monitored != agent]
        turn.demonitors.append(agent)

    def step(self, name: str, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run `fn` once for this message and record its result, which must be JSON.

        When the message is redelivered after a crash, the recorded result is
        returned and `fn` is not run.  What `fn` raises is a crash like any other.
        """
        turn = self._in_turn("run a step")
        key = turn.step_name(name)
        if key in turn.recorded:
            return turn.recorded[key]
        return self._record(turn, key, fn(*args, **kwargs))

    async def step_async(self, name: str, fn: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """`step` for an `async def` function, in an `async def` handler."""
        turn = self._in_turn("run a step")
        key = turn.step_name(name)
        if key in turn.recorded:
            return turn.recorded[key]
        return self._record(turn, key, await fn(*args, **kwargs))

    def ask(self, agent: str, payload: Payload | Any, *, timeout_s: float = 30.0) -> Any:
        """Send a task at once, wait for its result, and return the output.  A step: an answer that came is kept.

        Raises AskTimedOut, UnknownAgent, MailboxFull, AgentGone.  An answer that comes after the timeout is dropped.
        """
        turn, key, message = self._question(agent, payload)
        if key in turn.recorded:
            return turn.recorded[key]
        return self._link.ask(turn.message.message_id, key, message, timeout_s)

    async def ask_async(self, agent: str, payload: Payload | Any, *, timeout_s: float = 30.0) -> Any:
        """`ask` in an `async def` handler; several may be under way together."""
        turn, key, message = self._question(agent, payload)
        if key in turn.recorded:
            return turn.recorded[key]
        return await import_module(CONCURRENCY).ask(self._link, turn.message.message_id, key, message, timeout_s)

    def remember(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key that all agents can recall, when the turn commits."""
        turn = self._in_turn("remember")
        turn.entries[key] = Entry(key=key, value=plain(value, f"what is remembered as {key!r}"))

    def recall(self, key: str, default: Any = None) -> Any:
        """What was remembered last under the key, by this turn or by any committed before this message was delivered.

        Raises TableUnavailable when the table does not answer within seconds.
        """
        if self._turn and key in self._turn.entries:
            return self._turn.entries[key].value
        if self._table is None:
            raise ScrError(f"cannot recall {key!r}: this runtime has no table; add one to its tree")
        return self._table.get(key, default, at_least=self._turn.delivery.entries_version if self._turn else 0)

    def progress(self) -> None:
        """Say that the handler gets on, however long it takes: it has its whole `deadline_s` again from here."""
        if self._pulse:
            self._pulse.progressed()
        if self._turn:
            self._until = monotonic() + self._turn.delivery.deadline_s

    def log(self, text: str) -> None:
        """One line for people, at once."""
        self._link.log(str(text))

    def _record(self, turn: Turn, key: str, value: Any) -> JsonValue:
        value = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        result = plain(value, f"the result of step {key!r}")
        self._link.send(StepDone(message_id=turn.message.message_id, step=StepRecord(name=key, value=result)))
        return result

    def _question(self, agent: str, payload: Payload | Any) -> tuple[Turn, str, Message]:
        turn = self._in_turn("ask")
        if agent == self.agent:
            raise InvalidMessage(f"{agent} asks itself and would wait for ever; call the function instead")
        key = turn.step_name(f"ask {agent}")
        envelope = self._envelope(turn, agent, None) | {"message_id": derive_id(turn.message.message_id, key)}
        return turn, key, compose(payload, envelope)

    def _envelope(self, turn: Turn, to: str, in_reply_to: str | None) -> dict[str, Any]:
        return follow(turn.message, len(turn.sends), sender=self.agent, to=to, at=time(), in_reply_to=in_reply_to)

    def _in_turn(self, verb: str) -> Turn:
        if self._turn is None:
            raise ScrError(f"cannot {verb} in on_start or on_stop: only the handler of a message is a turn")
        return self._turn
