"""What may be asked for by hand: that an agent starts, stops, or gets a fresh process.

Lives in the runtime, on its loop.  Each is answered once, when it is done or refused.
"""

from __future__ import annotations

from functools import partial

from scr.messages import ExitReason
from scr.runtime.departures import Departures
from scr.runtime.reload import Reloads
from scr.runtime.starts import Starts
from scr.specs import AgentSpec
from scr.supervise.orders import Done, Refusal, Refused
from scr.supervise.supervisor import Answered, Supervisor
from scr.supervise.tree import Child, Phase


class Operations:
    """The agents of one runtime, as a person or another agent may steer them."""

    def __init__(self, supervisor: Supervisor, starts: Starts, departures: Departures, reloads: Reloads) -> None:
        self._supervisor, self._starts, self._departures, self._reloads = supervisor, starts, departures, reloads

    def start_agent(self, supervisor: str, spec: AgentSpec, answered: Answered) -> None:
        """Start an agent; one that an earlier runtime had, is parked or does not start resumes as specified now."""
        kept = self._starts.take_over(spec.id)
        child = self._supervisor.tree.children.get(spec.id)
        is_failing = child is not None and _is_failing(child)
        if kept is None and not is_failing:
            self._starts.start(supervisor, spec, answered)
        elif kept == spec and not is_failing:
            answered(Done(spec.id))
        else:
            self._reloads.forget(spec.id)
            self._supervisor.recycle_child(spec.id, partial(self._resumed, supervisor, spec, answered), spec)

    def _resumed(self, supervisor: str, spec: AgentSpec, answered: Answered, outcome: Done | Refused) -> None:
        """Start it anew if it left the tree meanwhile, because it did not start as it was."""
        is_lost = isinstance(outcome, Refused) and outcome.code is Refusal.NOT_FOUND
        if is_lost and spec.id not in self._supervisor.tree.children:
            self._starts.start(supervisor, spec, answered)
        else:
            answered(outcome)

    def stop_agent(self, agent: str, answered: Answered) -> None:
        """Stop an agent for good, also one that has left the tree while its mail waits."""
        if agent in self._departures.left:
            self._departures.end(agent, ExitReason.SHUTDOWN, "it was stopped")
            answered(Done(agent))
        else:
            self._supervisor.terminate_child(agent, answered)

    def restart_agent(self, agent: str, answered: Answered) -> None:
        """Have a fresh process of an agent, also of one that is parked or has left the tree."""
        if agent in self._departures.left:
            spec, supervisor = self._departures.left[agent]
            self._starts.start(supervisor, spec, answered)
        else:
            self._supervisor.recycle_child(agent, answered)


def _is_failing(child: Child) -> bool:
    """Whether other code or options may be what an agent waits for: it is parked, or its last start failed."""
    is_between = child.phase in {Phase.RESTARTING, Phase.STARTING} and child.call is None
    has_failed = child.end is not None and child.end.reason is ExitReason.START_FAILED
    return child.phase is Phase.PARKED or (is_between and has_failed)
