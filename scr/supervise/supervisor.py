"""The hands of supervision: real processes started, watched, stopped and killed as the policy says.

Lives in the runtime, on its loop; no call blocks (I12).  It turns what the
kernel and the channels say into facts, hands them to `policy.decide`, and
carries out the orders.  It knows nothing of strategies, limits or messages.
"""

from __future__ import annotations

import asyncio
import signal
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from time import monotonic
from typing import TypeAlias

from scr.errors import ChannelError, LaunchFailed
from scr.launch.launcher import LaunchRequest, Process
from scr.launch.reaper import Reaper
from scr.launch.wait_status import WaitStatus
from scr.messages import ExitReason
from scr.protocol.frames import Answer, Exiting, Fetch, FromAgent, Halt, Ignore, Log, Named, Progress, Ready
from scr.specs import AgentSpec, ChildSpec
from scr.supervise.exits import EndRequest, Exit
from scr.supervise.facts import (
    ChildExited,
    ChildIgnored,
    ChildStartFailed,
    EndTree,
    Fact,
    ParkAgent,
    RecycleChild,
    StartChild,
    Started,
    TerminateChild,
    TimePassed,
)
from scr.supervise.incarnation import Incarnation
from scr.supervise.observer import Frames, House
from scr.supervise.orders import (
    CallDone,
    CallRefused,
    Finish,
    GaveUp,
    Gone,
    KillProcess,
    Order,
    Reply,
    StartProcess,
    StopProcess,
    Unkillable,
)
from scr.supervise.policy import decide
from scr.supervise.queries import deadline
from scr.supervise.tree import ChildPhase, Goal, Tree

BLANKS_MAX = 3
HANG_GRACE_S = 0.03
OF_LIFE = (Named, Exiting, Ready, Ignore)
DEAF_S = 1.0  # between the end of what a process says and its own end
Launch: TypeAlias = Callable[[LaunchRequest, Callable[[Process | LaunchFailed], None]], None]
Answered: TypeAlias = Callable[[CallDone | CallRefused], None]


class Supervisor:
    """The shell around one tree.  `launch` starts a blank process that is to be the agent of its request.

    It is told of no child and asked for none before `start`.
    """

    _house: House
    _frames: Frames
    _reaper: Reaper

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tree: Tree,
        *,
        launch: Launch,
        frame_bytes: int,
        tail_bytes: int,
    ) -> None:
        self.tree = tree
        self._loop, self._launch = loop, launch
        self._frame_bytes, self._tail_bytes = frame_bytes, tail_bytes
        self._live: dict[str, Incarnation] = {}
        self._facts: deque[Fact] = deque()
        self._feeding = False
        self._timer: asyncio.TimerHandle | None = None
        self._calls: dict[str, Answered] = {}
        self._tokens = count(1)

    def start(self, house: House, frames: Frames, reaper: Reaper) -> None:
        """Start the tree: `house` is told of its lives, `frames` gets what agents say, `reaper` waits for the ends."""
        self._house, self._frames, self._reaper = house, frames, reaper
        self._feed(TimePassed(monotonic()))

    def stop(self, reason: str, within_s: float) -> None:
        """Stop the tree in order; what still lives after `within_s` is killed."""
        self._feed(EndTree(monotonic(), reason, within_s))

    def live(self, agent: str) -> Incarnation | None:
        """The live incarnation of an agent."""
        return self._live.get(agent)

    def by_pid(self, pid: int) -> Incarnation | None:
        """The live incarnation whose process this is."""
        return next((live for live in self._live.values() if live.pid == pid), None)

    def start_child(self, supervisor: str, spec: ChildSpec, answered: Answered) -> None:
        """Add a child; `answered` is told once, when it is up or was refused."""
        self._feed(StartChild(monotonic(), self._token(answered), supervisor, spec))

    def terminate_child(self, agent: str, answered: Answered) -> None:
        """Stop a child and keep it down; `answered` is told once it is."""
        self._feed(TerminateChild(monotonic(), self._token(answered), agent))

    def recycle_child(self, agent: str, answered: Answered, spec: AgentSpec | None = None) -> None:
        """Have a fresh process of a child, or start one that is down, uncounted; `answered` is told once it is up.

        With `spec` it is as that says from its next process on.
        """
        self._feed(RecycleChild(monotonic(), self._token(answered), agent, spec=spec))

    def recycle(self, agent: str) -> None:
        """Replace an agent that is up, and is to be, by a fresh process between two messages, uncounted."""
        child = self.tree.children.get(agent)
        if child and child.phase is ChildPhase.UP and child.goal is Goal.RUN:
            self.recycle_child(agent, ignore_outcome)

    def park(self, agent: str, why: str) -> None:
        """Take an agent down and keep it down until it is restarted by hand."""
        self._feed(ParkAgent(monotonic(), agent, why))

    def tell(self, agent: str, incarnation: int, frame: Answer) -> None:
        """Send a frame to this incarnation, if it still lives.  One that is too large is an error to the agent."""
        live = self._live.get(agent)
        if live is None or live.number != incarnation or live.channel is None:
            return
        try:
            live.channel.send(frame)
        except ChannelError as error:
            live.channel.send(Answer(ref=frame.ref, error=type(error).__name__, detail=str(error)))

    def distrust(self, agent: str, incarnation: int, why: str) -> None:
        """End an incarnation that broke the protocol; that counts as its own failure."""
        self.condemn(agent, incarnation, Exit(ExitReason.ERROR, f"broke the protocol: {why}"))

    def condemn(self, agent: str, incarnation: int, verdict: Exit) -> None:
        """Kill an incarnation for a reason of its own making; that counts as its failure."""
        live = self._of(agent, incarnation)
        if live is not None and not live.condemned:
            live.condemned = verdict
            live.signal(signal.SIGKILL)

    def hang(self, agent: str, incarnation: int, why: str) -> None:
        """End an incarnation that makes no progress: SIGTERM, a moment, SIGKILL to its group."""
        live = self._of(agent, incarnation)
        if live is None or live.asked is not EndRequest.NOTHING:
            return
        live.asked, live.condemned = EndRequest.HUNG, Exit(ExitReason.HUNG, why)
        live.signal_itself(signal.SIGTERM)
        self._loop.call_later(HANG_GRACE_S, live.signal, signal.SIGKILL)

    def _token(self, answered: Answered) -> str:
        token = f"call-{next(self._tokens)}"
        self._calls[token] = answered
        return token

    # Facts in, orders out.

    def _feed(self, fact: Fact) -> None:
        """One fact at a time: what an order brings about at once waits its turn."""
        self._facts.append(fact)
        if self._feeding:
            return
        self._feeding = True
        try:
            while self._facts:
                self.tree, orders = decide(self.tree, self._facts.popleft())
                for order in orders:
                    self._obey(order)
        finally:
            self._feeding = False
        self._arm()
        self._house.settled()

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
        due = deadline(self.tree)
        self._timer = None if due is None else self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._feed(TimePassed(monotonic()))

    def _obey(self, order: Order) -> None:
        match order:
            case StartProcess(agent, number, spec):
                self._start(agent, number, spec)
            case StopProcess(agent, number):
                self._stop(agent, number)
            case KillProcess(agent, number):
                self._kill(agent, number)
            case Gone(agent, reason, detail, fate):
                self._house.gone(agent, reason, detail, fate)
            case GaveUp(supervisor, causes):
                self._house.gave_up(supervisor, causes)
            case Unkillable(agent, number):
                self._abandon(agent, number)
            case Reply(call, outcome):
                self._calls.pop(call)(outcome)
            case Finish(reason, causes):
                self._house.finished(reason, causes)

    # Orders, carried out.

    def _start(self, agent: str, number: int, spec: AgentSpec) -> None:
        incarnation = self._live[agent] = Incarnation(spec, number, since=monotonic())
        self._house.starting(spec, number)
        self._launch(LaunchRequest(incarnation.spec), partial(self._launched, incarnation))

    def _stop(self, agent: str, number: int) -> None:
        incarnation = self._of(agent, number)
        if incarnation is None:
            return
        incarnation.asked = EndRequest.STOP
        self._house.stopping(agent)
        if incarnation.channel:
            incarnation.channel.send(Halt())

    def _kill(self, agent: str, number: int) -> None:
        if incarnation := self._of(agent, number):
            incarnation.asked = EndRequest.KILL
            incarnation.signal(signal.SIGKILL)

    def _abandon(self, agent: str, number: int) -> None:
        if incarnation := self._of(agent, number):
            self._house.unkillable(incarnation)
            del self._live[agent]

    def _of(self, agent: str, number: int) -> Incarnation | None:
        live = self._live.get(agent)
        return live if live and live.number == number else None

    # What happens to a process.

    def _launched(self, incarnation: Incarnation, result: Process | LaunchFailed) -> None:
        agent = incarnation.spec.id
        if isinstance(result, LaunchFailed):
            self._forget(incarnation)
            self._feed(ChildStartFailed(agent, incarnation.number, monotonic(), str(result)))
            return
        channel = incarnation.attach(
            self._loop,
            result,
            hear=partial(self._receive_frame, incarnation),
            broken=partial(self._broken, incarnation),
            ended=partial(self._loop.call_later, DEAF_S, self._deaf, incarnation),
            printed=self._house.printed,
            frame_bytes=self._frame_bytes,
            tail_bytes=self._tail_bytes,
        )
        self._reaper.watch(result.pid, result.pidfd, partial(self._ended, incarnation))
        if incarnation.asked is not EndRequest.NOTHING:
            incarnation.withdraw()
            return
        try:
            channel.send(self._house.become(incarnation))
        except ChannelError as error:
            why = f"its code, options and state cannot be given to a process: {error}"
            self.condemn(agent, incarnation.number, Exit(ExitReason.START_FAILED, why))

    def _receive_frame(self, incarnation: Incarnation, frame: FromAgent) -> None:
        agent, number = incarnation.spec.id, incarnation.number
        if incarnation.ready and not isinstance(frame, OF_LIFE) and self._live.get(agent) is incarnation:
            self._frames.receive_frame(agent, number, frame)
            return
        match frame:
            case Named():
                incarnation.named = True
            case Exiting():
                incarnation.record = frame
            case Ready() if not incarnation.ready:
                incarnation.ready = True
                if incarnation.asked is EndRequest.NOTHING:
                    if frame.timers or frame.cancels:
                        self._frames.receive_frame(agent, number, frame)
                    self._house.up(incarnation)
                self._feed(Started(agent, number, monotonic()))
            case Ready():
                self.distrust(agent, number, "a ready frame has no place in its life now")
            case Ignore() if not incarnation.ready:
                incarnation.ignored = True
            case Fetch() | Log() | Progress() if self._live.get(agent) is incarnation:
                self._frames.receive_frame(agent, number, frame)
            case _:
                self.distrust(agent, number, f"a {frame.kind} frame before it was ready")

    def _broken(self, incarnation: Incarnation, error: ChannelError) -> None:
        self.distrust(incarnation.spec.id, incarnation.number, str(error))

    def _deaf(self, incarnation: Incarnation) -> None:
        """It can neither hear nor say anything any more; one that was asked to stop has its own deadline."""
        if incarnation.asked is EndRequest.NOTHING:
            self.distrust(incarnation.spec.id, incarnation.number, "it closed its channel and went on living")

    def _ended(self, incarnation: Incarnation, status: WaitStatus) -> None:
        """It is dead: hear the rest of what it said, find the reason, tell the house, then the policy."""
        incarnation.drain()
        is_blank = not (incarnation.named or incarnation.condemned)
        if is_blank and incarnation.asked is EndRequest.NOTHING and incarnation.blanks < BLANKS_MAX:
            self._again(incarnation)
            return
        end = incarnation.verdict(status)
        self._forget(incarnation)
        is_explained = self._house.exited(incarnation, end)
        incarnation.close()
        self._feed(self._fact_of(incarnation, end, is_explained=is_explained))

    def _again(self, incarnation: Incarnation) -> None:
        """The process died before it knew who it was to be: that is no failure of the agent's."""
        incarnation.close()
        incarnation.blanks += 1
        self._launch(LaunchRequest(incarnation.spec), partial(self._launched, incarnation))

    def _fact_of(self, incarnation: Incarnation, end: Exit, *, is_explained: bool) -> Fact:
        agent, number, now = incarnation.spec.id, incarnation.number, monotonic()
        if incarnation.ignored:
            return ChildIgnored(agent, number, now)
        if not incarnation.ready and incarnation.asked is EndRequest.NOTHING:
            return ChildStartFailed(agent, number, now, end.detail)
        return ChildExited(agent, number, now, end.reason, end.detail, explained=is_explained)

    def _forget(self, incarnation: Incarnation) -> None:
        if self._live.get(incarnation.spec.id) is incarnation:
            del self._live[incarnation.spec.id]


def ignore_outcome(_outcome: object) -> None:
    """Take note of an outcome for which nothing waits."""
