"""Every live incarnation, looked after: its handler's progress and its limits.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from scr.launch.kernel.memory_group import MemoryGroup
from scr.messages import Message
from scr.runtime.health.deadlines import IncarnationReading, Watch
from scr.runtime.health.limits import LimitsKeeper
from scr.specs import AgentSpec
from scr.supervise.exits import Exit
from scr.supervise.incarnation import Incarnation


class IncarnationFate(Protocol):
    """How an incarnation is ended that does not do as it should."""

    def hang(self, agent: str, incarnation: int, why: str) -> None:
        """It makes no progress."""

    def condemn(self, agent: str, incarnation: int, verdict: Exit) -> None:
        """It has passed a limit: end it at once."""

    def recycle(self, agent: str) -> None:
        """It has served long enough: replace it between two messages."""


class Care:
    """One entry for each live incarnation, from `admit` to `dismiss`.

    `held_up` says of so many last seconds whether nobody could be answered in them.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, scratch: Path, fate: IncarnationFate, held_up: Callable[[float], bool]
    ) -> None:
        self._watch = Watch(loop, scratch, fate.hang, held_up)
        self._limits = LimitsKeeper(loop, condemn=fate.condemn, recycle=fate.recycle)
        self._specs: dict[tuple[str, int], AgentSpec] = {}

    def admit(self, incarnation: Incarnation) -> tuple[Path | None, MemoryGroup | None]:
        """From now on; its page, and its memory group, where there can be such."""
        spec, number = incarnation.spec, incarnation.number
        self._specs[spec.id, number] = spec
        page = self._watch.admit(spec.id, number, incarnation)
        return page, self._limits.admit(spec.id, number, incarnation.pid, spec.limits)

    def came_up(self, agent: str, incarnation: int) -> None:
        """Take note that it is ready."""
        self._limits.came_up(agent, incarnation)

    def dismiss(self, agent: str, incarnation: int) -> None:
        """It has ended."""
        self._specs.pop((agent, incarnation), None)
        self._watch.dismiss(agent, incarnation)
        self._limits.dismiss(agent, incarnation)

    def deadline_s(self, agent: str, incarnation: int, message: Message) -> float:
        """How long the handler of a message may make no progress."""
        spec = self._specs.get((agent, incarnation))
        return spec.deadline_of(message.type) if spec else 0.0

    def busy(self, agent: str, incarnation: int, message: Message) -> None:
        """It has this message in hand."""
        self._watch.busy(agent, incarnation, self.deadline_s(agent, incarnation, message))

    def idle(self, agent: str, incarnation: int) -> None:
        """Its turn is over."""
        self._watch.idle(agent, incarnation)
        self._limits.committed(agent, incarnation)

    def wait(self, agent: str, incarnation: int) -> None:
        """It waits for the store, and that is not its fault."""
        self._watch.idle(agent, incarnation)

    def go_on(self, agent: str, incarnation: int) -> None:
        """It waits no longer."""
        self._watch.go_on(agent, incarnation)

    def begin_wait(self, agent: str, incarnation: int) -> None:
        """It waits for an answer of others, or of the store."""
        self._watch.begin_wait(agent, incarnation)

    def end_wait(self, agent: str, incarnation: int) -> None:
        """It has that answer."""
        self._watch.end_wait(agent, incarnation)

    def halted(self, incarnation: Incarnation, *, is_halted: bool) -> None:
        """A process with nothing in hand was stopped from outside, or goes on; while stopped it is as good as hung."""
        agent, number = incarnation.spec.id, incarnation.number
        if is_halted:
            self._watch.busy(agent, number, incarnation.spec.deadline_s)
        else:
            self._watch.idle(agent, number)

    def poke(self, agent: str, incarnation: int) -> None:
        """Have its interpreter answer, if it can."""
        self._watch.poke(agent, incarnation)

    def read(self, agent: str, incarnation: int) -> IncarnationReading | None:
        """What is known of its progress; None when it is not looked after."""
        return self._watch.read(agent, incarnation)
