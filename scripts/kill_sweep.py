"""SIGKILL the runtime at every write and every fsync of its store, and see that nothing is lost or done twice.

With `--points`: a SIGKILL of whichever process comes to each named point of SCR's own code (`scr/failpoints.py`).

Two jobs.  `research`: a small question to a team of agents; whatever is killed, the report, and the steps that were
recorded, are those of an undisturbed run.  `ledger`: agents that pay, in `once` steps, into a file; whatever is
killed, every payment is there exactly once.  The runtime is killed by `strace -e inject` at the Nth call; its keeper
starts it again from the store, and the run goes on.  strace counts by thread: what opens the store and what writes
it later are both struck at their Nth call, the first of them that gets there.  Exit 0 when all is as it must be.

    python scripts/kill_sweep.py [--job research|ledger] [--first N] [--every K] [--calls pwrite64,...] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.agent.steps.steps import Done, NotDone
from scr.apps.research.outcome import ResearchOutcome
from scr.apps.research.preload import RESEARCH
from scr.apps.research.tree import RESEARCH_TREE
from scr.client import runtime as handle
from scr.client.runtime import Runtime
from scr.client.spawn import Spawned, spawn
from scr.errors import ScrError, StartFailed
from scr.exit_codes import STATUS, ExitCode
from scr.failpoints import POINTS, VARIABLE
from scr.messages import Task, TaskPayload
from scr.step_names import shown_step

CALLS = ("fdatasync", "fsync", "pwrite64", "ftruncate", "unlink")
DOCUMENTS = {
    "erlang.md": """# Erlang

Erlang supervisors recover from a crash: they restart a crashed process from a known state.
A link tells a process of the death of another.
""",
    "ray.md": """# Ray

Ray recovers from a crash of an actor: it restarts the actor when its process dies.
The state of the actor is lost in the crash.
""",
    "temporal.md": """# Temporal

Temporal recovers a workflow from a crash: it replays the history of the workflow.
An activity is retried after the crash.
""",
}
QUESTION = "How do Erlang, Ray and Temporal recover from a crash?"
PAYMENTS = 4
RUN_S = 60.0


class Payer(Agent):
    """Pays into a ledger, each payment once; looks into the ledger when it does not know."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """One payment, between two plain steps."""
        given: dict[str, Any] = dict(message.payload.input)  # type: ignore[arg-type]
        ledger, payment = Path(given["ledger"]), f"{ctx.agent}-{given['n']}"
        amount = ctx.step("price", noted, ledger, f"price {payment}", 10 * (given["n"] + 1))
        ctx.step_once("pay", pay, ledger, payment, amount, reconcile=is_paid)
        ctx.step("receipt", noted, ledger, f"receipt {payment}", amount)
        ctx.reply({"payment": payment, "amount": amount})


class Clerk(Agent):
    """Has three others pay, and answers with what they have paid."""

    def on_task(self, ctx: Context, message: Task) -> None:
        """Ask for each payment in turn."""
        paid = [
            ctx.ask(f"payer-{n % 3}", {"ledger": message.payload.input, "n": n}, timeout_s=RUN_S)
            for n in range(PAYMENTS)
        ]
        ctx.remember("paid", paid)
        ctx.reply(paid)


def noted(ledger: Path, what: str, value: int) -> int:
    """A plain step: that it ran is noted outside."""
    with ledger.with_suffix(".steps").open("a", encoding="utf-8") as file:
        file.write(f"{what}\n")
    return value


def pay(ledger: Path, payment: str, amount: int) -> int:
    """An effect in the world outside."""
    with ledger.open("a", encoding="utf-8") as file:
        file.write(f"{payment} {amount}\n")
    return amount


def is_paid(ledger: Path, payment: str, amount: int) -> Done | NotDone:
    """Whether that payment is in the ledger."""
    paid = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
    return Done(amount) if f"{payment} {amount}" in paid else NotDone()


@dataclass(frozen=True, slots=True)
class Blow:
    """One kill: at the nth of these calls that touch the store."""

    call: str
    nth: int

    def __str__(self) -> str:
        return f"{self.call} {self.nth}"


@dataclass(slots=True)
class Found:
    """What one run has come to."""

    outcome: Any
    steps: tuple[str, ...]
    landed: bool = False
    faults: list[str] = field(default_factory=list)


def research(folder: Path, store: Path) -> Found:
    """The job of a team."""
    docs = folder / "docs"
    docs.mkdir(exist_ok=True)
    for name, text in DOCUMENTS.items():
        (docs / name).write_text(text)
    given = {"question": QUESTION, "docs": str(docs), "workers": 2, "index": str(folder / "index.sqlite")}
    with Runtime(RESEARCH_TREE, preload=RESEARCH, store=f"sqlite:///{store}", run="sweep") as runtime:
        answer = runtime.ask(
            "planner", TaskPayload(task_id="sweep", kind="research", input=given), key="sweep", timeout_s=RUN_S
        )
    return Found(ResearchOutcome.model_validate(answer).report.body, steps_of(store))


def ledger(folder: Path, store: Path) -> Found:
    """The job of those who pay."""
    book = folder / "ledger.txt"
    with Runtime(store=f"sqlite:///{store}", run="sweep") as runtime:
        for n in range(3):
            runtime.start_agent(f"payer-{n}", Payer)
        runtime.start_agent("clerk", Clerk)
        answer = runtime.ask("clerk", TaskPayload(task_id="sweep", input=str(book)), key="sweep", timeout_s=RUN_S)
    found = Found(answer, steps_of(store))
    paid = book.read_text().splitlines()
    if len(paid) != PAYMENTS or len(set(paid)) != PAYMENTS:
        found.faults.append(f"payments: {paid}")
    again = {step: n - 1 for step, n in Counter(book.with_suffix(".steps").read_text().splitlines()).items() if n > 1}
    if sum(again.values()) > 1:  # the one that was under way at the kill had not finished
        found.faults.append(f"steps that were run again: {again}")
    return found


JOBS: dict[str, Callable[[Path, Path], Found]] = {"research": research, "ledger": ledger}


def steps_of(store: Path) -> tuple[str, ...]:
    """Every step that is recorded as done, by the task that it belongs to, or by who was asked.

    The ids of messages tell who was first, and those of questions where the run was kept.
    """
    task = "json_extract(payload, '$.task_id')"
    tasks = f"SELECT CASE {task} WHEN message_id THEN recipient ELSE {task} END, name"
    with closing(sqlite3.connect(store)) as database:
        rows = database.execute(f"{tasks} FROM steps JOIN messages USING (run, message_id) WHERE state = 'done'")
        return tuple(sorted(f"{task_id} {shown_step(name)}" for task_id, name in rows))


class Striker:
    """Starts the first runtime under strace, which kills it at the blow; those that follow run free."""

    def __init__(self, blow: Blow | None, store: Path) -> None:
        self._blow, self._store = blow, store
        self.started = 0

    def spawn(self, *args: Any) -> Spawned:
        """In place of the handle's own."""
        self.started += 1
        if self.started > 1 or self._blow is None or self._blow.call in POINTS:
            return spawn(*args)
        paths = [word for end in ("", "-wal", "-journal", "-shm") for word in ("-P", f"{self._store}{end}")]
        inject = f"inject={self._blow.call}:signal=SIGKILL:when={self._blow.nth}"
        tracer = ["strace", "-f", "-b", "execve", "-qq", "-o", "/dev/null", *paths]  # its threads, not its children
        return spawned_by([*tracer, "-e", f"trace={self._blow.call}", "-e", inject], *args)


def spawned_by(tracer: list[str], *args: Any) -> Spawned:
    """A runtime as `spawn` starts it, under a tracer."""
    usual = subprocess.Popen

    def under(command: list[str], **kwargs: Any) -> subprocess.Popen[bytes]:
        return usual([*tracer, *command], **kwargs)

    subprocess.Popen = under  # type: ignore[assignment, misc]  # only while this one process is started
    try:
        return spawn(*args)
    finally:
        subprocess.Popen = usual  # type: ignore[misc]


def run(job: str, folder: Path, blow: Blow | None) -> Found:
    """One run, from an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    store = folder / "store.sqlite"
    flag = folder / "struck"
    os.environ.pop(VARIABLE, None)
    if blow and blow.call in POINTS:
        os.environ[VARIABLE] = f"{blow.call}:{blow.nth}:kill:{flag}"
    striker = Striker(blow, store)
    setattr(handle, "spawn", striker.spawn)  # noqa: B010  the handle's own name for it, which is nobody else's to change
    if blow and blow.call.startswith("keeper."):
        in_a_program_of_its_own(partial(JOBS[job], folder, store))
    try:
        found = JOBS[job](folder, store)
    except StartFailed:  # by OTP's rules a tree whose start is disturbed is not started: a person resumes the run
        found = JOBS[job](folder, store)
    found.landed = striker.started > 1 or flag.exists()
    return found


def in_a_program_of_its_own(work: Callable[[], object]) -> None:
    """Whoever keeps a runtime is the program that does this: it may be killed, and then another one goes on."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def faults_of(found: Found, wanted: Found) -> Iterator[str]:
    """What is not as it must be."""
    yield from found.faults
    if found.outcome != wanted.outcome:
        yield "the outcome is another one"
    if found.steps != wanted.steps:
        differing = set(found.steps) ^ set(wanted.steps)
        yield f"other steps were recorded: {sorted(differing)[:3]}"


def sweep(job: str, calls: tuple[str, ...], nths: range, folder: Path, say: Callable[[str], object]) -> dict[str, Any]:
    """Every blow in turn, until one of that call does not land any more."""
    wanted = run(job, folder / "undisturbed", None)
    points: dict[str, int] = {}
    wrong: list[str] = []
    for call in calls:
        for nth in nths:
            blow = Blow(call, nth)
            try:
                found = run(job, folder / "struck", blow)
            except ScrError as error:
                found, landed = Found(None, ()), False
                wrong.append(f"{blow}: {type(error).__name__}: {error}")
            else:
                landed = found.landed
                wrong += [f"{blow}: {fault}" for fault in faults_of(found, wanted)]
            points[call] = points.get(call, 0) + landed
            say(f"{job}: {blow}: {'killed, and recovered' if landed else 'no such call'}; {len(wrong)} wrong so far")
            if not landed:
                break
    return {"job": job, "kills": points, "wrong": wrong, "steps": len(wanted.steps)}


def main() -> int:
    """Sweep and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", choices=[*JOBS, "both"], default="both")
    parser.add_argument("--first", type=int, default=1, help="from which call on")
    parser.add_argument("--every", type=int, default=1, help="only every Kth call")
    parser.add_argument("--calls", default="", help="which calls, or which points, by commas")
    parser.add_argument("--points", action="store_true", help="the points of the code, not the calls of the system")
    parser.add_argument("--most", type=int, default=1_000_000, help="how often each call or point at most")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.points and not shutil.which("strace"):
        print("strace is missing: install it (apt-get install strace)", file=sys.stderr)
        return ExitCode.BAD_INPUT
    say = partial(print, end="\r" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)
    began, jobs = time.monotonic(), list(JOBS) if options.job == "both" else [options.job]
    with tempfile.TemporaryDirectory() as folder:
        every = tuple(POINTS) if options.points else CALLS
        calls = tuple(options.calls.split(",")) if options.calls else every
        nths = range(options.first, options.first + options.most * options.every, options.every)
        found = [sweep(job, calls, nths, Path(folder), say) for job in jobs]
    wrong = sum(len(result["wrong"]) for result in found)
    code = ExitCode.FAILED if wrong else ExitCode.DONE
    if options.json:
        summary = {"status": STATUS[code], "jobs": found, "seconds": round(time.monotonic() - began, 1)}
        print(json.dumps(summary | {"pid": os.getpid()}))
        return code
    for result in found:
        kills = ", ".join(f"{count} x {call}" for call, count in result["kills"].items())
        print(f"{result['job']}: killed at {kills}; {result['steps']} steps; {len(result['wrong'])} wrong")
        for line in result["wrong"][:20]:
            print(f"  {line}")
    return code


if __name__ == "__main__":
    sys.exit(main())
