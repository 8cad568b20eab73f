"""A run told line by line: the noteworthy events, each as a sentence with pids.

Pure.  For logs and pipes, and the last lines of the live view.
"""

from __future__ import annotations

from scr.telemetry.events import (
    AgentExited,
    AgentGoneEvent,
    AgentParkedEvent,
    AgentUnkillable,
    AgentUp,
    LinesDropped,
    MessageBuried,
    MessageDelivered,
    MessageParked,
    Printed,
    Record,
    RuntimeUp,
    SupervisorGaveUp,
    TurnCommitted,
    TurnFailed,
)
from scr.views.run import AgentActivity, RunView

TAIL_LINES = 5
EXPECTED = {"shutdown", "normal"}
FORGOTTEN = "forgotten"


def lines_of_event(before: RunView, record: Record) -> tuple[str, ...]:
    """The lines for one event, given what was known before it; none for most."""
    match record.event:
        case RuntimeUp(runtime=runtime, pid=pid):
            return (f"runtime {runtime} up, pid {pid}",)
        case AgentUp():
            return (_up(before, record.event),)
        case AgentExited():
            return _exited(before, record.event)
        case AgentGoneEvent(fate="stopped"):
            return ()
        case AgentGoneEvent(agent=agent, reason=reason, detail=detail, fate=fate) if not _is_over(
            before, agent, reason
        ):
            waits = "down, its mail waits" if fate == FORGOTTEN else "gone for good"
            return (f"{agent} is {waits} ({reason}){_because(detail)}",)
        case AgentParkedEvent(agent=agent, detail=detail):
            return (f"{agent} is parked, its mail waits{_because(detail)}",)
        case TurnFailed(agent=agent, message_id=message_id, error=error, attempts=attempts) if attempts:
            return (f"{agent} failed in {before.mail.get(message_id, 'a message')} (try {attempts}){_because(error)}",)
        case MessageParked(agent=agent, step=step, detail=detail):
            return (f"step {step} of {agent} is in doubt, its task waits for a person (scr doubts){_because(detail)}",)
        case SupervisorGaveUp(supervisor=supervisor, causes=causes):
            return (f"supervisor {supervisor} gave up: too many restarts", *(f"  {cause}" for cause in causes))
        case AgentUnkillable(agent=agent, pid=pid):
            return (f"{agent} (pid {pid}) is still there after SIGKILL; the others go on without it",)
        case MessageBuried(to=to, reason=reason, message_id=message_id):
            words = before.mail.get(message_id, "a message")
            return (f"set aside, not handled by {to}: {words} ({reason})",)
        case Printed(agent=agent, text=text):
            return (f"{agent} | {text}",)
        case LinesDropped(agent=agent, count=count):
            return (f"{agent} printed {count} more lines than it may; they are left out",)
        case _:
            return _worked(before, record)


def is_trouble(record: Record) -> bool:
    """Whether an event belongs to a story of something going wrong, or of its mending."""
    match record.event:
        case (
            SupervisorGaveUp()
            | AgentUnkillable()
            | MessageBuried()
            | MessageParked()
            | AgentParkedEvent()
            | TurnFailed()
        ):
            return True
        case AgentGoneEvent(fate="stopped"):
            return False
        case AgentExited(reason=reason) | AgentGoneEvent(reason=reason):
            return reason not in EXPECTED
        case AgentUp(incarnation=n) | MessageDelivered(deliveries=n):
            return n > 1
        case _:
            return False


def _worked(before: RunView, record: Record) -> tuple[str, ...]:
    match record.event:
        case MessageDelivered(agent=agent, message_id=message_id, deliveries=deliveries, steps_reused=reused):
            if message_id not in before.subtasks and deliveries == 1:
                return ()
            words = before.mail.get(message_id, "a message")
            again = f" again (delivery {deliveries}, {steps(reused)} reused)" if deliveries > 1 else ""
            return (f"{agent} working on {words}{again}",)
        case TurnCommitted(agent=agent, message_id=message_id) if message_id in before.subtasks:
            return (f"{agent} finished {before.mail.get(message_id, 'its task')}",)
        case _:
            return ()


def _up(before: RunView, up: AgentUp) -> str:
    known = before.agents.get(up.agent)
    if known is None or not known.pids:
        return f"{up.agent} up, pid {up.pid}"
    after = "" if up.down_ms is None else f" after {up.down_ms:.1f} ms"
    return f"{up.agent}: pid {up.pid} took over{after}"


def _exited(before: RunView, end: AgentExited) -> tuple[str, ...]:
    """Tell an end that was not ordered with the last words of the process, and an ordered one if it took a kill."""
    known = before.agents.get(end.agent)
    if _is_over(before, end.agent, end.reason):
        return ()
    busy = f", in the middle of {known.work}" if known and end.in_hand else ""
    if end.reason == "killed" and end.asked == "kill":
        late = "ended" if known and end.pid in known.pids else "started"
        return (f"{end.agent} stopped{busy} (pid {end.pid}: it had not {late} in time, so the runtime killed it)",)
    tail = end.tail.strip().splitlines()[-TAIL_LINES:] if end.reason != "killed" else []
    first = f"{end.agent} {end.reason.upper()} (pid {end.pid}{_because(end.detail)}){busy}"
    return (first, *(f"  {end.agent} | {line}" for line in tail))


def _is_over(before: RunView, agent: str, reason: str) -> bool:
    """Whether an end is no news: it went as it should, or the agent's end has been told already."""
    known = before.agents.get(agent)
    return reason in EXPECTED or (known is not None and known.state is AgentActivity.ENDED)


def _because(detail: str) -> str:
    """The first line of a detail, to follow a word."""
    return f": {detail.splitlines()[0]}" if detail.strip() else ""


def steps(count: int) -> str:
    """A number of steps in words."""
    return "1 step" if count == 1 else f"{count} steps"
