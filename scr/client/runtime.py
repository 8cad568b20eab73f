"""A runtime as the program that owns it sees it: started as a process of its own, gone when the program is.

The program's own process gets no forks, no signal handlers and no subreaper:
one thread reads what the runtime says.
"""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from pydantic import JsonValue

from scr.agent.arguments import address, made
from scr.agent.code import agent_code, refuse_opening, spec_of
from scr.agent.spec_fields import AgentFields
from scr.client.client import ANSWER_S, Client
from scr.client.connection import END_S
from scr.client.spawn import Spawned, spawn, wait_for
from scr.config import Settings
from scr.environment import from_environment
from scr.errors import ScrError
from scr.failpoints import arm, reach
from scr.messages import Message
from scr.protocol.boot import Boot
from scr.protocol.channel import BlockingChannel
from scr.protocol.control import FROM_CONTROL, Answered, FromControl, StartAgent, Subscribe
from scr.protocol.framing import FRAME_MAX
from scr.protocol.socket_dir import discard_scratch
from scr.runtime import preload as preloads
from scr.runtime.tree import AGENTS_TREE, MEMORY
from scr.specs import Code, SupervisorSpec, cautions, check, check_size
from scr.store.url import MEMORY as IN_MEMORY
from scr.store.url import shown_url, store_url
from scr.telemetry.events import Record
from scr.telemetry.log_lines import KINDS, Line
from scr.telemetry.program_log import ProgramLog

RESTARTS_MAX, WITHIN_S = 3, 60.0


class Runtime(Client):
    """Use it as a context manager: inside, the runtime runs; after it, nothing that it started is left.

        with scr.Runtime() as runtime:
            runtime.start_agent("echo", Echo)
            print(runtime.ask("echo", {"n": 1}))

    Every method may be called from any thread, blocks until it is answered and
    raises RuntimeGone when the runtime's process ends meanwhile.  `preload` are
    modules that the zygote imports, so that agents need not.  `spawned` is a
    process that was started ahead; without one, `start` starts it.  Without a `tree` there are the shared table and
    `agents`, the supervisor of what `start_agent` starts.  A tree that
    contradicts itself is refused at once, with InvalidSpec; of one that is
    allowed and seldom meant a UserWarning tells.

    `store` is a URL or the path of a file; one that cannot be meant is refused
    here, with InvalidInput.  With a durable one (`sqlite:///work.db`) this handle is also the
    runtime's keeper: a runtime that dies is started again from the store, up to
    `RESTARTS_MAX` times in `WITHIN_S`, and what was asked is asked again.  The
    next program that gives the same `run` goes on where this one was ended.

    What goes wrong (crashes, dead letters, parked agents, supervisors that give
    up) is told to the program's `logging` as WARNING or ERROR of the logger
    `scr`, what agents print and log as INFO of `scr.agents.NAME`; `quiet` turns
    that off.

    `first` is a message to begin the run with: it is in the store as soon as the run is.
    `ticket` is the owner that holds the run for this handle's runtime.
    """

    first: Message | None = None
    ticket: str = ""

    def __init__(
        self,
        tree: SupervisorSpec | None = None,
        *,
        settings: Settings | None = None,
        preload: tuple[str, ...] = preloads.AGENTS,
        listener: Callable[[Record], None] | None = None,
        spawned: Spawned | None = None,
        store: str | Path | None = None,
        run: str | None = None,
        title: str = "",
        quiet: bool = False,
    ) -> None:
        tree = AGENTS_TREE if tree is None else tree
        check(tree)
        for caution in cautions(tree):
            warnings.warn(caution, stacklevel=2)
        settings = settings or from_environment()
        check_size(tree, settings.limits.frame_bytes)
        settings = settings.model_copy(update={"store": store_url(settings.store if store is None else store)})
        self._log = None if quiet else ProgramLog()
        self._hears, self._kinds = listener, () if listener else KINDS
        super().__init__(self._heard, frame_bytes=settings.limits.frame_bytes)
        self._run, self._title = run, title
        self._keeping = threading.Lock()
        self._restarts: deque[float] = deque(maxlen=RESTARTS_MAX)
        self._tree, self._settings, self._preload = tree, settings, (*settings.preload, *preload)
        self._spawned = spawned
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        store = shown_url(str(self._settings.store))
        return f"<Runtime run={self.run or 'new'} store={store} pid={self.pid} {self._state}>"

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        self._check_process()
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_forked:  # in a fork, no thread of the loop's is there to wait in
            await asyncio.to_thread(self.stop)

    @property
    def pid(self) -> int:
        """The pid of the runtime's process; 0 before it is started."""
        return self._process.pid if self._process else 0

    @property
    def run(self) -> str:
        """The name of the run in its store; given, or the first runtime's id."""
        return self._run or self.id

    def start(self) -> None:
        """Start the runtime's process.  Returns at once; the tree starts in its own time."""
        self._check_process()
        refuse_opening()
        arm("keeper")
        spawned, self._spawned = self._spawned or spawn(self._preload, self._settings.launcher), None
        reach("keeper.spawned")
        self.open(spawned.control, self._charter(spawned))
        reach("keeper.told")
        self._listen()

    def _charter(self, spawned: Spawned) -> Boot:
        """What the new process is to be, from now on this handle's runtime."""
        self.id, self._process = spawned.runtime, spawned.process
        self._run = self._run or self.id
        return Boot(
            runtime=self.id,
            run=self._run,
            title=self._title,
            tree=self._tree,
            settings=self._settings,
            memory=MEMORY,
            first=self.first,
            ticket=self.ticket,
        )

    def _listen(self) -> None:
        if (self._hears or self._log) and self._channel:
            subscribe = Subscribe(ref=self.ref(), kinds=self._kinds)
            self._channel.send(subscribe)  # its answer waits for the runtime's imports, and we do not

    def _heard(self, record: Record) -> None:
        """Hear an event, in the reader's thread."""
        if self._log:
            self._log.hear(record)
        if self._hears:
            self._hears(record)

    def _resume(self) -> BlockingChannel[FromControl] | None:
        """Start a runtime again that has died, from its store; in the reader's thread."""
        with self._keeping:
            process = self._process
            if process is None or self._fatal or self._settings.store == IN_MEMORY:
                return None
            with suppress(subprocess.TimeoutExpired):
                if wait_for(process, END_S) == 0:
                    return None  # it has ended on purpose, and has said why
            process.kill()
            discard_scratch(self.id)
            if self._is_hopeless():
                sentence = (
                    f"the runtime died {RESTARTS_MAX + 1} times within {WITHIN_S:g} s; the run {self.run!r} is kept"
                )
                self._fatal = Answered(ref=0, error="RuntimeGone", detail=f"{sentence}: start it again to go on")
                return None
            return self._replace()

    def _is_hopeless(self) -> bool:
        now = time.monotonic()
        is_full = len(self._restarts) == RESTARTS_MAX and now - self._restarts[0] < WITHIN_S
        self._restarts.append(now)
        return is_full

    def _replace(self) -> BlockingChannel[FromControl]:
        before = self._channel
        spawned = spawn(self._preload, self._settings.launcher)
        channel = BlockingChannel(spawned.control, FROM_CONTROL, self._frame_bytes, FRAME_MAX)
        channel.send(self._charter(spawned))
        if before:
            before.close()
        self._ask_again(channel)
        self._listen()
        if self._log:
            self._log.tell(
                Line("WARNING", f"the runtime died; another one (pid {self.pid}) goes on with run {self.run}")
            )
        return channel

    def stop(self, reason: str = "requested") -> None:
        """Stop everything in order and wait for it; kill what does not stop.  Idempotent.

        Nothing happens in a fork of the process that started the runtime: it is not the fork's.
        """
        if self._is_forked:
            return
        with self._keeping:
            process, self._process = self._process, None
        if process is None:
            return
        try:
            self.shut_down(reason)
        except ScrError:  # it is ending already, or hears nothing: then the end of the connection tells it
            self.close()
        try:
            wait_for(process, END_S)
        except subprocess.TimeoutExpired:
            process.kill()
        finally:
            wait_for(process, END_S)
            self.wait_end(END_S)  # the last events are still to be heard
            self.close()
            if self._log:
                self._log.close()

    def start_agent(
        self,
        agent: str,
        code: type | Callable[..., Any] | Code | str,
        *,
        options: dict[str, JsonValue] | None = None,
        under: str = "agents",
        **spec: Unpack[AgentFields],
    ) -> None:
        """Start an agent and wait until it is up; further keywords are fields of `AgentSpec`.

        Raises InvalidCode, InvalidSpec, AlreadyStarted, StartFailed.
        """
        wanted, supervisor = spec_of(agent, code, options, spec), address(under, "a supervisor's name")
        self.request(made(StartAgent, ref=self.ref(), supervisor=supervisor, spec=wanted), ANSWER_S)

    def replace_code(self, agent: str, code: type | Callable[..., Any] | Code | str) -> None:
        """Have an agent run other code from its next message on, with its state; see `reload_agent`."""
        self.reload_agent(agent, agent_code(code))
