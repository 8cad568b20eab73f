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
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter

from scr import errors
from scr.behaviour.turn import plain
from scr.errors import ChannelError, InvalidInput, RuntimeGone, ScrError
from scr.mail.channel import BlockingChannel
from scr.messages import Frozen, Payload, TaskPayload
from scr.runtime.requests import (
    FROM_CONTROL,
    Answered,
    Ask,
    AwaitReady,
    FromControl,
    Happened,
    ReadCrashes,
    ReadStack,
    ReadStatus,
    ReloadAgent,
    RestartAgent,
    RuntimeStatus,
    Send,
    Shutdown,
    SignalAgent,
    StopAgent,
    Subscribe,
)
from scr.runtime.scratch import CONTROL, find_runtimes
from scr.specs import Code
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import Record

ANSWER_S = 60.0
END_S = 10.0
FRAME_BYTES = 16 << 20
CRASHES: TypeAdapter[list[CrashRecord]] = TypeAdapter(list[CrashRecord])
Listener = Callable[[Record], None]


class Client:
    """Every method may be called from any thread, blocks until it is answered, and raises RuntimeGone otherwise.

    `listener` hears events in the reader's thread, once somebody subscribes.
    As a context manager it closes its connection, and the runtime goes on.
    """

    def __init__(self, listener: Listener | None = None, *, frame_bytes: int = FRAME_BYTES) -> None:
        self._listener, self._frame_bytes = listener, frame_bytes
        self._refs = count(1)
        self._waiting: dict[int, Future[Answered]] = {}
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

    def ask(self, to: str, payload: Payload | Any, *, timeout_s: float = 30.0, run_id: str | None = None) -> Any:
        """Send a task (plain JSON becomes one), wait for its result and return the output.

        Raises AskTimedOut, UnknownAgent, MailboxFull, AgentGone.
        """
        request = Ask(ref=self._ref(), to=to, payload=as_payload(payload), run_id=run_id, timeout_s=timeout_s)
        return self._request(request, timeout_s + END_S)

    def send(self, to: str, payload: Payload | Any, *, run_id: str | None = None) -> str:
        """Send a task and return its message id once it is accepted."""
        request = Send(ref=self._ref(), to=to, payload=as_payload(payload), run_id=run_id)
        return str(self._request(request, ANSWER_S))

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
            if self._channel is None or self._ended.is_set():
                raise RuntimeGone("the runtime is not running; start it, or use it in a `with` block")
            self._waiting[ref] = future
        try:
            self._channel.send(request)
            return opened(future.result(timeout_s))
        except ChannelError as error:
            raise RuntimeGone(f"the runtime's process has ended: {error}") from error
        except TimeoutError as error:
            raise RuntimeGone(f"the runtime did not answer within {timeout_s:g} s") from error
        finally:
            self._waiting.pop(ref, None)

    def _read(self) -> None:
        """The reader thread: until either end is closed."""
        assert self._channel is not None
        try:
            while frame := self._channel.receive():
                self._sort(frame)
        except OSError:
            pass
        self._end()

    def _sort(self, frame: FromControl) -> None:
        match frame:
            case Answered(ref=ref):
                if future := self._waiting.get(ref):
                    future.set_result(frame)
            case Happened(record=record):
                if self._listener:
                    self._listener(record)

    def _end(self) -> None:
        with self._lock:
            self._ended.set()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(RuntimeGone("the runtime's process ended before it answered"))


def connect(runtime: str | None = None, listener: Listener | None = None) -> Client:
    """A client of a runtime that this user runs on this machine, by its id; without one, of the only one.

    Raises InvalidInput when there is none, or several to choose from.
    """
    reached = {path.name: sock for path in find_runtimes() if (sock := _reached(path))}
    try:
        chosen = reached.pop(_chosen(runtime, tuple(reached)))
    finally:
        for sock in reached.values():
            sock.close()
    client = Client(listener)
    client.open(chosen)
    return client


def _chosen(runtime: str | None, running: tuple[str, ...]) -> str:
    names = ", ".join(running)
    if not running:
        raise InvalidInput("no runtime of yours is running here; `scr run` and scr.Runtime start one")
    if runtime is None and len(running) > 1:
        raise InvalidInput(f"{len(running)} runtimes are running: {names}; choose one with --runtime")
    if runtime is not None and runtime not in running:
        raise InvalidInput(f"there is no runtime {runtime!r}; running: {names}")
    return runtime or running[0]


def _reached(path: Path) -> socket.socket | None:
    """A connection to the runtime that has this directory; None when it has ended and only the directory is left."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(str(path / CONTROL))
    except OSError:
        sock.close()
        return None
    return sock


def opened(answer: Answered) -> Any:
    """The value of an answer.  Raises the error that it carries, by its name in `scr.errors`."""
    if answer.error is None:
        return answer.value
    raise getattr(errors, answer.error, ScrError)(answer.detail)


def as_payload(payload: Payload | Any) -> Any:
    """A payload as it is; plain JSON as a task.  Raises InvalidMessage."""
    if isinstance(payload, Frozen):
        return payload
    return TaskPayload(task_id=secrets.token_hex(8), input=plain(payload, "a task"))
