"""What is known of the runtime and of each agent at one moment, put together from the parts that know it.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic

from scr.errors import AgentError, UnknownAgent
from scr.mail.router import Router
from scr.mail.suggestions import unknown
from scr.protocol.boot import Boot
from scr.protocol.control import AgentStatus, RuntimeStatus
from scr.runtime.departures import Departures
from scr.runtime.health.health import Care
from scr.specs import AgentSpec, Code
from scr.store.store import Store
from scr.supervise.incarnation import Incarnation
from scr.supervise.queries import in_start_order, restarts_against, restarts_under
from scr.supervise.supervisor import Supervisor
from scr.supervise.tree import Child, ChildPhase


class Overview:
    """The status of one runtime.  `helpers` tells of the processes that are no agents."""

    def __init__(
        self,
        boot: Boot,
        supervisor: Supervisor,
        router: Router,
        care: Care,
        departures: Departures,
        store: Store,
        helpers: Callable[[], dict[str, int]],
    ) -> None:
        self._boot, self._supervisor, self._router, self._care = boot, supervisor, router, care
        self._departures, self._store, self._helpers = departures, store, helpers
        self._since = monotonic()

    def poke(self) -> None:
        """Have every agent that is up answer: what is read a moment later tells which did."""
        for child in self._supervisor.tree.children.values():
            if child.phase is ChildPhase.UP:
                self._care.poke(child.id, child.incarnation)

    def read(self) -> RuntimeStatus:
        """Put together everything as it is now."""
        at, router, counts = monotonic(), self._router, self._store.counts()
        children = in_start_order(self._supervisor.tree)
        return RuntimeStatus(
            runtime=self._boot.runtime,
            run=self._boot.run,
            pid=os.getpid(),
            uptime_s=at - self._since,
            agents=(
                *(status_of(child, self._supervisor, router, self._care, at=at) for child in children),
                *(absent_status(spec, parent, router) for spec, parent in self._departures.left.values()),
            ),
            open_messages=counts.open_messages,
            dead_letters=counts.dead_letters,
            crashes=counts.crashes,
            in_doubt=counts.parked,
            store=self._store.status(),
            helpers=self._helpers(),
        )


def status_of(child: Child, supervisor: Supervisor, router: Router, care: Care, *, at: float) -> AgentStatus:
    """One child as it is at `at`, in monotonic seconds."""
    if isinstance(child.spec, AgentSpec):
        return _agent(child, child.spec, supervisor, router, care, at=at)
    spent = restarts_under(supervisor.tree, child.id, at)
    return AgentStatus(
        id=child.id,
        supervisor=child.parent or "",
        type="supervisor",
        phase=child.phase,
        code=child.spec.strategy,
        restarts=spent.counted,
        max_restarts=spent.most,
        within_s=spent.within_s,
        parks=child.spec.park,
        uptime_s=None if child.up_since is None else at - child.up_since,
        end=str(child.end or ""),
    )


def _agent(
    child: Child, spec: AgentSpec, supervisor: Supervisor, router: Router, care: Care, *, at: float
) -> AgentStatus:
    live, pending = supervisor.live(child.id), router.in_hand(child.id)
    spent = restarts_against(supervisor.tree, child.id, at)
    pulse = care.read(child.id, child.incarnation)
    return AgentStatus(
        id=child.id,
        supervisor=child.parent or "",
        type="agent",
        phase=child.phase,
        pid=live.pid if live and live.pid else None,
        incarnation=child.incarnation,
        code=named(spec.code),
        restarts=spent.counted,
        max_restarts=spent.most,
        within_s=spent.within_s,
        parks=spec.park,
        mailbox=router.depth(child.id),
        retries=router.retries(child.id),
        in_hand=pending.message_id if pending else None,
        in_hand_type=pending.message.type if pending else None,
        in_hand_s=at - pulse.busy_at if pulse and pulse.busy_at else None,
        deliveries=pending.deliveries if pending else 0,
        progress_s=at - pulse.progress_at if pulse and pulse.progress_at else None,
        beat_s=at - max(pulse.beat_at, live.since) if pulse and live else None,
        uptime_s=at - live.since if live else None,
        end=str(child.end or ""),
    )


def absent_status(spec: AgentSpec, supervisor: str, router: Router) -> AgentStatus:
    """One agent that has left the tree while its mail waits."""
    return AgentStatus(
        id=spec.id,
        supervisor=supervisor,
        type="agent",
        phase=ChildPhase.PARKED if router.absent[spec.id].reason == "parked" else ChildPhase.DOWN,
        code=named(spec.code),
        parks=spec.park,
        mailbox=router.depth(spec.id),
        retries=router.retries(spec.id),
        end=router.absent[spec.id].detail,
    )


def process_of(supervisor: Supervisor, agent: str) -> Incarnation:
    """The live incarnation of an agent.  Raises UnknownAgent; AgentError when it has no process now."""
    child = supervisor.tree.children.get(agent)
    if child is None:
        raise UnknownAgent(unknown("agent", agent, supervisor.tree.children))
    live = supervisor.live(agent)
    if live is None or not live.pid:
        what = f"is {child.phase}" if isinstance(child.spec, AgentSpec) else "is a supervisor"
        raise AgentError(f"{agent!r} {what} and has no process")
    return live


def named(code: Code) -> str:
    """What an agent runs, for people."""
    return code.reference.rpartition(":")[2] if code.reference else "shipped code"
