from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scr.apps.research.text.index import Index

HERON = """\
# Heron

Heron is a task runner that was released in 2014 by the Tern Institute.

## Recovery

When a Heron worker crashes, the coordinator restarts the worker within 3 seconds.
Heron keeps the journal of each task on disk, so a restarted worker continues the task.
It loses at most one unfinished task (no finished one) after a crash of a worker.

## Limits

Heron accepts at most 500 tasks in its queue, and a full queue refuses new tasks with an error.
"""
OSPREY = """\
# Osprey

Osprey is a task runner that was written in 2019 for small machines.

## Recovery

When an Osprey worker crashes, the supervisor does not restart the worker for 30 seconds.
Osprey keeps no journal, so every unfinished task of a crashed worker is lost.

## Limits

Osprey accepts an unlimited number of tasks in its queue until the memory of the machine is full.
"""
THEORY = """\
# Crashes and recovery

A worker that crashes should be restarted by another process, because it cannot restart itself.
A journal records each finished step, so that recovery after a crash repeats no finished step.
However, a queue in the memory of a crashed worker is lost together with the worker.
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes documents (name -> text or bytes) into a folder and returns it."""

    def write_documents(documents: dict[str, str | bytes], folder: str = "docs") -> Path:
        root = tmp_path / folder
        for name, content in documents.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return write_documents


@pytest.fixture
def birds(write: Callable[..., Path]) -> Path:
    """A folder about two invented task runners."""
    return write({"heron.md": HERON, "osprey.md": OSPREY, "theory.md": THEORY})


@pytest.fixture
def index(birds: Path, tmp_path: Path) -> Iterator[Index]:
    """The index of that folder."""
    with Index.open_or_build(birds, tmp_path / "birds.index") as opened:
        yield opened
