"""One round of a campaign: a run of its own under one schedule of faults, from its first process to its last.

First the run is brought up and left alone until it has shown that it works;
then come the faults; then everything is healed, and all that was accepted must
end; then nothing may be left.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from scr.chaos.inject import wallclock
from scr.chaos.inject.fault_result import Landed, Missed
from scr.chaos.inject.injector import Injector
from scr.chaos.inject.process_census import VARIABLE, Census
from scr.chaos.inject.vitals import RoundVitals
from scr.chaos.judge.client_history import Said
from scr.chaos.judge.collect_evidence import artefacts_with, complaints_in, gather
from scr.chaos.judge.evidence import Probes, RunEvidence
from scr.chaos.lab.client_log import FILE, read
from scr.chaos.lab.test_client import Charge
from scr.chaos.plan.fault_orders import prepare
from scr.chaos.plan.faults import Fault
from scr.chaos.plan.kinds import KINDS
from scr.errors import RunFailed
from scr.launch.module_paths import command, module_path
from scr.protocol.socket_dir import scratches
from scr.store.sql.address import database_of
from scr.store.sql.sqlite import SqliteDatabase

TICK_S = 0.004
START_S, END_S, GONE_S = 30.0, 12.0, 1.5
LOOK_S, HELD_S = 0.05, 20.0
DRAIN_SHARE = 1.7  # of the patience of a client: it asks for one answer, then for whether there is anything left
FIRST_ANSWERS = 12
SHARED, OURS = Path("/dev/shm"), ("psm_", "sem.", "pymp-", "scr")  # noqa: S108  looked at, not used
OUTPUT = "output.log"
SECRET = "SCR_PLANTED_SECRET"  # noqa: S105  the name of a variable, whose value is made up for each round


@dataclass
class Round:
    """What one round has come to.  `failure` is empty for one that was gone through to its end."""

    evidence: RunEvidence
    said: list[Said]
    landed: list[Landed]
    missed: list[Missed]
    began: float
    ended: float
    failure: str = ""


@dataclass(frozen=True, slots=True)
class RoundProgress:
    """What is told while a round goes on."""

    done: int
    planned: int
    landed: int
    answered: int
    restarts: int
    phase: str


@dataclass
class Stage:
    """The processes of one round, and what is known of them."""

    charge: Charge
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    secret: str = field(default_factory=lambda: f"planted-{secrets.token_hex(12)}")
    drivers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = Path(self.charge.folder)
        self.census = Census(self.token)
        self.vitals = RoundVitals(self.census)
        prepare(self.folder)
        wallclock.prepare(self.folder)

    @property
    def driver(self) -> subprocess.Popen[bytes]:
        """The one that is at work, or was last."""
        return self.drivers[-1]

    def start(self) -> None:
        """A driver; the next one, when there was one."""
        environment = os.environ | {VARIABLE: self.token, "SPT_NOENV": "1", SECRET: self.secret}
        environment |= wallclock.environment(self.folder)
        path = module_path([str(self.folder / wallclock.FOLDER), *sys.path])
        with (self.folder / OUTPUT).open("ab") as output:
            self.drivers.append(
                subprocess.Popen(
                    command(path, "scr.chaos.lab.test_client", json.dumps(asdict(self.charge))),
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    env=environment,
                    start_new_session=True,
                )
            )

    def tell(self, command: dict[str, object]) -> None:
        """A command for the driver, if it is there to hear it."""
        stdin = self.driver.stdin
        with suppress(BrokenPipeError):
            if stdin:
                stdin.write(json.dumps(command).encode() + b"\n")
                stdin.flush()

    def count_answers(self) -> int:
        """How many tasks have an outcome, by the client's own log."""
        path = self.folder / FILE
        return path.read_bytes().count(b'"answered"') if path.exists() else 0

    def clear(self) -> int:
        """End what is left of this round, which must be nothing; how many there were."""
        end = time.monotonic() + GONE_S
        while (left := self.census.now()) and time.monotonic() < end:
            time.sleep(TICK_S)
        for one in left:
            self.census.signal(one, signal.SIGKILL)
        for driver in self.drivers:
            driver.kill()
            driver.wait()
            if driver.stdin:
                with suppress(BrokenPipeError):
                    driver.stdin.close()
        return len(left)


@dataclass
class ScheduleClock:
    """The time of the schedule: it stands still while no agent is up, or all that is due would fall upon the first.

    It does not wait for longer than `HELD_S` at a time: whoever does not come back is not waited for.
    """

    census: Census
    types: frozenset[str]
    at_s: float = 0.0
    is_up: bool = True
    _read_at: float = field(default_factory=time.monotonic)
    _looked_at: float = 0.0
    _up_at: float = field(default_factory=time.monotonic)

    def read(self) -> float:
        """Seconds by now."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            self.is_up = any(one.type in self.types for one in self.census.now())
            self._up_at = now if self.is_up else self._up_at
        if self.is_up or now - self._up_at > HELD_S:
            self.at_s += now - self._read_at
        self._read_at = now
        return self.at_s


def perform(charge: Charge, faults: Sequence[Fault], tell: Callable[[RoundProgress], object]) -> Round:
    """One round.  Blocks until nothing of it is left.  Raises RunFailed when not even the first answers came."""
    stage, began = Stage(charge), time.monotonic()
    shared, scratch = _shared(), _scratch()
    store = file_of(charge.store)
    injector = Injector(stage.census, stage.folder, stage.tell, store)
    failure = ""
    try:
        stage.start()
        _until(
            lambda: stage.count_answers() >= FIRST_ANSWERS or _is_slow(charge, stage), stage, START_S, "first answers"
        )
        stage.vitals.rest()
        _inject(stage, injector, faults, tell)
        injector.heal()
        failure = _drained(stage, len(faults), injector, tell)
    finally:
        injector.heal()
        orphans = stage.clear()
    probes = Probes(
        orphans=orphans,
        zombies=stage.vitals.zombies,
        late_s=stage.vitals.late_s,
        descriptors_grown=stage.vitals.descriptors_grown,
        shared_memory_grown=len(_shared() - shared),
        scratch_left=len([name for name in _scratch() - scratch if name in stage.vitals.runtimes]),
        secrets=artefacts_with(stage.secret, stage.folder),
        slope_kb=stage.vitals.slope_kb,
        complaints=complaints_in(stage.folder / OUTPUT),
    )
    evidence = gather(stage.folder, charge.store, charge.run, charge.made(), tuple(injector.landed), probes)
    return Round(evidence, read(stage.folder), injector.landed, injector.missed, began, time.monotonic(), failure)


def _is_slow(charge: Charge, stage: Stage) -> bool:
    """A workload of few long tasks has shown that it works with its first."""
    return not charge.made().counts and stage.count_answers() >= 1


def _until(fact: Callable[[], bool], stage: Stage, limit_s: float, what: str) -> None:
    end = time.monotonic() + limit_s
    while not fact():
        if time.monotonic() > end or stage.driver.poll() is not None:
            said = (stage.folder / OUTPUT).read_text(errors="replace")[-600:]
            raise RunFailed(f"no {what} within {limit_s:g} s; what was printed: {said}")
        time.sleep(0.05)


def _inject(stage: Stage, injector: Injector, faults: Sequence[Fault], tell: Callable[[RoundProgress], object]) -> None:
    """The faults, each at its time; a keeper that was killed is replaced."""
    clock, waiting, told = ScheduleClock(stage.census, frozenset(stage.charge.made().types)), list(faults), 0.0
    while waiting or not injector.is_idle:
        at_s, now = clock.read(), time.monotonic()
        while waiting and at_s >= waiting[0].at_s:
            injector.begin(waiting.pop(0))
        injector.tick()
        _replace_driver(stage)
        stage.vitals.look(stage.count_answers)
        if now - told > 0.5:
            told = now
            done = len(faults) - len(waiting)
            tell(
                RoundProgress(
                    done, len(faults), len(injector.landed), stage.count_answers(), len(stage.drivers) - 1, "faults"
                )
            )
        time.sleep(TICK_S)


def _replace_driver(stage: Stage) -> None:
    if stage.driver.poll() is not None:
        if stage.driver.stdin:
            with suppress(BrokenPipeError):
                stage.driver.stdin.close()
        stage.start()


def _drained(stage: Stage, planned: int, injector: Injector, tell: Callable[[RoundProgress], object]) -> str:
    """All that was accepted ends within a bound; what went wrong, if anything did."""
    limit_s = stage.charge.patience_s * DRAIN_SHARE
    end = time.monotonic() + limit_s
    _rested(stage, injector.landed)
    told = 0.0
    stage.tell({"do": "drain"})
    while stage.driver.poll() is None:
        if time.monotonic() > end:
            return f"what was accepted had not ended {limit_s:g} s after everything was healed"
        stage.vitals.look(stage.count_answers)
        if time.monotonic() - told > 0.5:
            told = time.monotonic()
            tell(
                RoundProgress(
                    planned, planned, len(injector.landed), stage.count_answers(), len(stage.drivers) - 1, "settling"
                )
            )
        time.sleep(0.02)
    return "" if stage.driver.returncode == 0 else f"the driver ended with status {stage.driver.returncode}"


def _rested(stage: Stage, landed: Sequence[Landed]) -> None:
    """Let the healed run work for a moment: everybody who was hit is seen at work again, and it is measured again."""
    before, end = stage.count_answers(), time.monotonic() + END_S
    found_at = max((fault.at + KINDS[fault.kind].found_s for fault in landed), default=0.0)
    while (now := time.monotonic()) < end and (now < found_at or stage.count_answers() < before + 5 * FIRST_ANSWERS):
        _replace_driver(stage)
        time.sleep(0.05)
    stage.vitals.rest()


def file_of(store: str) -> Path | None:
    """The file of an SQLite store."""
    database = database_of(store)
    return Path(database.path) if isinstance(database, SqliteDatabase) else None


def _shared() -> set[str]:
    """What `multiprocess` leaves there; other programs of the machine come and go."""
    return {path.name for path in SHARED.glob("*") if path.name.startswith(OURS)}


def _scratch() -> set[str]:
    return {path.name for path in scratches()}
