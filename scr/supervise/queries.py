"""What may be asked about a tree without changing it; at any time, whatever starts or stops.

Pure.  Children come in start order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scr.errors import UnknownAgent
from scr.mail.suggestions import unknown
from scr.specs import SupervisorSpec
from scr.supervise.tree import Child, SupervisorState, Tree


@dataclass(frozen=True, slots=True)
class Restarts:
    """How many restarts count now, and how many may within how long."""

    counted: int = 0
    most: int = 0
    within_s: float = 0.0


def deadline(tree: Tree) -> float | None:
    """When the shell must send a TimePassed even if nothing happens; None: it need not."""
    return min(tree.due.values(), default=None)


def in_start_order(tree: Tree) -> Iterator[Child]:
    """Every child, the root first, each supervisor before those below it."""
    below = [tree.root]
    while below:
        name = below.pop()
        yield tree.children[name]
        if name in tree.teams:
            below += reversed(tree.teams[name].children)


def which_child(tree: Tree, name: str) -> Child:
    """One child as its supervisor sees it.  Raises UnknownAgent."""
    if name not in tree.children:
        raise UnknownAgent(unknown("agent or supervisor", name, tree.children))
    return tree.children[name]


def which_children(tree: Tree, supervisor: str) -> tuple[Child, ...]:
    """The children of a supervisor, in start order.  Raises UnknownAgent."""
    return tuple(tree.children[name] for name in _team(tree, supervisor).children)


def restarts_under(tree: Tree, supervisor: str, at: float) -> Restarts:
    """What a supervisor's own limit has counted by now.  Raises UnknownAgent."""
    team = _team(tree, supervisor)
    return _restarts(team.stamps, team.spec, at)


def restarts_against(tree: Tree, name: str, at: float) -> Restarts:
    """What the limit that the next restart of a child counts against has counted by now.

    That is its supervisor's, shared with its siblings, or its own where it
    parks; the root has none.  Raises UnknownAgent.
    """
    child = which_child(tree, name)
    if child.parent is None:
        return Restarts()
    team = tree.teams[child.parent]
    return _restarts(child.stamps if child.spec.park else team.stamps, team.spec, at)


def _restarts(stamps: tuple[float, ...], spec: SupervisorSpec, at: float) -> Restarts:
    counted = sum(at - stamp <= spec.within_s for stamp in stamps)
    return Restarts(counted, spec.max_restarts, spec.within_s)


def _team(tree: Tree, supervisor: str) -> SupervisorState:
    if supervisor not in tree.teams:
        raise UnknownAgent(unknown("supervisor", supervisor, tree.teams))
    return tree.teams[supervisor]
