"""Random histories: the same mode and seed give the same history.

The modes: `plain` (one end at a time), `time` (ends in several periods of the restart limit), `stopkills` (a worker
kills another while it is stopped), `kills` (or while it starts), `many` (workers of one supervisor end at once),
`cross` (workers of several supervisors do), `real` (ends alone, for a runtime with real processes).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from otp.history import (
    Add,
    Behave,
    Delete,
    Dynamic,
    Exit,
    History,
    Operation,
    Plan,
    Restart,
    Sleep,
    Spec,
    Static,
    Stop,
    Terminate,
    Together,
    Worker,
)

MODES = ("plain", "time", "stopkills", "kills", "many", "cross", "real")
STRATEGIES = ("one_for_one", "one_for_all", "rest_for_one")
RESTARTS = ("permanent", "permanent", "transient", "temporary")
REASONS = ("normal", "shutdown", "shutdown_x", "boom", "boom", "killed", "killed")
CALLS = {"terminate": 9, "restart": 8, "delete": 5}
ALONE = {"exit": 38, "plan": 12, "behave": 6, "add": 22, **CALLS}
AT_ONCE = {"exit": 38, "plan": 12, "behave": 6, "together": 12, "add": 10, **CALLS}
WEIGHTS = {
    "plain": ALONE,
    "stopkills": ALONE,
    "kills": ALONE,
    "many": AT_ONCE,
    "cross": AT_ONCE,
    "time": {"exit": 60, "sleep": 15, "add": 3, **CALLS},
}
ORDERLY_MS, DEAF_MS = 5000, 40  # budgets to stop: for workers that obey, and for those that may not
PAUSE_MS = 2100  # longer than a period of 1 s, however the seconds are rounded


def history(mode: str, seed: int) -> History:
    """Make one history.  Raises ValueError for a mode that does not exist."""
    if mode not in MODES:
        raise ValueError(f"mode {mode!r}: use one of {', '.join(MODES)}")
    if mode == "real":
        return only_ends(Generator("many", seed).history())
    return Generator(mode, seed).history()


class Generator:
    """The source of one history; remembers the ids that it gave, to use them again."""

    def __init__(self, mode: str, seed: int) -> None:
        self.random, self.mode, self.seed = Random(f"{mode}/{seed}"), mode, seed
        self.count = 0
        self.supervisors: dict[str, Static | Dynamic] = {}
        self.children: dict[str, dict[str, None]] = {}  # supervisor -> ids that it listed or was given
        self.workers: dict[str, None] = {}

    def history(self) -> History:
        """Draw the tree, what its workers do, and 3 to 14 operations."""
        draw, tree = self.random.random, self._static("never", depth=2, is_root=True)
        plans = [self._plan(worker) for worker in self.workers if draw() < 0.06]
        manners = [self._behave(worker) for worker in self.workers if draw() < 0.2]
        makers: dict[str, Callable[[], Operation]] = {
            "exit": self._exit,
            "plan": self._plan,
            "behave": self._behave,
            "together": self._together,
            "sleep": lambda: Sleep(PAUSE_MS),
            "add": self._add,
            "terminate": lambda: Terminate(*self._child()),
            "restart": lambda: Restart(*self._child()),
            "delete": lambda: Delete(*self._child()),
        }
        weights = WEIGHTS[self.mode]
        drawn = self.random.choices([*weights], [*weights.values()], k=self.random.randint(3, 14))
        operations = [makers[kind]() for kind in drawn]
        if draw() < 0.6:
            operations.append(Stop())
        return History(self.seed, tree, (*plans, *manners), tuple(operations))

    # Specifications.

    def _name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def _worker(self, above: str, name: str | None = None) -> Worker:
        rng, restart = self.random, self.random.choice(RESTARTS)
        significant = above != "never" and restart != "permanent" and rng.random() < 0.5
        name = name or self._name("wi" if rng.random() < 0.2 else "w")
        self.workers[name] = None
        budgets = (DEAF_MS, DEAF_MS, DEAF_MS, "brutal_kill", *((0,) if "kills" not in self.mode else ()))
        shutdown = rng.choice((4000, "brutal_kill") if self.mode == "time" else budgets)
        return Worker(name, restart, "infinity" if is_patient(name) else shutdown, significant)

    def _supervisor(self, above: str, depth: int) -> Static | Dynamic:
        return self._dynamic(above) if self.random.random() < 0.25 else self._static(above, depth)

    def _dynamic(self, above: str) -> Dynamic:
        rng, (restart, significant) = self.random, self._ending(above)
        most: int | str = rng.choice(("infinity", 2, 3))
        spec = Dynamic(self._name("s"), self._limit(), self._period(), most, restart, significant)
        self._know(spec)
        return spec

    def _static(self, above: str, depth: int, *, is_root: bool = False) -> Static:
        rng, name, limit = self.random, self._name("s"), self._limit()
        restart, significant = ("permanent", False) if is_root else self._ending(above)
        auto = rng.choice(("never", "never", "any_significant", "all_significant"))
        children = tuple(self._listed(auto, depth) for _ in range(rng.randint(1, 4) if is_root else rng.randint(0, 3)))
        strategy = rng.choice(STRATEGIES)
        spec = Static(name, strategy, limit, self._period(), auto, restart, significant, children)
        self._know(spec)
        return spec

    def _listed(self, above: str, depth: int) -> Spec:
        if depth and self.random.random() < 0.4:
            return self._supervisor(above, depth - 1)
        return self._worker(above)

    def _know(self, spec: Static | Dynamic) -> None:
        self.supervisors[spec.id] = spec
        listed = spec.children if isinstance(spec, Static) else ()
        self.children.setdefault(spec.id, {}).update(dict.fromkeys(child.id for child in listed))

    def _again(self, name: str, above: str) -> Spec:
        """Specify a child of a supervisor anew: with another limit, perhaps with other children."""
        if name not in self.supervisors:
            return self._worker(above, name)
        spec, (restart, significant) = self.supervisors[name], self._ending(above)
        spec = replace(spec, max_restarts=self._limit(), restart=restart, significant=significant)
        if isinstance(spec, Static):
            spec = replace(spec, strategy=self.random.choice(STRATEGIES))
            if self.random.random() < 0.3:
                spec = replace(spec, children=(*spec.children[1:], self._worker(spec.auto_shutdown)))
        self._know(spec)
        return spec

    def _ending(self, above: str) -> tuple[str, bool]:
        restart = self.random.choice(RESTARTS)
        return restart, above != "never" and restart != "permanent" and self.random.random() < 0.4

    def _limit(self) -> int:
        return self.random.choice((0, 1, 1, 2, 3, 5))

    def _period(self) -> int:
        return 1 if self.mode == "time" else 1000

    # Operations.

    def _some_worker(self) -> str:
        return self.random.choice([*self.workers] or ["w0"])

    def _exit(self) -> Exit:
        return Exit(self._some_worker(), self.random.choice(REASONS))

    def _plan(self, worker: str | None = None) -> Plan:
        rng = self.random
        outcomes = rng.choices(("ok", "ignore", "crash", "fail"), (25, 20, 15, 40), k=rng.choice((1, 1, 2, 3)))
        return Plan(worker or self._some_worker(), tuple(outcomes))

    def _behave(self, worker: str | None = None) -> Behave:
        rng, worker = self.random, worker or self._some_worker()
        if self.mode in {"kills", "stopkills"} and rng.random() < 0.6:
            when = rng.choice(("on_stop", "on_start")) if self.mode == "kills" else "on_stop"
            return Behave(worker, when, self._sibling(worker))
        manner = rng.choice(("boom", "normal") if self.mode == "time" else ("deaf", "boom", "normal", "obey"))
        return Behave(worker, "boom" if manner == "deaf" and is_patient(worker) else manner)

    def _sibling(self, worker: str) -> str:
        group = next((names for names in self.children.values() if worker in names), {})
        return self.random.choice([name for name in group if name in self.workers] or [worker])

    def _together(self) -> Together:
        rng, workers, supervisors = self.random, [*self.workers], [*self.supervisors]
        groups = {above: [name for name in names if name in self.workers] for above, names in self.children.items()}
        if self.mode == "many" and (crowded := [above for above, names in groups.items() if len(names) > 1]):
            supervisors = [rng.choice(crowded)]
            workers = groups[supervisors[0]]
        rng.shuffle(workers)
        ends = tuple(Exit(worker, rng.choice(REASONS)) for worker in workers[: rng.randint(2, 3)])
        return Together(tuple(supervisors), ends)

    def _child(self) -> tuple[str, str]:
        above = self.random.choice([*self.supervisors])
        names = [*self.children[above]]
        return above, self.random.choice(names) if names and self.random.random() < 0.97 else "nobody"

    def _add(self) -> Add:
        rng = self.random
        above = self.supervisors[rng.choice([*self.supervisors])]
        auto = above.auto_shutdown if isinstance(above, Static) else "never"
        known, kind = [*self.children[above.id]], rng.random()
        spec: Spec
        if kind < 0.35 and known and isinstance(above, Static):
            spec = self._again(rng.choice(known), auto)
        elif kind < 0.55:
            spec = self._supervisor(auto, depth=rng.choice((0, 1)))
        else:
            spec = self._worker(auto)
        self.children[above.id][spec.id] = None
        if isinstance(above, Dynamic) and isinstance(spec, Worker) and spec.shutdown == 0:
            spec = replace(spec, shutdown=DEAF_MS)  # Elixir refuses what Erlang takes
        return Add(above.id, spec)


def is_patient(worker: str) -> bool:
    """Tell whether a worker is waited for without limit when it is stopped, and so must never be deaf."""
    return worker.startswith("wi")


def only_ends(drawn: History) -> History:
    """Keep what can be done to real processes: kills, normal ends, kills at once below one supervisor."""
    operations: list[Operation] = []
    for operation in drawn.operations:
        match operation:
            case Exit(worker, reason):
                operations.append(Exit(worker, "killed" if reason in {"killed", "boom"} else "normal"))
            case Together((above,), exits):
                operations.append(Together((above,), tuple(replace(end, reason="killed") for end in exits)))
            case _:
                pass
    return History(drawn.seed, _unhurried(drawn.tree), (), tuple(operations))


def _unhurried(spec: Static) -> Static:
    children = tuple(
        replace(child, shutdown=ORDERLY_MS)
        if isinstance(child, Worker) and child.shutdown == DEAF_MS
        else _unhurried(child)
        if isinstance(child, Static)
        else child
        for child in spec.children
    )
    return replace(spec, children=children)
