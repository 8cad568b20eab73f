"""Keys as they are pressed, from a terminal that is left as it was found, whatever happens."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from types import FrameType
from typing import Self

from scr.launch.kernel.signals import heeded

ESCAPES = {"A": "up", "B": "down", "5~": "page up", "6~": "page down", "H": "home", "F": "end"}
READ_BYTES = 1024
ENDING = (signal.SIGTERM, signal.SIGHUP)


class Keys:
    """Use it as a context manager, in the main thread: inside, single keys come at once and are not echoed.

    A signal that ends the process ends the block first.  Ctrl-Z does nothing
    inside: a terminal in this state is not to be left to a shell.
    """

    def __init__(self) -> None:
        self._fd = sys.stdin.fileno()

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._fd)
        self._handlers = {number: signal.signal(number, _end) for number in heeded(ENDING)}
        self._handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        tty.setcbreak(self._fd)
        return self

    def __exit__(self, *_: object) -> None:
        termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def read(self, timeout_s: float) -> list[str]:
        """The keys that were pressed, after at most `timeout_s`; a closed terminal is a q."""
        ready, _, _ = select.select([self._fd], [], [], max(0.0, timeout_s))
        if not ready:
            return []
        data = os.read(self._fd, READ_BYTES)
        return list(keys_in(data.decode(errors="replace"))) if data else ["q"]


def keys_in(text: str) -> Iterator[str]:
    """The names of the keys that a terminal tells by these characters; sequences that are not known are no keys."""
    rest = text
    while rest:
        if rest[:2] not in {"\x1b[", "\x1bO"}:
            yield rest[0]
            rest = rest[1:]
            continue
        end = next((n for n, letter in enumerate(rest[2:], 2) if letter.isalpha() or letter == "~"), len(rest) - 1)
        if known := ESCAPES.get(rest[2 : end + 1]):
            yield known
        rest = rest[end + 1 :]


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
