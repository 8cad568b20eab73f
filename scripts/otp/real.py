"""Histories of ends, lived through by a real runtime with real processes: kills, normal ends, kills at once."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from random import Random
from typing import Any, Self

from otp.check import Case, Progress, Verdict, case_of
from otp.erlang import Otp
from otp.explain import SAME_ELSEWHERE, SCHEDULES, ends_at_once
from otp.generate import history
from otp.history import Exit, History, Operation, Together
from otp.model import live_through
from otp.story import Difference, State, Story
from otp.world import specification
from scr.agent.code import code_of
from scr.client.runtime import Runtime
from scr.errors import ScrError
from scr.protocol.control import AgentStatus
from scr.specs import Code, SupervisorSpec
from scr.telemetry.events import AgentExited, Record, RuntimeDown

SETTLE_MAX_S = 10.0
LOOK_AGAIN_S = 0.01
END = "end"


def check_runtime(otp: Otp, seeds: range) -> Verdict:
    """Compare a runtime with OTP, one history after the other."""
    histories = [history("real", seed) for seed in seeds]
    stories = {theirs.seed: theirs for theirs in otp.stories(histories, len(histories))}
    verdict, progress, code = Verdict("real"), Progress(len(seeds), clock=time.monotonic()), agent_code()
    for lived in histories:
        theirs = stories.get(lived.seed, Story(lived.seed, ()))
        verdict.histories += 1
        verdict.operations += len(theirs.segments) - 1
        verdict.cases += difference(lived, theirs, code)
        progress.tell(verdict, verdict.differences, time.monotonic())
    return verdict


def agent_code() -> Code:
    """Give the code of every worker: it ends when it is told to."""

    def worker(ctx: Any, message: Any) -> None:
        if message.payload.input == "end":
            ctx.stop()

    return code_of(worker)


def difference(lived: History, theirs: Story, code: Code) -> Iterator[Case]:
    """Live through a history on a runtime of its own; yield the first operation after which its tree is another."""
    tree = specification(lived.tree, code)
    assert isinstance(tree, SupervisorSpec)
    wanted = [uncounted(segment.state) for segment in theirs.segments]
    try:
        with warnings.catch_warnings(action="ignore"), Living(tree) as living:
            for at, state in enumerate(wanted):
                found = living.carry_out(lived.operations[at - 1], state) if at else living.until(state)
                if found != state:
                    what = Difference(at, f"state in OTP {state}, in SCR {found}")
                    yield case_of(lived, what, explain(lived, at, state, found))
                    return
    except ScrError as error:
        yield case_of(lived, Difference(0, f"{type(error).__name__}: {error}"), None)


def explain(lived: History, at: int, theirs: State, ours: State) -> str | None:
    """Give the reason when the policy comes to either state, by the order in which it hears of ends at once."""
    if not any(ends_at_once(lived, upto) for upto in range(1, at + 1)):
        return None
    stories = (live_through(lived, Random(n)) for n in range(SCHEDULES))
    possible = [uncounted(story.segments[at].state) for story in stories if at < len(story.segments)]
    return SAME_ELSEWHERE if theirs in possible and ours in possible else None


def uncounted(state: State) -> State:
    """Leave the counts of children out of a state."""
    return state if isinstance(state, str) or len(state) == 2 else [state[0], [uncounted(child) for child in state[2]]]


class Living:
    """A runtime, and what it told."""

    def __init__(self, tree: SupervisorSpec) -> None:
        self._root = tree.id
        self._news = threading.Condition()
        self._exited: set[int] = set()  # pids
        self._is_down = False
        self._runtime = Runtime(tree, store="memory:", listener=self._hear)

    def __enter__(self) -> Self:
        self._runtime.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._runtime.stop()

    def _hear(self, record: Record) -> None:
        with self._news:
            match record.event:
                case AgentExited(pid=pid):
                    self._exited.add(pid)
                case RuntimeDown():
                    self._is_down = True
            self._news.notify_all()

    def carry_out(self, operation: Operation, wanted: State) -> State:
        """End processes, wait until the runtime has seen it, and then until its tree is as wanted; or say how it is."""
        pids = {agent.id: agent.pid for agent in self._agents() if agent.pid}
        match operation:
            case Exit(worker, "normal") if worker in pids:
                ended = [pids[worker]]
                self._runtime.send(worker, END)
            case Exit(worker) if worker in pids:
                ended = [pids[worker]]
                self._kill(ended)
            case Together(_, exits):
                ended = [pids[end.worker] for end in exits if end.worker in pids]
                self._kill(ended)
            case _:
                ended = []
        with self._news:
            self._news.wait_for(lambda: self._is_down or self._exited.issuperset(ended), SETTLE_MAX_S)
        return self.until(wanted)

    def _kill(self, pids: list[int]) -> None:
        for signum in (signal.SIGSTOP, signal.SIGKILL):  # so none may see that another has died
            for pid in pids:
                os.kill(pid, signum)

    def until(self, wanted: State) -> State:
        """Wait until the tree is as wanted; give its last state, which is another when that took too long."""
        end = time.monotonic() + SETTLE_MAX_S
        while (state := self._state()) != wanted and time.monotonic() < end:
            time.sleep(LOOK_AGAIN_S)
        return state

    def _agents(self) -> list[AgentStatus]:
        try:
            return [*self._runtime.status().agents]
        except ScrError:
            return []

    def _state(self) -> State:
        agents = self._agents()
        return _show(agents, self._root) if agents else "down"


def _show(agents: list[AgentStatus], name: str) -> State:
    children = [agent for agent in agents if agent.supervisor == name]
    below = [
        _show(agents, child.id)
        if child.type == "supervisor" and child.phase == "up"
        else [child.id, {"up": "up", "down": "undefined"}.get(child.phase, child.phase)]
        for child in children
    ]
    return [name, below]
