"""What Ctrl-C, SIGTERM and a terminal that closes do to a command that starts runs, outside of its session.

Imports next to nothing, so that it holds while everything else is imported.
The handler raises nothing, since an exception in the middle of an import may
be lost: it says what is kept and ends the process.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from scr.launch.kernel.signals import heeded

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130
NOTHING_STARTED = "nothing had been started"


class Stopping:
    """Ends the process at a signal; `kept` completes the sentence that it says.

    A runtime's process that has not been told what to be ends by itself when
    this one does, and takes its private directory along.
    """

    def __init__(self) -> None:
        self.kept = NOTHING_STARTED

    def heed(self) -> None:
        """Install the handler.  In the main thread."""
        for number in heeded(SIGNALS):
            signal.signal(number, self._end)

    def release(self) -> None:
        """Give the signals back to Python: Ctrl-C is a KeyboardInterrupt again."""
        for number in heeded(SIGNALS):
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)

    def ignore(self) -> None:
        """Ignore the signals from here on: everything has been said, and the interpreter is about to end."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.ignore()
        with suppress(OSError):  # stderr is closed or its terminal gone; the exit code still tells it
            os.write(2, f"scr: stopped; {self.kept}\n".encode(errors="backslashreplace"))
        os._exit(INTERRUPTED)


STOPPING = Stopping()


@contextmanager
def raised() -> Iterator[None]:
    """Have the first signal raise KeyboardInterrupt with its number; ignore those that follow.  Main thread only."""
    before = {number: signal.signal(number, _raise) for number in heeded(SIGNALS)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(number: int, _frame: FrameType | None) -> None:
    STOPPING.ignore()
    raise KeyboardInterrupt(signal.Signals(number))
