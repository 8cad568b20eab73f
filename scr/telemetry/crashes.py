"""One death of one agent, with everything that is known about it, in one object.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from scr.messages import ExitReason
from scr.values import Frozen

FATAL = "Fatal Python error"
HEARTBEAT = "/scr/launch/heartbeat.py"
THREAD = re.compile(r"(?:Current thread|Thread) (0x[0-9a-f]+)")
FRAMES = ("  File ", "  ...", "  <")


class CrashRecord(Frozen):
    """Why an incarnation ended in a way that nobody had asked for, and what it was doing.

    `asked` is what had been asked of it: nothing, or a stop that went wrong,
    or a signal by an operator.  `traceback` is of the exception that ended it,
    `stack` of where it stood when it was found hung or crashed in native code;
    `stdout` and `stderr` are the last that it wrote.  `begun` is the `once`
    step that it was in the middle of.  `memory_bytes` is its peak, with what
    it shared; `cpu_s` is all that it and its tools used.  `restarts` counts
    those within `within_s` that its limit of `max_restarts` counts, this one
    not yet among them.  `time` is wall clock.
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
    begun: str = ""
    uptime_s: float = 0.0
    restarts: int = 0
    max_restarts: int = 0
    within_s: float = 0.0
    time: float = 0.0


def last_dump(stderr: str, *, fatal: bool = False) -> str:
    """The last stacks that `faulthandler` wrote there, or nothing; `fatal`: only those of a fatal error.

    The thread that answers for the heartbeat is in every process and says nothing of any.
    """
    dumps: dict[int, list[str]] = {}
    for line, number in _sorted_out(stderr):
        if number:
            dumps.setdefault(number, []).append(line)
    found = [dump for dump in dumps.values() if not fatal or dump[0].startswith(FATAL)]
    return "\n".join(_without_heartbeat(found[-1])).strip() if found else ""


def without_dumps(stderr: str) -> str:
    """What the process wrote itself."""
    return "\n".join(line for line, number in _sorted_out(stderr) if not number)


def _sorted_out(stderr: str) -> Iterator[tuple[str, int]]:
    """Each line with the number of its dump, from 1; 0 for none.

    A dump ends where anything else begins, or where a thread shows for the second time.
    """
    number, is_inside = 0, False
    threads: set[str] = set()
    for line in stderr.splitlines():
        thread, is_fatal = THREAD.match(line), line.startswith(FATAL)
        if is_fatal or (thread and (not is_inside or thread[1] in threads)):
            number += 1
            threads.clear()
        if thread:
            threads.add(thread[1])
        is_inside = bool(thread) or is_fatal or (is_inside and (not line or line.startswith(FRAMES)))
        yield line, number if is_inside else 0


def _without_heartbeat(dump: list[str]) -> Iterator[str]:
    parts: list[list[str]] = [[]]
    for line in dump:
        if THREAD.match(line):
            parts.append([])
        parts[-1].append(line)
    for part in parts:
        if part and not (HEARTBEAT in "".join(part) and part[0].startswith("Thread")):
            yield from part
