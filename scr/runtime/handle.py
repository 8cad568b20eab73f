"""A runtime as the program that owns it sees it: started as a process of its own, gone when the program is.

The program's own process gets no forks, no signal handlers and no subreaper:
one thread reads what the runtime says.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from pydantic import JsonValue

from scr.behaviour.code import code_of, spec_of
from scr.config import Settings, from_environment
from scr.errors import ScrError
from scr.runtime import preload as preloads
from scr.runtime.charter import Boot
from scr.runtime.client import ANSWER_S, END_S, Client
from scr.runtime.requests import StartAgent, Subscribe
from scr.runtime.spawn import Spawned, spawn
from scr.runtime.tree import AGENTS_TREE, MEMORY
from scr.specs import Code, SupervisorSpec, check
from scr.telemetry.events import Record


class Runtime(Client):
    """Use it as a context manager: inside, the runtime runs; after it, nothing that it started is left.

        with scr.Runtime() as runtime:
            runtime.start_agent("echo", Echo)
            print(runtime.ask("echo", {"n": 1}))

    Every method may be called from any thread, blocks until it is answered and
    raises RuntimeGone when the runtime's process ends meanwhile.  `preload` are
    modules that the zygote imports, so that agents need not.  `spawned` is a
    process that was started ahead; without one, `start` starts it.  A tree that
    contradicts itself is refused at once, with InvalidSpec.
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
        check(tree)
        settings = settings or from_environment()
        super().__init__(listener, frame_bytes=settings.limits.frame_bytes)
        self._tree, self._settings, self._preload = tree, settings, (*settings.preload, *preload)
        self._spawned = spawned
        self.id = ""
        self._process: subprocess.Popen[bytes] | None = None

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
        self.id, self._process = spawned.runtime, spawned.process
        boot = Boot(runtime=self.id, tree=self._tree, settings=self._settings, memory=MEMORY)
        self.open(spawned.control, boot)
        if self._listener and self._channel:
            self._channel.send(Subscribe(ref=self._ref()))  # its answer waits for the runtime's imports, and we do not

    def stop(self) -> None:
        """Stop everything in order and wait for it; kill what does not stop.  Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            self.shut_down()
            process.wait(END_S)
        except (ScrError, subprocess.TimeoutExpired):
            process.kill()
        finally:
            process.wait(END_S)
            self.wait_end(END_S)  # the last events are still to be heard
            self.close()

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
        wanted = spec_of(agent, code, options, spec)
        self._request(StartAgent(ref=self._ref(), supervisor=under, spec=wanted), ANSWER_S)

    def replace_code(self, agent: str, code: type | Callable[..., Any] | Code | str) -> None:
        """Have an agent run other code from its next message on, with its state; see `reload_agent`."""
        self.reload_agent(agent, code_of(code))
