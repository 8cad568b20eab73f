"""A decision in the making: a tree that may still be changed, and the orders so far.

Lives within one `decide` and never leaves it, so that many small changes cost
one copy of the maps.  Whoever changes a child marks its supervisor for
planning; that is all the bookkeeping there is.
"""

from __future__ import annotations

from collections.abc import Mapping

from scr.messages import ExitReason
from scr.specs import AgentSpec, SupervisorSpec
from scr.supervise.facts import Call
from scr.supervise.orders import CallDone, CallRefused, Fate, Gone, Order, Refusal, Reply
from scr.supervise.tree import Child, ChildPhase, End, SupervisorState, Tree, listed

PAST_MAX = 1024  # ids that left the tree and whose numbering goes on when they come back
NEVER_STARTED = End(ExitReason.SHUTDOWN, "it was never started")


class Draft:
    """The workspace of one decision at one time."""

    __slots__ = (
        "_tree",
        "at",
        "children",
        "dirty",
        "due",
        "finished",
        "inbox",
        "orders",
        "past",
        "reserved",
        "startable",
        "stuck",
        "teams",
    )

    def __init__(self, tree: Tree, at: float) -> None:
        self._tree = tree
        self.at = at
        self.children = dict(tree.children)
        self.teams = dict(tree.teams)
        self.due = dict(tree.due)
        self.stuck: Mapping[str, int] = tree.stuck
        self.past: Mapping[str, int] = tree.past
        self.reserved: Mapping[str, str] = tree.reserved
        self.finished = tree.finished
        self.orders: list[Order] = []
        self.dirty: dict[str | None, dict[str, None]] = {}  # supervisor (None: above the root) -> its changed children
        self.startable: dict[str | None, dict[str, None]] = {}  # supervisor -> its agents that may start at the end
        self.inbox: list[Call] = []  # calls whose turn has come

    def seal(self) -> tuple[Tree, tuple[Order, ...]]:
        """The finished decision."""
        tree = Tree(
            self._tree.root,
            self.children,
            self.teams,
            self.due,
            self.stuck,
            self.past,
            self.reserved,
            self.finished,
        )
        return tree, tuple(self.orders)

    @property
    def root(self) -> Child:
        """The child that has no parent."""
        return self.children[self._tree.root]

    def keep(self, child: Child) -> Child:
        """Store a child that has changed in nothing that its supervisor must look at."""
        self.children[child.id] = child
        return child

    def put(self, child: Child) -> Child:
        """Store a child that has changed, and have its supervisor look at it."""
        self.children[child.id] = child
        self.touch(child)
        return child

    def put_team(self, team: SupervisorState) -> None:
        """Store a supervisor's mind that has changed, and have it look at its children."""
        self.teams[team.spec.id] = team
        self.dirty.setdefault(team.spec.id, {})

    def touch(self, child: Child) -> None:
        """Have the child's supervisor look at it."""
        self.dirty.setdefault(child.parent, {})[child.id] = None

    def order(self, order: Order) -> None:
        """One more thing for the shell to do."""
        self.orders.append(order)

    def reply(self, call: Call, outcome: CallDone | CallRefused) -> None:
        """Answer a call."""
        self.orders.append(Reply(call.call, outcome))

    def refuse(self, call: Call, code: Refusal, detail: str) -> None:
        """Answer a call with no."""
        self.reply(call, CallRefused(code, detail))

    def bury(self, child: Child, fate: Fate) -> None:
        """Tell the fate of every agent from here down; after an end there is nothing more to tell."""
        if isinstance(child.spec, SupervisorSpec):
            for name in self.teams[child.id].children:
                self.bury(self.children[name], fate)
        elif child.gone is None or (fate is Fate.ENDED and child.gone is not Fate.ENDED):
            end = child.end or NEVER_STARTED
            self.order(Gone(child.id, end.reason, end.detail, fate))
            self.children[child.id] = child.changed(gone=fate)

    def drop(self, child: Child) -> None:
        """Take a child that is down, and all below it, out of the tree."""
        if child.parent is not None and child.id in (team := self.teams[child.parent]).children:
            at = team.children.index(child.id)
            self.put_team(team._replace(children=team.children[:at] + team.children[at + 1 :]))
        if child.added and (freed := listed(child.spec)):
            self._free(child, freed)
        past = dict(self.past)
        self._forget(child, past)
        while len(past) > PAST_MAX:
            del past[next(iter(past))]
        self.past = past

    def _free(self, child: Child, freed: Mapping[str, str]) -> None:
        """Reserve the ids that an added child listed for the nearest supervisor above that lists them too."""
        kept: dict[str, str] = {}
        above = child.parent
        while above is not None:
            kept = {**listed(self.teams[above].spec), **kept}
            above = self.children[above].parent
        still = {name: kept[name] for name in freed if name in kept}
        self.reserved = {**{name: owner for name, owner in self.reserved.items() if name not in freed}, **still}

    def _forget(self, child: Child, past: dict[str, int]) -> None:
        for name in self.teams[child.id].children if isinstance(child.spec, SupervisorSpec) else ():
            self._forget(self.children[name], past)
        self.teams.pop(child.id, None)
        self.due.pop(child.id, None)
        del self.children[child.id]
        if isinstance(child.spec, AgentSpec):
            past.pop(child.id, None)
            past[child.id] = child.incarnation

    def running(self, supervisor: str) -> bool:
        """Whether a supervisor has begun and is not going down."""
        return self.children[supervisor].phase in {ChildPhase.STARTING, ChildPhase.UP}
