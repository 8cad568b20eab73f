"""One process that plays an incarnation again: it is told frames, and what it says is heard and goes nowhere."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence

from scr.bounds import PAGE_BYTES
from scr.errors import ChannelError, StoreError
from scr.launch.launcher import Process
from scr.launch.output_capture import Capture
from scr.launch.reaper import Reaper, signal_group
from scr.launch.wait_status import WaitStatus
from scr.protocol.channel import LoopChannel
from scr.protocol.frames import (
    FROM_AGENT,
    Answer,
    Ask,
    Become,
    Commit,
    Deliver,
    Entry,
    Exiting,
    Fetch,
    FromAgent,
    Ignore,
    InDoubt,
    Ready,
    StepBegun,
    StepDone,
)
from scr.replay.outcome import Over
from scr.runtime.dispatch.pages import fitting
from scr.step_names import shown_step
from scr.supervise.exits import EndRequest, classify

END_S = 5.0
FRAME_BYTES = 1 << 30  # a turn comes with all its steps here, whatever the runtime had to cut into pieces
Pages = Callable[[int, int], Sequence[Entry]]


class Puppet:
    """Owns a blank process from now on.  Lives on the loop of the replay, one question at a time.

    `pages` answers what agents fetch of the entries; what it raises of the store's, `tell` raises.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, process: Process, reaper: Reaper, pages: Pages) -> None:
        self._loop, self._process, self._pages = loop, process, pages
        self._said: asyncio.Future[Commit | Ready | Over] = loop.create_future()
        self._ended = asyncio.Event()
        self._record: Exiting | None = None
        self._over: Over | None = None
        self._captures = [Capture(loop, fd, lambda _line: None) for fd in (process.stdout, process.stderr)]
        self._channel: LoopChannel[FromAgent] = LoopChannel(
            loop,
            process.channel,
            incoming=FROM_AGENT,
            hear=self._hear,
            broken=self._broken,
            limit_bytes=FRAME_BYTES,
        )
        reaper.watch(process.pid, process.pidfd, self._exited)

    async def tell(self, frame: Become | Deliver, limit_s: float) -> Commit | Ready | Over:
        """Say a frame, and wait for what it leads to.  Raises StoreError."""
        if self._over:
            return self._over
        self._said = self._loop.create_future()
        try:
            self._channel.send(frame)
            return await asyncio.wait_for(self._said, limit_s)
        except ChannelError as error:
            return Over(str(error))
        except TimeoutError:
            return Over(f"nothing came of it within {limit_s:g} s")

    async def end(self) -> None:
        """Kill the process, wait until it is no more, and let go of all that led to it."""
        signal_group(self._process.pid, self._process.pidfd, signal.SIGKILL)
        try:
            await asyncio.wait_for(self._ended.wait(), END_S)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of it.  Idempotent."""
        for capture in self._captures:
            capture.close()
        self._channel.close()
        self._process.close()

    def _hear(self, frame: FromAgent) -> None:
        match frame:
            case Commit() | Ready():
                self._tell(frame)
            case Ignore():
                self._tell(Over("it chose to stay down (scr.Ignored)"))
            case Fetch(ref=ref, after=after, limit=limit):
                self._fetched(ref, after, limit)
            case InDoubt(step=step) | StepBegun(name=step) | Ask(step=step):
                self._tell(Over(f"it came to step {shown_step(step)!r}, which the run had not finished"))
            case StepDone(step=record):
                self._tell(Over(f"it ran step {shown_step(record.name)!r}, which the run had not finished"))
            case Exiting():
                self._record = frame

    def _fetched(self, ref: int, after: int, limit: int) -> None:
        try:
            page = [entry.model_dump(mode="json") for entry in fitting(self._pages(after, limit), PAGE_BYTES)]
            self._channel.send(Answer(ref=ref, value=page))
        except ChannelError as error:
            self._tell(Over(str(error)))
        except StoreError as error:
            if not self._said.done():
                self._said.set_exception(error)

    def _broken(self, error: ChannelError) -> None:
        self._tell(Over(f"it broke the protocol: {error}"))

    def _exited(self, status: WaitStatus) -> None:
        self._channel.drain()
        for capture in self._captures:
            capture.drain()
        end = classify(self._record, status, EndRequest.NOTHING)
        tail = "\n".join(text for capture in self._captures if (text := capture.tail.rstrip("\n")))
        self._over = Over(f"{end.reason}: {end.detail}" if end.detail else str(end.reason), tail)
        self._tell(self._over)
        self._ended.set()

    def _tell(self, said: Commit | Ready | Over) -> None:
        if not self._said.done():
            self._said.set_result(said)
