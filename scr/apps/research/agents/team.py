"""The planner's workers: who does what, who is idle, who is started again.  Pure.

Which worker does a piece is decided by who is idle, and changes nothing in what comes out.
"""

from __future__ import annotations

from collections.abc import Sequence

from scr.apps.research.job import Piece
from scr.apps.research.plan import Kind
from scr.values import Frozen

CRITIC = "critic"
STARTS_MAX = 4
TRIES_MAX = 5


class Errand(Frozen):
    """A piece under way: who has it, and the message that it went out with."""

    agent: str
    message_id: str


class Team(Frozen):
    """The workers, the pieces under way by id, and how often each was started or sent."""

    workers: tuple[str, ...] = ()
    errands: dict[str, Errand] = {}
    starts: dict[str, int] = {}
    tries: dict[str, int] = {}

    def errand_of(self, message_id: str) -> str | None:
        """The piece that went out with this message, if it is still under way."""
        return next((piece for piece, errand in self.errands.items() if errand.message_id == message_id), None)


def hire(count: int, *, after: int = 0) -> Team:
    """A team of so many workers, all idle; `after` so many that other teams have had."""
    workers = tuple(f"worker-{n}" for n in range(after + 1, after + count + 1))
    return Team(workers=workers, starts=dict.fromkeys(workers, 1))


def assign(team: Team, due: Sequence[Piece]) -> tuple[tuple[Piece, str], ...]:
    """Which of the due pieces go to whom now: critiques to the critic, one piece to each idle worker, in order."""
    waiting = [piece for piece in due if piece.piece_id not in team.errands]
    busy = {errand.agent for errand in team.errands.values()}
    idle = iter([worker for worker in team.workers if worker not in busy])
    critiques = [(piece, CRITIC) for piece in waiting if piece.kind is Kind.CRITIQUE]
    return (*critiques, *zip([piece for piece in waiting if piece.kind is not Kind.CRITIQUE], idle, strict=False))


def sent(team: Team, piece_id: str, agent: str, message_id: str) -> Team:
    """The team with a piece on its way."""
    errands = {**team.errands, piece_id: Errand(agent=agent, message_id=message_id)}
    return team.model_copy(update={"errands": errands, "tries": _counted(team.tries, piece_id)})


def returned(team: Team, piece_id: str) -> Team:
    """The team after a piece has come back, done or not."""
    errands = {piece: errand for piece, errand in team.errands.items() if piece != piece_id}
    return team.model_copy(update={"errands": errands})


def exhausted(team: Team, piece_id: str) -> bool:
    """Whether a piece has been sent as often as it may."""
    return team.tries.get(piece_id, 0) >= TRIES_MAX


def lost(team: Team, worker: str) -> Team:
    """The team after a worker has ended for good: its piece is free again, and it is no member until started."""
    errands = {piece: errand for piece, errand in team.errands.items() if errand.agent != worker}
    workers = tuple(name for name in team.workers if name != worker)
    return team.model_copy(update={"errands": errands, "workers": workers})


def may_start(team: Team, worker: str) -> bool:
    """Whether a worker that ended for good may be started once more."""
    return worker in team.starts and team.starts[worker] < STARTS_MAX


def started(team: Team, worker: str) -> Team:
    """The team with a worker started again."""
    workers = tuple(sorted({*team.workers, worker}, key=lambda name: (len(name), name)))
    return team.model_copy(update={"workers": workers, "starts": _counted(team.starts, worker)})


def _counted(counts: dict[str, int], key: str) -> dict[str, int]:
    return {**counts, key: counts.get(key, 0) + 1}
