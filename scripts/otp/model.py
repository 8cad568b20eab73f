"""A history lived through by the policy of SCR: every operation, its answer, and the story of it all."""

from __future__ import annotations

from random import Random
from typing import Any

from otp.history import (
    Add,
    Behave,
    Delete,
    Exit,
    History,
    Operation,
    Plan,
    Restart,
    Sleep,
    Terminate,
    Together,
)
from otp.story import Segment, Story
from otp.world import World, specification
from scr.messages import ExitReason
from scr.supervise.facts import Call, DeleteChild, EndTree, RestartChild, StartChild, TerminateChild, TimePassed
from scr.supervise.orders import CallDone, CallRefused
from scr.supervise.tree import ChildPhase

REASONS = {
    "normal": ExitReason.NORMAL,
    "shutdown": ExitReason.SHUTDOWN,
    "shutdown_x": ExitReason.SHUTDOWN,
    "boom": ExitReason.ERROR,
    "killed": ExitReason.KILLED,
}
CALL = "call"


def live_through(history: History, schedule: Random | None = None) -> Story:
    """Tell what the policy makes of a history.  A failed assertion is told too, as an answer that OTP never gives."""
    try:
        return _live_through(history, schedule)
    except (AssertionError, LookupError) as error:
        return Story(history.seed, (Segment(f"{type(error).__name__}: {error}", (), "unknown"),))


def _live_through(history: History, schedule: Random | None) -> Story:
    world = World(history.tree, schedule)
    for change in history.setup:
        world.set_up(change)
    world.facts.append(TimePassed(world.now))
    world.settle()
    is_failed = world.finish is not None and world.finish.reason == "start_failed"
    segments = [_segment(world, "start_failed" if is_failed else "ok")]
    for operation in history.operations:
        if world.finish:
            break
        segments.append(_segment(world, carry_out(world, operation)))
    return Story(history.seed, tuple(segments))


def _segment(world: World, answer: Any) -> Segment:
    events, world.events = tuple(world.events), []
    return Segment(answer, events, world.state())


def carry_out(world: World, operation: Operation) -> Any:
    """Carry out one operation, and wait until all is quiet; the answer, in the words of `otp_world.erl`."""
    match operation:
        case Plan() | Behave():
            world.set_up(operation)
            answer: Any = "ok"
        case Exit(worker, reason):
            answer = _end(world, worker, reason)
        case Together(_, exits):
            answer = [_end(world, end.worker, end.reason) for end in exits]
        case Sleep(ms):
            world.now += ms / 1000
            world.facts.append(TimePassed(world.now))
            answer = "ok"
        case Add() | Terminate() | Restart() | Delete():
            return _call(world, operation)
        case _:
            world.facts.append(EndTree(world.now, "shutdown"))
            answer = "shutdown"
    world.settle()
    return answer


def _end(world: World, worker: str, reason: str) -> str:
    return "ok" if world.end(worker, REASONS[reason]) else "noproc"


def _call(world: World, operation: Add | Terminate | Restart | Delete) -> str:
    above = operation.supervisor
    team, node = world.tree.teams.get(above), world.tree.children.get(above)
    is_dynamic = team is not None and team.spec.dynamic and node is not None and node.phase is ChildPhase.UP
    if isinstance(operation, Restart | Delete) and is_dynamic:
        return "skip"  # OTP's dynamic supervisor has no such call
    if not isinstance(operation, Add):
        child = world.tree.children.get(operation.child)
        if child is not None and child.parent != above:  # SCR asks for a child by its id alone
            return "not_found"
    world.facts.append(_fact(world.now, operation))
    world.settle()
    return _answer(world.answers.pop(CALL, None))


def _fact(now: float, operation: Add | Terminate | Restart | Delete) -> Call:
    match operation:
        case Add(above, spec):
            return StartChild(now, CALL, above, specification(spec))
        case Terminate(_, child):
            return TerminateChild(now, CALL, child)
        case Restart(_, child):
            return RestartChild(now, CALL, child)
        case Delete(_, child):
            return DeleteChild(now, CALL, child)


def _answer(outcome: CallDone | CallRefused | None) -> str:
    match outcome:
        case CallDone(None):
            return "ignored"
        case CallDone():
            return "ok"
        case CallRefused(code):
            return str(code)
        case None:
            return "no reply"
