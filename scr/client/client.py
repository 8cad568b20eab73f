"""What a program may ask of a runtime that runs: every verb, over one connection.

One thread reads what the runtime says; nothing else of the program's process
is touched.  The runtime's owner has a `Runtime`, which is a client that also
starts and stops it; everybody else gets a `Client` from `connect`.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypeVar

from scr.agent.arguments import address, made, read_output, reader_of, seconds, shown
from scr.agent.arguments import key as checked
from scr.agent.steps.readback import refuse_inexact
from scr.agent.turn import plain, refuse_uncarried
from scr.bounds import most_of
from scr.client.connection import END_S, Connection, Listener, opened
from scr.client.submitted import Submitted
from scr.errors import InvalidMessage, RuntimeGone, ScrError
from scr.messages import MESSAGE_OF, Payload, TaskPayload
from scr.protocol.control import (
    Ask,
    AwaitReady,
    Cancel,
    ReadCrashes,
    ReadStack,
    ReadStatus,
    ReloadAgent,
    Resolve,
    RestartAgent,
    RetryDead,
    RuntimeStatus,
    Send,
    Shutdown,
    SignalAgent,
    StopAgent,
    Subscribe,
)
from scr.protocol.running import Running
from scr.protocol.socket_dir import reach
from scr.retry import Retry
from scr.specs import Code
from scr.telemetry.crashes import CrashRecord
from scr.values import LATER, Frozen

ANSWER_S = 60.0
MESSAGE = "a message's id"
T = TypeVar("T", default=Any)
CRASHES: TypeAdapter[list[CrashRecord]] = TypeAdapter(list[CrashRecord], config=LATER)


class Client(Connection):
    """Every method blocks until it is answered, and raises RuntimeGone otherwise.  `id` is the runtime's."""

    id: str = ""
    about = Running("")
    """What the runtime left for `connect` to read as it began."""

    def __repr__(self) -> str:
        return f"<Client runtime={self.id} run={self.about.run} pid={self.about.pid} {self._state}>"

    # Messages.

    def ask(
        self,
        to: str,
        payload: Payload | Any,
        *,
        timeout_s: float = 30.0,
        run_id: str | None = None,
        key: str | None = None,
        retry: Retry | None = None,
        order_key: str | None = None,
        output: type[T] | None = None,
    ) -> T:
        """Send a task (plain JSON becomes one), wait for its result and return the output.

        With a `key` of your own it is done once, however often it is asked
        for: an answer that the store has is returned at once.  Another task, or
        another agent's, under the same key is refused.  `retry` overrides the
        policy of the agent; tasks that share an `order_key` are done in order.
        With `output`, a pydantic model or another type, the answer is read as that.
        Raises TaskFailed, NotAnswered, StepInDoubt, AskTimedOut, UnknownAgent, MailboxFull, AgentParked, AgentGone,
        InvalidMessage.
        """
        within_s, task, reader = seconds(timeout_s), self._task(payload, retry, order_key), reader_of(output)
        request = made(Ask, **self._submission(to, task, run_id, key), timeout_s=within_s)
        answer: T = read_output(self.request(request, within_s + END_S), reader, to)
        return answer

    def send(
        self,
        to: str,
        payload: Payload | Any,
        *,
        run_id: str | None = None,
        key: str | None = None,
        retry: Retry | None = None,
        order_key: str | None = None,
    ) -> str:
        """Send a task and return its message id once it is in the store; a `key` of your own is its id."""
        task = self._task(payload, retry, order_key)
        return str(self.request(made(Send, **self._submission(to, task, run_id, key)), ANSWER_S))

    def _task(self, payload: Payload | Any, retry: Retry | None, order_key: str | None) -> Any:
        """The payload with what is asked of its way.  Raises InvalidMessage."""
        return as_task(as_payload(payload, most_of(self._frame_bytes)), retry, order_key)

    def _submission(self, to: str, payload: Payload, run_id: str | None, key: str | None) -> dict[str, Any]:
        """The fields of a message from outside.  Raises InvalidMessage."""
        return {
            "ref": self.ref(),
            "message_id": fresh_id() if key is None else checked(key),
            "again": key is not None,
            "to": address(to),
            "payload": payload,
            "run_id": None if run_id is None else checked(run_id, "a run's id"),
        }

    def submit(
        self,
        to: str,
        payload: Payload | Any,
        *,
        key: str | None = None,
        retry: Retry | None = None,
        order_key: str | None = None,
        output: type[T] | None = None,
    ) -> Submitted[T]:
        """Send a task; returns once it is in the store, with what its answer can be had from.

        With a `key` of your own it is done once, however often it is submitted; another task under that key is refused.
        `retry`, `order_key` and `output` are as in `ask`.
        """
        request, submitted = self._submitted(to, self._task(payload, retry, order_key), key, output)
        self.request(request, ANSWER_S)
        return submitted

    def _submitted(self, to: str, task: Payload, key: str | None, output: type[T] | None) -> tuple[Send, Submitted[T]]:
        """A request, and what gathers its chunks from the first on."""
        request = made(Send, **self._submission(to, task, None, key), streams=True)
        unread, reader = self.gather(request.ref), reader_of(output)
        return request, Submitted(self, request.message_id, self._another, unread, reader)

    def attach(self, message_id: str, *, output: type[T] | None = None) -> Submitted[T]:
        """What was submitted earlier, by this program or another one, under this id."""
        return Submitted(self, checked(message_id, MESSAGE), self._another, self.gather(self.ref()), reader_of(output))

    def _another(self, listener: Listener) -> Connection:
        """A second connection to the same runtime.  Raises RuntimeGone."""
        sock = reach(self.id)
        if sock is None:
            raise RuntimeGone(f"the runtime {self.id!r} has ended")
        connection = Connection(listener)
        connection.open(sock)
        return connection

    def _why(self) -> ScrError:
        """Why nothing is answered any more: that only this connection has ended is known from another one."""
        told = super()._why()
        sock = reach(self.id) if self._fatal is None and self.id else None
        if sock is None:
            return told
        sock.close()
        return RuntimeGone(f"the runtime {self.id!r} closed this connection and goes on; connect to it anew")

    async def ask_async(
        self,
        to: str,
        payload: Payload | Any,
        *,
        timeout_s: float = 30.0,
        key: str | None = None,
        retry: Retry | None = None,
        order_key: str | None = None,
        output: type[T] | None = None,
    ) -> T:
        """`ask` for a program with an event loop."""
        within_s = seconds(timeout_s)
        submitted = await self.submit_async(to, payload, key=key, retry=retry, order_key=order_key, output=output)
        return await submitted.result_async(within_s)

    async def submit_async(
        self,
        to: str,
        payload: Payload | Any,
        *,
        key: str | None = None,
        retry: Retry | None = None,
        order_key: str | None = None,
        output: type[T] | None = None,
    ) -> Submitted[T]:
        """`submit` for a program with an event loop."""
        request, submitted = self._submitted(to, self._task(payload, retry, order_key), key, output)
        try:
            opened(await asyncio.wrap_future(self.put(request)))
        finally:
            self.forget(request)
        return submitted

    def cancel(self, message_id: str) -> int:
        """Cancel a message and all that grew out of it; returns how many messages were dropped."""
        return int(self.request(made(Cancel, ref=self.ref(), message_id=checked(message_id, MESSAGE)), ANSWER_S))

    def resolve(self, message_id: str, *, is_done: bool, value: Any = None) -> None:
        """Say how the step in doubt of a message ended: done, with this value, or not done.  Raises InvalidInput."""
        said, doubtful = plain(value, "the value of a step"), checked(message_id, MESSAGE)
        self.request(made(Resolve, ref=self.ref(), message_id=doubtful, is_done=is_done, value=said), ANSWER_S)

    def retry_dead(self, message_id: str) -> str:
        """Deliver a dead letter once more; returns to whom.  Raises InvalidInput when there is none of that id."""
        return str(self.request(made(RetryDead, ref=self.ref(), message_id=checked(message_id, MESSAGE)), ANSWER_S))

    # Seeing.

    def status(self) -> RuntimeStatus:
        """Everything as it is now."""
        return RuntimeStatus.model_validate(self.request(ReadStatus(ref=self.ref()), ANSWER_S))

    def crashes(self, agent: str | None = None, *, last: int = 100) -> list[CrashRecord]:
        """The last deaths that nobody had asked for, of one agent or of all, oldest first."""
        of = None if agent is None else address(agent)
        return CRASHES.validate_python(self.request(made(ReadCrashes, ref=self.ref(), agent=of, last=last), ANSWER_S))

    def stack(self, agent: str) -> str:
        """Where every thread of the agent stands now.  Raises UnknownAgent, AgentError when it cannot say."""
        return str(self.request(made(ReadStack, ref=self.ref(), agent=address(agent)), ANSWER_S))

    def subscribe(self, *, since: int = 0, agent: str | None = None) -> None:
        """Have the listener hear what is kept from above `since`, then all that happens; of one agent, if named."""
        of = None if agent is None else address(agent)
        self.request(made(Subscribe, ref=self.ref(), since=since, agent=of), ANSWER_S)

    # Steering.

    def wait_ready(self) -> None:
        """Wait until the whole tree is up.  Raises StartFailed with the causes when it cannot be."""
        self.request(AwaitReady(ref=self.ref()), ANSWER_S)

    def stop_agent(self, agent: str) -> None:
        """Stop an agent for good and wait until it is down.  Raises UnknownAgent."""
        self.request(made(StopAgent, ref=self.ref(), agent=address(agent)), ANSWER_S)

    def restart_agent(self, agent: str) -> None:
        """Have a fresh process of an agent, or start one that is down, and wait until it is up.

        Its state and its mailbox stay, and it is counted as no restart.
        Raises UnknownAgent, StartFailed, AgentError.
        """
        self.request(made(RestartAgent, ref=self.ref(), agent=address(agent)), ANSWER_S)

    def reload_agent(self, agent: str, code: Code | None = None) -> None:
        """Replace an agent's code by what is on disk now, or by `code`; state and mailbox stay.  Waits until it is up.

        Raises StartFailed when the new code does not start; the old then runs again.
        """
        self.request(made(ReloadAgent, ref=self.ref(), agent=address(agent), code=code), ANSWER_S)

    def signal_agent(self, agent: str, number: int) -> int:
        """Send a signal to an agent's process; returns the pid.  Raises UnknownAgent, AgentError when there is none."""
        request = made(SignalAgent, ref=self.ref(), agent=address(agent), number=number)
        return int(self.request(request, ANSWER_S))

    def shut_down(self, reason: str = "requested") -> None:
        """Have the runtime stop everything in order; it hangs up when it has."""
        self.request(made(Shutdown, ref=self.ref(), reason=reason), END_S)


def fresh_id() -> str:
    """A message id that nobody else gives."""
    return secrets.token_hex(12)


def as_payload(payload: Payload | Any, most_bytes: int | None = None) -> Any:
    """A payload as it is; plain JSON as a task.  Raises InvalidMessage, also for one that no frame can carry."""
    if isinstance(payload, Frozen):
        if type(payload) not in MESSAGE_OF:
            raise InvalidMessage(f"{shown(payload)} is no payload that a program can send; give JSON or a TaskPayload")
        refuse_inexact(payload, f"a {type(payload).__name__}")
        refuse_uncarried(payload, most_bytes)
        return payload
    return TaskPayload(task_id=secrets.token_hex(8), input=plain(payload, "a task", most_bytes))


def as_task(payload: Payload, retry: Retry | None, order_key: str | None) -> Payload:
    """A task with a policy of its own, and a place in an order.  Raises InvalidMessage for what is no task."""
    wanted = {"retry": retry, "order_key": None if order_key is None else checked(order_key, "an order_key", 128)}
    given = {name: value for name, value in wanted.items() if value is not None}
    if not given:
        return payload
    if retry is not None and not isinstance(retry, Retry):
        raise InvalidMessage(f"retry cannot be {shown(retry)}: give a scr.Retry(...)")
    if not isinstance(payload, TaskPayload):
        raise InvalidMessage(f"{', '.join(given)}: only tasks have these, and {shown(payload)} is none")
    return TaskPayload(**{**dict(payload), **given})
