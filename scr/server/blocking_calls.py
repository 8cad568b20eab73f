"""Calls that block, kept off the loop: each in a daemon thread, or in turn in one that owns something.

The threads are daemons, so that none of them can keep a server from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Full, Queue
from typing import Any, TypeVar

Value = TypeVar("Value")
Call = Callable[[], Any]


def beside(function: Callable[[], Value], name: str) -> asyncio.Future[Value]:
    """Call it in a thread of its own; the future has what came of it.  On the loop."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Value] = loop.create_future()
    threading.Thread(target=_carry_out, args=(function, loop, future), name=name, daemon=True).start()
    return future


class InTurn:
    """One thread that makes the calls that it is given, in order: what they use is used by that thread alone."""

    def __init__(self, name: str, most: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._calls: Queue[Call | None] = Queue(most)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], Value]) -> asyncio.Future[Value]:
        """Call it after all before it.  Raises queue.Full.  On the loop."""
        future: asyncio.Future[Value] = self._loop.create_future()
        self._calls.put_nowait(partial(_carry_out, function, self._loop, future))
        return future

    def close(self, last: Call, limit_s: float) -> None:
        """Make one last call, and none any more.  Blocks, for at most twice `limit_s`."""
        with suppress(Full):
            self._calls.put(last, timeout=limit_s)
            self._calls.put(None, timeout=limit_s)
        self._thread.join(limit_s)

    def _work(self) -> None:
        while call := self._calls.get():
            call()


def _carry_out(function: Callable[[], Value], loop: asyncio.AbstractEventLoop, future: asyncio.Future[Value]) -> None:
    """In the thread."""
    tell: Callable[[], None]
    try:
        tell = partial(_settle, future, function(), None)
    except Exception as error:  # noqa: BLE001  whoever awaits the future gets it
        tell = partial(_settle, future, None, error)
    with suppress(RuntimeError):  # the loop is closed: nobody awaits anything
        loop.call_soon_threadsafe(tell)


def _settle(future: asyncio.Future[Any], value: object, error: Exception | None) -> None:
    """On the loop; who awaited may have gone."""
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)
