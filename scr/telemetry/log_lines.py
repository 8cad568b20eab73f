"""What a program's own log says of an event: its level, its logger and its words.

Pure.  What goes wrong is WARNING, what does not mend itself ERROR, what agents
print, log and say of their progress INFO.  Each trouble has one line: an end that an event has told of
is not told again by what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from scr.bounds import counted
from scr.errors import TryLater
from scr.telemetry.events import (
    AgentExited,
    AgentGoneEvent,
    AgentParkedEvent,
    AgentUnkillable,
    LinesDropped,
    Logged,
    MessageBuried,
    MessageParked,
    Printed,
    Progressed,
    Record,
    ReloadReverted,
    StoreChanged,
    SupervisorGaveUp,
    TurnFailed,
)

Level: TypeAlias = Literal["INFO", "WARNING", "ERROR"]
LOGGER = "scr"
EXPECTED = {"normal", "shutdown"}
SOON_S = 0.05
FAILED = {"failed", "quarantined"}


@dataclass(frozen=True, slots=True)
class Line:
    """One record of the log.  `agent` is whom it is about; its logger is then a child of `scr.agents`."""

    level: Level
    text: str
    agent: str = ""

    @property
    def logger(self) -> str:
        """The name of its logger."""
        return f"{LOGGER}.agents.{self.agent}" if self.agent else LOGGER


def line_of(record: Record, last_exit: int = 0) -> Line | None:
    """Return the line of an event, if it has one; `last_exit` is the seq of the last `AgentExited` before it."""
    event: Any = record.event
    if isinstance(event, TurnFailed) and record.cause and record.cause == last_exit:
        return None
    say = LINES.get(type(event))
    return say(record, event) if say else None


def _exited(_: Record, end: AgentExited) -> Line | None:
    is_ordered = end.asked == "kill" and end.reason == "killed"
    if end.reason in EXPECTED or is_ordered:
        return None
    busy = f", with message {end.in_hand} in hand (delivery {end.deliveries})" if end.in_hand else ""
    return Line(
        "WARNING", f"agent {end.agent} (pid {end.pid}) died ({end.reason}{_because(end.detail)}){busy}", end.agent
    )


def _failed(record: Record, failed: TurnFailed) -> Line | None:
    is_put_off = failed.error.partition(":")[0] == TryLater.__name__
    if is_put_off or not failed.attempts:
        return None
    left_s = 0.0 if failed.due is None else failed.due - record.time
    when = f"in {left_s:.1f} s" if left_s >= SOON_S else "at once"
    due = "" if failed.due is None else f"; its next try is {when}"
    text = f"agent {failed.agent} failed in message {failed.message_id}, attempt {failed.attempts}: {failed.error}{due}"
    return Line("WARNING", text, failed.agent)


def _buried(_: Record, buried: MessageBuried) -> Line:
    after = f" after {counted(buried.deliveries, 'delivery', 'deliveries')}" if buried.deliveries else ""
    text = f"{buried.type} {buried.message_id} to {buried.to} is a dead letter{after} ({buried.reason}); see `scr dead`"
    return Line("ERROR" if buried.reason in FAILED else "WARNING", text)


def _doubted(_: Record, parked: MessageParked) -> Line:
    doubt = f"step {parked.step!r} is in doubt{_because(parked.detail)}"
    text = f"message {parked.message_id} to {parked.agent} waits for a person, {doubt}; see `scr doubts`"
    return Line("WARNING", text, parked.agent)


def _parked(_: Record, parked: AgentParkedEvent) -> Line:
    why = parked.detail or parked.reason
    text = f"agent {parked.agent} is parked: {why}; its mail waits, `scr restart {parked.agent}` takes it up"
    return Line("ERROR", text, parked.agent)


def _gone(_: Record, gone: AgentGoneEvent) -> Line | None:
    if gone.fate != "forgotten" or gone.reason in EXPECTED:
        return None
    return Line(
        "WARNING", f"agent {gone.agent} is down, its mail waits: {gone.reason}{_because(gone.detail)}", gone.agent
    )


def _gave_up(_: Record, gave_up: SupervisorGaveUp) -> Line:
    causes = "".join(f"\n  {cause}" for cause in gave_up.causes)
    return Line("ERROR", f"supervisor {gave_up.supervisor} gave up: too many restarts{causes}")


def _unkillable(_: Record, agent: AgentUnkillable) -> Line:
    text = f"agent {agent.agent} (pid {agent.pid}) is still there after SIGKILL; the others go on without it"
    return Line("ERROR", text, agent.agent)


def _reverted(_: Record, reverted: ReloadReverted) -> Line:
    text = f"agent {reverted.agent} runs its old code again, the new one failed{_because(reverted.why)}"
    return Line("WARNING", text, reverted.agent)


def _store(_: Record, changed: StoreChanged) -> Line | None:
    if changed.state not in {"trouble", "lost"}:
        return None
    return Line(
        "ERROR" if changed.state == "lost" else "WARNING", f"the store: {changed.state}{_because(changed.detail)}"
    )


def _output(_: Record, said: Logged | Progressed | Printed) -> Line:
    return Line("INFO", said.text, said.agent)


def _dropped(_: Record, dropped: LinesDropped) -> Line:
    of = f" of {dropped.agent}" if dropped.agent else ""
    were = "was" if dropped.count == 1 else "were"
    return Line("INFO", f"{counted(dropped.count, 'more line')}{of} {were} left out", dropped.agent)


def _because(detail: str) -> str:
    return f": {detail}" if detail else ""


LINES: dict[type, Callable[[Record, Any], Line | None]] = {
    AgentExited: _exited,
    TurnFailed: _failed,
    MessageBuried: _buried,
    MessageParked: _doubted,
    AgentParkedEvent: _parked,
    AgentGoneEvent: _gone,
    SupervisorGaveUp: _gave_up,
    AgentUnkillable: _unkillable,
    ReloadReverted: _reverted,
    StoreChanged: _store,
    Logged: _output,
    Progressed: _output,
    Printed: _output,
    LinesDropped: _dropped,
}
KINDS: tuple[str, ...] = tuple(event.__dataclass_fields__["kind"].default for event in LINES)  # type: ignore[attr-defined]
"""The events of which there may be a line."""
