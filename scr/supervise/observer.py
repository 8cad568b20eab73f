"""What the supervisor tells the rest of the runtime: of the lives of its children, and what they say in them."""

from __future__ import annotations

from typing import Protocol

from scr.messages import ExitReason
from scr.protocol.frames import Become, FromAgent
from scr.specs import AgentSpec
from scr.supervise.exits import Exit
from scr.supervise.incarnation import Incarnation
from scr.supervise.orders import Fate


class Frames(Protocol):
    """Takes what a live incarnation says that is not about its life: the frames of its turns.

    Called on the loop, for every frame; must neither raise nor block.
    """

    def receive_frame(self, agent: str, incarnation: int, frame: FromAgent) -> None:
        """Carry out one frame."""


class House(Protocol):
    """Who lives with the supervisor: what it tells the rest of the runtime, in the order in which it happens.

    Called on the loop; must neither raise nor block.
    """

    def become(self, incarnation: Incarnation) -> Become:
        """The first frame of a new incarnation."""

    def starting(self, spec: AgentSpec, incarnation: int) -> None:
        """A process was asked for: the agent exists from now on."""

    def up(self, incarnation: Incarnation) -> None:
        """It is ready for messages."""

    def stopping(self, agent: str) -> None:
        """It was asked to stop: hand it nothing more."""

    def printed(self, agent: str, stream: str, line: str) -> None:
        """A line on its standard output or standard error."""

    def exited(self, incarnation: Incarnation, end: Exit) -> bool:
        """It has ended and everything that it had said was heard.  Whether a message explains the end."""

    def gone(self, agent: str, reason: ExitReason, detail: str, fate: Fate) -> None:
        """The agent is down and does not come back by itself; `fate` is what becomes of its mail and its state."""

    def gave_up(self, supervisor: str, causes: tuple[str, ...]) -> None:
        """A supervisor reached its limit."""

    def unkillable(self, incarnation: Incarnation) -> None:
        """SIGKILL did not end it."""

    def settled(self) -> None:
        """Everything that followed from a fact is done; the tree is as it is."""

    def finished(self, reason: str, causes: tuple[str, ...]) -> None:
        """Nothing lives any more."""
