"""The lives of agents, told on: what the supervisor says of them, to the parts that it concerns.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from scr.failpoints import reach
from scr.messages import ExitReason
from scr.protocol.boot import Boot
from scr.protocol.frames import Become, ServiceAddress
from scr.runtime.departures import Departures
from scr.runtime.dispatch.failures import IncarnationFailure
from scr.runtime.dispatch.turns import Turns
from scr.runtime.health.crash_log import CrashLog
from scr.runtime.health.crash_report import error_of_exit
from scr.runtime.health.health import Care
from scr.runtime.health.output import Output
from scr.runtime.pending_starts import Starts
from scr.runtime.readiness import Readiness
from scr.runtime.reload import Reloads
from scr.runtime.status import named
from scr.runtime.store_watch import when_told
from scr.specs import AgentSpec, OnError
from scr.store.store import Store
from scr.supervise.exits import EndRequest, Exit
from scr.supervise.incarnation import Incarnation
from scr.supervise.orders import Fate
from scr.supervise.supervisor import Supervisor
from scr.telemetry import events as telemetry
from scr.telemetry.sinks import EventLog


@dataclass(eq=False, slots=True)
class Lifecycle:
    """The supervisor's house.  It decides nothing itself.

    `over` is called once, when nothing lives any more; `services` are the addresses of
    the agents that serve the others.
    """

    loop: asyncio.AbstractEventLoop
    boot: Boot
    store: Store
    events: EventLog
    supervisor: Supervisor
    care: Care
    crashes: CrashLog
    turns: Turns
    departures: Departures
    reloads: Reloads
    starts: Starts
    readiness: Readiness
    output: Output
    services: dict[str, ServiceAddress]
    over: Callable[[], None]
    is_cut_short: bool = False
    downs: dict[str, float] = field(default_factory=dict)

    def become(self, incarnation: Incarnation) -> Become:
        """Make the first frame of a new process: which agent it is to be, with the last committed state."""
        spec, limits = incarnation.spec, self.boot.settings.limits
        pulse, incarnation.memory_group = self.care.admit(incarnation)
        return Become(
            agent=spec.id,
            incarnation=incarnation.number,
            pulse=str(pulse) if pulse else None,
            code=self.reloads.code_of(spec),
            options=spec.options,
            limits=spec.limits,
            state=self.turns.state_of(spec.id),
            services=self.services,
            max_sends=limits.sends_per_turn,
            max_frame_bytes=limits.frame_bytes,
            retries=spec.on_error is OnError.RETRY,
            messages=spec.messages,
        )

    def starting(self, spec: AgentSpec, incarnation: int) -> None:
        """Take mail for the agent: it exists from now on."""
        parent = self.supervisor.tree.children[spec.id].parent or ""
        self.departures.started(spec, parent)
        self.turns.open_agent(spec)
        self.store.admit(spec, parent, incarnation)
        code = named(spec.code)
        self.events.emit(telemetry.AgentStarting(agent=spec.id, incarnation=incarnation, supervisor=parent, code=code))

    def up(self, incarnation: Incarnation) -> None:
        """Hand it messages: its start is complete."""
        agent, number = incarnation.spec.id, incarnation.number
        down_at = self.downs.pop(agent, None)
        down_ms = None if down_at is None else (time.monotonic() - down_at) * 1000
        self.care.came_up(agent, number)
        self.events.emit(telemetry.AgentUp(agent=agent, incarnation=number, pid=incarnation.pid, down_ms=down_ms))
        assert incarnation.channel is not None
        self.turns.up(agent, number, incarnation.channel)

    def stopping(self, agent: str) -> None:
        """Hand it nothing more: it was asked to stop."""
        self.turns.pause(agent)

    def printed(self, agent: str, stream: str, line: str) -> None:
        """Tell a line of output on."""
        self.output.printed(agent, stream, line, time.monotonic())

    def halted(self, pid: int, is_halted: bool) -> None:
        """Look after a process that was stopped from outside, or goes on; one that stays stopped is as good as hung."""
        live = self.supervisor.by_pid(pid)
        if live is None:
            return
        agent, happened = live.spec.id, telemetry.AgentHalted if is_halted else telemetry.AgentResumed
        self.events.emit(happened(agent=agent, incarnation=live.number, pid=pid))
        if self.turns.router.in_hand(agent) is None:
            self.care.halted(live, is_halted=is_halted)

    def exited(self, incarnation: Incarnation, end: Exit) -> bool:
        """Keep why an incarnation ended and tell it, then put its message back or aside."""
        reach("runtime.exit_seen")
        agent, number = incarnation.spec.id, incarnation.number
        self.care.dismiss(agent, number)
        pending = self.turns.router.in_hand(agent)
        self.crashes.died(incarnation, end, pending)
        self.downs[agent] = time.monotonic()
        self.output.ended(agent)
        seq = self.events.emit(
            telemetry.AgentExited(
                agent=agent,
                incarnation=number,
                pid=incarnation.pid,
                reason=end.reason,
                detail=end.detail,
                asked=incarnation.asked,
                in_hand=pending.message_id if pending else None,
                deliveries=pending.deliveries if pending else 0,
                tail=incarnation.tail,
            )
        )
        blamed = incarnation.asked is EndRequest.NOTHING or incarnation.asked is EndRequest.HUNG
        if blamed:
            self.reloads.failed(agent, end.detail or str(end.reason))
        failed = IncarnationFailure(agent, number, error_of_exit(incarnation.record, end), seq)
        if not incarnation.ready:
            self.departures.start_failed(agent, failed.error)
        return self.turns.died(failed, blamed=blamed)

    def gone(self, agent: str, reason: ExitReason, detail: str, fate: Fate) -> None:
        """Let an agent go that is down to stay; where the whole tree ends, the runtime does: all mail stays open."""
        if self.supervisor.tree.teams[self.boot.tree.id].closing:
            self.turns.end()
        self.downs.pop(agent, None)
        if fate is Fate.ENDED:
            self.reloads.forget(agent)
        self.departures.depart(agent, reason, detail, fate)

    def gave_up(self, supervisor: str, causes: tuple[str, ...]) -> None:
        """Tell that a supervisor reached its limit."""
        self.events.emit(telemetry.SupervisorGaveUp(supervisor=supervisor, causes=causes))

    def unkillable(self, incarnation: Incarnation) -> None:
        """Tell that SIGKILL did not end a process: the tree goes on without it."""
        agent, number = incarnation.spec.id, incarnation.number
        self.events.emit(telemetry.AgentUnkillable(agent=agent, incarnation=number, pid=incarnation.pid))

    def settled(self) -> None:
        """Make the starts that waited for a supervisor, and tell who waits for the tree that it is up."""
        self.starts.release()
        self.readiness.look()

    def finished(self, reason: str, causes: tuple[str, ...]) -> None:
        """End the runtime: nothing lives any more.  A resumed run that did not start is tried again by its keeper."""
        self.is_cut_short = self.store.image.resumed and reason == ExitReason.START_FAILED
        when_told(self.loop, self.store, partial(self._down, reason, causes))

    def _down(self, reason: str, causes: tuple[str, ...]) -> None:
        self.events.emit(telemetry.RuntimeDown(reason=reason, causes=causes))
        self.readiness.fail("; ".join((f"the runtime stopped: {reason}", *causes)))
        self.over()


def service_address(path: str) -> ServiceAddress:
    """Make the address of a service, with a key that no other runtime has."""
    return ServiceAddress(path=path, authkey=secrets.token_hex(32))
