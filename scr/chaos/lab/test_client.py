"""The program that owns the run under test: keeps the runtime, and has clients submit, wait and submit again.

A process of its own, so that it can be killed like any other.  Another one
that is given the same folder goes on from what the client's log says.
Commands come line by line over its standard input; when that ends, so does it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError
from setproctitle import setproctitle

from scr.apps.research.outcome import ResearchOutcome
from scr.apps.research.running.request import CORPUS
from scr.chaos.judge.client_history import ClientVerb, Said, gather_tasks
from scr.chaos.lab.client_log import read, say
from scr.chaos.lab.guests import Guests
from scr.chaos.plan.fault_orders import note
from scr.chaos.plan.workloads import Workload, WorkloadTask, poison, workload
from scr.client.runtime import Runtime
from scr.client.submitted import Submitted
from scr.config import Channel, Settings
from scr.errors import (
    AgentError,
    AgentGone,
    AgentParked,
    AskTimedOut,
    RunFailed,
    RunOwned,
    RuntimeGone,
    ScrError,
    StepInDoubt,
)
from scr.protocol.control import Subscribe
from scr.protocol.framing import pack
from scr.protocol.socket_dir import reach

TITLE = "scr: keeper"
FLOOD = 150
AGAIN_S, AGAINS_MAX = 0.1, 150
STANDBYS = 3
FRAME_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Charge:
    """What a driver is told to drive.  `patience_s` is how long it waits for one answer, and for all of them."""

    folder: str
    store: str
    run: str
    workload: str
    agents: int
    seed: int
    given: JsonValue = None
    patience_s: float = 90.0
    channel: Channel = "socket"

    def made(self) -> Workload:
        """The workload."""
        return workload(self.workload, agents=self.agents, folder=self.folder, seed=self.seed, given=self.given)


class Driver:
    """One life of the program.  `drain` is set when nothing new is to be submitted."""

    def __init__(self, charge: Charge) -> None:
        self.charge, self.folder, self.work = charge, Path(charge.folder), charge.made()
        self.drain, self.lock = threading.Event(), threading.Lock()
        asked = gather_tasks(read(self.folder))
        self.left = [key for key, one in asked.items() if not one.is_over]
        self.next = 1 + max((int(key.rpartition("-")[2]) for key in asked if key.startswith("t-")), default=-1)
        self.runtime: Runtime | None = None
        self.guests = Guests(self.work.guests, self.folder)

    def keys(self) -> Iterator[str]:
        """What is to be done, from any thread: first what another driver has left, then new work."""
        while True:
            with self.lock:
                if self.left:
                    key = self.left.pop(0)
                elif self.drain.is_set():
                    return
                else:
                    key, self.next = f"t-{self.next}", self.next + 1
            yield key

    def task(self, key: str) -> WorkloadTask:
        """The work of that key."""
        kind, _, n = key.rpartition("-")
        return poison(int(n)) if kind == "poison" else self.work.task(int(n))

    def perform(self, runtime: Runtime, key: str) -> None:
        """One task from its submission to its outcome.  Raises RuntimeGone when there is no runtime any more."""
        work = self.task(key)
        like = "" if work.is_known else key.rpartition("-")[0]
        say(self.folder, Said(ClientVerb.SUBMIT, key, time.monotonic(), work.expected, like))
        submitted = runtime.submit(work.to, work.payload, key=key)
        say(self.folder, Said(ClientVerb.ACKED, key, time.monotonic()))
        try:
            value = normal(self.result(submitted))
        except (AskTimedOut, StepInDoubt):
            pass  # its outcome is still to come, and the checker asks the store
        except (AgentError, RunFailed) as error:
            say(self.folder, Said(ClientVerb.FAILED, key, time.monotonic(), error=f"{type(error).__name__}: {error}"))
        else:
            say(self.folder, Said(ClientVerb.ANSWERED, key, time.monotonic(), value))

    def result(self, submitted: Submitted) -> Any:
        """The answer, also of an agent that is down for a while: its tasks wait."""
        end = time.monotonic() + self.charge.patience_s
        while True:
            try:
                return submitted.result(max(0.0, end - time.monotonic()))
            except (AgentParked, AgentGone) as error:
                if time.monotonic() > end:
                    raise AskTimedOut(str(error)) from error
                time.sleep(AGAIN_S)

    def client(self, runtime: Runtime) -> None:
        """One client's thread, until there is nothing left to do or nobody to do it."""
        for key in self.keys():
            try:
                self.perform(runtime, key)
            except ScrError as error:
                with self.lock:
                    self.left.append(key)
                note(self.folder / "driver.log", f"{time.monotonic()} {key} {type(error).__name__}: {error}")
                return

    def drive(self) -> bool:
        """One keeper's life, as long as its runtime can be kept; whether all is done."""
        charge = self.charge
        settings = Settings(store=charge.store, standbys=STANDBYS, channel=charge.channel)
        preload = self.work.preload
        with Runtime(self.work.tree, settings=settings, preload=preload, run=charge.run, quiet=True) as runtime:
            self.guests.start(runtime)
            self.runtime = runtime
            with self.guests.tended(runtime):
                return self.served(runtime)

    def served(self, runtime: Runtime) -> bool:
        """Have clients work with this runtime; whether all is done."""
        clients = [threading.Thread(target=self.client, args=(runtime,)) for _ in range(self.work.together)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.runtime = None
        return not self.left and self.settled(runtime)

    def settled(self, runtime: Runtime) -> bool:
        """Wait until the runtime has nothing left to do; whether that came in time."""
        end = time.monotonic() + self.charge.patience_s
        while time.monotonic() < end:
            status = runtime.status()
            if status.open_messages <= status.in_doubt:
                return True
            time.sleep(AGAIN_S)
        return False

    def obey(self, command: dict[str, Any]) -> None:
        """One command.  What cannot be done now, because there is no runtime, is noted as not done."""
        runtime = self.runtime
        if command["do"] == "drain":
            self.drain.set()
            return
        try:
            if runtime is None:
                raise RuntimeGone("there is no runtime now")
            DOINGS[command["do"]](self, runtime, command)
            note(self.folder / "taken.log", f"{command['n']} {time.monotonic()} {os.getpid()}")
        except ScrError as error:
            note(self.folder / "driver.log", f"{time.monotonic()} {command} {type(error).__name__}: {error}")

    def poison(self, runtime: Runtime, command: dict[str, Any]) -> None:
        """One message that kills, and a client that waits for what comes of it."""
        threading.Thread(target=self._quietly, args=(runtime, f"poison-{command['n']}"), daemon=True).start()

    def _quietly(self, runtime: Runtime, key: str) -> None:
        with suppress(ScrError):
            self.perform(runtime, key)

    def misfit(self, runtime: Runtime, command: dict[str, Any]) -> None:
        """New code for a guest that does not fit, then the right one again."""
        deploy = (runtime, command["agent"], command["n"])
        threading.Thread(target=self._deploy, args=deploy, daemon=True).start()

    def _deploy(self, runtime: Runtime, agent: str, n: int) -> None:
        try:
            self.guests.deploy(runtime, agent, n)
        except ScrError as error:  # the next look at the guests puts it right
            note(self.folder / "driver.log", f"{time.monotonic()} deploy {n} {type(error).__name__}: {error}")

    def flood(self, runtime: Runtime, _command: dict[str, Any]) -> None:
        """Many more than usual at once; each is done like any other, its answer is looked for in the store."""
        for _ in range(FLOOD):
            with self.lock:
                key, self.next = f"t-{self.next}", self.next + 1
            work = self.task(key)
            say(self.folder, Said(ClientVerb.SUBMIT, key, time.monotonic(), work.expected))
            runtime.submit(work.to, work.payload, key=key)
            say(self.folder, Said(ClientVerb.ACKED, key, time.monotonic()))

    def deaf(self, runtime: Runtime, command: dict[str, Any]) -> None:
        """A client that wants to hear everything, and reads nothing."""
        sock = reach(runtime.id)
        if sock is None:
            raise RuntimeGone("it cannot be reached")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(pack(Subscribe(ref=1).model_dump_json().encode(), FRAME_BYTES))
        threading.Timer(command["hold_s"], sock.close).start()


DOINGS: dict[str, Callable[[Driver, Runtime, dict[str, Any]], None]] = {
    "poison": Driver.poison,
    "misfit": Driver.misfit,
    "flood": Driver.flood,
    "slow_reader": Driver.deaf,
}


def normal(value: Any) -> Any:
    """An answer without what differs between two runs of the same: a report's body is what is compared."""
    with suppress(ValidationError):
        return sha256(ResearchOutcome.model_validate(value).report.body.encode()).hexdigest()
    return value


def commands(driver: Driver) -> None:
    """Read the standard input until it ends; then so does everything."""
    for line in sys.stdin:
        driver.obey(json.loads(line))
    os._exit(3)  # nobody is there who would want to know how it went on


def main(arguments: Sequence[str]) -> None:
    """Drive a charge until all is done.  Exit status 0: it is."""
    driver = Driver(Charge(**json.loads(arguments[0])))
    setproctitle(TITLE)
    if driver.charge.workload == "research" and not (driver.folder / "docs").exists():
        shutil.copytree(CORPUS, driver.folder / "docs")
    threading.Thread(target=commands, args=(driver,), daemon=True).start()
    for _ in range(AGAINS_MAX):
        try:
            if driver.drive():
                return
        except (RunOwned, ScrError) as error:
            note(driver.folder / "driver.log", f"{time.monotonic()} {type(error).__name__}: {error}")
        time.sleep(AGAIN_S)
    sys.exit(1)
