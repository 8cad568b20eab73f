"""The state of supervision: every child, every supervisor's own mind, as one frozen value.

Pure.  A `Child` is what a supervisor knows of an agent or of a supervisor
below it; a `SupervisorState` is what a supervisor knows of itself.  Both are kept by id,
since ids are unique in the whole tree.  These are named tuples, because
changing a field is most of what a decision costs, and there it costs least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self

from scr.messages import ExitReason
from scr.specs import AgentSpec, ChildSpec, SupervisorSpec, check, walk
from scr.supervise.facts import Call
from scr.supervise.orders import Fate


class ChildPhase(StrEnum):
    """Where a child stands."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"
    RESTARTING = "restarting"  # down, and waiting for its turn or its pause to be started again
    PARKED = "parked"


ALIVE = frozenset({ChildPhase.STARTING, ChildPhase.UP, ChildPhase.STOPPING})


class Goal(StrEnum):
    """Where a child should get to: be up, be down, or go down and then be up."""

    RUN = "run"
    STOP = "stop"
    BOUNCE = "bounce"


class Cause(StrEnum):
    """Why a child is started, which says whose a failure is."""

    BOOT = "boot"  # its supervisor's start fails with it
    RESTART = "restart"  # counted, and tried again
    CALL = "call"  # the caller is told


class End(NamedTuple):
    """How a child ended last.  `causes` is the chain below a supervisor that ended."""

    reason: ExitReason
    detail: str = ""
    causes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


class Child(NamedTuple):
    """One child, as its supervisor sees it.  `parent` is None for the root alone.

    Its id, which is the one of its specification, is also its mail address.
    """

    id: str
    spec: ChildSpec
    parent: str | None
    added: bool = False  # by a call: lost when its supervisor goes down
    phase: ChildPhase = ChildPhase.DOWN
    cause: Cause = Cause.BOOT
    incarnation: int = 0  # of the last process; supervisors have none
    asked: bool = False  # its supervisor has asked it to stop
    killed: bool = False  # SIGKILL has been ordered for this incarnation
    up_since: float | None = None
    failures: int = 0  # restarts in a row, for the backoff
    stamps: tuple[float, ...] = ()  # its own restarts, when it parks
    end: End | None = None
    gone: Fate | None = None  # what has been told of its end
    parking: str = ""  # it is going down to be parked, and why
    call: Call | None = None  # is answered when the child has settled
    queue: tuple[Call, ...] = ()  # wait for that
    goal: Goal = Goal.RUN  # the last field, for `aimed`

    @property
    def alive(self) -> bool:
        """Whether a process of it exists; for a supervisor, whether it has not ended."""
        return self.phase in ALIVE

    def changed(self, **fields: Any) -> Child:
        """The child with these fields changed, in half the time of `_replace`."""
        values = list(self)
        for name, value in fields.items():
            values[PLACES[name]] = value
        return tuple.__new__(Child, values)

    def aimed(self, goal: Goal) -> Child:
        """The child with another goal, which is all that a restart of many changes of most: the fastest way."""
        return tuple.__new__(Child, (*self[:-1], goal))


PLACES = {name: place for place, name in enumerate(Child._fields)}


@dataclass(frozen=True, slots=True)
class Closing:
    """Why a supervisor is going down.  `failed`: because its start did."""

    word: str
    end: End
    failed: bool = False


class SupervisorState(NamedTuple):
    """A supervisor's own mind: its children in start order, its recent restarts, why it is going down."""

    spec: SupervisorSpec
    children: tuple[str, ...] = ()
    stamps: tuple[float, ...] = ()
    closing: Closing | None = None


class Tree(NamedTuple):
    """All of supervision at one moment.  Made by `of`, changed by `policy.decide` alone."""

    root: str
    children: Mapping[str, Child]
    teams: Mapping[str, SupervisorState]
    due: Mapping[str, float]  # what a TimePassed must look at, and when
    stuck: Mapping[str, int]  # incarnations that SIGKILL did not end
    past: Mapping[str, int]  # last incarnations of ids that left the tree
    reserved: Mapping[str, str]  # listed ids: they come back with their supervisor
    finished: bool = False

    @classmethod
    def of(cls, root: SupervisorSpec, past: Mapping[str, int] | None = None) -> Self:
        """The tree before anything is started; the first TimePassed starts it.

        `past` holds last incarnations of an earlier life of the runtime: the
        numbering goes on.  Raises InvalidSpec when the specification
        contradicts itself.
        """
        check(root)
        children: dict[str, Child] = {}
        teams: dict[str, SupervisorState] = {}
        plant(children, teams, root, parent=None, past=past or {})
        return cls(root.id, children, teams, due={}, stuck={}, past=dict(past or {}), reserved=listed(root))


def plant(
    children: dict[str, Child],
    teams: dict[str, SupervisorState],
    spec: ChildSpec,
    *,
    parent: str | None,
    past: Mapping[str, int],
    gone: Fate | None = None,
) -> None:
    """Put a specification and all below it into both maps, down and wanted.  `gone` is what was told of their end."""
    incarnation = past.get(spec.id, 0) if isinstance(spec, AgentSpec) else 0
    children[spec.id] = Child(spec.id, spec, parent, incarnation=incarnation, gone=gone)
    if isinstance(spec, SupervisorSpec):
        teams[spec.id] = SupervisorState(spec, tuple(child.id for child in spec.children))
        for child in spec.children:
            plant(children, teams, child, parent=spec.id, past=past, gone=gone)


def listed(spec: ChildSpec) -> dict[str, str]:
    """Every id that a specification lists below itself, with the supervisor that lists it."""
    return {
        child.id: parent.id for parent in walk(spec) if isinstance(parent, SupervisorSpec) for child in parent.children
    }
