"""The keywords of a start, for type checkers and editors."""

from __future__ import annotations

from typing import Literal, TypedDict

from scr.retry import Retry
from scr.specs import AgentLimits, Backoff, OnError, Restart, Wanted


class AgentFields(TypedDict, total=False):
    """The fields of `AgentSpec` that a start takes as keywords; words stand for the members of their enumerations."""

    restart: Restart | Literal["permanent", "transient", "temporary"]
    shutdown_s: float | Literal["infinity", "kill"]
    start_timeout_s: float
    significant: bool
    mailbox_size: int
    max_deliveries: int
    messages: Wanted
    on_error: OnError | Literal["retry", "crash"]
    retry: Retry
    retries_max: int
    ordered: bool
    fresh_process: bool
    backoff: Backoff | None
    park: bool
    limits: AgentLimits
    deadline_s: float
    deadlines: dict[str, float]
