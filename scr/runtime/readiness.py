"""Who waits for the whole tree to be up.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

from scr.runtime.dispatch.client_waits import Tell
from scr.supervise.supervisor import Supervisor
from scr.supervise.tree import ChildPhase
from scr.turns.answer import Outcome


class Readiness:
    """The waits for the supervisor `root`, each told once."""

    def __init__(self, supervisor: Supervisor, root: str) -> None:
        self._supervisor, self._root = supervisor, root
        self._waiting: list[Tell] = []

    def wait(self, tell: Tell) -> None:
        """Tell when the whole tree is up, or why it will not be."""
        self._waiting.append(tell)
        self.look()

    def look(self) -> None:
        """Tell all that wait, if the tree is up."""
        if self._supervisor.tree.children[self._root].phase is ChildPhase.UP:
            self._tell(Outcome())

    def fail(self, why: str) -> None:
        """Tell all that wait that the tree will not be up."""
        self._tell(Outcome(error="StartFailed", detail=why))

    def _tell(self, outcome: Outcome) -> None:
        waiting, self._waiting = self._waiting, []
        for tell in waiting:
            tell(outcome)
