"""One run of somebody's own agents, left alone or under kills: a runtime that may be hit, and who hits it.

For a program or a test that owns a runtime; every process of the run has a
mark of its own, and nothing else is touched.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Self

from scr.chaos.inject.process_census import VARIABLE, Census
from scr.chaos.user.comparison import Comparison
from scr.chaos.user.kill_plan import AGENT, Strikes
from scr.chaos.user.run_account import Account, account_of
from scr.chaos.user.striker import Striker
from scr.client.runtime import Runtime
from scr.runtime.tree import AGENTS_TREE
from scr.specs import AgentSpec, Code, SupervisorSpec

DELIVERIES = AgentSpec(id="any", code=Code(reference="any:any")).max_deliveries
CALM = Strikes(seed=0, kills=0, turns=0)
NO_TITLES = "SPT_NOENV"  # a title that is written over the environment would take the mark away


class ChaosRuntime(Runtime):
    """A runtime whose limits are raised by the deaths that are on purpose: those of the agents' own count as ever."""

    def __init__(self, striker: Striker, margin: int, *, store: str, run: str) -> None:
        tree = patient(AGENTS_TREE, margin)
        assert isinstance(tree, SupervisorSpec)
        super().__init__(tree, store=store, run=run, listener=striker.hear, quiet=True)
        self._margin = margin

    def start_agent(self, agent: str, code: type | Callable[..., Any] | Code | str, **spec: Any) -> None:
        """As ever."""
        spec["max_deliveries"] = spec.get("max_deliveries", DELIVERIES) + self._margin
        super().start_agent(agent, code, **spec)


class Scene:
    """Use it as a context manager: inside, `runtime` is up, and struck as `strikes` say.

    `close` may be called earlier than the end; after it, `account` can be read.
    """

    def __init__(self, store: str, run: str, strikes: Strikes = CALM) -> None:
        self.store, self.run, self.kills, self._stack = store, run, strikes.kills, ExitStack()
        token = secrets.token_hex(8)
        self._environment = {VARIABLE: token, NO_TITLES: "1"}
        self.striker = Striker(Census(token), strikes)
        self.runtime = ChaosRuntime(self.striker, strikes.kills, store=store, run=run)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._mark(stack)
            stack.enter_context(self.runtime)
            stack.enter_context(self.striker)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Strike no more, and stop the run in order.  Idempotent."""
        self._stack.close()

    def account(self) -> Account:
        """What the run has come to, once it is closed."""
        return account_of(self.store, self.run)

    def strikes(self, seed: int, kills: int, targets: Sequence[str] = (AGENT,)) -> Strikes:
        """So many kills, to fall into the turns of a run that is like this one.  Once it is closed."""
        lasted_s = self.account().lasted_s
        return Strikes(seed, kills, max(1, len(lasted_s)), targets, lasted_s)

    def beside(self, calm: Scene) -> Comparison:
        """This run beside one that was left alone, once both are closed."""
        striker = self.striker
        return Comparison(calm.account(), self.account(), self.kills, tuple(striker.landed), striker.interrupted)

    def _mark(self, stack: ExitStack) -> None:
        """The mark is in the environment as long as the run lasts: a runtime that is replaced needs it too."""
        before = {name: os.environ.get(name) for name in self._environment}
        os.environ.update(self._environment)
        stack.callback(_restore, before)


def _restore(before: dict[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def patient(spec: AgentSpec | SupervisorSpec, margin: int) -> AgentSpec | SupervisorSpec:
    """The same with limits that are higher by so many deaths."""
    if isinstance(spec, AgentSpec):
        return spec.model_copy(update={"max_deliveries": spec.max_deliveries + margin})
    children = tuple(patient(child, margin) for child in spec.children)
    return spec.model_copy(update={"max_restarts": spec.max_restarts + margin, "children": children})
