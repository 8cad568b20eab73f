"""Which runs are started now: a pure decision over frozen values.

High goes before normal before low; at one priority, what had begun goes on
before anything new begins; then the submitters take turns, each with its
oldest run.  Whoever is first and does not fit yet is waited for: nobody that
needs less overtakes it, so that a large run is not put off for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from scr.errors import InvalidInput, QueueFull
from scr.protocol.status import Priority

RANKS = {Priority.HIGH: 0, Priority.NORMAL: 1, Priority.LOW: 2}


@dataclass(frozen=True, slots=True)
class ServerBounds:
    """How many agents and runs there may be at once, and how many runs may wait."""

    agents: int
    runs: int
    queue: int


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A run that wants to be worked on.  `agents` is how many it needs, `begun` whether a runtime had it before."""

    run: str
    priority: Priority = Priority.NORMAL
    submitter: str = ""
    agents: int = 1
    begun: bool = False


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """The submitters that have runs waiting, in the order in which it is their turn."""

    submitters: tuple[str, ...] = ()

    def joined(self, waiting: Sequence[WaitingRun]) -> WaitingLine:
        """Who has nothing waiting leaves; who comes goes to the end."""
        present = dict.fromkeys(run.submitter for run in waiting)
        stay = tuple(name for name in self.submitters if name in present)
        return WaitingLine((*stay, *(name for name in present if name not in stay)))

    def served(self, submitter: str) -> WaitingLine:
        """It has had its turn."""
        return WaitingLine((*(name for name in self.submitters if name != submitter), submitter))

    def order(self, waiting: Sequence[WaitingRun]) -> Iterator[WaitingRun]:
        """Who is started one after another as room comes, of runs in the order in which they came."""
        turns = dict.fromkeys(self.joined(waiting).submitters)
        for _, equals in groupby(sorted(waiting, key=_rank), key=_rank):
            runs: dict[str, deque[WaitingRun]] = {}
            for run in equals:
                runs.setdefault(run.submitter, deque()).append(run)
            names = deque(name for name in turns if name in runs)
            while names:
                name = names.popleft()
                yield runs[name].popleft()
                turns[name] = turns.pop(name)  # to the end
                names.extend([name] if runs[name] else [])


@dataclass(frozen=True, slots=True)
class StartPlan:
    """What to start now, in order, and the line as it is then."""

    starts: tuple[WaitingRun, ...]
    line: WaitingLine


def plan(line: WaitingLine, waiting: Sequence[WaitingRun], running: Sequence[int], bounds: ServerBounds) -> StartPlan:
    """Start as many as there is room for.

    `waiting` is in the order in which the runs came; `running` has the number
    of agents of each run under way.  A run that never fits is left to another
    server.
    """
    line = line.joined(waiting)
    runs, agents = bounds.runs - len(running), bounds.agents - sum(running)
    starts: list[WaitingRun] = []
    for run in line.order([run for run in waiting if run.agents <= bounds.agents]):
        if runs <= 0 or run.agents > agents:
            break
        starts.append(run)
        runs, agents = runs - 1, agents - run.agents
    for run in starts:
        line = line.served(run.submitter)
    return StartPlan(tuple(starts), line)


def _rank(run: WaitingRun) -> tuple[int, bool]:
    return RANKS[run.priority], not run.begun


def admit(agents: int, waiting: int, bounds: ServerBounds) -> None:
    """Raises QueueFull, or InvalidInput for a run that would never be started, with what to do."""
    if agents > bounds.agents:
        raise InvalidInput(
            f"the run needs {agents} agents, and this server has at most {bounds.agents} at once:"
            " give it fewer --workers, or start the server with more --agents"
        )
    if waiting >= bounds.queue:
        raise QueueFull(
            f"{waiting} runs are waiting, which is as many as this server holds: submit again when some are done"
            " (`scr queue` shows them), cancel one, or start the server with a larger --queue"
        )
