"""Why a process ended: decided from what it said, what the kernel says and what was asked of it.

Pure.  An exit status alone is not enough: an exception in a thread and
`sys.exit(256)` are 0 for the kernel, every uncaught exception is 1, and a
SIGKILL does not say whose it was.  `classify` is a table, tried from the top.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from signal import Signals
from typing import Literal

from scr.launch.wait_status import WaitStatus
from scr.messages import ExitReason
from scr.protocol.frames import Exiting
from scr.specs import Restart

DETAIL_MAX = 1000  # characters of an agent's own words that a reason carries; the whole record goes to the events


class EndRequest(StrEnum):
    """What the runtime had asked of the process when it ended: the strongest request counts."""

    NOTHING = "nothing"
    STOP = "stop"  # the stop request or SIGTERM
    KILL = "kill"  # SIGKILL by the supervisor
    HUNG = "hung"  # SIGKILL because it did not answer in time
    OPERATOR = "operator"  # nothing, but it ended by a signal that a person had sent


@dataclass(frozen=True, slots=True)
class Exit:
    """The verdict: the reason, and a sentence for people."""

    reason: ExitReason
    detail: str = ""

    @property
    def abnormal(self) -> bool:
        """Whether a transient agent comes back after it."""
        return is_abnormal(self.reason)


def is_abnormal(reason: ExitReason) -> bool:
    """Everything but an end on purpose: `normal` and `shutdown`."""
    return reason not in {ExitReason.NORMAL, ExitReason.SHUTDOWN}


def classify(record: Exiting | None, status: WaitStatus, asked: EndRequest, *, oom_kill: bool = False) -> Exit:
    """Why it ended.  `oom_kill`: the agent's own memory group counted a kill by the kernel."""
    said = record.reason if record else None
    match asked, status.signal, status.code, said:
        case EndRequest.KILL, Signals.SIGKILL, _, _:
            return Exit(ExitReason.KILLED, "by its supervisor")
        case EndRequest.HUNG, Signals.SIGKILL, _, _:
            return Exit(ExitReason.HUNG, "it did not answer in time and was killed")
        case EndRequest.OPERATOR, Signals.SIGKILL, _, _:
            return Exit(ExitReason.KILLED, "by an operator")
        case EndRequest.OPERATOR, int(number), _, _:
            return Exit(ExitReason.CRASHED, f"{signal_name(number)}, sent by an operator")
        case ((EndRequest.STOP | EndRequest.KILL | EndRequest.HUNG), _, _, "shutdown"):
            return Exit(ExitReason.SHUTDOWN, _words(record))
        case ((EndRequest.STOP | EndRequest.KILL | EndRequest.HUNG), Signals.SIGTERM, _, None):
            return Exit(ExitReason.SHUTDOWN, "by SIGTERM, as it was asked to")
        case ((EndRequest.STOP | EndRequest.KILL | EndRequest.HUNG), _, 0, None):
            return Exit(ExitReason.SHUTDOWN, "as it was asked to")
        case _, _, _, "start_failed":
            return Exit(ExitReason.START_FAILED, _words(record))
        case _, _, _, "error":
            return Exit(ExitReason.ERROR, _words(record))
        case _, None, 0, "shutdown":
            return Exit(ExitReason.SHUTDOWN, _words(record))
        case _, None, 0, "normal":
            return Exit(ExitReason.NORMAL, _words(record))
        case _, None, 0, None:
            return Exit(ExitReason.ERROR, "exit status 0 without an exit record: a thread crashed, or os._exit(0)")
        case _, None, None, _:
            return Exit(ExitReason.ERROR, "its exit status was lost: something else in this process waits for children")
        case _, None, code, None:
            return Exit(ExitReason.ERROR, f"exit status {code}")
        case _, None, code, _:
            return Exit(ExitReason.ERROR, f"exit status {code} after it had said {said}")
        case _, Signals.SIGKILL, _, _ if oom_kill:
            return Exit(ExitReason.OUT_OF_MEMORY, "killed by the kernel: it used more memory than it may")
        case _, Signals.SIGKILL, _, _:
            return Exit(ExitReason.KILLED, "by SIGKILL from outside")
        case _, number, _, _:
            return Exit(ExitReason.CRASHED, signal_name(number or 0))


def signal_name(number: int) -> str:
    """SIGSEGV and the like; "signal 99" for one that has no name here."""
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"


def _words(record: Exiting | None) -> str:
    if record is None:
        return ""
    return ": ".join(part for part in (record.error_type, record.message) if part)[:DETAIL_MAX]


def should_restart(restart: Restart, reason: ExitReason) -> bool:
    """Who comes back: the type decides, and for a transient child the reason too."""
    return restart is Restart.PERMANENT or (restart is Restart.TRANSIENT and is_abnormal(reason))


def is_worth_reporting(restart: Restart, reason: ExitReason) -> bool:
    """Whether an end that nobody asked for is an event for people: always for a permanent child, else if abnormal."""
    return restart is Restart.PERMANENT or is_abnormal(reason)


def is_shutdown_error(restart: Restart, shutdown_s: float | Literal["infinity", "kill"], reason: ExitReason) -> bool:
    """Whether a child ended otherwise than it was asked to: not with `shutdown`, or not with `killed` under "kill".

    A child that is not permanent may end `normal` as well.
    """
    expected = {ExitReason.KILLED} if shutdown_s == "kill" else {ExitReason.SHUTDOWN}
    if restart is not Restart.PERMANENT:
        expected |= {ExitReason.NORMAL, ExitReason.SHUTDOWN}
    return reason not in expected
