"""What a person asked for, checked before anything is started."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from scr.apps.research.question import clean
from scr.apps.research.running.run_folder import ELSEWHERE
from scr.apps.research.text.documents import check_documents
from scr.errors import InvalidInput

CORPUS = Path(__file__).parents[1] / "corpus"
RUNS = Path(".scr") / "runs"
WORKERS_MAX = 64
FREE_BYTES_MIN = 16 << 20


@dataclass(frozen=True, slots=True)
class ResearchRequest:
    """One question to one folder of documents."""

    question: str
    docs: Path
    workers: int


def checked(question: str, docs: Path, workers: int) -> ResearchRequest:
    """The job, if it can be done.  Raises InvalidInput and InvalidDocuments with a sentence for people."""
    words = clean(question)
    if not 1 <= workers <= WORKERS_MAX:
        raise InvalidInput(f"--workers is {workers}: give a number from 1 to {WORKERS_MAX}")
    check_documents(docs)
    return ResearchRequest(question=words, docs=docs.resolve(), workers=workers)


def new_run_id() -> str:
    """A name that sorts by time and is never given twice."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def prepare_folder(path: Path) -> Path:
    """Make the run's folder and see that it can be written.  Raises InvalidInput with what to do."""
    probe = path / f".probe-{os.getpid()}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"can this be written?")
        probe.unlink()
        free_bytes = shutil.disk_usage(path).free
    except OSError as error:
        raise InvalidInput(
            f"the run's folder {str(path)!r} cannot be written ({error.strerror}): {ELSEWHERE}"
        ) from error
    if free_bytes < FREE_BYTES_MIN:
        raise InvalidInput(
            f"only {free_bytes / 1_000_000:.1f} MB are free for the run's folder {str(path)!r}:"
            f" free {FREE_BYTES_MIN / 1_000_000:.0f} MB there, or {ELSEWHERE}"
        )
    return path.resolve()
