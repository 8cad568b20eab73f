"""Sides measured in turn, each time in a process of its own, with a time limit, and nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.case import FLOOR, OURS, Case
from benchmark.spread import summary

SCRIPTS = Path(__file__).parent.parent
PEERS_PYTHON = SCRIPTS.parent / ".bench" / "venv" / "bin" / "python"
PEERS = ("multiprocessing", "futures", "loky", "pebble", "xoscar", "dask", "ray", "celery")


@dataclass(frozen=True, slots=True)
class Side:
    """Somebody who is measured: with which Python, and where the code is."""

    name: str
    python: str
    module: str

    def module_of(self, case: str) -> str:
        """A peer has one module; the floor and SCR have one for each case."""
        return self.module if self.name in PEERS else f"{self.module}.{case}"


@dataclass
class Outcome:
    """What one side has shown in one case: a value for each row and round, or why there is none."""

    values: dict[str, list[float | None]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def sides(case: Case) -> list[Side]:
    """Who can take part."""
    floor = [Side(FLOOR, sys.executable, "benchmark.floor")]
    ours = [Side(OURS, sys.executable, "benchmark.ours")]
    peers = [Side(name, str(PEERS_PYTHON), f"benchmark.peers.{name}_peer") for name in PEERS]
    return (floor if case.floor else []) + ours + (peers if case.peers else [])


def contest(
    case: Case, taking_part: list[Side], parameters: dict[str, Any], rounds: int, peer_rounds: int, folder: Path
) -> dict[str, Outcome]:
    """All sides, one after the other, again and again: what one feels of the machine, its neighbours feel too.

    A side that could not do it in one round is not asked again.
    """
    found = {side.name: Outcome() for side in taking_part}
    for n in range(rounds):
        for side in taking_part:
            outcome = found[side.name]
            if "" not in outcome.reasons and (n < peer_rounds or side.name not in PEERS):
                said = measured(side, case, parameters, folder)
                take(case, outcome, said, n)
                print(f"  {case.id} {n + 1}/{rounds} {side.name}: {said.get('cannot', 'done')}", file=sys.stderr)
    return found


def take(case: Case, outcome: Outcome, said: dict[str, Any], n: int) -> None:
    """Add what a side has said in the nth round."""
    if "cannot" in said:
        outcome.reasons[""] = said["cannot"]
        return
    outcome.versions |= said["versions"]
    for row in case.rows:
        samples = said["samples"].get(row.name)
        if isinstance(samples, str):
            outcome.reasons[row.id] = samples
        values = outcome.values.setdefault(row.id, [None] * n)
        values.append(summary(samples, row.of) if samples and not isinstance(samples, str) else None)


def measured(side: Side, case: Case, parameters: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What a side says of itself; after `limit_s` it has wedged, and that is said of it."""
    if not Path(side.python).exists():
        return {"cannot": "not installed: make bench-peers"}
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as place:
        result = Path(place, "result.json")
        given = json.dumps(parameters | {"folder": place})
        command = [side.python, "-m", "benchmark.side", side.module_of(case.id), case.id, given, str(result)]
        with Path(folder, f"{case.id}-{side.name}.log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                command,
                cwd=place,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                process.wait(case.limit_s)
            except subprocess.TimeoutExpired:
                return {"cannot": f"wedged, or too slow: nothing within {case.limit_s:g} s"}
            finally:
                end_descendants()
                process.wait()
        if not result.exists():
            return {"cannot": f"died with {process.returncode}"}
        said: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return said


def environment() -> dict[str, str]:
    """This process's, with the scripts on the path, and nobody told that a peer was used."""
    return os.environ | {
        "PYTHONPATH": str(SCRIPTS),
        "PYTHONWARNINGS": "ignore",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_DEDUP_LOGS": "0",
        "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical",
    }


def end_descendants(patience_s: float = 10.0) -> None:
    """Kill and reap whatever has come of this process; it is the subreaper of all of it."""
    end = time.monotonic() + patience_s
    while left := list(descendants(os.getpid())):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > end:
            raise TimeoutError(f"these do not end: {left}")
        time.sleep(0.01)


def descendants(root: int) -> Iterator[int]:
    """The processes that a process has started, and theirs."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (path / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(path.name))
    waiting = list(children.get(root, ()))
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children.get(pid, ())
