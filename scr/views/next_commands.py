"""What can be done next, as commands that work as they stand where they are shown."""

from __future__ import annotations

import os
import shlex

from scr.runtime.tree import MEMORY, PLANNER
from scr.specs import walk
from scr.store.archive.summaries import ListedRun
from scr.store.url import DEFAULT_STORE


def command_line(*words: str, place: tuple[str, ...] = ()) -> str:
    """Write a command for a shell; `place` is what `place_of` returns."""
    return shlex.join(("scr", *words, *place))


def place_of(store: str, shown: str) -> tuple[str, ...]:
    """Return the option that names a store to the next command; empty where that finds it by itself.

    `store` is as it was given, `shown` without a password.
    """
    return () if store == os.environ.get("SCR_STORE", DEFAULT_STORE) else ("--store", shown)


def is_programs(run: ListedRun) -> bool:
    """Tell whether a program keeps the run, and `scr resume` cannot: its tree has SCR's memory and no planner."""
    ids = {spec.id for spec in walk(run.tree)}
    return MEMORY in ids and PLANNER not in ids


def resumed(run: ListedRun) -> str:
    """Say how a run that is at rest goes on: by this command, or with its program."""
    again = f"start its program again, with run={run.run!r} and its store"
    return again if is_programs(run) else command_line("resume", run.run)
