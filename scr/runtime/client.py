"""What a program may ask of a runtime that runs: every verb, over one connection.

One thread reads what the runtime says; nothing else of the program's process
is touched.  The runtime's owner has a `Runtime`, which is a client that also
starts and stops it; everybody else gets a `Client` from `connect`.
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter

from scr import errors
from scr.behaviour.turn import plain
from scr.errors import ChannelError, RuntimeGone, ScrError
from scr.mail.channel import BlockingChannel
from scr.messages import Frozen, Payload, TaskPayload
from scr.runtime.requests import (
    FROM_CONTROL,
    Answered,
    Ask,
    AwaitReady,
    Cancel,
    FromControl,
    Happened,
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
    StartAgent,
    StopAgent,
    Submission,
    Subscribe,
)
from scr.specs import Code
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import Record

ANSWER_S = 60.0
END_S = 10.0
FRAME_BYTES = 16 << 20
CRASHES: TypeAdapter[list[CrashRecord]] = TypeAdapter(list[CrashRecord])
REPEATABLE = (AwaitReady, ReadStatus, ReadCrashes, Subscribe, StartAgent, StopAgent, Shutdown)
Listener = Callable[[Record], None]


class Client:
    """Every method may be called from any thread, blocks until it is answered, and raises RuntimeGone otherwise.

    `listener` hears events in the reader's thread, once somebody subscribes.
    As a context manager it closes its connection, and the runtime goes on.
    """

    def __init__(self, listener: Listener | None = None, *, frame_bytes: int = FRAME_BYTES) -> None:
        self._listener, self._frame_bytes = listener, frame_bytes
        self._refs = count(1)
        self._waiting: dict[int, tuple[Frozen, Future[Answered]]] = {}
        self._fatal: Answered | None = None
        self._lock = threading.Lock()
        self._channel: BlockingChannel[FromControl] | None = None
        self._ended = threading.Event()
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self, sock: socket.socket, first: Frozen | None = None) -> None:
        """Talk over this socket from now on; `first` is sent before all else."""
        self._channel = BlockingChannel(sock, FROM_CONTROL, self._frame_bytes)
        if first is not None:
            self._channel.send(first)
        self._reader = threading.Thread(target=self._read, name="scr-reader", daemon=True)
        self._reader.start()

    def close(self) -> None:
        """Hang up.  Idempotent."""
        if self._channel:
            self._channel.close()
        if self._reader and self._reader is not threading.current_thread():
            self._reader.join(END_S)

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
        task, given = as_payload(payload), {"to": to, "run_id": run_id, "timeout_s": timeout_s}
        request = Ask(ref=self._ref(), message_id=key or fresh_id(), again=key is not None, payload=task, **given)
        return self._request(request, timeout_s + END_S)

    def send(self, to: str, payload: Payload | Any, *, run_id: str | None = None, key: str | None = None) -> str:
        """Send a task and return its message id once it is in the store; a `key` of your own is its id."""
        task, again = as_payload(payload), key is not None
        request = Send(ref=self._ref(), message_id=key or fresh_id(), again=again, to=to, payload=task, run_id=run_id)
        return str(self._request(request, ANSWER_S))

    def cancel(self, message_id: str) -> int:
        """Cancel a message and all that grew out of it; returns how many messages were dropped."""
        return int(self._request(Cancel(ref=self._ref(), message_id=message_id), ANSWER_S))

    def resolve(self, message_id: str, *, is_done: bool, value: Any = None) -> None:
        """Say how the step in doubt of a message ended: done, with this value, or not done.  Raises InvalidInput."""
        said = plain(value, "the value of a step")
        self._request(Resolve(ref=self._ref(), message_id=message_id, is_done=is_done, value=said), ANSWER_S)

    def retry_dead(self, message_id: str) -> str:
        """Deliver a dead letter once more; returns to whom.  Raises InvalidInput when there is none of that id."""
        return str(self._request(RetryDead(ref=self._ref(), message_id=message_id), ANSWER_S))

    # Seeing.

    def status(self) -> RuntimeStatus:
        """Everything as it is now."""
        return RuntimeStatus.model_validate(self._request(ReadStatus(ref=self._ref()), ANSWER_S))

    def crashes(self, agent: str | None = None, *, last: int = 100) -> list[CrashRecord]:
        """The last deaths that nobody had asked for, of one agent or of all, oldest first."""
        return CRASHES.validate_python(self._request(ReadCrashes(ref=self._ref(), agent=agent, last=last), ANSWER_S))

    def stack(self, agent: str) -> str:
        """Where every thread of the agent stands now.  Raises UnknownAgent, AgentError when it cannot say."""
        return str(self._request(ReadStack(ref=self._ref(), agent=agent), ANSWER_S))

    def subscribe(self, *, since: int = 0, agent: str | None = None) -> None:
        """Have the listener hear what is kept from above `since`, then all that happens; of one agent, if named."""
        self._request(Subscribe(ref=self._ref(), since=since, agent=agent), ANSWER_S)

    def wait_end(self, timeout_s: float | None = None) -> bool:
        """Wait until the runtime hangs up, which is when it has ended; False if it does not in time."""
        return self._ended.wait(timeout_s)

    # Steering.

    def wait_ready(self) -> None:
        """Wait until the whole tree is up.  Raises StartFailed with the causes when it cannot be."""
        self._request(AwaitReady(ref=self._ref()), ANSWER_S)

    def stop_agent(self, agent: str) -> None:
        """Stop an agent for good and wait until it is down.  Raises UnknownAgent."""
        self._request(StopAgent(ref=self._ref(), agent=agent), ANSWER_S)

    def restart_agent(self, agent: str) -> None:
        """Have a fresh process of an agent, or start one that is down, and wait until it is up.

        Its state and its mailbox stay, and it is counted as no restart.
        Raises UnknownAgent, StartFailed, AgentError.
        """
        self._request(RestartAgent(ref=self._ref(), agent=agent), ANSWER_S)

    def reload_agent(self, agent: str, code: Code | None = None) -> None:
        """Replace an agent's code by what is on disk now, or by `code`; state and mailbox stay.  Waits until it is up.

        Raises StartFailed when the new code does not start; the old then runs again.
        """
        self._request(ReloadAgent(ref=self._ref(), agent=agent, code=code), ANSWER_S)

    def signal_agent(self, agent: str, number: int) -> int:
        """Send a signal to an agent's process; returns the pid.  Raises UnknownAgent, AgentError when there is none."""
        return int(self._request(SignalAgent(ref=self._ref(), agent=agent, number=number), ANSWER_S))

    def shut_down(self, reason: str = "requested") -> None:
        """Have the runtime stop everything in order; it hangs up when it has."""
        self._request(Shutdown(ref=self._ref(), reason=reason), END_S)

    # Requests and answers.

    def _ref(self) -> int:
        return next(self._refs)

    def _request(self, request: Frozen, timeout_s: float) -> Any:
        ref: int = request.ref  # type: ignore[attr-defined]  # all requests have one
        future: Future[Answered] = Future()
        with self._lock:
            if self._channel is None:
                raise RuntimeGone("the runtime is not running; start it, or use it in a `with` block")
            if self._ended.is_set():
                raise self._why()
            self._waiting[ref] = request, future
            channel = self._channel
        try:
            with suppress(ChannelError):  # the reader finds out, and either asks again or gives up
                channel.send(request)
            return opened(future.result(timeout_s))
        except TimeoutError as error:
            raise RuntimeGone(f"the runtime did not answer within {timeout_s:g} s") from error
        finally:
            self._waiting.pop(ref, None)

    def _read(self) -> None:
        """The reader thread: until either end is closed, for good."""
        channel = self._channel
        while channel:
            try:
                while frame := channel.receive():
                    self._sort(frame)
            except (OSError, ChannelError):
                pass
            channel = self._resume()
        self._end()

    def _resume(self) -> BlockingChannel[FromControl] | None:
        """A new channel to a runtime that has taken the place of the one that has ended; None when there is none."""
        return None

    def _ask_again(self, channel: BlockingChannel[FromControl]) -> None:
        """Talk to another runtime, and ask what the last has not answered; what it may have done is not done twice."""
        with self._lock:
            self._channel = channel
            waiting = tuple(self._waiting.values())
        for request, future in waiting:
            if isinstance(request, Submission):
                channel.send(request.model_copy(update={"again": True}))
            elif isinstance(request, REPEATABLE):
                channel.send(request)
            elif not future.done():
                future.set_exception(
                    RuntimeGone("the runtime ended before it answered, and goes on; look, and ask again")
                )

    def _sort(self, frame: FromControl) -> None:
        match frame:
            case Answered(ref=0):
                self._fatal = frame
            case Answered(ref=ref):
                _, future = self._waiting.get(ref, (None, None))
                if future and not future.done():
                    future.set_result(frame)
            case Happened(record=record):
                if self._listener:
                    self._listener(record)

    def _end(self) -> None:
        with self._lock:
            self._ended.set()
            for _, future in self._waiting.values():
                if not future.done():
                    future.set_exception(self._why())

    def _why(self) -> ScrError:
        """Why nothing is answered any more."""
        if self._fatal is None:
            return RuntimeGone("the runtime's process has ended; start another one")
        return error_of(self._fatal)


def opened(answer: Answered) -> Any:
    """The value of an answer.  Raises the error that it carries, by its name in `scr.errors`."""
    if answer.error is None:
        return answer.value
    raise error_of(answer)


def error_of(answer: Answered) -> ScrError:
    """The error that an answer carries, by its name in `scr.errors`."""
    error: ScrError = getattr(errors, answer.error or "", ScrError)(answer.detail)
    return error


def fresh_id() -> str:
    """A message id that nobody else gives."""
    return secrets.token_hex(12)


def as_payload(payload: Payload | Any) -> Any:
    """A payload as it is; plain JSON as a task.  Raises InvalidMessage."""
    if isinstance(payload, Frozen):
        return payload
    return TaskPayload(task_id=secrets.token_hex(8), input=plain(payload, "a task"))
