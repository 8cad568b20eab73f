"""A running system: the parts joined, and what one tells the other.

Lives in the runtime, on its loop.  This is the supervisor's house and the
turns' way to the supervisor; it decides nothing itself.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from scr.failpoints import reach
from scr.frames import Answer, Become, FromAgent, TableAddress
from scr.launch.launcher import Launcher
from scr.launch.reaper import Reaper
from scr.mail.pending import Pending
from scr.messages import ExitReason
from scr.retry import ErrorInfo
from scr.runtime.care import Care
from scr.runtime.charter import Boot
from scr.runtime.crash_log import CrashLog
from scr.runtime.crashes import error_of_exit
from scr.runtime.departures import Departures
from scr.runtime.effects import Settled, settle
from scr.runtime.failures import Failed
from scr.runtime.keeping import when_told
from scr.runtime.operations import Operations
from scr.runtime.output import Output
from scr.runtime.reload import Reloads
from scr.runtime.requests import RuntimeStatus
from scr.runtime.restore import announce, carry_on, restore
from scr.runtime.scratch import TABLE
from scr.runtime.starts import Starts, heard
from scr.runtime.status import absent_status, named, status_of
from scr.runtime.turns import Turns
from scr.specs import AgentSpec, OnError
from scr.store.records import StoreStatus
from scr.store.store import Store
from scr.supervise.exits import Asked, Exit
from scr.supervise.incarnation import Incarnation
from scr.supervise.orders import Fate
from scr.supervise.reads import in_start_order
from scr.supervise.supervisor import Supervisor
from scr.supervise.tree import Goal, Phase, Tree
from scr.telemetry.events import (
    AgentExited,
    AgentHalted,
    AgentResumed,
    AgentStarting,
    AgentUnkillable,
    AgentUp,
    RuntimeDown,
    RuntimeUp,
    StoreChanged,
    SupervisorGaveUp,
)
from scr.telemetry.sinks import EventLog
from scr.turns.happenings import summary


class System:
    """Everything of one runtime but the control socket.

    `over` is called once, when nothing lives any more; `helpers` tells of the
    processes that are no agents.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        boot: Boot,
        scratch: Path,
        launcher: Launcher,
        store: Store,
        *,
        fresh: Callable[[], Launcher],
        over: Callable[[], None],
        helpers: Callable[[], dict[str, int]],
    ) -> None:
        limits = boot.settings.limits
        self._loop, self._boot, self.limits, self._over, self._helpers = loop, boot, limits, over, helpers
        self._since = time.monotonic()
        self._downs: dict[str, float] = {}
        self._care = Care(loop, scratch, self, store.held_up)
        self._unready: list[Callable[[str], None]] = []
        self.is_cut_short = False
        self._table = TableAddress(path=str(scratch / TABLE), authkey=secrets.token_hex(32))
        self.store = store
        self.events = EventLog(
            lambda: (time.monotonic(), time.time()), limits.events_kept, store.append, store.image.seq
        )
        self._output = Output(self.events, limits.output_lines_per_s)
        size = limits.frame_bytes
        self.turns = Turns(
            loop, store, self.events, self, self._care, memory=boot.memory, frame_bytes=size, run=boot.run
        )
        self.departures = Departures(self.turns, store, self.events)
        self.reloads = Reloads(launcher, fresh, self.events)
        self.supervisor = Supervisor(
            loop,
            Tree.of(boot.tree, past=store.image.incarnations),
            launch=self.reloads.launch,
            reaper=Reaper(loop, self._halted),
            house=self,
            frame_bytes=size,
            tail_bytes=limits.tail_bytes,
        )
        self._crashes = CrashLog(self.supervisor, self.turns.router, store)
        self._starts = Starts(loop, self.supervisor, self.turns, self.departures)
        self.operations = Operations(self.supervisor, self._starts, self.departures, self.reloads)

    def start(self) -> None:
        """Start the tree, and go on with what an earlier runtime of the run has left."""
        boot, image = self._boot, self.store.image
        self.events.emit(
            RuntimeUp(runtime=boot.runtime, pid=os.getpid(), run=boot.run, epoch=image.epoch, resumed=image.resumed)
        )
        added = restore(image, self.turns, self.departures, boot.tree, announce(image, self.events))
        reach("runtime.restored")
        self.supervisor.start()
        for kept in added:
            self._starts.bring_back(kept)
        carry_on(image, self.turns)

    def stop(self, reason: str, within_s: float) -> None:
        """Stop everything in order; what still lives after `within_s` is killed."""
        self.turns.end()
        self.supervisor.stop(reason, within_s)

    def when_ready(self, tell: Callable[[str], None]) -> None:
        """Call `tell` once: with nothing when the whole tree is up, with the reason when it will not be."""
        self._unready.append(tell)
        self.settled()

    def poke(self) -> None:
        """Have every agent that is up answer: the next status tells who did."""
        for child in self.supervisor.tree.children.values():
            if child.phase is Phase.UP:
                self._care.poke(child.id, child.incarnation)

    def store_changed(self, status: StoreStatus) -> None:
        """There is trouble with the store, or it is over."""
        self.events.emit(StoreChanged(state=status.state, detail=status.detail))

    def status(self) -> RuntimeStatus:
        """Everything as it is now."""
        at, router, counts = time.monotonic(), self.turns.router, self.store.counts()
        children = in_start_order(self.supervisor.tree)
        return RuntimeStatus(
            runtime=self._boot.runtime,
            run=self._boot.run,
            pid=os.getpid(),
            uptime_s=at - self._since,
            agents=(
                *(status_of(child, self.supervisor, router, self._care, at=at) for child in children),
                *(absent_status(spec, parent, router) for spec, parent in self.departures.left.values()),
            ),
            open_messages=counts.open_messages,
            dead_letters=counts.dead_letters,
            crashes=counts.crashes,
            in_doubt=counts.parked,
            store=self.store.status(),
            helpers=self._helpers(),
        )

    # The supervisor's house.

    def become(self, incarnation: Incarnation) -> Become:
        """Who a new process is to be, with the last committed state."""
        spec = incarnation.spec
        pulse, incarnation.memory_group = self._care.admit(incarnation)
        return Become(
            agent=spec.id,
            incarnation=incarnation.number,
            pulse=str(pulse) if pulse else None,
            code=self.reloads.code_of(spec),
            options=spec.options,
            limits=spec.limits,
            state=self.turns.state_of(spec.id),
            table=self._table if self._boot.memory else None,
            max_sends=self.limits.sends_per_turn,
            max_frame_bytes=self.limits.frame_bytes,
            retries=spec.on_error is OnError.RETRY,
            messages=spec.messages,
        )

    def starting(self, spec: AgentSpec, incarnation: int) -> None:
        """The agent exists from now on, and takes mail."""
        parent = self.supervisor.tree.children[spec.id].parent or ""
        self.departures.started(spec, parent)
        self.turns.opened(spec)
        self.store.admit(spec, parent, incarnation)
        self.events.emit(
            AgentStarting(agent=spec.id, incarnation=incarnation, supervisor=parent, code=named(spec.code))
        )

    def up(self, incarnation: Incarnation) -> None:
        """Ready for messages."""
        agent = incarnation.spec.id
        down_at = self._downs.pop(agent, None)
        down_ms = None if down_at is None else (time.monotonic() - down_at) * 1000
        self._care.came_up(agent, incarnation.number)
        self.events.emit(AgentUp(agent=agent, incarnation=incarnation.number, pid=incarnation.pid, down_ms=down_ms))
        assert incarnation.channel is not None
        self.turns.up(agent, incarnation.number, incarnation.channel)

    def stopping(self, agent: str) -> None:
        """Hand it nothing more."""
        self.turns.router.pause(agent)

    def said(self, agent: str, incarnation: int, frame: FromAgent) -> None:
        """A frame of a turn."""
        self.turns.said(agent, incarnation, frame)

    def printed(self, agent: str, stream: str, line: str) -> None:
        """A line of output."""
        self._output.printed(agent, stream, line, time.monotonic())

    def exited(self, incarnation: Incarnation, end: Exit) -> bool:
        """An incarnation ended: keep why and tell it, then put its message back or aside."""
        reach("runtime.exit_seen")
        agent = incarnation.spec.id
        self._care.dismiss(agent, incarnation.number)
        self._crashes.died(incarnation, end)
        pending = self.turns.router.in_hand(agent)
        self._downs[agent] = time.monotonic()
        self._output.ended(agent)
        seq = self.events.emit(
            AgentExited(
                agent=agent,
                incarnation=incarnation.number,
                pid=incarnation.pid,
                reason=end.reason,
                detail=end.detail,
                asked=incarnation.asked,
                in_hand=pending.message.message_id if pending else None,
                deliveries=pending.turn.deliveries if pending else 0,
                tail=incarnation.tail,
            )
        )
        blamed = incarnation.asked is Asked.NOTHING or incarnation.asked is Asked.HUNG
        if blamed:
            self.reloads.failed(agent, end.detail or str(end.reason))
        failed = Failed(agent, incarnation.number, error_of_exit(incarnation.record, end), seq)
        if not incarnation.ready:
            self.departures.start_failed(agent, failed.error)
        return self.turns.died(failed, blamed=blamed)

    def raised(self, agent: str, incarnation: int, error: ErrorInfo, pending: Pending) -> None:
        """Keep what a handler raised as a crash; if its code is new, the old is put back."""
        self._crashes.raised(agent, incarnation, error, pending)
        self.reloads.failed(agent, summary(error))

    def gone(self, agent: str, reason: ExitReason, detail: str, fate: Fate) -> None:
        """The agent is down to stay; where the whole tree ends, it is the runtime that does: all mail stays open."""
        if self.supervisor.tree.teams[self._boot.tree.id].closing:
            self.turns.end()
        self._downs.pop(agent, None)
        if fate is Fate.ENDED:
            self.reloads.forget(agent)
        self.departures.depart(agent, reason, detail, fate)

    def gave_up(self, supervisor: str, causes: tuple[str, ...]) -> None:
        """A supervisor reached its limit."""
        self.events.emit(SupervisorGaveUp(supervisor=supervisor, causes=causes))

    def unkillable(self, incarnation: Incarnation) -> None:
        """SIGKILL did not end it: the tree goes on without it."""
        self.events.emit(
            AgentUnkillable(agent=incarnation.spec.id, incarnation=incarnation.number, pid=incarnation.pid)
        )

    def finished(self, reason: str, causes: tuple[str, ...]) -> None:
        """Nothing lives any more.  A run that could not be gone on with this time may be the next: its keeper tries."""
        self.is_cut_short = self.store.image.resumed and reason == ExitReason.START_FAILED
        when_told(self._loop, self.store, partial(self._down, reason, causes))

    def _down(self, reason: str, causes: tuple[str, ...]) -> None:
        self.events.emit(RuntimeDown(reason=reason, causes=causes))
        self._tell_ready("; ".join((f"the runtime stopped: {reason}", *causes)))
        self._over()

    # The turns' way to the supervisor.

    def start_child(self, supervisor: str, spec: AgentSpec, settled: Settled) -> None:
        """Start an agent on behalf of another."""
        self._starts.start(supervisor, spec, partial(settle, settled))

    def stop_child(self, agent: str, settled: Settled) -> None:
        """Stop an agent on behalf of another; one that there is none of is stopped already."""
        self.operations.stop_agent(agent, partial(settle, settled))

    def cancel(self, message_id: str) -> int:
        """Drop a client's message and all that grew out of it; whoever works on it is replaced by a fresh process."""
        return self.turns.cancel(message_id)

    def tell(self, agent: str, incarnation: int, frame: Answer) -> None:
        """A frame to a live incarnation."""
        self.supervisor.tell(agent, incarnation, frame)

    def _halted(self, pid: int, is_halted: bool) -> None:
        """A process was stopped from outside, or goes on; an agent that stays stopped is as good as hung."""
        live = self.supervisor.by_pid(pid)
        if live is None:
            return
        agent = live.spec.id
        self.events.emit((AgentHalted if is_halted else AgentResumed)(agent=agent, incarnation=live.number, pid=pid))
        if self.turns.router.in_hand(agent) is None:
            self._care.halted(live, is_halted=is_halted)

    def hang(self, agent: str, incarnation: int, why: str) -> None:
        """End an incarnation that makes no progress."""
        self.supervisor.hang(agent, incarnation, why)

    def condemn(self, agent: str, incarnation: int, verdict: Exit) -> None:
        """End an incarnation that has passed a limit."""
        self.supervisor.condemn(agent, incarnation, verdict)

    def recycle(self, agent: str) -> None:
        """Replace an agent that is up, and is to be, by a fresh process between two messages, uncounted."""
        child = self.supervisor.tree.children.get(agent)
        if child and child.phase is Phase.UP and child.goal is Goal.RUN:
            self.supervisor.recycle_child(agent, heard)

    def park(self, agent: str, why: str) -> None:
        """Keep an agent down: too many of its messages failed."""
        self.supervisor.park(agent, why)

    def distrust(self, agent: str, incarnation: int, why: str) -> None:
        """End an incarnation that broke the protocol."""
        self.supervisor.distrust(agent, incarnation, why)

    def settled(self) -> None:
        """Whoever waits for the tree is told once all of it is up; starts that waited for a supervisor are made."""
        self._starts.release()
        if self.supervisor.tree.children[self._boot.tree.id].phase is Phase.UP:
            self._tell_ready("")

    def _tell_ready(self, failure: str) -> None:
        unready, self._unready = self._unready, []
        for told in unready:
            told(failure)
