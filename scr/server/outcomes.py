"""How the work of one server on one run ended, and what it does about that.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from scr.errors import (
    AgentError,
    AskTimedOut,
    LeaseLost,
    RunCancelled,
    RunOwned,
    ScrError,
    StartFailed,
    StoreError,
)


@dataclass(frozen=True, slots=True)
class WorkDone:
    """The run has its output."""

    output: JsonValue


@dataclass(frozen=True, slots=True)
class WorkFailed:
    """The run has come to an end without one: its first message is a dead letter."""

    why: str


@dataclass(frozen=True, slots=True)
class WorkCancelled:
    """Somebody has ended it."""

    why: str = "somebody cancelled it"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another runtime owns it, or another server holds it."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """It was stopped in order, to be gone on with by another server."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """It is not the run's fault: try again in a while."""

    why: str


@dataclass(frozen=True, slots=True)
class Aside:
    """It cannot be gone on with: this server leaves it to a person."""

    why: str


End: TypeAlias = WorkDone | WorkFailed | WorkCancelled | Elsewhere | Left | Troubled | Aside


def word_of(end: End) -> str:
    """Return the end in a word: "done", "elsewhere"."""
    return type(end).__name__.removeprefix("Work").lower()


def end_of(error: Exception, *, is_leaving: bool) -> End:
    """What an error means that ended the work on a run."""
    match error:
        case RunCancelled():
            return WorkCancelled()
        case RunOwned():
            return Elsewhere("it was taken before its runtime could take it")
        case LeaseLost():
            return Elsewhere(str(error))
        case _ if is_leaving:
            return Left()
        case StoreError() | OSError():
            return Troubled(str(error))
        case StartFailed() | AskTimedOut():
            return Aside(str(error))
        case AgentError():
            return WorkFailed(str(error))
        case ScrError():
            return Aside(str(error))
        case _:
            return Aside(f"this is a fault of SCR itself: {error!r}")
