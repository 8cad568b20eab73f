"""What an end means: another start, a whole group's, the end of the supervisor, or nothing more.

The part of *absorb* that follows a child going down.  Changes a draft, orders
no start and no stop: it says what is wanted now, and planning takes the steps.
"""

from __future__ import annotations

from scr.bounds import counted
from scr.messages import ExitReason
from scr.specs import AutoShutdown, Restart, Strategy
from scr.supervise.decision import Draft
from scr.supervise.exits import should_restart
from scr.supervise.facts import Call, RecycleChild, RestartChild, StartChild, TerminateChild
from scr.supervise.intensity import add_restart, pause_s
from scr.supervise.orders import CallDone, CallRefused, Fate, Finish, GaveUp, Refusal
from scr.supervise.tree import ALIVE, Cause, Child, ChildPhase, Closing, End, Goal, SupervisorState


def went_down(draft: Draft, child: Child, end: End, *, failed: bool, explained: bool = False) -> None:
    """The process of an agent, or everything below a supervisor, is gone.  `failed`: before it was up.

    `explained`: a message was charged with it, so a restart counts against no limit.
    """
    draft.due.pop(child.id, None)
    child = child.changed(phase=ChildPhase.DOWN, asked=False, killed=False, end=end)
    if child.parent is None:
        return finish(draft, child)
    match child.goal:
        case Goal.RUN if failed:
            start_failed(draft, child, child.parent, end)
        case Goal.RUN if should_restart(child.spec.restart, end.reason):
            restart(draft, child, child.parent, end, counted=not explained)
        case Goal.RUN:
            settle(draft, child)
            if child.spec.significant:
                auto_shutdown(draft, child, child.parent)
        case Goal.BOUNCE:
            cause = Cause.CALL if child.spec.restart is Restart.TEMPORARY else Cause.RESTART
            draft.put(child.changed(phase=ChildPhase.RESTARTING, goal=Goal.RUN, cause=cause, up_since=None))
        case Goal.STOP if child.parking and not isinstance(child.call, TerminateChild):
            settle(draft, child.changed(end=End(ExitReason.ERROR, child.parking)), park=True)
        case Goal.STOP:
            settle(draft, child)
    return None


def start_failed(draft: Draft, child: Child, parent: str, end: End) -> None:
    """A start did not succeed: whose failure that is depends on why it was tried."""
    match child.cause:
        case Cause.BOOT:
            draft.put(child)
            because = End(ExitReason.START_FAILED, f"{child.id!r} did not start", (f"{child.id!r}: {end}", *end.causes))
            close(draft, parent, Closing("start_failed", because, failed=True))
        case Cause.RESTART:
            restart(draft, _refuse_new_spec(draft, child, end), parent, end)
        case Cause.CALL:
            settle(draft, child, park=_is_kept_parked(child))


def _refuse_new_spec(draft: Draft, child: Child, end: End) -> Child:
    """Tell the caller who has given a child another specification that it did not start with that: it is tried again.

    The caller waits for nothing that would help: what must change is what it has given.
    """
    call = child.call
    if not isinstance(call, RecycleChild) or call.spec is None:
        return child
    draft.refuse(call, Refusal.START_FAILED, str(end))
    draft.inbox.extend(child.queue)
    return draft.put(child.changed(call=None, queue=()))


def restart(draft: Draft, child: Child, parent: str, end: End, *, counted: bool = True) -> None:
    """Want a child up again, and those whom the strategy hits with it; or give up, or park the child."""
    team = draft.teams[parent]
    if not counted:
        schedule(draft, child)
        bounce(draft, hit(team.spec.strategy, team.children, child.id))
        return None
    stamps = add_restart(
        child.stamps if child.spec.park else team.stamps,
        draft.at,
        max_restarts=team.spec.max_restarts,
        within_s=team.spec.within_s,
    )
    if stamps is None:
        return settle(draft, child, park=True) if child.spec.park else give_up(draft, child, parent, end)
    if child.spec.park:
        child = child.changed(stamps=stamps)
    else:
        draft.put_team(team._replace(stamps=stamps))
    schedule(draft, child)
    bounce(draft, hit(team.spec.strategy, team.children, child.id))
    return None


def schedule(draft: Draft, child: Child) -> None:
    """Have a child started again, after its pause if it has one."""
    backoff = child.spec.backoff
    stable = backoff and child.up_since is not None and draft.at - child.up_since >= backoff.reset_after_s
    failures = 1 if stable else child.failures + 1
    draft.put(
        child.changed(phase=ChildPhase.RESTARTING, goal=Goal.RUN, cause=Cause.RESTART, up_since=None, failures=failures)
    )
    if backoff:
        draft.due[child.id] = draft.at + pause_s(backoff, failures, f"{child.id}/{child.incarnation}/{failures}")


def hit(strategy: Strategy, names: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Who else goes down with a child that is restarted."""
    match strategy:
        case Strategy.ONE_FOR_ONE:
            return ()
        case Strategy.REST_FOR_ONE:
            return names[names.index(name) + 1 :]
        case Strategy.ONE_FOR_ALL:
            place = names.index(name)
            return names[:place] + names[place + 1 :]


def bounce(draft: Draft, names: tuple[str, ...]) -> None:
    """Restart bystanders: down first who lives; a temporary one is not started again; a parked one stays parked."""
    children, run, stop, bounce, temporary = draft.children, Goal.RUN, Goal.STOP, Goal.BOUNCE, Restart.TEMPORARY
    for name in names:
        child = children[name]
        if child.goal is run and child.phase in ALIVE:
            children[name] = child.aimed(stop if child.spec.restart is temporary else bounce)
        elif child.goal is stop and child.phase is ChildPhase.DOWN:
            children[name] = child.changed(phase=ChildPhase.RESTARTING, goal=run, cause=Cause.RESTART)


def give_up(draft: Draft, child: Child, parent: str, end: End) -> None:
    """One restart too many: the supervisor ends, and says why."""
    spec = draft.teams[parent].spec
    causes = (
        f"{parent!r} may restart {counted(spec.max_restarts, 'time')} in {spec.within_s:g} s, and this was one more",
        f"{child.id!r}: {end}",
        *end.causes,
    )
    draft.order(GaveUp(parent, causes))
    draft.put(child)
    close(draft, parent, Closing("gave_up", End(ExitReason.SHUTDOWN, "it gave up", causes)))


def auto_shutdown(draft: Draft, child: Child, parent: str) -> None:
    """A significant child has ended by itself: the supervisor may be meant to end with it."""
    team = draft.teams[parent]
    others = (draft.children[name] for name in team.children)
    match team.spec.auto_shutdown:
        case AutoShutdown.ANY_SIGNIFICANT:
            ends = True
        case AutoShutdown.ALL_SIGNIFICANT:
            ends = not any(other.spec.significant and other.goal is not Goal.STOP for other in others)
        case AutoShutdown.NEVER:
            ends = False
    if ends:
        because = End(ExitReason.SHUTDOWN, f"its significant child {child.id!r} ended", (f"{child.id!r}: {child.end}",))
        close(draft, parent, Closing("auto_shutdown", because))


def close(draft: Draft, name: str, closing: Closing) -> None:
    """Have a supervisor go down with all its children; the first reason for it stands.

    Children that were added by a call and are down already leave the tree now, as those that live do when they end.
    """
    team = draft.teams[name]
    if team.closing is not None:
        return
    draft.put_team(team._replace(closing=closing))
    draft.put(draft.children[name].changed(phase=ChildPhase.STOPPING))
    for child in map(draft.children.__getitem__, team.children):
        if child.alive:
            draft.put(child.changed(goal=Goal.STOP))
        elif child.added or child.goal is not Goal.STOP:
            settle(draft, child)


def settle(draft: Draft, child: Child, *, park: bool = False, ignored: bool = False) -> None:
    """A child is down to stay: tell that it is gone, forget what need not be kept, answer who waited for it.

    Below a supervisor that is going down itself, what its specification lists
    is neither gone nor forgotten yet: it may come back with the supervisor.
    """
    assert child.parent is not None
    team, call = draft.teams[child.parent], child.call
    is_closing = team.closing is not None
    is_lost = child.added if is_closing else not park and _is_forgotten(child, team, ignored=ignored)
    draft.due.pop(child.id, None)
    draft.inbox.extend(child.queue)
    phase = ChildPhase.PARKED if park else ChildPhase.DOWN
    fate = _fate(child, call, park=park)
    changes = {"phase": phase, "goal": Goal.STOP, "call": None, "queue": (), "up_since": None, "parking": ""}
    child = draft.put(child.changed(**changes))
    if is_lost or not is_closing:
        draft.bury(child, fate)
    if is_lost:
        draft.drop(child)
    if call is not None:
        draft.reply(call, _outcome(child, call, ignored=ignored, is_closing=is_closing))


def _fate(child: Child, call: Call | None, *, park: bool) -> Fate:
    """An end is wanted when it was asked for by hand, or when the agent has ended itself normally."""
    if park:
        return Fate.PARKED
    is_own = child.end is not None and child.end.reason is ExitReason.NORMAL and child.up_since is not None
    return Fate.ENDED if isinstance(call, TerminateChild) or is_own else Fate.FORGOTTEN


def _is_kept_parked(child: Child) -> bool:
    """Whether a start by hand was of a child that stays to be tried again."""
    is_restart = isinstance(child.call, RestartChild | RecycleChild)
    return child.spec.park and is_restart and child.spec.restart is not Restart.TEMPORARY


def _is_forgotten(child: Child, team: SupervisorState, *, ignored: bool) -> bool:
    is_failed_addition = isinstance(child.call, StartChild) and not ignored
    return team.spec.dynamic or is_failed_addition or child.spec.restart is Restart.TEMPORARY


def _outcome(child: Child, call: Call, *, ignored: bool, is_closing: bool) -> CallDone | CallRefused:
    match call:
        case TerminateChild():
            return CallDone(child.id)
        case _ if ignored:
            return CallDone(None)
        case _ if is_closing:
            return CallRefused(Refusal.SHUTTING_DOWN, f"{child.parent!r} is going down")
        case _:
            return CallRefused(Refusal.START_FAILED, str(child.end or ""))


def finish(draft: Draft, root: Child) -> None:
    """The root is down: everything is over."""
    closing = draft.teams[root.id].closing
    assert closing is not None
    draft.bury(draft.put(root.changed(goal=Goal.STOP)), Fate.FORGOTTEN)
    draft.finished = True
    draft.order(Finish(closing.word, closing.end.causes))
