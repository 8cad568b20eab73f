"""How many children a supervisor has, as `supervisor:count_children` says it."""

from dataclasses import dataclass

from scr.specs import SupervisorSpec
from scr.supervise.queries import which_children
from scr.supervise.tree import ChildPhase


@dataclass(frozen=True, slots=True)
class ChildCounts:
    """How many children a supervisor knows, how many of them have a process now, and of which kind all are."""

    specs: int
    active: int
    supervisors: int
    workers: int


def count_children(tree, supervisor):
    """Count the children of a supervisor by kind; one that starts, restarts or is down is not active."""
    children = which_children(tree, supervisor)
    supervisors = sum(isinstance(child.spec, SupervisorSpec) for child in children)
    return ChildCounts(
        specs=len(children),
        active=sum(child.phase in {ChildPhase.UP, ChildPhase.STOPPING} for child in children),
        supervisors=supervisors,
        workers=len(children) - supervisors,
    )
