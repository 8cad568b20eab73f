"""Where a run is played again: fresh interpreters, and a table as it was, until all of it is taken down."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from pydantic import JsonValue

from scr.errors import LaunchFailed, TableUnavailable
from scr.launch.launcher import BLANK, Process
from scr.launch.reaper import Reaper
from scr.launch.spawn_launcher import SpawnLauncher
from scr.launch.standby import StandbyPool
from scr.messages import RUNTIME, Result, Task, TaskPayload, origin
from scr.protocol.frames import Become, Commit, Deliver, Entry, FromAgent, ServiceAddress
from scr.replay.outcome import Over
from scr.replay.recording import Recording
from scr.replay.replayed_process import Pages, Puppet
from scr.replay.table_agent import Later, Turned
from scr.runtime.preload import ENTRY
from scr.specs import Code
from scr.table import TABLE_SERVICE

PAST = "past"
PAST_CODE = Code(reference="scr.replay.table_agent:PastAgent")
PAST_S = 30.0
AHEAD = 1  # processes that start up while others play
KEY_BYTES = 32


class SandboxRuntime:
    """The processes of a replay.  Lives on its loop; `raised` makes it and takes it down."""

    def __init__(self, loop: asyncio.AbstractEventLoop, recording: Recording, folder: Path) -> None:
        self._loop, self._recording = loop, recording
        self.table = ServiceAddress(path=str(folder / "table"), authkey=os.urandom(KEY_BYTES).hex())
        self._reaper = Reaper(loop)
        spawn = SpawnLauncher(loop, entry=ENTRY, runtime_id=f"replay-{os.urandom(4).hex()}")
        self._launcher = StandbyPool(spawn, AHEAD)
        self._puppets: set[Puppet] = set()
        self._past: Puppet | None = None
        self._version = 0

    async def puppet(self, pages: Pages | None = None) -> Puppet:
        """A blank process to play with; what it fetches is of the version that the table is at.

        Raises LaunchFailed.
        """
        launched: asyncio.Future[Process] = self._loop.create_future()
        self._launcher.launch(BLANK, partial(_arrived, launched))
        puppet = Puppet(self._loop, await launched, self._reaper, pages or self._entries_then)
        self._puppets.add(puppet)
        return puppet

    async def drop(self, puppet: Puppet) -> None:
        """End a process that has played its part."""
        self._puppets.discard(puppet)
        await puppet.end()

    async def turn_table(self, version: int) -> None:
        """Have the table be as at that version.  Raises TableUnavailable when it cannot be served."""
        self._version = version
        await self._tell_past("turn", Turned(version=version).model_dump())

    async def later(self, until: int) -> list[int]:
        """Up to which later versions, at most `until`, what was recalled since the table turned is another."""
        found = await self._tell_past("later", Later(until=until).model_dump())
        return [version for version in found if isinstance(version, int)] if isinstance(found, list) else []

    async def close(self) -> None:
        """End everything that was started."""
        await self._launcher.close()
        self._reaper.close()
        for puppet in self._puppets:
            puppet.close()

    def _entries_then(self, after: int, limit: int) -> Sequence[Entry]:
        return self._recording.entries_then(self._version, after, limit)

    async def _tell_past(self, kind: str, given: JsonValue) -> JsonValue:
        past = self._past = self._past or await self._started_past()
        envelope = origin(message_id=kind, sender=RUNTIME, to=PAST, at=0.0)
        task = Task(payload=TaskPayload(task_id=kind, kind=kind, input=given), **envelope)
        match await past.tell(Deliver(message=task), PAST_S):
            case Commit(sends=(Result(payload=payload),)):
                return payload.output
            case other:
                raise _no_past(other)

    async def _started_past(self) -> Puppet:
        past = await self.puppet(self._recording.entries)
        become = Become(agent=PAST, incarnation=1, code=PAST_CODE, services={TABLE_SERVICE: self.table})
        said = await past.tell(become, PAST_S)
        if isinstance(said, Over):
            raise _no_past(said)
        return past


@asynccontextmanager
async def raised(recording: Recording) -> AsyncIterator[SandboxRuntime]:
    """Inside, there is a stage; after it, nothing that it started is left.  On the loop of the main thread."""
    with tempfile.TemporaryDirectory(prefix="scr-replay-") as folder:
        stage = SandboxRuntime(asyncio.get_running_loop(), recording, Path(folder))
        try:
            yield stage
        finally:
            await stage.close()


def _arrived(launched: asyncio.Future[Process], outcome: Process | LaunchFailed) -> None:
    """A process, for whoever still waits for one."""
    if isinstance(outcome, LaunchFailed):
        if not launched.done():
            launched.set_exception(outcome)
    elif launched.done():
        outcome.close()
    else:
        launched.set_result(outcome)


def _no_past(said: Over | FromAgent) -> TableUnavailable:
    why = said.why if isinstance(said, Over) else f"its process answered with {type(said).__name__}"
    last = said.tail.rpartition("\n")[2] if isinstance(said, Over) else ""
    told = f"{why}; the last that its process printed: {last}" if last else why
    return TableUnavailable(f"what the agents of the run remembered cannot be served to the replay: {told}")
