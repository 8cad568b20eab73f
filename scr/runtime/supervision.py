"""The turns' way to the supervisor.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

from functools import partial

from scr.mail.pending import Pending
from scr.protocol.frames import Answer
from scr.retry import ErrorInfo
from scr.runtime.departures import Departures
from scr.runtime.dispatch.effects import Settled, settle
from scr.runtime.health.crash_log import CrashLog
from scr.runtime.pending_starts import Starts
from scr.runtime.reload import Reloads
from scr.specs import AgentSpec
from scr.supervise.supervisor import Supervisor
from scr.turns.log_events import summary


class Supervision:
    """Carries out what the turns want of the supervisor.  No agent is started or stopped for a turn before `begin`."""

    _starts: Starts
    _departures: Departures

    def __init__(self, supervisor: Supervisor, crashes: CrashLog, reloads: Reloads) -> None:
        self._supervisor, self._crashes, self._reloads = supervisor, crashes, reloads

    def begin(self, starts: Starts, departures: Departures) -> None:
        """Start and stop agents through these from now on; both are made of the turns, and so after them."""
        self._starts, self._departures = starts, departures

    def start_child(self, supervisor: str, spec: AgentSpec, settled: Settled) -> None:
        """Start an agent on behalf of another."""
        self._starts.start(supervisor, spec, partial(settle, settled))

    def stop_child(self, agent: str, settled: Settled) -> None:
        """Stop an agent on behalf of another, also one that has left the tree."""
        if self._departures.stop(agent):
            settled(None)
        else:
            self._supervisor.terminate_child(agent, partial(settle, settled))

    def tell(self, agent: str, incarnation: int, frame: Answer) -> None:
        """Send a frame to this incarnation, if it still lives."""
        self._supervisor.tell(agent, incarnation, frame)

    def recycle(self, agent: str) -> None:
        """Replace an agent that is up by a fresh process, uncounted."""
        self._supervisor.recycle(agent)

    def park(self, agent: str, why: str) -> None:
        """Keep an agent down: too many of its messages failed."""
        self._supervisor.park(agent, why)

    def distrust(self, agent: str, incarnation: int, why: str) -> None:
        """End an incarnation that broke the protocol."""
        self._supervisor.distrust(agent, incarnation, why)

    def raised(self, agent: str, incarnation: int, error: ErrorInfo, pending: Pending) -> None:
        """Keep what a handler raised as a crash; if its code is new, the old is put back."""
        self._crashes.raised(agent, incarnation, error, pending)
        self._reloads.failed(agent, summary(error))
