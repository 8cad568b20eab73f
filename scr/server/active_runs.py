"""The runs that a server works on, and those that it leaves alone after it has.

Lives on the server's loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import inf

from scr.environment import from_environment
from scr.errors import RunOwned, ScrError
from scr.server import run_queries
from scr.server.blocking_calls import beside
from scr.server.candidates import Offer
from scr.server.hosted_run import Hosted
from scr.server.notices import What
from scr.server.outcomes import (
    Aside,
    Elsewhere,
    End,
    Left,
    Troubled,
    WorkCancelled,
    WorkDone,
    WorkFailed,
    end_of,
    word_of,
)
from scr.store.archive.archive import open_archive

AGAIN_S = 5.0
RENEWALS = 3  # in each lease
START_S = 60.0  # a runtime that has not taken its run by then may lose it
Tell = Callable[[What, str, str], None]
Finished = WorkDone | WorkFailed | WorkCancelled


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run that is left alone until then, in monotonic seconds, and why it is left for good, if it is."""

    offer: Offer
    until: float
    why: str = ""


class Floor:
    """`tell` hears what happens to runs; `freed` is called when the work on one has ended.

    Raises InvalidInput where the environment asks for settings that no runtime could be started with.
    """

    def __init__(self, store: str, tell: Tell, freed: Callable[[], None]) -> None:
        self._store, self._tell, self._freed = store, tell, freed
        self._lease_s = from_environment().lease_s
        self.hosted: dict[str, Hosted] = {}
        self.held: dict[str, HeldRun] = {}
        self._tasks: dict[str, asyncio.Task[End]] = {}

    def begin(self, offer: Offer) -> None:
        """Work on a run that nobody here works on."""
        try:
            hosted = Hosted(offer, self._store)
        except Exception as error:  # noqa: BLE001  a run that goes wrong must harm no other
            self._set_aside(offer, str(error))
            return
        self.hosted[offer.run] = hosted
        self._tasks[offer.run] = asyncio.get_running_loop().create_task(self._work(hosted))

    def look(self, listed: Collection[str]) -> None:
        """Tell of runtimes that died; forget what was held and is not listed any more, or not held any longer."""
        for hosted in self.hosted.values():
            self._tell_restart(hosted)
        now = time.monotonic()
        self.held = {run: held for run, held in self.held.items() if run in listed and held.until > now}

    async def leave(self, limit_s: float) -> None:
        """Stop all runtimes in order, at once; waits for that, `limit_s` at most."""
        for hosted in self.hosted.values():
            beside(hosted.leave, "scr-leave")
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=limit_s)

    async def outcome(self, run: str) -> str:
        """How the work on a run that is worked on ends, in a word."""
        end = await asyncio.shield(self._tasks[run])
        return word_of(end)

    async def _work(self, hosted: Hosted) -> End:
        run = hosted.offer.run
        try:
            end = await self._held(hosted) or await self._worked(hosted)
            await self._conclude(hosted.offer, end)
            return end
        finally:
            del self.hosted[run], self._tasks[run]
            self._freed()

    async def _held(self, hosted: Hosted) -> End | None:
        """Take the run before a runtime is started for it; how the work ends where that is not to be."""
        offer = hosted.offer
        try:
            hosted.ticket = await beside(partial(held, self._store, offer.run), f"scr-hold-{offer.run}")
        except RunOwned:  # another server was faster, as one of them always is
            return Elsewhere()
        except Exception as error:  # noqa: BLE001  a run that goes wrong must harm no other
            return end_of(error, is_leaving=False)
        self._tell("resumed" if offer.begun else "started", offer.run, offer.title)
        return None

    async def _worked(self, hosted: Hosted) -> End:
        run = hosted.offer.run
        renewing = asyncio.get_running_loop().create_task(self._renew(hosted))
        try:
            end = await beside(hosted.work, f"scr-run-{run}")
        finally:
            renewing.cancel()
        self._tell_restart(hosted)
        with suppress(ScrError):  # then the lease ends it
            await beside(partial(let_go, self._store, run, hosted.ticket), f"scr-let-go-{run}")
        return end

    async def _renew(self, hosted: Hosted) -> None:
        """Keep the run for its runtime, until that has taken it."""
        run, is_held, until = hosted.offer.run, True, time.monotonic() + START_S
        while is_held and time.monotonic() < until:
            await asyncio.sleep(self._lease_s / RENEWALS)
            with suppress(ScrError):  # then the next renewal may be in time
                is_held = await beside(partial(renewed, self._store, run, hosted.ticket), f"scr-renew-{run}")

    def _tell_restart(self, hosted: Hosted) -> None:
        if hosted.is_restarted():
            self._tell("restarted", hosted.offer.run, "")

    async def _conclude(self, offer: Offer, end: End) -> None:
        """Say how it ended; hold what cannot be gone on with at once, or not by this server."""
        match end:
            case WorkDone() | WorkFailed() | WorkCancelled():
                await self.finish(offer, end)
            case Elsewhere(why=why):  # until the lease of its owner ends, no survey finds it
                self._tell("elsewhere", offer.run, why)
            case Left():
                self._tell("left", offer.run, "")
            case Troubled(why=why):
                self.held[offer.run] = HeldRun(offer, time.monotonic() + AGAIN_S)
                self._tell("trouble", offer.run, why)
            case Aside(why=why):
                self._set_aside(offer, why)

    def _set_aside(self, offer: Offer, why: str) -> None:
        self.held[offer.run] = HeldRun(offer, inf, why)
        self._tell("aside", offer.run, why)

    async def finish(self, offer: Offer, end: Finished) -> None:
        """Have a run that is over leave what it leaves, and say so."""
        try:
            end, left = await beside(partial(finished, self._store, offer, end), f"scr-finish-{offer.run}")
        except (ScrError, OSError) as error:
            left = f"what it leaves could not be written: {error}"
        match end:
            case WorkDone():
                self._tell("done", offer.run, left)
            case WorkFailed(why=why):
                self._tell("failed", offer.run, f"{why}; {left}")
            case WorkCancelled():
                self._tell("cancelled", offer.run, left)


def held(store: str, run: str) -> str:
    """Take the run for a runtime that is to be started; its ticket.  Blocks."""
    with open_archive(store) as archive:
        return archive.hold(run, from_environment().lease_s)


def renewed(store: str, run: str, ticket: str) -> bool:
    """Hold the run for another lease; whether it is still held with that ticket.  Blocks."""
    with open_archive(store) as archive:
        return archive.renew(run, ticket, from_environment().lease_s)


def let_go(store: str, run: str, ticket: str) -> None:
    """Own the run no more, where its runtime has not taken it.  Blocks."""
    with open_archive(store) as archive:
        archive.let_go(run, ticket)


def finished(store: str, offer: Offer, end: Finished) -> tuple[Finished, str]:
    """How the run has ended, as the store has it, and what it leaves, in words.  Blocks."""
    with open_archive(store) as archive:
        if isinstance(end, WorkCancelled):
            archive.cancel(offer.run)
        elif why := run_queries.why_failed(offer.trade, archive.answer(offer.run)):
            end = WorkFailed(why)
        output = end.output if isinstance(end, WorkDone) else None
        return end, offer.trade.finish(offer.given, output, run_queries.records(archive, offer.run))
