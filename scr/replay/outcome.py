"""What a replay is given and what it has found, as frozen values.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import JsonValue

from scr.protocol.frames import Commit, Deliver
from scr.replay.compare import Difference, differences
from scr.specs import AgentSpec


@dataclass(frozen=True, slots=True)
class ReplayedTurn:
    """One committed turn: what its agent was given, as a replay gives it again, and the frame that came of it.

    It was committed after event `seq`, by incarnation `incarnation`, with
    `state` left by the turns before it in the agent's life number `life`.  What it recalled was of version
    `delivery.entries_version`, or of a later one up to `until`.
    """

    seq: int
    spec: AgentSpec
    life: int
    incarnation: int
    state: JsonValue
    delivery: Deliver
    commit: Commit
    until: int


@dataclass(frozen=True, slots=True)
class Over:
    """No frame came that a turn ends with: why, and the last that the process had printed."""

    why: str
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Divergence:
    """A turn that did not go as the run has it: what differs, or why it did not come to its end.

    It was committed after event `seq`; `type` is of the message `message_id`
    that it handled; `tail` is the last that its process printed, if that ended.
    """

    seq: int
    message_id: str
    type: str
    differences: tuple[Difference, ...] = ()
    why: str = ""
    tail: str = ""


@dataclass(frozen=True, slots=True)
class AgentReplay:
    """One agent: how many turns the run has of it, how many were played, and which diverged."""

    agent: str
    turns: int
    played: int = 0
    divergences: tuple[Divergence, ...] = ()

    def after(self, found: Divergence | None) -> AgentReplay:
        """With one turn more."""
        return replace(self, played=self.played + 1, divergences=(*self.divergences, *([found] if found else [])))

    @property
    def is_same(self) -> bool:
        """Whether all of it went as the run has it."""
        return not self.divergences and self.played == self.turns


@dataclass(frozen=True, slots=True)
class Replayed:
    """A whole replay; `left_out` are the agents that live off the store itself."""

    run: str
    parts: tuple[AgentReplay, ...]
    left_out: tuple[str, ...] = ()

    @property
    def turns(self) -> int:
        """How many turns were played."""
        return sum(part.played for part in self.parts)

    @property
    def is_same(self) -> bool:
        """Whether all went as the run has it."""
        return all(part.is_same for part in self.parts)


def judged(turn: ReplayedTurn, said: Commit | Over) -> Divergence | None:
    """The verdict on one turn; None when it went as the run has it."""
    message = turn.delivery.message
    if isinstance(said, Over):
        return Divergence(turn.seq, message.message_id, message.type, why=said.why, tail=said.tail)
    found = differences(turn.commit, said)
    return Divergence(turn.seq, message.message_id, message.type, found) if found else None
