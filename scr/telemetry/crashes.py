"""One death of one agent, with everything that is known about it, in one object.

Pure.
"""

from __future__ import annotations

import re

from scr.messages import ExitReason, Frozen

FATAL = "Fatal Python error"
THREAD = re.compile(r"(?:Current thread|Thread) (0x[0-9a-f]+)")
FRAMES = ("  File ", "  ...", "  <")


class CrashRecord(Frozen):
    """Why an incarnation ended in a way that nobody had asked for, and what it was doing.

    `asked` is what had been asked of it: nothing, or a stop that went wrong,
    or a signal by an operator.  `traceback` is of the exception that ended it,
    `stack` of where it stood when it was found hung or crashed in native code;
    `stdout` and `stderr` are the last that it wrote.  `memory_bytes` is its
    peak, with what it shared; `cpu_s` is all that it and its tools used.
    `restarts` counts those within `within_s` that its limit of `max_restarts`
    counts, this one not yet among them.  `time` is wall clock.
    """

    agent: str
    incarnation: int
    pid: int
    reason: ExitReason
    asked: str = "nothing"
    signal: str = ""
    detail: str = ""
    traceback: str = ""
    stack: str = ""
    stdout: str = ""
    stderr: str = ""
    memory_bytes: int = 0
    cpu_s: float = 0.0
    in_hand: str | None = None
    in_hand_type: str | None = None
    deliveries: int = 0
    uptime_s: float = 0.0
    restarts: int = 0
    max_restarts: int = 0
    within_s: float = 0.0
    time: float = 0.0


def last_dump(stderr: str, *, fatal: bool = False) -> str:
    """The last stacks that `faulthandler` wrote there, or nothing; `fatal`: only those of a fatal error."""
    dumps = [dump for dump in _dumps(stderr) if not fatal or dump[0].startswith(FATAL)]
    return "\n".join(dumps[-1]).rstrip() if dumps else ""


def _dumps(stderr: str) -> list[list[str]]:
    """Every dump, as lines.  One ends where anything else begins, or where a thread shows for the second time."""
    dumps: list[list[str]] = []
    threads: set[str] = set()
    is_inside = False
    for line in stderr.splitlines():
        thread = THREAD.match(line)
        if line.startswith(FATAL) or (thread and (not is_inside or thread[1] in threads)):
            dumps.append([])
            threads.clear()
        if thread:
            threads.add(thread[1])
        is_frame = is_inside and (not line or line.startswith(FRAMES))
        is_inside = bool(thread) or line.startswith(FATAL) or is_frame
        if is_inside:
            dumps[-1].append(line)
    return dumps
