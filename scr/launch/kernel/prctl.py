"""The two calls of prctl(2) that SCR needs.  Linux alone has them; elsewhere each raises OSError (ENOSYS)."""

from __future__ import annotations

import ctypes
import errno
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)


def set_death_signal(signal_number: int) -> None:
    """Have the kernel send this signal to the calling process when its parent ends.  Forks do not inherit it."""
    _prctl(PR_SET_PDEATHSIG, int(signal_number))


def set_child_subreaper(*, on: bool) -> None:
    """Have the orphans among the descendants of the calling process become its children, or stop that."""
    _prctl(PR_SET_CHILD_SUBREAPER, int(on))


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
