"""A run as an earlier runtime has left it, put back into its places.

Lives in the runtime, on its loop, before the tree starts.  Recovery takes the
same door as the first start: what is put back is mail that waits, agents that
are wanted, effects that are asked for; the rest follows.
"""

from __future__ import annotations

from collections.abc import Mapping

from scr.agent.turn import refuse_uncarried
from scr.bounds import refuse_deep_value
from scr.errors import InvalidMessage
from scr.messages import ExitReason
from scr.runtime.departures import Departures
from scr.runtime.dispatch.turns import Turns
from scr.specs import AgentSpec, SupervisorSpec, walk
from scr.store.records import Effect, Image, KeptAgent, KeptMessage
from scr.telemetry.sinks import EventLog
from scr.turns.log_events import accepted

UNCAUSED: Mapping[str, int] = {}


def announce(image: Image, events: EventLog) -> dict[str, int]:
    """Emit that each message is accepted of a run that no runtime has had; returns the events by message."""
    fresh = image.mail if image.is_fresh else ()
    return {kept.message.message_id: events.emit(accepted(kept.message)) for kept in fresh}


def restore(
    image: Image,
    turns: Turns,
    departures: Departures,
    tree: SupervisorSpec,
    causes: Mapping[str, int] = UNCAUSED,
) -> tuple[KeptAgent, ...]:
    """Put everything back but processes; returns the agents that the tree does not list: they are to be started.

    Those that a turn had asked to stop are gone now, and those that were parked stay down.  `causes` are the events
    that told of messages, by the id of the message.
    """
    listed = {spec.id: spec for spec in walk(tree) if isinstance(spec, AgentSpec)}
    for kept in image.agents:
        turns.open_agent(listed.get(kept.spec.id, kept.spec), kept.state)
    for spec in listed.values():
        turns.open_agent(spec)
    for spec in _asked_for(image, tree):
        turns.open_agent(spec)
    _mail(image, turns, causes)
    for watcher, target in image.monitors:
        turns.effects.watch(watcher, target)
    for ask in image.asks:
        turns.questions.reopen(ask)
    for timer in image.timers:
        turns.timers.restore(timer)
    stopped = {effect.stop for effect in image.effects}
    added = [kept for kept in image.agents if kept.spec.id not in listed]
    for kept in added:
        if kept.spec.id in stopped:
            departures.end(kept.spec.id, ExitReason.SHUTDOWN, "it was asked to stop")
        elif kept.parked:
            departures.keep_down(kept.spec, kept.supervisor, kept.parked)
    return tuple(kept for kept in added if kept.spec.id not in stopped and not kept.parked)


def _asked_for(image: Image, tree: SupervisorSpec) -> list[AgentSpec]:
    """Agents that will be started once the tree is up: the turn that asked for them may have sent them mail too."""
    supervisors = {spec.id for spec in walk(tree) if isinstance(spec, SupervisorSpec)}
    known = {kept.spec.id for kept in image.agents}
    starts = [effect.start for effect in image.effects if effect.start]
    return [start.spec for start in starts if start.supervisor in supervisors and start.spec.id not in known]


def carry_on(image: Image, turns: Turns) -> None:
    """Have done what was asked for and not done.  Called when the tree has been told to start."""
    started = {kept.spec.id: kept.spec for kept in image.agents}
    for effect in image.effects:
        if not _is_done(effect, started):
            turns.effects.carry(effect)


def _is_done(effect: Effect, started: dict[str, AgentSpec]) -> bool:
    """A start whose agent exists just as it was asked for has been carried out, and was only not yet noted."""
    return effect.start is not None and started.get(effect.start.spec.id) == effect.start.spec


def _mail(image: Image, turns: Turns, causes: Mapping[str, int]) -> None:
    """Put the mail back.

    Deliveries are kept when one has ended without a turn.  So where a runtime has had the run, the first message of a
    mailbox that was not delivered before may have been delivered once: that is counted.
    """
    first: set[str] = set()
    for kept in image.mail:
        to, uncarried = kept.message.to, _uncarried(kept)
        was_delivered = bool(kept.deliveries or kept.parked or kept.due is not None)
        is_first = not (was_delivered or uncarried or to in first or turns.router.holds_up(kept.message))
        if is_first:
            first.add(to)
        may_have_been = not image.is_fresh and (was_delivered or is_first)
        deliveries = max(kept.deliveries, 1) if may_have_been else kept.deliveries
        cause = causes.get(kept.message.message_id, 0)
        turns.put_back(kept, deliveries=deliveries, uncarried=uncarried, cause=cause)


def _uncarried(kept: KeptMessage) -> str:
    """Why no agent could read the message with its steps, if none could: a value that is not as they are made here."""
    try:
        refuse_uncarried(kept.message.payload)
        for step in kept.steps:
            refuse_deep_value(step.value, f"the result of step {step.name!r}")
    except InvalidMessage as error:
        return str(error)
    return ""
