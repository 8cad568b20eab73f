"""What a new process does before it runs its entry, the same for every launcher.

Called in the child only.  After `settle` the process is alone: its own session
and group, its own stdio, no descriptor but the channel, and it dies with the
runtime.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from itertools import pairwise
from typing import TextIO

from setproctitle import setproctitle

from scr.launch.channel_ends import ChannelEnd
from scr.launch.kernel.prctl import set_death_signal

MARK = "SCR_RUNTIME_ID"
TITLE = "scr: standby"
ADOPTION_S = 5.0
ADOPTION_POLL_S = 0.0002
OOM_SCORE_ADJ = b"300"
DESCRIPTORS_MAX = 1 << 20
FRESH_SIGNALS = {  # what a fresh interpreter does with each; made once, as it takes a while
    number: signal.SIG_IGN if number in {signal.SIGPIPE, signal.SIGXFSZ} else signal.SIG_DFL
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGINT}
}

Entry = Callable[[ChannelEnd], None]


def marked_environment(runtime_id: str) -> dict[str, str]:
    """What a process of this runtime has in its environment besides the usual.

    The mark is how orphans are found in /proc.  setproctitle would write the
    title over it, were it not told to leave the environment alone.
    """
    return {MARK: runtime_id, "SPT_NOENV": "1"}


def find_entry(name: str) -> Entry:
    """The function that "package.module:function" names.  Raises what its import raises, or ValueError."""
    module, _, function = name.partition(":")
    if not module or not function:
        raise ValueError(f"{name!r} is no entry: write it as 'package.module:function'")
    entry: Entry = getattr(importlib.import_module(module), function)
    return entry


def settle(channel: Collection[int], stdout: int, stderr: int, *, alone: bool = True) -> None:
    """Leave everything of the parent behind but the descriptors of the channel, stdout and stderr.

    Not `alone`, other descriptors stay open, for a launcher that needs them to see the end.
    """
    os.setsid()
    _take_stdio(stdout, stderr)
    if alone:
        for below, above in pairwise((2, *sorted(channel), DESCRIPTORS_MAX)):
            os.closerange(below + 1, above)
    for descriptor in channel:
        os.set_inheritable(descriptor, False)
    _reset_signals()
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    gc.enable()
    _volunteer()
    setproctitle(TITLE)


def die_with(runtime: int, *, first_parent: int | None = None) -> None:
    """Have the kernel kill this process when the runtime ends.  Exits at once if that has happened already.

    Only after the runtime has taken over from the first parent: the death signal
    of that one would fire when it ends, and it is not given in hindsight.
    """
    until = time.monotonic() + ADOPTION_S
    while os.getppid() == first_parent and time.monotonic() < until:
        time.sleep(ADOPTION_POLL_S)
    set_death_signal(signal.SIGKILL)
    if os.getppid() != runtime:
        sys.exit(f"process {os.getpid()} has no runtime: its parent is {os.getppid()} and not {runtime}")


def _take_stdio(stdout: int, stderr: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((null, stdout, stderr)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdout = _lines_to(1)
    sys.stderr = _lines_to(2)


def _lines_to(descriptor: int) -> TextIO:
    """A new stream: the old one may believe that it can seek, as it could in the parent."""
    return open(descriptor, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def _volunteer() -> None:
    """When memory runs out, rather an agent than the runtime.  Best effort: /proc may be missing or read-only."""
    with contextlib.suppress(OSError):
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        try:
            os.write(descriptor, OOM_SCORE_ADJ)
        finally:
            os.close(descriptor)


def _reset_signals() -> None:
    """As in a fresh interpreter, whatever the preloaded modules or the parent had set."""
    signal.set_wakeup_fd(-1)
    for number, wanted in FRESH_SIGNALS.items():
        if signal.getsignal(number) is not wanted:
            signal.signal(number, wanted)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
