"""What the agents work at while faults are injected: trees of agents, tasks without end, and the answer to each.

Pure.  `mixed` is ring and fan together.  In a tree every second agent is tried
again when its handler raises, the others end by it, as in OTP.  Agents are
deliverable often (kills are many) but the victim, which shows that poison ends
in the dead letters, and guests: those are started by the program, with the
limits that are usual, so that some are parked and some of their tasks fail.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from scr.apps.research.tree import RESEARCH_TREE
from scr.chaos.plan.faults import draw
from scr.chaos.plan.kinds import type_of
from scr.errors import InvalidInput
from scr.messages import TaskPayload
from scr.retry import Retry
from scr.runtime.tree import MEMORIES
from scr.specs import AgentLimits, AgentSpec, Code, OnError, Strategy, SupervisorSpec

OFTEN = 100_000
WITHIN_S = 10.0
AGENTS = "scr.chaos.lab.agents"
HUNG_S = 2.0
ASKING_S = 6.0
MEMORY_BYTES = 256 << 20
HANDS_MIN = 3
GUESTS = 3
GUESTS_MAY = 5
YEARS_S = 1e8  # how long a message may be put off: a clock that is wrong by a day ends none
OFTENER = Retry(attempts=8, outage_s=YEARS_S)
USUAL = Retry(outage_s=YEARS_S)
OWN = Retry(attempts=6, base_s=0.02, outage_s=YEARS_S)
QUESTION = "How do agent runtimes recover from crashes?"
PRELOAD = ("scr.agent.warm", "scr.services.table", "scr.services.memory")


@dataclass(frozen=True, slots=True)
class WorkloadTask:
    """One task from outside: to whom, what, and the answer that it must get, where that is known."""

    to: str
    payload: TaskPayload
    expected: JsonValue = None
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Workload:
    """A tree of agents and the nth task for it.  `together` is how many are under way at the same time.

    `counts`: its agents count in their state what they have handled, note
    outside what their steps do, and obey orders.  `guests` are the agents that
    the program starts, under the supervisor of that name.
    """

    name: str
    tree: SupervisorSpec
    task: Callable[[int], WorkloadTask]
    preload: tuple[str, ...] = PRELOAD
    together: int = 16
    counts: bool = True
    later: tuple[str, ...] = ()
    guests: tuple[AgentSpec, ...] = ()

    @property
    def types(self) -> tuple[str, ...]:
        """The types of agent that faults can hit: of those that are listed, and of those that are started later."""
        ids = [spec.id for spec in self.agents if spec.id not in {"table", "memory"}]
        return tuple(dict.fromkeys([*(type_of(agent) for agent in ids), *self.later]))

    @property
    def agents(self) -> list[AgentSpec]:
        """Those that the tree lists, and the guests."""
        return [*listed(self.tree), *self.guests]


def listed(tree: SupervisorSpec) -> list[AgentSpec]:
    """The agents that a tree lists."""
    found = []
    for child in tree.children:
        found += listed(child) if isinstance(child, SupervisorSpec) else [child]
    return found


def workload(name: str, *, agents: int, folder: str, seed: int, given: JsonValue = None) -> Workload:
    """The workload of that name, or the user's own agent (`package.module:Class`), of so many agents.

    Raises InvalidInput for a name that is none.
    """
    if ":" in name:
        return _user(name, agents, given)
    if name == "research":
        return _research(folder, agents)
    if name not in MAKERS:
        known = ", ".join([*MAKERS, "research"])
        raise InvalidInput(f"there is no workload {name!r}; there are {known}, and yours as package.module:Class")
    return MAKERS[name](agents, folder, seed)


def _agent(agent: str, kind: str, folder: str, **fields: Any) -> AgentSpec:
    usual: dict[str, Any] = {"deadline_s": HUNG_S, "shutdown_s": 0.3, "mailbox_size": 10_000}
    return AgentSpec(
        id=agent,
        code=Code(reference=f"{AGENTS}:{kind}"),
        options={"folder": folder},
        limits=AgentLimits(memory_bytes=MEMORY_BYTES),
        **(usual | fields),
    )


def _deliverable(agent: str, kind: str, folder: str, **fields: Any) -> AgentSpec:
    """One whose messages survive all deaths of a campaign; with an odd number it retries."""
    if int(agent.rpartition("-")[2]) % 2:
        fields |= {"on_error": OnError.RETRY, "retry": OFTENER, "park": False}
    return _agent(agent, kind, folder, max_deliveries=OFTEN, **fields)


def _guests(folder: str) -> tuple[AgentSpec, ...]:
    return tuple(
        _agent(f"guest-{n}", "GuestAgent", folder, on_error=OnError.RETRY, retry=USUAL) for n in range(1, GUESTS + 1)
    )


def _guest_task(n: int) -> WorkloadTask:
    """Some have a policy of their own, some an order among themselves."""
    retry, key = OWN if n % 7 == 0 else None, f"order-{n % 2}" if n % 3 == 0 else None
    payload = TaskPayload(task_id=f"guest-{n}", input={"n": n}, retry=retry, order_key=key)
    return WorkloadTask(f"guest-{n % GUESTS + 1}", payload, {"n": n, "twice": 2 * n})


def _tree(*agents: AgentSpec) -> SupervisorSpec:
    """As a program's own tree: the table and who keeps it, then agents that are strangers to each other, and guests."""
    team = SupervisorSpec(
        id="team", strategy=Strategy.ONE_FOR_ONE, max_restarts=OFTEN, within_s=WITHIN_S, children=agents
    )
    return SupervisorSpec(
        id="root",
        strategy=Strategy.ONE_FOR_ONE,
        max_restarts=OFTEN,
        within_s=WITHIN_S,
        children=(
            MEMORIES.model_copy(update={"max_restarts": OFTEN, "within_s": WITHIN_S}),
            team,
            SupervisorSpec(
                id="guests", strategy=Strategy.ONE_FOR_ONE, dynamic=True, max_restarts=GUESTS_MAY, within_s=WITHIN_S
            ),
        ),
    )


def _ring_agents(agents: int, folder: str) -> list[AgentSpec]:
    return [_deliverable(f"ring-{n}", "RingAgent", folder) for n in range(1, agents + 1)]


def _ring_task(n: int, size: int, seed: int) -> WorkloadTask:
    first, hops = n % size, 2 + int(draw(seed, n, "hops") * 4)
    path = [f"ring-{(first + hop) % size + 1}" for hop in range(hops)]
    given: JsonValue = {"n": n, "size": size, "hops": hops}
    key = f"ring-{n % 4}" if n % 2 else None
    return WorkloadTask(
        path[0], TaskPayload(task_id=f"ring-{n}", input=given, order_key=key), {"n": n, "path": [*path]}
    )


def _fan_agents(agents: int, folder: str) -> list[AgentSpec]:
    leads = range(1, max(2, agents // 2) + 1)
    return [
        *(_deliverable(f"lead-{n}", "LeadAgent", folder, deadline_s=ASKING_S) for n in leads),
        *(_deliverable(f"hand-{n}", "HandAgent", folder) for n in range(1, max(HANDS_MIN, agents) + 1)),
    ]


def _fan_task(n: int, agents: int) -> WorkloadTask:
    lead = f"lead-{n % max(2, agents // 2) + 1}"
    total = sum(n * 3 + k for k in range(HANDS_MIN)) + n % 7
    given: JsonValue = {"n": n, "hands": max(HANDS_MIN, agents)}
    return WorkloadTask(lead, TaskPayload(task_id=f"fan-{n}", input=given), {"n": n, "total": total})


def _victim(folder: str) -> AgentSpec:
    return _agent("victim", "VictimAgent", folder, max_deliveries=3)


def _victim_task(n: int) -> WorkloadTask:
    return WorkloadTask("victim", TaskPayload(task_id=f"victim-{n}", input={"n": n}), {"n": n})


def poison(n: int) -> WorkloadTask:
    """A message that nobody survives."""
    return WorkloadTask("victim", TaskPayload(task_id=f"poison-{n}", input={"n": n, "poison": True}), is_known=False)


def _ring(agents: int, folder: str, seed: int) -> Workload:
    tree = _tree(*_ring_agents(max(2, agents), folder), _victim(folder))
    return Workload("ring", tree, lambda n: _ring_task(n, max(2, agents), seed), (*PRELOAD, AGENTS))


def _fan(agents: int, folder: str, _: int) -> Workload:
    tree = _tree(*_fan_agents(agents, folder), _victim(folder))
    return Workload("fan", tree, lambda n: _fan_task(n, agents), (*PRELOAD, AGENTS))


def _mixed(agents: int, folder: str, seed: int) -> Workload:
    half = max(2, agents // 2)
    tree = _tree(*_ring_agents(half, folder), *_fan_agents(half, folder), _victim(folder))

    def task(n: int) -> WorkloadTask:
        match n % 7:
            case 0 | 1:
                return _ring_task(n, half, seed)
            case 2 | 3:
                return _fan_task(n, half)
            case 4:
                return _victim_task(n)
            case _:
                return _guest_task(n)

    return Workload("mixed", tree, task, (*PRELOAD, AGENTS), guests=_guests(folder))


MAKERS: dict[str, Callable[[int, str, int], Workload]] = {"mixed": _mixed, "ring": _ring, "fan": _fan}


def _often(spec: AgentSpec | SupervisorSpec) -> AgentSpec | SupervisorSpec:
    """The same with limits that a campaign does not reach."""
    if isinstance(spec, AgentSpec):
        return spec.model_copy(update={"max_deliveries": OFTEN})
    children = tuple(_often(child) for child in spec.children)
    return spec.model_copy(update={"max_restarts": OFTEN, "children": children})


def _research(folder: str, agents: int) -> Workload:
    tree = _often(RESEARCH_TREE)
    assert isinstance(tree, SupervisorSpec)

    def task(n: int) -> WorkloadTask:
        given: JsonValue = {
            "question": QUESTION,
            "docs": f"{folder}/docs",
            "workers": agents,
            "index": f"{folder}/index.sqlite",
        }
        payload = TaskPayload(task_id=f"research-{n}", kind="research", input=given)
        return WorkloadTask("planner", payload, is_known=False)

    preload = (
        *PRELOAD,
        "scr.apps.research.agents.planner",
        "scr.apps.research.agents.critic",
        "scr.apps.research.agents.worker",
    )
    return Workload("research", tree, task, preload, together=1, counts=False, later=("worker",))


def _user(name: str, agents: int, given: JsonValue) -> Workload:
    reference = Code(reference=name)
    usual = {"max_deliveries": OFTEN, "on_error": OnError.RETRY, "park": False}
    specs = [AgentSpec(id=f"agent-{n}", code=reference, **usual) for n in range(1, agents + 1)]
    text = json.dumps(given, sort_keys=True)

    def task(n: int) -> WorkloadTask:
        return WorkloadTask(
            f"agent-{n % agents + 1}", TaskPayload(task_id=f"user-{n}", input=json.loads(text)), is_known=False
        )

    return Workload("user", _tree(*specs), task, counts=False)
