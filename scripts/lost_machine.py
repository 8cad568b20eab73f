"""Two servers on one PostgreSQL, each on a machine of its own as far as it can tell; one of them is lost.

    python scripts/lost_machine.py                     kill -9 of all of one in the middle of a run of research
    python scripts/lost_machine.py --finished 1000     with so many finished runs in the store
    python scripts/lost_machine.py --documents-lost    the documents are on the lost machine alone

A machine is a namespace of processes and of mounts, with a temporary folder of its own.  It needs root, or user
namespaces, and the PostgreSQL of the tests.  Prints one object of JSON: seconds after the kill until the other machine
held the run, its runtime had claimed it, the first new step was recorded, the run was over; and how it ended.
Exits with 1 where that is not as it must be, and says on stderr what is not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from scr.apps.research.running.request import CORPUS  # noqa: E402  the tests are beside this script, and not installed
from scr.store.sql.rows import seal  # noqa: E402
from scr.store.sql.schema import TABLES  # noqa: E402
from tests.contract.postgres_server import PostgresServer  # noqa: E402

Server: Any = PostgresServer
QUESTION = "How do agent runtimes recover from crashes?"
COPIES = 4
LATE_S = 3.0
PATIENCE_S = 120.0
SCR = [sys.executable, "-m", "scr"]
USER = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
SPACES = ["unshare", *(("--user", "--map-root-user") if USER else ()), "--mount", "--pid", "--fork"]
STEPS = "SELECT count(*) FROM scr.steps s JOIN scr.runs r ON r.id = s.run WHERE r.run = %s AND s.state = 'done'"
RUN = "SELECT state, epoch, owner FROM scr.runs WHERE run = %s"
ANSWER = (
    "SELECT m.payload FROM scr.messages m JOIN scr.runs r ON r.id = m.run"
    " WHERE r.run = %s AND m.in_reply_to = r.run AND m.outcome = 'answer'"
)


class Machine:
    """One server in namespaces of its own; the folder of the other machine is empty there."""

    def __init__(self, name: str, work: Path, hidden: Path, store: str, lease_s: float) -> None:
        self.folder, self._log = work / name, work / f"{name}.log"
        self._environment = {
            **os.environ,
            "TMPDIR": str(self.folder / "tmp"),
            "SCR_LEASE_S": str(lease_s),
            "PYTHONPATH": str(ROOT),
        }
        hide = 'mount -t tmpfs none "$1" && cd "$2" && shift 2 && exec "$@"'
        serve = ["sh", "-c", hide, "sh", str(hidden), str(self.folder), *SCR, "serve", "--store", store]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*SPACES, "--kill-child", "--mount-proc", *serve],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait(lambda: "serving" in self.said())
        except BaseException:
            self._process.kill()  # and by --kill-child all that is in it
            self._process.wait()
            raise

    def said(self) -> str:
        """What the server has printed."""
        return self._log.read_text()

    def submit(self, docs: Path) -> str:
        """Hand the server a run of research; its name."""
        enter = ["nsenter", f"--target={self._first()}", *USER, "--mount", "--pid", f"--wd={self.folder}"]
        command = [*enter, *SCR, "submit", QUESTION, "--docs", str(docs), "--workers", "2"]
        found = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if found.returncode:
            raise SystemExit(f"the run was not accepted: {found.stderr}")
        return found.stdout.split()[0]

    def owns(self, owner: str | None) -> bool:
        """Whether the owner of a run is a process of this machine."""
        space = Path(f"/proc/{self._first()}/ns/pid").readlink().name
        return owner is not None and owner.split("/")[1] in space

    def lose(self) -> None:
        """Kill the first process of its namespace, and the kernel every other with it, at once."""
        if self._process.poll() is None:
            os.kill(self._first(), signal.SIGKILL)
            self._process.wait()

    def _first(self) -> int:
        pid = self._process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def wait(fact: Callable[[], Any]) -> Any:
    """Wait for a fact, and return it."""
    until = time.monotonic() + PATIENCE_S
    while not (found := fact()):
        if time.monotonic() > until:
            raise SystemExit(f"not within {PATIENCE_S:g} s: {fact.__name__}")
        time.sleep(0.01)
    return found


@contextmanager
def stage(lease_s: float) -> Iterator[tuple[Path, psycopg.Connection[Any], Machine, Machine]]:
    """A PostgreSQL and two machines; nothing of it is left."""
    work, server = Path(tempfile.mkdtemp(prefix="scr-lost-")), Server("fsync=off")
    machines: list[Machine] = []
    try:
        for name in "ab":
            (work / name / "tmp").mkdir(parents=True)
        store = server.empty()
        for name, other in ("ab", "ba"):
            machines.append(Machine(name, work, work / other, store, lease_s))
        with psycopg.connect(store, autocommit=True) as observer:
            yield work, observer, machines[0], machines[1]
    finally:
        for machine in machines:
            machine.lose()
        server.close()
        shutil.rmtree(work)


def documents(folder: Path) -> Path:
    """The bundled documents, several times, so that there is a middle of the run."""
    for n in range(COPIES):
        shutil.copytree(CORPUS, folder / f"part-{n}", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return folder


def multiply(observer: psycopg.Connection[Any], run: str, times: int) -> None:
    """Put copies of a finished run into the store, with all their rows."""
    columns = "run, title, priority, tree, created, state, reason, runtime, epoch, lease_until, batch, seq, n"
    found = observer.execute(f"SELECT id, {columns} FROM scr.runs WHERE run = %s", [run]).fetchall()
    number, _, *sealed_rest = found[0]
    title, priority, tree, created = sealed_rest[:4]
    marks = ", ".join(["%s"] * (len(columns.split(",")) + 1))
    with observer.transaction(), observer.cursor() as cursor:
        names = [f"finished-{n}" for n in range(times)]
        rows = [(name, *sealed_rest, seal(name, title, priority, tree, created)) for name in names]
        cursor.executemany(f"INSERT INTO scr.runs ({columns}, crc) VALUES ({marks})", rows)
        for table in TABLES:
            cursor.execute(
                "SELECT string_agg(column_name, ', ') FROM information_schema.columns"
                " WHERE table_schema = 'scr' AND table_name = %s AND column_name <> 'run'",
                [table],
            )
            ((others,),) = cursor.fetchall()
            cursor.execute(
                f"INSERT INTO scr.{table} (run, {others}) SELECT r.id, {others.replace(', ', ', t.').join(('t.', ''))}"
                f" FROM scr.{table} t CROSS JOIN scr.runs r WHERE t.run = %s AND r.run LIKE 'finished-%%'",
                [number],
            )


def lost(lease_s: float, finished: int, *, documents_lost: bool) -> dict[str, Any]:
    """Lose a machine in the middle of a run; what came of it."""
    with stage(lease_s) as (work, observer, submitter, other):

        def one(query: str, run: str) -> Any:
            return observer.execute(query, [run]).fetchone()

        docs = documents(submitter.folder / "docs" if documents_lost else work / "docs")
        undisturbed = submitter.submit(docs)
        wait(lambda: one(RUN, undisturbed)[0] == "done")
        multiply(observer, undisturbed, finished)
        run = submitter.submit(docs)
        wait(lambda: one(STEPS, run)[0] >= 3)
        steps, (state, epoch, owner) = one(STEPS, run)[0], one(RUN, run)
        is_other = other.owns(owner) and not documents_lost  # it was faster
        first, second = (other, submitter) if is_other else (submitter, other)
        if state != "running" or not first.owns(owner):
            raise SystemExit(f"the run is {state}, or not the first machine's; try again")
        at = time.monotonic()
        first.lose()

        def after(fact: Callable[[], Any]) -> float:
            wait(fact)
            return round(time.monotonic() - at, 2)

        figures = {
            "held_s": after(lambda: one(RUN, run)[1] > epoch),
            "claimed_s": after(lambda: one(RUN, run)[1] > epoch + 1),
            "first_step_s": None if documents_lost else after(lambda: one(STEPS, run)[0] > steps),
            "end_s": after(lambda: one(RUN, run)[0] in {"done", "failed", "cancelled"}),
        }
        wait(lambda: any(f"{run} {word}" in second.said() for word in ("done", "failed")))
        output = json.loads(one(ANSWER, run)[0])["output"]
        return figures | {
            "lease_s": lease_s,
            "finished": finished,
            "load": round(os.getloadavg()[0], 1),
            "steps_before": steps,
            "state": one(RUN, run)[0],
            "is_same": output == json.loads(one(ANSWER, undisturbed)[0])["output"],
            "said": next(
                line for line in second.said().splitlines() if f"{run} done" in line or f"{run} failed" in line
            ),
        }


def faults(found: dict[str, Any], *, documents_lost: bool) -> list[str]:
    """Tell what is not as it must be; nothing where the run ended as it must."""
    if documents_lost:
        conditions = {
            f"the run is {found['state']}, not failed": found["state"] == "failed",
            f"the server does not say that the documents are away: {found['said']}": "not on this machine"
            in found["said"],
        }
    else:
        limit_s = found["lease_s"] + LATE_S
        conditions = {
            f"the run is {found['state']}, not done": found["state"] == "done",
            "its report is not that of the undisturbed run": found["is_same"],
            f"its first new step came after {found['first_step_s']} s, later than {limit_s:g} s": found["first_step_s"]
            <= limit_s,
        }
    return [fault for fault, holds in conditions.items() if not holds]


def main() -> int:
    """Do it once; 0 when all is as it must be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lease", type=float, default=5.0, help="seconds")
    parser.add_argument("--finished", type=int, default=0, help="finished runs in the store")
    parser.add_argument("--documents-lost", action="store_true", help="only the lost machine has the documents")
    given = parser.parse_args()
    found = lost(given.lease, given.finished, documents_lost=given.documents_lost)
    print(json.dumps(found))
    wrong = faults(found, documents_lost=given.documents_lost)
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
