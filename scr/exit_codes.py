"""The exit codes of every command: names for people who write scripts."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell is told."""

    DONE = 0
    UNSOUND = 1
    BAD_INPUT = 2
    PARTIAL = 3
    UNKNOWN = 4
    FAILED = 5
    HUNG_UP = 129
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


STATUS = {
    ExitCode.DONE: "done",
    ExitCode.UNSOUND: "unsound",
    ExitCode.PARTIAL: "partial",
    ExitCode.UNKNOWN: "unknown",
    ExitCode.BAD_INPUT: "bad_input",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.HUNG_UP: "interrupted",
    ExitCode.TERMINATED: "interrupted",
    ExitCode.FAILED: "failed",
}
