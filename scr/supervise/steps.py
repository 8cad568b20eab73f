"""The steps that planning may take: start a child, stop it, kill it.

Each changes the draft and orders what the shell must do for it.  A step on an
agent needs no further planning, so it is kept without marking the supervisor.
"""

from __future__ import annotations

from scr.messages import ExitReason
from scr.specs import AgentSpec, SupervisorSpec
from scr.supervise.decision import Draft
from scr.supervise.facts import RecycleChild
from scr.supervise.orders import CallDone, Fate, KillProcess, Refusal, StartProcess, StopProcess, Unkillable
from scr.supervise.restarts import close, settle, went_down
from scr.supervise.tree import Cause, Child, ChildPhase, Closing, End, Goal, SupervisorState, plant

ABSENT = frozenset({ChildPhase.DOWN, ChildPhase.RESTARTING})
UNKILLABLE_AFTER_S = 5.0  # what SIGKILL has not ended by then sits in the kernel, and may for ever
ASKED = Closing("asked", End(ExitReason.SHUTDOWN, "its supervisor asked it to"))


def must_stop(child: Child) -> bool:
    """Whether a child lives that should not, and has not been asked yet."""
    return child.goal is not Goal.RUN and child.alive and not child.asked


def must_start(child: Child) -> bool:
    """Whether a child is down that should be up."""
    return child.goal is Goal.RUN and child.phase in ABSENT


def can_start(draft: Draft, child: Child) -> bool:
    """Whether nothing holds its start up: no pause, no process that would not die."""
    return child.id not in draft.due and child.id not in draft.stuck


def start(draft: Draft, child: Child) -> None:
    """Begin a start; an agent is up, or down again, only by a fact."""
    match child.spec:
        case AgentSpec() as spec:
            child = draft.keep(
                child.changed(phase=ChildPhase.STARTING, incarnation=child.incarnation + 1, killed=False, gone=None)
            )
            draft.due[child.id] = draft.at + spec.start_timeout_s
            draft.order(StartProcess(child.id, child.incarnation, spec))
        case SupervisorSpec() as spec:
            boot(draft, child, spec)


def boot(draft: Draft, child: Child, spec: SupervisorSpec) -> None:
    """Begin a supervisor's start with the children that its specification lists, whatever was changed since."""
    draft.put(child.changed(phase=ChildPhase.STARTING))
    draft.teams[spec.id] = SupervisorState(spec, tuple(listed.id for listed in spec.children))
    draft.dirty.setdefault(spec.id, {})
    for listed in spec.children:
        if listed.id not in draft.children:
            plant(draft.children, draft.teams, listed, parent=spec.id, past=draft.past, gone=Fate.ENDED)
        known = draft.children[listed.id]
        cause = Cause.RESTART if listed.id in draft.stuck else Cause.BOOT
        draft.children[listed.id] = Child(
            listed.id, listed, spec.id, cause=cause, incarnation=known.incarnation, end=known.end, gone=known.gone
        )


def came_up(draft: Draft, child: Child) -> None:
    """The start is complete, and the caller told so, unless this is the process that a RecycleChild replaces."""
    draft.due.pop(child.id, None)
    is_replaced = child.goal is Goal.BOUNCE and isinstance(child.call, RecycleChild)
    call = None if child.goal is Goal.STOP or is_replaced else child.call
    if call is None:
        draft.put(child.changed(phase=ChildPhase.UP, up_since=draft.at))
        return
    draft.put(child.changed(phase=ChildPhase.UP, up_since=draft.at, call=None, queue=()))
    draft.reply(call, CallDone(child.id))
    draft.inbox.extend(child.queue)


def chose_not_to_start(draft: Draft, child: Child) -> None:
    """The agent is down by its own wish, which is no failure."""
    child = child.changed(
        phase=ChildPhase.DOWN, asked=False, killed=False, end=End(ExitReason.NORMAL, "it chose not to start")
    )
    settle(draft, child, ignored=True)


def stop(draft: Draft, child: Child) -> None:
    """Ask a child to go down, and set the time when asking ends."""
    spec = child.spec
    if isinstance(spec, SupervisorSpec):
        draft.keep(child.changed(asked=True))
        close(draft, child.id, ASKED)
        return
    child = draft.keep(child.changed(phase=ChildPhase.STOPPING, asked=True))
    match spec.shutdown_s:
        case _ if child.killed:
            return
        case "kill":
            kill(draft, child)
            return
        case "infinity":
            draft.due.pop(child.id, None)
        case budget_s:
            draft.due[child.id] = draft.at + budget_s
    draft.order(StopProcess(child.id, child.incarnation))
    if spec.shutdown_s == 0:
        kill(draft, child)


def kill(draft: Draft, child: Child) -> None:
    """End an agent without asking."""
    draft.keep(child.changed(killed=True))
    draft.due[child.id] = draft.at + UNKILLABLE_AFTER_S
    draft.order(KillProcess(child.id, child.incarnation))


def kill_all(draft: Draft) -> None:
    """Kill every agent that lives, in no order, and let no supervisor start another."""
    for name in tuple(draft.teams):
        if name in draft.teams and draft.running(name):
            close(draft, name, ASKED)
    for child in tuple(draft.children.values()):
        if child.alive and not child.killed and isinstance(child.spec, AgentSpec):
            kill(draft, child.changed(phase=ChildPhase.STOPPING, asked=True))


def expire(draft: Draft, child: Child) -> None:
    """A child's time is over: of its pause, its start, its stop, or of waiting for SIGKILL to work."""
    match child.phase:
        case ChildPhase.RESTARTING:
            del draft.due[child.id]
            draft.touch(child)
        case ChildPhase.STARTING | ChildPhase.STOPPING if not child.killed:
            kill(draft, child)
        case _:
            abandon(draft, child)


def abandon(draft: Draft, child: Child) -> None:
    """Go on as if the process had ended, start no other until it has, and let nobody wait for that."""
    draft.order(Unkillable(child.id, child.incarnation))
    draft.stuck = {**draft.stuck, child.id: child.incarnation}
    is_starting = child.phase is ChildPhase.STARTING
    reason = ExitReason.START_FAILED if is_starting else ExitReason.KILLED
    went_down(draft, child, End(reason, "SIGKILL did not end it"), failed=is_starting)
    still_wanted = draft.children.get(child.id)
    if still_wanted and still_wanted.call:
        draft.keep(still_wanted.changed(call=None, queue=()))
        draft.refuse(still_wanted.call, Refusal.START_FAILED, f"the last process of {child.id!r} could not be killed")
        draft.inbox.extend(still_wanted.queue)
