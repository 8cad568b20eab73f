"""The states of runs and of stores, as every process names them.

Pure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from scr.values import Frozen


class Priority(StrEnum):
    """Who goes first among the runs that wait for a server."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class RunState(StrEnum):
    """Where a run stands.  `interrupted`: it says that it is running, and its owner is gone."""

    QUEUED = "queued"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StoreStatus(Frozen):
    """How the store is doing, for people.  `behind_s` is the age of the oldest write that is not kept yet."""

    url: str
    state: Literal["ok", "slow", "trouble", "lost"] = "ok"
    detail: str = ""
    pending: int = 0
    behind_s: float = 0.0
