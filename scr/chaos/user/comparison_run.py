"""Somebody's own agent on the same tasks twice: undisturbed, then under kills.

Blocks until both are over.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass

from pydantic import JsonValue

from scr.chaos.user.chaos_runtime import CALM, Scene
from scr.chaos.user.comparison import Comparison
from scr.chaos.user.kill_plan import AGENT, Strikes
from scr.client.submitted import Submitted
from scr.errors import AgentError, AskTimedOut, RunFailed, StepInDoubt
from scr.messages import TaskPayload

NAME = "agent"
SLICE_S = 0.5


@dataclass(frozen=True, slots=True)
class Trial:
    """Which agent (`module:name`), what it is given, how often, and what it is put through."""

    code: str
    task: JsonValue
    tasks: int
    kills: int
    seed: int
    store: str
    targets: tuple[str, ...] = (AGENT,)
    timeout_s: float = 60.0

    def compare(self) -> Comparison:
        """Both runs.  Raises InvalidInput, InvalidCode, StartFailed, StoreError, RuntimeGone when a run ends early."""
        Strikes(self.seed, self.kills, self.tasks, self.targets)  # refuses before anything is started
        token = secrets.token_hex(4)
        calm = self._played(f"chaos-{token}-undisturbed", CALM)
        strikes = calm.strikes(self.seed, self.kills, self.targets)
        return self._played(f"chaos-{token}-killed", strikes).beside(calm)

    def _played(self, run: str, strikes: Strikes) -> Scene:
        """One run from its start to its end."""
        with Scene(self.store, run, strikes) as scene:
            scene.runtime.start_agent(NAME, self.code)
            for n in range(self.tasks):
                payload = TaskPayload(task_id=f"task-{n + 1}", input=json.loads(json.dumps(self.task)))
                self._wait(scene, scene.runtime.submit(NAME, payload, key=f"{run}-{n + 1}"))
        return scene

    def _wait(self, scene: Scene, submitted: Submitted) -> None:
        """Until a task has its outcome, waits for a person, or has had its time: what it came to is in the store."""
        end = time.monotonic() + self.timeout_s
        while time.monotonic() < end:
            try:
                submitted.result(SLICE_S)
            except AskTimedOut:
                if scene.striker.parked.is_set():
                    return
            except (AgentError, RunFailed, StepInDoubt):
                return
            else:
                return
