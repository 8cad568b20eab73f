"""Agents that are down to stay: what becomes of their names, their mail and their state.

Lives in the runtime, on its loop.  A wanted end ends all three.  An agent that
is parked, or was forgotten with its supervisor, keeps them: its mail waits.
"""

from __future__ import annotations

from scr.mail.router import Absence
from scr.messages import ExitReason
from scr.retry import ErrorInfo
from scr.runtime.dispatch.failures import forgotten, parked
from scr.runtime.dispatch.turns import Turns
from scr.specs import AgentSpec, Restart
from scr.store.store import Store
from scr.supervise.orders import Fate
from scr.telemetry.events import AgentGoneEvent, AgentParkedEvent
from scr.telemetry.sinks import EventLog

STOPPED = "stopped"  # the fate of an agent that goes down with the runtime
LEFT_MAX = 1024  # names of agents that have left the tree and have neither state nor mail


class Departures:
    """`left` are the agents that have left the tree while their mail waits, each with its supervisor."""

    def __init__(self, turns: Turns, store: Store, events: EventLog) -> None:
        self._turns, self._store, self._events = turns, store, events
        self._homes: dict[str, tuple[AgentSpec, str]] = {}
        self.left: dict[str, tuple[AgentSpec, str]] = {}
        self._causes: dict[str, ErrorInfo] = {}

    def started(self, spec: AgentSpec, supervisor: str) -> None:
        """A process of the agent is being started."""
        self.left.pop(spec.id, None)
        self._homes[spec.id] = spec, supervisor

    def cause_of(self, agent: str) -> ErrorInfo | None:
        """Why the last start of the agent failed, if it did."""
        return self._causes.get(agent)

    def start_failed(self, agent: str, error: ErrorInfo) -> None:
        """Keep why a start failed, for who asked for it."""
        self._causes.pop(agent, None)
        self._causes[agent] = error
        if len(self._causes) > LEFT_MAX:
            del self._causes[next(iter(self._causes))]

    def depart(self, agent: str, reason: ExitReason, detail: str, fate: Fate) -> None:
        """The agent is down and does not come back by itself."""
        is_said = not detail or reason is ExitReason.ERROR or detail.startswith(f"{reason}: ")
        why = (detail or str(reason)) if is_said else f"{reason}: {detail}"
        match fate:
            case Fate.PARKED if self._leave(agent, parked(agent, why), "parked"):
                self._store.keep_down(agent, why)
                self._events.emit(AgentParkedEvent(agent=agent, reason=reason, detail=detail))
            case Fate.FORGOTTEN if self._leave(agent, forgotten(agent, why), reason):
                told = STOPPED if self._turns.has_ended else fate
                self._events.emit(AgentGoneEvent(agent=agent, reason=reason, detail=detail, fate=told))
                self._keep_name(agent)
            case _:
                self.end(agent, reason, detail)

    def keep_down(self, spec: AgentSpec, supervisor: str, why: str) -> None:
        """An agent that an earlier runtime had parked has left the tree: what took it up is still to come."""
        self._homes[spec.id] = self.left[spec.id] = spec, supervisor
        self._tell_absent(spec.id, parked(spec.id, why), "parked")

    def lose(self, agent: str, detail: str) -> None:
        """An agent that was to be started will not be: what it has waits, if it has anything."""
        self.depart(agent, ExitReason.START_FAILED, detail, Fate.FORGOTTEN)

    def end(self, agent: str, reason: ExitReason, detail: str) -> None:
        """End it for good: its name is free, then who monitored it is told, then whose messages it held."""
        self._homes.pop(agent, None)
        self.left.pop(agent, None)
        if not self._turns.has_ended:
            held, watchers = self._turns.close(agent)
            self._store.gone(agent)
            for watcher in watchers:
                self._turns.post.tell_down(watcher, agent, reason, detail)
            self._turns.bury(held, f"{agent} ended for good ({reason})")
        self._events.emit(AgentGoneEvent(agent=agent, reason=reason, detail=detail))

    def stop(self, agent: str) -> bool:
        """End an agent for good that has left the tree while its mail waits; false where none of that name has."""
        if agent not in self.left:
            return False
        self.end(agent, ExitReason.SHUTDOWN, "it was stopped")
        return True

    def _leave(self, agent: str, absence: Absence, reason: str) -> bool:
        """Tell who monitors the agent and who waits for it.

        False when there is nothing to keep: it was temporary or never up, and has neither state nor mail.
        """
        turns = self._turns
        if turns.has_ended:
            return True
        spec, _ = self._homes.get(agent, (None, ""))
        is_passing = spec is None or spec.restart is Restart.TEMPORARY or not turns.router.was_up(agent)
        if is_passing and not self._keeps(agent):
            return False
        self._tell_absent(agent, absence, reason)
        return True

    def _tell_absent(self, agent: str, absence: Absence, reason: str) -> None:
        turns = self._turns
        for watcher in turns.router.leave(agent, absence):
            turns.post.tell_down(watcher, agent, reason, absence.detail)
        for message in turns.router.held(agent):
            turns.post.tell_absent(message.message_id, absence)

    def _keeps(self, agent: str) -> bool:
        """Whether the agent has a state or mail that another process of it would go on with."""
        router = self._turns.router
        return self._turns.state_of(agent) is not None or router.depth(agent) + router.retries(agent) > 0

    def _keep_name(self, agent: str) -> None:
        """Keep the name of an agent that has left the tree; of those that have nothing else, so many."""
        if agent in self._homes and not self._turns.has_ended:
            self.left[agent] = self._homes[agent]
        surplus = len(self.left) - LEFT_MAX
        empty = [name for name in self.left if not self._keeps(name)] if surplus > 0 else []
        for name in empty[:surplus]:
            self.end(name, ExitReason.SHUTDOWN, "it was down for long and had neither state nor mail")
