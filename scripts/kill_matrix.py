"""Kill each kind of process at each of several moments of a run, and compare the reports.

`python scripts/kill_matrix.py [--moments 10] [--only worker,table]`.  Exit code
1 when a report differs, a run does not finish, or a process is left.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from scr.apps.research.running.crash_test import body_of
from scr.apps.research.running.request import CORPUS, ResearchRequest, new_run_id, prepare_folder
from scr.apps.research.running.run_folder import RunFolder
from scr.apps.research.running.session import FinishedRun, ResearchSession, Signals
from scr.telemetry.events import AgentUp, Record, RuntimeUp
from scr.views.run import RunView

QUESTION = "How do agent runtimes recover from crashes?"
KINDS = ("worker", "planner", "critic", "memory", "table", "zygote", "standby")


class Silent:
    """A screen that shows nothing."""

    def show(self, before: RunView, view: RunView, record: Record) -> None:
        """Nothing."""

    def tick(self) -> None:
        """Nothing."""


@dataclass
class Blow:
    """SIGKILL to a process of this kind once the run has come to event `at`; `see` is called with each event."""

    kind: str
    at: int
    runtime_pid: int = 0
    seen: int = 0
    pids: dict[str, int] | None = None
    killed_pid: int = 0

    def see(self, record: Record) -> None:
        """Follow the run; kill when it is time and there is somebody to kill."""
        self.seen += 1
        self.pids = self.pids or {}
        match record.event:
            case RuntimeUp(pid=pid):
                self.runtime_pid = pid
            case AgentUp(agent=agent, pid=pid):
                self.pids[agent] = pid
        if self.seen >= self.at and not self.killed_pid and (target := self._target()):
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile: the next event, the next one
                os.kill(target, signal.SIGKILL)
                self.killed_pid = target

    def _target(self) -> int | None:
        assert self.pids is not None
        if self.kind in {"zygote", "standby"}:
            return titled(f"scr: {self.kind}", self.runtime_pid)
        return next((pid for agent, pid in self.pids.items() if agent.startswith(self.kind)), None)


def titled(title: str, parent: int) -> int | None:
    """A child of the runtime that goes by this title."""
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            is_child = path.name.isdigit() and int((path / "stat").read_text().rpartition(")")[2].split()[1]) == parent
            if is_child and (path / "cmdline").read_text().startswith(title):
                return int(path.name)
    return None


def research(blow: Blow | None, folder: Path) -> FinishedRun:
    """One run of the demo's job."""
    run_id = new_run_id()
    with Signals().noted() as signals:
        job, kept = ResearchRequest(QUESTION, CORPUS, workers=4), RunFolder(prepare_folder(folder / run_id))
        return ResearchSession(
            job, run_id, kept, Silent(), signals, watch=blow.see if blow else None, store="memory:"
        ).run()


def main() -> int:
    """Run the matrix and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=10, help="how many moments of the run, evenly spread")
    parser.add_argument("--only", default=",".join(KINDS), help=f"kinds of process, of {', '.join(KINDS)}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counting = Blow("none", at=sys.maxsize)
        wanted = body_of(research(counting, Path(folder)))
        print(f"undisturbed: {counting.seen} events, {len(wanted or '')} characters of report")
        faults = [
            fault
            for kind in options.only.split(",")
            for moment in range(1, options.moments + 1)
            if (fault := disturbed(kind, counting.seen * moment // (options.moments + 1), wanted, Path(folder)))
        ]
    print(f"{len(faults)} of {options.moments * len(options.only.split(','))} runs differ")
    return bool(faults)


def disturbed(kind: str, at: int, wanted: str | None, folder: Path) -> str:
    """One run with one kill, told in a line; what is wrong with it, or nothing."""
    blow, began = Blow(kind, at), time.monotonic()
    ended = research(blow, folder)
    told = body_of(ended)
    fault = "" if told == wanted else f"no report: {ended.answer}"[:300] if told is None else "another report"
    if ended.processes_left:
        fault += f" {ended.processes_left} processes left"
    hit = f"pid {blow.killed_pid}" if blow.killed_pid else "nobody there"
    print(
        f"{kind:8} at event {at:4}  killed {hit:12}  {time.monotonic() - began:5.2f} s  {fault or 'same report'}",
        flush=True,
    )
    return fault


if __name__ == "__main__":
    sys.exit(main())
