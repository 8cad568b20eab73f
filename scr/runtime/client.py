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

from scr.behaviour.readback import refuse_inexact
from scr.behaviour.turn import plain, refuse_uncarried
from scr.bounds import most_of
from scr.errors import RuntimeGone
from scr.messages import Payload, TaskPayload
from scr.runtime.connection import END_S, Connection, Listener, opened
from scr.runtime.requests import (
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
from scr.runtime.scratch import reach
from scr.runtime.submission import Submitted
from scr.specs import Code
from scr.telemetry.crashes import CrashRecord
from scr.values import LATER, Frozen

ANSWER_S = 60.0
CRASHES: TypeAdapter[list[CrashRecord]] = TypeAdapter(list[CrashRecord], config=LATER)


class Client(Connection):
    """Every method blocks until it is answered, and raises RuntimeGone otherwise.  `id` is the runtime's."""

    id: str = ""

    # Messages.

    def ask(
        self,
        to: str,
        payload: Payload | Any,
        *,
        timeout_s: float = 30.0,
        run_id: str | None = None,
        key: str | None = None,
    ) -> Any:
        """Send a task (plain JSON becomes one), wait for its result and return the output.

        With a `key` of your own it is done once, however often it is asked
        for: an answer that the store has is returned at once.
        Raises AskTimedOut, UnknownAgent, MailboxFull, AgentGone.
        """
        task, given = (
            as_payload(payload, most_of(self._frame_bytes)),
            {"to": to, "run_id": run_id, "timeout_s": timeout_s},
        )
        request = Ask(ref=self.ref(), message_id=key or fresh_id(), again=key is not None, payload=task, **given)
        return self.request(request, timeout_s + END_S)

    def send(self, to: str, payload: Payload | Any, *, run_id: str | None = None, key: str | None = None) -> str:
        """Send a task and return its message id once it is in the store; a `key` of your own is its id."""
        return str(self.request(self._sent(to, payload, run_id, key), ANSWER_S))

    def _sent(self, to: str, payload: Payload | Any, run_id: str | None, key: str | None) -> Send:
        task, again = as_payload(payload, most_of(self._frame_bytes)), key is not None
        return Send(ref=self.ref(), message_id=key or fresh_id(), again=again, to=to, payload=task, run_id=run_id)

    def submit(self, to: str, payload: Payload | Any, *, key: str | None = None) -> Submitted:
        """Send a task; returns once it is in the store, with what its answer can be had from.

        With a `key` of your own it is done once, however often it is submitted.
        """
        return self.attach(self.send(to, payload, key=key))

    def attach(self, message_id: str) -> Submitted:
        """What was submitted earlier, by this program or another one, under this id."""
        return Submitted(self, message_id, self._another)

    def _another(self, listener: Listener) -> Connection:
        """A second connection to the same runtime.  Raises RuntimeGone."""
        sock = reach(self.id)
        if sock is None:
            raise RuntimeGone(f"the runtime {self.id!r} has ended")
        connection = Connection(listener)
        connection.open(sock)
        return connection

    async def ask_async(
        self, to: str, payload: Payload | Any, *, timeout_s: float = 30.0, key: str | None = None
    ) -> Any:
        """`ask` for a program with an event loop."""
        return await (await self.submit_async(to, payload, key=key)).result_async(timeout_s)

    async def submit_async(self, to: str, payload: Payload | Any, *, key: str | None = None) -> Submitted:
        """`submit` for a program with an event loop."""
        request = self._sent(to, payload, None, key)
        try:
            return self.attach(opened(await asyncio.wrap_future(self.put(request))))
        finally:
            self.forget(request)

    def cancel(self, message_id: str) -> int:
        """Cancel a message and all that grew out of it; returns how many messages were dropped."""
        return int(self.request(Cancel(ref=self.ref(), message_id=message_id), ANSWER_S))

    def resolve(self, message_id: str, *, is_done: bool, value: Any = None) -> None:
        """Say how the step in doubt of a message ended: done, with this value, or not done.  Raises InvalidInput."""
        said = plain(value, "the value of a step")
        self.request(Resolve(ref=self.ref(), message_id=message_id, is_done=is_done, value=said), ANSWER_S)

    def retry_dead(self, message_id: str) -> str:
        """Deliver a dead letter once more; returns to whom.  Raises InvalidInput when there is none of that id."""
        return str(self.request(RetryDead(ref=self.ref(), message_id=message_id), ANSWER_S))

    # Seeing.

    def status(self) -> RuntimeStatus:
        """Everything as it is now."""
        return RuntimeStatus.model_validate(self.request(ReadStatus(ref=self.ref()), ANSWER_S))

    def crashes(self, agent: str | None = None, *, last: int = 100) -> list[CrashRecord]:
        """The last deaths that nobody had asked for, of one agent or of all, oldest first."""
        return CRASHES.validate_python(self.request(ReadCrashes(ref=self.ref(), agent=agent, last=last), ANSWER_S))

    def stack(self, agent: str) -> str:
        """Where every thread of the agent stands now.  Raises UnknownAgent, AgentError when it cannot say."""
        return str(self.request(ReadStack(ref=self.ref(), agent=agent), ANSWER_S))

    def subscribe(self, *, since: int = 0, agent: str | None = None) -> None:
        """Have the listener hear what is kept from above `since`, then all that happens; of one agent, if named."""
        self.request(Subscribe(ref=self.ref(), since=since, agent=agent), ANSWER_S)

    # Steering.

    def wait_ready(self) -> None:
        """Wait until the whole tree is up.  Raises StartFailed with the causes when it cannot be."""
        self.request(AwaitReady(ref=self.ref()), ANSWER_S)

    def stop_agent(self, agent: str) -> None:
        """Stop an agent for good and wait until it is down.  Raises UnknownAgent."""
        self.request(StopAgent(ref=self.ref(), agent=agent), ANSWER_S)

    def restart_agent(self, agent: str) -> None:
        """Have a fresh process of an agent, or start one that is down, and wait until it is up.

        Its state and its mailbox stay, and it is counted as no restart.
        Raises UnknownAgent, StartFailed, AgentError.
        """
        self.request(RestartAgent(ref=self.ref(), agent=agent), ANSWER_S)

    def reload_agent(self, agent: str, code: Code | None = None) -> None:
        """Replace an agent's code by what is on disk now, or by `code`; state and mailbox stay.  Waits until it is up.

        Raises StartFailed when the new code does not start; the old then runs again.
        """
        self.request(ReloadAgent(ref=self.ref(), agent=agent, code=code), ANSWER_S)

    def signal_agent(self, agent: str, number: int) -> int:
        """Send a signal to an agent's process; returns the pid.  Raises UnknownAgent, AgentError when there is none."""
        return int(self.request(SignalAgent(ref=self.ref(), agent=agent, number=number), ANSWER_S))

    def shut_down(self, reason: str = "requested") -> None:
        """Have the runtime stop everything in order; it hangs up when it has."""
        self.request(Shutdown(ref=self.ref(), reason=reason), END_S)


def fresh_id() -> str:
    """A message id that nobody else gives."""
    return secrets.token_hex(12)


def as_payload(payload: Payload | Any, most_bytes: int | None = None) -> Any:
    """A payload as it is; plain JSON as a task.  Raises InvalidMessage, also for one that no frame can carry."""
    if isinstance(payload, Frozen):
        refuse_inexact(payload, f"a {type(payload).__name__}")
        refuse_uncarried(payload, most_bytes)
        return payload
    return TaskPayload(task_id=secrets.token_hex(8), input=plain(payload, "a task", most_bytes))
