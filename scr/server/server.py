"""The server: it takes runs in, starts those that are due, each in a runtime of its own, and tells how they do.

Everything here happens on one loop; whatever blocks happens beside it.  The
truth is in the store: what a server knows by itself is only whose turn it is,
what it works on, and what it leaves to a person.  So a server that is killed
costs nothing but time, and several may work on one store.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Literal, TypeAlias

from pydantic import JsonValue

from scr.errors import InvalidInput, RuntimeGone, ScrError
from scr.protocol.server import (
    AnyRequest,
    CancelRun,
    Follow,
    Followed,
    ReadServer,
    RunStatus,
    ServerStatus,
    Steer,
    Submit,
)
from scr.protocol.status import RunState
from scr.server import run_queries
from scr.server.active_runs import Floor
from scr.server.application import Trade
from scr.server.async_archive import Archivist
from scr.server.blocking_calls import beside
from scr.server.candidates import Offer
from scr.server.notices import Notice, What
from scr.server.outcomes import Aside, WorkCancelled, WorkDone, WorkFailed
from scr.server.run_queries import Glance, Survey
from scr.server.schedule import ServerBounds, WaitingLine, WaitingRun, plan

ROUND_S = 1.0
MOMENT_S = 0.02  # after the end of a lease
STOP_S = 12.0
GLANCE_S, LONGEST_GLANCE_S = 0.02, 0.25
SUBMITTERS_MAX = 10_000
LISTED = 100
State: TypeAlias = Literal["open", "paused", "draining"]
END_OF: Mapping[type, Literal["done", "failed", "cancelled", "aside"]] = {
    WorkDone: "done",
    WorkFailed: "failed",
    WorkCancelled: "cancelled",
    Aside: "aside",
}
STEERED: Mapping[str, tuple[State, What]] = {
    "pause": ("paused", "paused"),
    "unpause": ("open", "unpaused"),
    "drain": ("draining", "draining"),
}


class Server:
    """One server.  `tell` hears everything that happens to it."""

    def __init__(
        self,
        name: str,
        store: str,
        trades: Mapping[str, Trade],
        bounds: ServerBounds,
        tell: Callable[[Notice], None],
    ) -> None:
        self._name, self._shown, self._trades, self._bounds, self._tell = name, "", trades, bounds, tell
        self._archivist = Archivist(store)
        self._floor = Floor(store, self._happened, self._wake)
        self._survey = Survey(trades)
        self._offers: dict[str, Offer] = {}
        self._line = WaitingLine()
        self._submitters: OrderedDict[str, str] = OrderedDict()
        self._state: State = "open"
        self._trouble = ""
        self._news, self._is_over = asyncio.Event(), False

    # Its life.

    async def run(self) -> None:
        """Until it is stopped, or drained."""
        self._happened("serving", "", f"{self._name}, runs of {self._shown}")
        while not self._is_over:
            await self._round()
            if self._state == "draining" and not self._floor.hosted:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(ROUND_S, self._survey.next_s + MOMENT_S))
        await self._floor.leave(STOP_S)
        self._archivist.close()
        self._happened("ended", "", "")

    def stop(self) -> None:
        """End in order, soon: all that is under way can be gone on with."""
        self._is_over = True
        self._wake()

    async def settle(self) -> None:
        """Finish what a server that was killed had done, and not finished.  Called before all else.

        Raises StoreError when the store cannot be used.
        """
        self._shown = await self._archivist.ask(lambda archive: archive.shown)
        for trade in self._trades.values():
            for run in await beside(trade.unfinished, "scr-unfinished"):
                over = await self._archivist.ask(partial(run_queries.over, self._trades, run))
                if over:
                    await self._floor.finish(*over)

    async def _round(self) -> None:
        """See what there is in the store, and start what is due."""
        self._news.clear()
        busy = set(self._floor.hosted)
        try:
            offers = await self._archivist.ask(self._survey.look)
        except ScrError as error:
            self._troubled(str(error))
            return
        self._troubled("")
        busy |= set(self._floor.hosted)
        self._offers = {offer.run: offer for offer in offers if offer.run not in busy}
        self._floor.look(self._offers)
        if self._state == "open" and not self._is_over:
            self._start()

    def _start(self) -> None:
        under_way = [hosted.offer.agents for hosted in self._floor.hosted.values()]
        decided = plan(self._line, self._waiting(), under_way, self._bounds)
        self._line = decided.line
        for run in decided.starts:
            self._floor.begin(self._offers.pop(run.run))

    def _waiting(self) -> list[WaitingRun]:
        """Those that may be started, in the order in which they came."""
        free = (offer for offer in self._offers.values() if offer.run not in self._floor.held)
        return [offer.waiting(self._submitters.get(offer.run, "")) for offer in free]

    def _troubled(self, trouble: str) -> None:
        """The store cannot be read, or can again: told once."""
        if trouble and not self._trouble:
            self._happened("trouble", "", trouble)
        elif self._trouble and not trouble:
            self._happened("mended", "", "")
        self._trouble = trouble

    def _wake(self) -> None:
        self._news.set()

    def _happened(self, what: What, run: str, detail: str) -> None:
        self._tell(Notice(what=what, time=time.time(), run=run, detail=detail))

    # What clients ask.

    async def answer(self, request: AnyRequest) -> JsonValue:
        """The answer to one request.  Raises ScrError."""
        match request:
            case Submit():
                return await asyncio.shield(self._submit(request))  # whole, or not at all, whoever hangs up
            case Follow():
                return (await self._follow(request)).model_dump(mode="json")
            case CancelRun(run=run):
                return await self._cancel(run)
            case ReadServer():
                return self._status().model_dump(mode="json")
            case Steer(to=to):
                self._state, what = STEERED[to]
                self._happened(what, "", "")
                self._wake()
                return self._status().model_dump(mode="json")

    async def _submit(self, request: Submit) -> str:
        trade = self._trades.get(request.kind)
        if trade is None:
            known = ", ".join(sorted(self._trades))
            raise InvalidInput(f"this server knows no runs of kind {request.kind!r}; it knows: {known}")
        if self._state == "draining":
            raise InvalidInput(f"the server {self._name} is draining and takes no runs; submit to another")
        new = run_queries.New(trade.name(), trade, request.priority, trade.title(request.input))
        given = await beside(partial(trade.begin, new.run, request.input), "scr-begin")
        try:
            offer = await self._archivist.ask(partial(run_queries.enqueue, new, given, self._bounds))
        except ScrError:
            await beside(partial(trade.abandon, new.run), "scr-abandon")
            raise
        self._submitters[new.run] = request.submitter
        if len(self._submitters) > SUBMITTERS_MAX:
            self._submitters.popitem(last=False)
        self._offers[new.run] = offer
        self._happened("accepted", new.run, f"{new.title} ({request.priority} priority)")
        self._wake()
        return new.run

    async def _follow(self, request: Follow) -> Followed:
        """Look at the run again and again, until there is something to tell."""
        until, pause_s = time.monotonic() + request.wait_s, GLANCE_S
        while True:
            seen = await self._archivist.ask(partial(run_queries.glance, self._trades, request.run, request.since))
            found = self._as_followed(seen)
            if found.records or found.end or found.stands != request.stands or time.monotonic() >= until:
                return found
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_GLANCE_S)

    def _as_followed(self, seen: Glance) -> Followed:
        run, held = seen.run.run, self._floor.held.get(seen.run.run)
        is_hosted = run in self._floor.hosted
        end = None if is_hosted or seen.records else run_queries.end_seen(seen, held.why if held else "")
        order = islice(self._line.order(self._waiting()), LISTED)
        return Followed(
            run=run,
            title=seen.run.title,
            state=RunState.RUNNING if is_hosted else seen.run.state,
            ahead=next((place for place, waiting in enumerate(order) if waiting.run == run), None),
            folder=seen.folder,
            records=seen.records,
            end=None if end is None else END_OF[type(end)],
            output=end.output if isinstance(end, WorkDone) else None,
            why="" if end is None or isinstance(end, WorkDone) else end.why,
        )

    async def _cancel(self, run: str) -> str:
        """A run under way here is ended by its runtime; any other in the store."""
        hosted = self._floor.hosted.get(run)
        if hosted is not None:
            with suppress(RuntimeGone):
                await beside(hosted.cancel, "scr-cancel")
            return await self._floor.outcome(run)
        state = await self._archivist.ask(partial(run_queries.cancel, run))
        if self._offers.pop(run, None):
            self._happened("cancelled", run, "")
        return state

    def _status(self) -> ServerStatus:
        return ServerStatus(
            server=self._name,
            pid=os.getpid(),
            store=self._shown,
            state=self._state,
            agents=sum(hosted.offer.agents for hosted in self._floor.hosted.values()),
            agents_most=self._bounds.agents,
            runs_most=self._bounds.runs,
            queue_most=self._bounds.queue,
            waiting=len(self._waiting()),
            runs=tuple(self._runs()),
        )

    def _runs(self) -> Iterator[RunStatus]:
        for hosted in self._floor.hosted.values():
            yield self._run(hosted.offer, "running", since=hosted.since)
        for run in islice(self._line.order(self._waiting()), LISTED):
            offer = self._offers[run.run]
            yield self._run(offer, offer.state, since=offer.created)
        for held in islice(self._floor.held.values(), LISTED):
            yield self._run(held.offer, "aside", since=held.offer.created, detail=held.why)

    def _run(self, offer: Offer, state: str, *, since: float, detail: str = "") -> RunStatus:
        fields: dict[str, JsonValue] = {
            "run": offer.run,
            "title": offer.title,
            "state": state,
            "priority": offer.priority,
        }
        fields |= {"submitter": self._submitters.get(offer.run, ""), "agents": offer.agents}
        return RunStatus.model_validate(fields | {"since": since, "detail": detail})
