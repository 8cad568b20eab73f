"""The crash records of one runtime: of processes that died, and of handlers that raised.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import time

from scr.mail.pending import Pending
from scr.messages import ExitReason
from scr.retry import ErrorInfo
from scr.runtime.health.crash_report import crash_of, is_crash
from scr.store.store import Store
from scr.supervise.exits import Exit
from scr.supervise.incarnation import Incarnation
from scr.supervise.queries import restarts_against
from scr.supervise.supervisor import Supervisor
from scr.supervise.tree import Child
from scr.turns.log_events import summary


class CrashLog:
    """Makes a record while everything about the process is still known, and has it kept."""

    def __init__(self, supervisor: Supervisor, store: Store) -> None:
        self._supervisor, self._store = supervisor, store

    def died(self, incarnation: Incarnation, end: Exit, in_hand: Pending | None) -> None:
        """Keep that a process has ended, with what it had in hand; an end that was asked for is no crash."""
        child = self._supervisor.tree.children.get(incarnation.spec.id)
        if child is not None and is_crash(incarnation, child, end):
            self._keep(incarnation, child, end, in_hand)

    def raised(self, agent: str, incarnation: int, error: ErrorInfo, pending: Pending) -> None:
        """A handler has raised, and its process lives."""
        live, child = self._supervisor.live(agent), self._supervisor.tree.children.get(agent)
        if live and child and live.number == incarnation:
            self._keep(live, child, Exit(ExitReason.ERROR, summary(error)), pending, error.traceback)

    def _keep(
        self, incarnation: Incarnation, child: Child, end: Exit, pending: Pending | None, traceback: str = ""
    ) -> None:
        now = time.monotonic()
        restarts = restarts_against(self._supervisor.tree, child.id, now)
        record = crash_of(incarnation, child, end, restarts, pending, at=now, traceback=traceback)
        self._store.crash(record.model_copy(update={"time": time.time()}))
