"""Which signals a process listens to: not those that it was started without."""

from __future__ import annotations

import signal
from collections.abc import Iterable


def heeded(numbers: Iterable[signal.Signals]) -> tuple[signal.Signals, ...]:
    """Leave out the hangup where it is ignored, as for a program that nohup has started."""
    is_deaf = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return tuple(number for number in numbers if not (is_deaf and number is signal.SIGHUP))
