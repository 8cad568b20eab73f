"""Processes in virtual time for the policy of SCR: they start, end and obey as a history plans."""

from __future__ import annotations

from random import Random
from typing import assert_never

from otp.history import Behave, Dynamic, Plan, Spec, Static, Worker
from otp.story import Event, State
from scr.messages import ExitReason
from scr.specs import AgentSpec, ChildSpec, Code, SupervisorSpec
from scr.supervise.facts import ChildExited, ChildIgnored, ChildStartFailed, Fact, Started, TimePassed
from scr.supervise.orders import CallDone, CallRefused, Finish, KillProcess, Order, Reply, StartProcess, StopProcess
from scr.supervise.policy import decide
from scr.supervise.queries import deadline, which_children
from scr.supervise.tree import ChildPhase, Tree

CODE = Code(reference="otp.nowhere:worker")
STEPS_MAX = 20_000
WORDS = {ExitReason.NORMAL: "normal", ExitReason.SHUTDOWN: "shutdown", ExitReason.KILLED: "killed"}
MANNERS = {"boom": ExitReason.ERROR, "normal": ExitReason.NORMAL}
SHUTDOWN_S = {"brutal_kill": "kill", "infinity": "infinity"}


def specification(spec: Spec, code: Code = CODE) -> ChildSpec:
    """Give a specification as SCR has it.  Raises InvalidSpec."""
    match spec:
        case Worker(name, restart, shutdown, significant):
            budget = SHUTDOWN_S[shutdown] if isinstance(shutdown, str) else shutdown / 1000
            fields = {"id": name, "restart": restart, "shutdown_s": budget, "significant": significant}
            return AgentSpec.model_validate({**fields, "code": code})
        case Static():
            return SupervisorSpec.model_validate(
                {
                    **_limits(spec),
                    "strategy": spec.strategy,
                    "auto_shutdown": spec.auto_shutdown,
                    "children": tuple(specification(child, code) for child in spec.children),
                }
            )
        case Dynamic():
            most = spec.max_children if isinstance(spec.max_children, int) else None
            dynamic = {"strategy": "one_for_one", "dynamic": True, "max_children": most}
            return SupervisorSpec.model_validate({**_limits(spec), **dynamic})
    assert_never(spec)


def _limits(spec: Static | Dynamic) -> dict[str, object]:
    limit = {"max_restarts": spec.max_restarts, "within_s": spec.period_s}
    return {"id": spec.id, "restart": spec.restart, "significant": spec.significant, **limit}


class World:
    """One tree and its processes.

    Of the facts that wait, the policy hears of starts and stops that it ordered first, then of the ends that nothing
    ordered, in their order; or, with a `schedule`, of any next.
    """

    def __init__(self, tree: Static, schedule: Random | None = None) -> None:
        spec = specification(tree)
        assert isinstance(spec, SupervisorSpec)
        self.tree, self.schedule, self.now = Tree.of(spec), schedule, 0.0
        self.plans: dict[str, list[str]] = {}
        self.behaviours: dict[str, Behave] = {}
        self.live: dict[str, int] = {}  # id -> incarnation with a process
        self.dead: dict[str, ChildExited] = {}  # ended by themselves, and the policy has not heard of it
        self.facts: list[Fact] = []  # the other facts that it has not heard of
        self.events: list[Event] = []
        self.answers: dict[str, CallDone | CallRefused] = {}
        self.finish: Finish | None = None

    def set_up(self, change: Plan | Behave) -> None:
        """Change how a worker starts or behaves."""
        match change:
            case Plan(worker, outcomes):
                self.plans[worker] = [*outcomes]
            case Behave(worker):
                self.behaviours[worker] = change

    def end(self, worker: str, reason: ExitReason) -> bool:
        """End the process of a worker, unless it has none; the policy hears of it later."""
        if worker not in self.live:
            return False
        self.dead[worker] = self._end(worker, reason)
        return True

    def settle(self) -> None:
        """Let the policy hear of everything, and time pass to each deadline, until nothing happens any more."""
        for _ in range(STEPS_MAX):
            due = deadline(self.tree)
            if ready := self._ready():
                self._feed(self._take(self.schedule.choice(ready) if self.schedule else ready[0]))
            elif due is not None and not self.finish:
                self.now = max(self.now, due)
                self._feed(TimePassed(self.now))
            else:
                return
        raise AssertionError("it does not settle")

    def state(self) -> State:
        """Show the whole tree, as `otp_world.erl` does."""
        return "down" if self.finish else self._show(self.tree.root)

    def _show(self, name: str) -> State:
        known = which_children(self.tree, name)
        active = sum(child.phase in {ChildPhase.UP, ChildPhase.STOPPING} for child in known)
        supervisors = sum(isinstance(child.spec, SupervisorSpec) for child in known)
        children = [
            self._show(child.id)
            if isinstance(child.spec, SupervisorSpec) and child.phase is ChildPhase.UP
            else [child.id, {ChildPhase.UP: "up", ChildPhase.DOWN: "undefined"}.get(child.phase, str(child.phase))]
            for child in known
        ]
        return [name, [len(known), active, supervisors, len(known) - supervisors], children]

    def _ready(self) -> list[Fact]:
        """List the facts that may be heard next: of each process the first."""
        first: dict[str | None, Fact] = {}
        for fact in self.facts:
            first.setdefault(getattr(fact, "id", None), fact)
        return [*first.values(), *self.dead.values()]

    def _take(self, fact: Fact) -> Fact:
        if isinstance(fact, ChildExited) and self.dead.get(fact.id) is fact:
            return self.dead.pop(fact.id)
        self.facts = [other for other in self.facts if other is not fact]
        return fact

    def _feed(self, fact: Fact) -> None:
        self.tree, orders = decide(self.tree, fact)
        for order in orders:
            self._obey(order)

    def _obey(self, order: Order) -> None:
        match order:
            case StartProcess(name, incarnation):
                self._start(name, incarnation)
            case StopProcess(name) | KillProcess(name) if (
                name in self.dead
            ):  # it was too late: its end is what the policy hears of
                self.facts.append(self.dead.pop(name))
            case StopProcess(name, incarnation) if self.live.get(name) == incarnation:
                self._stop(name)
            case KillProcess(name, incarnation) if self.live.get(name) == incarnation:
                self.facts.append(self._end(name, ExitReason.KILLED))
            case Reply(call, outcome):
                assert call not in self.answers, f"{call} is answered twice"
                self.answers[call] = outcome
            case Finish():
                assert not self.live, f"finished with {self.live} alive"
                self.finish = order
            case _:
                pass

    def _start(self, name: str, incarnation: int) -> None:
        assert name not in self.live, f"two live incarnations of {name}"
        plan = self.plans.get(name)
        outcome = plan.pop(0) if plan else "ok"
        self.events.append(Event("start", name, "fail" if outcome == "crash" else outcome))
        match outcome:
            case "ok":
                self.live[name] = incarnation
                self._kill_victim(name, "on_start")
                self.facts.append(Started(name, incarnation, self.now))
            case "fail":
                self.facts.append(ChildStartFailed(name, incarnation, self.now, "planned"))
            case "crash":
                self.facts.append(ChildExited(name, incarnation, self.now, ExitReason.NORMAL))
            case _:
                self.facts.append(ChildIgnored(name, incarnation, self.now))

    def _stop(self, name: str) -> None:
        behaviour = self.behaviours.get(name)
        if behaviour and behaviour.manner == "deaf":
            return
        self._kill_victim(name, "on_stop")
        reason = MANNERS.get(behaviour.manner, ExitReason.SHUTDOWN) if behaviour else ExitReason.SHUTDOWN
        self.facts.append(self._end(name, reason))

    def _kill_victim(self, name: str, when: str) -> None:
        behaviour = self.behaviours.get(name)
        if behaviour and behaviour.manner == when:
            if when == "on_start":  # once: it would never come to rest
                del self.behaviours[name]
            if behaviour.victim != name:
                self.end(behaviour.victim, ExitReason.KILLED)

    def _end(self, name: str, reason: ExitReason) -> ChildExited:
        incarnation = self.live.pop(name)
        self.events.append(Event("stop", name, WORDS.get(reason, "error")))
        return ChildExited(name, incarnation, self.now, reason)
