"""The folder of one run, `.scr/runs/<run id>/`: what is left for people and programs.

Written by the command's own process.  A disk that fills up costs the files, not
the run: the first trouble is kept as a sentence, and nothing more is written.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable
from io import FileIO
from pathlib import Path

from pydantic import BaseModel

from scr.apps.research.outcome import ResearchOutcome
from scr.telemetry.events import Record

INDEX, EVENTS = "index.sqlite", "events.jsonl"
ELSEWHERE = "work in a folder that can be written, or give `scr run` another one with --out"


class RunFolder:
    """One folder that exists and is ours.  `trouble` is the sentence that says why it is incomplete, or empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""
        self._events: FileIO | None = None
        self._try(EVENTS, self._open_events)

    @property
    def index(self) -> Path:
        """Where agents build the index of this run; it is removed at the end."""
        return self.path / INDEX

    def event(self, record: Record) -> None:
        """Write down one event, at once."""
        if self._events:
            self._try(EVENTS, lambda: self._append(record))

    def keep(self, outcome: ResearchOutcome, report: str) -> None:
        """Write what the run has brought."""
        files: dict[str, Callable[[], str]] = {
            "report.md": lambda: report,
            "claims.jsonl": lambda: lines(outcome.claims),
            "sources.jsonl": lambda: lines(outcome.sources),
            "plan.json": lambda: outcome.plan.model_dump_json(indent=2) + "\n",
        }
        for name, text in files.items():
            self._try(name, lambda name=name, text=text: self._write(name, text()))  # type: ignore[misc]

    def close(self, *, keep_index: bool = False) -> None:
        """Nothing more is written; the index is removed, unless the run is to go on later."""
        events, self._events = self._events, None
        if events:
            events.close()
        if keep_index:
            return
        for path in self.path.glob(f"{INDEX}*"):
            with contextlib.suppress(OSError):
                path.unlink()

    def discard(self) -> None:
        """Remove the events and the index, and the folder too if nothing else is in it."""
        self.close()
        with contextlib.suppress(OSError):
            (self.path / EVENTS).unlink(missing_ok=True)
            self.path.rmdir()

    def held(self) -> list[str]:
        """The names of the files that are in it."""
        return sorted(path.name for path in self.path.iterdir() if path.is_file()) if self.path.is_dir() else []

    def _open_events(self) -> None:
        self._events = (self.path / EVENTS).open("ab", buffering=0)

    def _append(self, record: Record) -> None:
        assert self._events is not None
        self._events.write(record.to_json() + b"\n")

    def _write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8")

    def _try(self, name: str, write: Callable[[], object]) -> None:
        if self.trouble:
            return
        try:
            write()
        except OSError as error:
            self.trouble = (
                f"the run's folder {self.path} is incomplete: {name} could not be written ({error.strerror});"
                f" free some space, or {ELSEWHERE}"
            )


def lines(values: Iterable[BaseModel]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(value.model_dump(mode="json"), ensure_ascii=False) + "\n" for value in values)
