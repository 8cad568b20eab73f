"""The agents of a campaign that its program starts: kept up, and given code that does not fit them.

Lives in the driver.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event, Lock, Thread

from scr.chaos.judge.evidence import Deploy
from scr.chaos.plan.fault_orders import note
from scr.client.client import ANSWER_S
from scr.client.runtime import Runtime
from scr.errors import AgentError, AlreadyStarted, RunFailed, RuntimeGone, ScrError, StartFailed
from scr.protocol.control import StartAgent
from scr.specs import AgentSpec, Code

GUESTS = "guests"
DEPLOYS = "deploys.jsonl"
MISFITS = tuple(Code(reference=f"scr.chaos.lab.agents:{name}") for name in ("MisfitAgent", "BrokenAgent"))
LOOK_S, AGAIN_S, UP_S = 0.25, 0.05, 30.0


class Guests:
    """`specs` are what they are to be; `folder` is the campaign's."""

    def __init__(self, specs: Sequence[AgentSpec], folder: Path) -> None:
        self._specs, self._folder = {spec.id: spec for spec in specs}, folder
        self._deploying = Lock()

    def start(self, runtime: Runtime) -> None:
        """Have all of them up.  Raises RunFailed when one does not start, RuntimeGone."""
        for spec in self._specs.values():
            self._put_right(runtime, spec)

    @contextmanager
    def tended(self, runtime: Runtime) -> Iterator[None]:
        """Inside, all that are parked or down are taken up."""
        over = Event()
        tending = Thread(target=self._tend, args=(runtime, over))
        tending.start()
        try:
            yield
        finally:
            over.set()
            tending.join()

    def _tend(self, runtime: Runtime, over: Event) -> None:
        while not over.wait(LOOK_S):
            with suppress(ScrError), self._deploying:  # there may be no runtime now
                for status in runtime.status().agents:
                    if status.id in self._specs and status.phase in {"parked", "down"}:
                        self._take_up(runtime, self._specs[status.id])

    def _take_up(self, runtime: Runtime, spec: AgentSpec) -> None:
        """By hand as it is; with the right code, if it does not start like that."""
        try:
            runtime.restart_agent(spec.id)
        except StartFailed:
            self._put_right(runtime, spec)

    def deploy(self, runtime: Runtime, agent: str, n: int) -> None:
        """Give it code that does not fit, see that it is refused, then give it the right code again."""
        spec, wrong = self._specs[agent], MISFITS[n % len(MISFITS)]
        with self._deploying:
            at = time.monotonic()
            deploy = Deploy(n, agent, str(wrong.reference), at, at + UP_S)
            self._note(deploy)
            refused = self._give(runtime, spec, wrong)
            self._note(replace(deploy, until=time.monotonic(), refused=refused))
            self._put_right(runtime, spec)

    def _note(self, deploy: Deploy) -> None:
        note(self._folder / DEPLOYS, json.dumps(asdict(deploy)))

    def _give(self, runtime: Runtime, spec: AgentSpec, code: Code) -> str:
        """Start it with that code, or reload it where it runs; the name of the error that comes of it."""
        try:
            _start(runtime, spec.model_copy(update={"code": code}))
        except AlreadyStarted:
            try:
                runtime.reload_agent(spec.id, code)
            except ScrError as error:
                return type(error).__name__
        except ScrError as error:
            return type(error).__name__
        return ""

    def _put_right(self, runtime: Runtime, spec: AgentSpec) -> None:
        """Have it up with the right code.  One that fails to start over and over is taken up when it is parked."""
        end = time.monotonic() + UP_S
        while time.monotonic() < end:
            try:
                _start(runtime, spec)
            except AlreadyStarted:
                if any(status.id == spec.id and status.phase == "up" for status in runtime.status().agents):
                    return
            except RuntimeGone:
                raise
            except AgentError:
                pass  # its starts are made to fail, for some time
            else:
                return
            time.sleep(AGAIN_S)
        raise RunFailed(f"{spec.id} was not up within {UP_S:g} s")


def _start(runtime: Runtime, spec: AgentSpec) -> None:
    runtime.request(StartAgent(ref=runtime.ref(), supervisor=GUESTS, spec=spec), ANSWER_S)
