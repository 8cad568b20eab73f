"""A runtime as a program sees it: started as a process of its own, talked to over a socket.

The program's own process gets no forks, no signal handlers and no subreaper:
one thread reads what the runtime says.
"""

from __future__ import annotations

import secrets
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from types import TracebackType
from typing import Any, Self

from pydantic import JsonValue, ValidationError

from scr import errors
from scr.behaviour.code import code_of
from scr.behaviour.turn import plain
from scr.config import Settings
from scr.errors import ChannelError, InvalidSpec, RuntimeGone, ScrError
from scr.mail.channel import BlockingChannel
from scr.messages import Frozen, Payload, TaskPayload, complaint
from scr.runtime import preload as preloads
from scr.runtime.requests import (
    FROM_CONTROL,
    Answered,
    Ask,
    AwaitReady,
    Boot,
    FromControl,
    Happened,
    ReadStatus,
    RestartAgent,
    RuntimeStatus,
    Send,
    Shutdown,
    StartAgent,
    StopAgent,
    Subscribe,
)
from scr.runtime.spawn import Spawned, spawn
from scr.runtime.tree import AGENTS_TREE, MEMORY
from scr.specs import AgentSpec, Code, SupervisorSpec
from scr.telemetry.events import Record

ANSWER_S = 60.0
END_S = 10.0


class Runtime:
    """Use it as a context manager: inside, the runtime runs; after it, nothing that it started is left.

        with scr.Runtime() as runtime:
            runtime.start_agent("echo", Echo)
            print(runtime.ask("echo", {"n": 1}))

    Every method may be called from any thread, blocks until it is answered and
    raises RuntimeGone when the runtime's process ends meanwhile.  `preload` are
    modules that the zygote imports, so that agents need not.  `spawned` is a
    process that was started ahead; without one, `start` starts it.
    """

    def __init__(
        self,
        tree: SupervisorSpec = AGENTS_TREE,
        *,
        settings: Settings | None = None,
        preload: tuple[str, ...] = preloads.AGENTS,
        listener: Callable[[Record], None] | None = None,
        spawned: Spawned | None = None,
    ) -> None:
        settings = settings or Settings()
        self._tree, self._settings, self._preload = tree, settings, (*settings.preload, *preload)
        self._listener, self._spawned = listener, spawned
        self.id = ""
        self._refs = count(1)
        self._waiting: dict[int, Future[Answered]] = {}
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: BlockingChannel[FromControl] | None = None
        self._ended = False
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_ready()
        except ScrError:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The pid of the runtime's process; 0 before it is started."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start the runtime's process.  Returns at once; the tree starts in its own time."""
        spawned, self._spawned = self._spawned or spawn(self._preload, self._settings.launcher), None
        self.id, self._process, ours = spawned.runtime, spawned.process, spawned.control
        self._channel = BlockingChannel(ours, FROM_CONTROL, self._settings.limits.frame_bytes)
        self._channel.send(Boot(runtime=self.id, tree=self._tree, settings=self._settings, memory=MEMORY))
        self._reader = threading.Thread(target=self._read, name="scr-reader", daemon=True)
        self._reader.start()
        if self._listener:
            self._channel.send(Subscribe(ref=self._ref()))  # its answer waits for the runtime's imports, and we do not

    def wait_ready(self) -> None:
        """Wait until the whole tree is up.  Raises StartFailed with the causes when it cannot be."""
        self._request(AwaitReady(ref=self._ref()), ANSWER_S)

    def stop(self) -> None:
        """Stop everything in order and wait for it; kill what does not stop.  Idempotent."""
        process, self._process = self._process, None
        if process is None or self._channel is None:
            return
        try:
            self._request(Shutdown(ref=self._ref()), END_S)
            process.wait(END_S)
        except (ScrError, subprocess.TimeoutExpired):
            process.kill()
        finally:
            process.wait(END_S)
            if self._reader:
                self._reader.join(END_S)  # the last events are still to be heard
            self._channel.close()

    def start_agent(
        self,
        agent: str,
        code: type | Callable[..., Any] | Code | str,
        *,
        options: dict[str, JsonValue] | None = None,
        under: str = "agents",
        **spec: Any,
    ) -> None:
        """Start an agent and wait until it is up; further keywords are fields of `AgentSpec`.

        Raises InvalidCode, InvalidSpec, AlreadyStarted, StartFailed.
        """
        try:
            wanted = AgentSpec(id=agent, code=code_of(code), options=options or {}, **spec)
        except ValidationError as error:
            raise InvalidSpec(complaint(f"specification of {agent!r}", error)) from error
        self._request(StartAgent(ref=self._ref(), supervisor=under, spec=wanted), ANSWER_S)

    def stop_agent(self, agent: str) -> None:
        """Stop an agent for good and wait until it is down.  Raises UnknownAgent."""
        self._request(StopAgent(ref=self._ref(), agent=agent), ANSWER_S)

    def restart_agent(self, agent: str) -> None:
        """Start an agent that is down and wait until it is up.  Raises UnknownAgent, AgentError."""
        self._request(RestartAgent(ref=self._ref(), agent=agent), ANSWER_S)

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

    def status(self) -> RuntimeStatus:
        """Everything as it is now."""
        return RuntimeStatus.model_validate(self._request(ReadStatus(ref=self._ref()), ANSWER_S))

    def _ref(self) -> int:
        return next(self._refs)

    def _request(self, request: Frozen, timeout_s: float) -> Any:
        ref: int = request.ref  # type: ignore[attr-defined]  # all requests have one
        future: Future[Answered] = Future()
        with self._lock:
            if self._channel is None or self._ended:
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
        """The reader thread: until the runtime closes its end."""
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
            self._ended = True
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(RuntimeGone("the runtime's process ended before it answered"))


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
