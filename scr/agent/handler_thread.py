"""The one thread in which an agent's handlers run: what waits on the agent's channel belongs there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from scr.errors import ScrError

HOMES: set[int] = set()


@contextmanager
def at_home() -> Iterator[None]:
    """Inside, this thread is the one that runs handlers.  Called by the loop, around the whole life."""
    HOMES.add(threading.get_ident())
    try:
        yield
    finally:
        HOMES.discard(threading.get_ident())


def is_home() -> bool:
    """Whether this is the thread that runs handlers."""
    return threading.get_ident() in HOMES


def refuse_elsewhere(what: str) -> None:
    """Raise ScrError in an agent's process when this is another thread than the handlers' own."""
    if HOMES and threading.get_ident() not in HOMES:
        raise ScrError(
            f"cannot {what} in thread {threading.current_thread().name!r}: steps and asks belong to the handler's own "
            "thread; return the value to the handler, or await `ctx.step_async(name, asyncio.to_thread, fn)` there"
        )
