"""What the client says of its own work: the other of the two logs that a checker compares.

Pure.  The log is a file of the client's, outside the system under test (`clientlog.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue


class ClientVerb(StrEnum):
    """`submit`: about to.  `acked`: the runtime has accepted it.  `answered`, `failed`: what came of it."""

    SUBMIT = "submit"
    ACKED = "acked"
    ANSWERED = "answered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Said:
    """One line.  `at` is monotonic; `value` is what was expected, with `submit`, and what came, with `answered`.

    `like`: the answers to all tasks of that name are the same one, whatever it is.
    """

    verb: ClientVerb
    key: str
    at: float
    value: JsonValue = None
    like: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class ClientTask:
    """One piece of work as its client knows it: each answer that it got, and whether it was ever acknowledged."""

    key: str
    expected: JsonValue = None
    like: str = ""
    acked: bool = False
    answers: tuple[JsonValue, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        """It has an outcome."""
        return bool(self.answers or self.errors)


def gather_tasks(lines: Iterable[Said]) -> dict[str, ClientTask]:
    """Everything that was submitted, by key, in the order in which it was."""
    found: dict[str, ClientTask] = {}
    for said in lines:
        before = found.get(said.key, ClientTask(said.key))
        found[said.key] = _after(before, said)
    return found


def _after(before: ClientTask, said: Said) -> ClientTask:
    acked, answers, errors = before.acked, before.answers, before.errors
    match said.verb:
        case ClientVerb.SUBMIT:
            return ClientTask(said.key, said.value, said.like, acked, answers, errors)
        case ClientVerb.ACKED:
            acked = True
        case ClientVerb.ANSWERED:
            answers = (*answers, said.value)
        case ClientVerb.FAILED:
            errors = (*errors, said.error)
    return ClientTask(before.key, before.expected, before.like, acked, answers, errors)


def parse(lines: Iterable[str]) -> Iterator[Said]:
    """The log from its lines; half a line at the end is what a kill leaves."""
    for line in lines:
        if line.endswith("\n"):
            fields = json.loads(line)
            yield Said(**(fields | {"verb": ClientVerb(fields["verb"])}))
