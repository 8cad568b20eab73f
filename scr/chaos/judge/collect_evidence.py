"""What a run has left behind, read: its rows as they are, its effects, the client's log, what secrets are where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scr.chaos.inject.fault_result import Landed
from scr.chaos.judge.client_history import gather_tasks
from scr.chaos.judge.evidence import Probes, RunEvidence, deploys_of, effects_of
from scr.chaos.lab.agents import EFFECTS
from scr.chaos.lab.client_log import read
from scr.chaos.lab.guests import DEPLOYS
from scr.chaos.plan.workloads import Workload
from scr.specs import SupervisorSpec, walk
from scr.store.sql import tables
from scr.store.sql.address import database_of
from scr.store.sql.session import Session
from scr.store.sql.tables import TABLES, Table

CHUNK_BYTES = 1 << 20
UNCAUGHT = ("Exception in callback", "exception was never retrieved", "Exception ignored in")


def gather(
    folder: Path, store: str, run: str, workload: Workload, landed: tuple[Landed, ...], probes: Probes
) -> RunEvidence:
    """Everything that the checker wants.  Raises UnknownRun, StoreError."""
    row, rows = rows_of(store, run)
    return RunEvidence(
        run=row,
        rows=rows,
        asked=gather_tasks(read(folder)),
        effects=effects_of(_lines(folder / EFFECTS)),
        landed=landed,
        probes=probes,
        limits={
            spec.id: (spec.max_restarts, spec.within_s)
            for spec in walk(workload.tree)
            if isinstance(spec, SupervisorSpec)
        },
        specs={spec.id: spec for spec in workload.agents},
        deploys=deploys_of(_lines(folder / DEPLOYS)),
        counts=workload.counts,
    )


def rows_of(store: str, run: str) -> tuple[dict[str, Any], dict[str, tuple[dict[str, Any], ...]]]:
    """The rows of a run, all of them of one moment."""
    session = database_of(store).connect(read_only=True)
    try:
        with tables.snapshot(session):
            number, row = tables.find(session, run)
            return row, {table.name: tuple(_facts(session, table, number)) for table in TABLES}
    finally:
        session.close()


def _facts(session: Session, table: Table, number: int) -> Iterator[dict[str, Any]]:
    for row in tables.checked(session, table, number):
        yield from tables.facts(table, row)


def complaints_in(output: Path) -> tuple[str, ...]:
    """The lines of what was printed in which an event loop tells of an exception that nobody caught."""
    lines = _lines(output, errors="replace")
    return tuple(line.strip()[:200] for line in lines if any(word in line for word in UNCAUGHT))


def artefacts_with(secret: str, folder: Path) -> tuple[str, ...]:
    """The files that have it in them."""
    wanted = secret.encode()
    return tuple(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if _has(path, wanted))


def _has(path: Path, wanted: bytes) -> bool:
    """In pieces that overlap, as files may be large."""
    if not path.is_file():
        return False
    before = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if wanted in before + chunk:
                return True
            before = chunk[-len(wanted) :]
    return False


def _lines(path: Path, errors: str = "strict") -> Iterator[str]:
    if path.exists():
        with path.open(encoding="utf-8", errors=errors) as file:
            yield from file
