"""The exit codes of every command: names for people who write scripts."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
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
    Code.DONE: "done",
    Code.UNSOUND: "unsound",
    Code.PARTIAL: "partial",
    Code.UNKNOWN: "unknown",
    Code.BAD_INPUT: "bad_input",
    Code.INTERRUPTED: "interrupted",
    Code.HUNG_UP: "interrupted",
    Code.TERMINATED: "interrupted",
    Code.FAILED: "failed",
}
