"""Which run a command means, where it is kept, and which runtime works on it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from scr.client.client import RuntimeClient
from scr.client.connect import connect
from scr.errors import InvalidInput, RunOwned, UnknownRun
from scr.store.archive.archive import Archive
from scr.store.archive.summaries import ListedRun

RUNS_MAX = 10_000
SHOWN = 5
DYING_S = 2.0  # a runtime whose keeper was killed ends within a second
LOOK_S = 0.05


def chosen(archive: Archive, name: str) -> ListedRun:
    """The run of that name, or the only one whose name begins so.  Raises InvalidInput."""
    try:
        return archive.run(name)
    except UnknownRun:
        names = [run.run for run in reversed(archive.runs(RUNS_MAX))]
        return archive.run(completed(name, names, "run", "`scr runs` lists them"))


def completed(start: str, names: Sequence[str], what: str, where: str) -> str:
    """Find this name, or the only one that begins so.  Raises InvalidInput; `where` says where they are listed."""
    found = [name for name in names if start and name.startswith(start)]
    match [start] if start in found else found:
        case [one]:
            return one
        case []:
            raise InvalidInput(f"there is no {what} {start!r}; {where}")
        case _:
            some = ", ".join(found[:SHOWN]) + (", …" if len(found) > SHOWN else "")
            raise InvalidInput(f"the name of more than one {what} begins with {start!r}: {some}; write more of it")


@contextmanager
def owner(run: ListedRun) -> Iterator[RuntimeClient | None]:
    """A client of the runtime that works on the run; None when none does.

    Raises RunOwned when it cannot be reached from here.
    """
    if not run.is_owned:
        yield None
        return
    try:
        client = connect(run.runtime)
    except InvalidInput as error:
        raise RunOwned(
            f"the runtime {run.runtime} works on the run {run.run} and cannot be reached from here: do this on its"
            " machine, as its user, with its TMPDIR; or wait until it has ended"
        ) from error
    with client:
        yield client


def once_free(archive: Archive, run: ListedRun) -> ListedRun:
    """The run as it is when nobody works on it, or as it is after a moment of waiting for that."""
    end = time.monotonic() + DYING_S
    while run.is_owned and time.monotonic() < end:
        time.sleep(LOOK_S)
        run = archive.run(run.run)
    return run
