"""What `async def` handlers need beyond the others.

Loaded by name when an agent first needs it: `asyncio` is a tenth of an agent's
memory, and a process that is killed takes that much longer to be taken apart
by the kernel (measured: 0.4 of 1.4 ms).
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any

from scr.agent.runtime_link import Link, unwrap_answer
from scr.agent.steps.steps import frame_for_record, slices
from scr.agent.turn import Turn
from scr.protocol.frames import Answer, FromAgent, StepRecord

RUNNER = asyncio.Runner()
CANCEL_S = 1.0  # for what the tasks of a failed handler do at their end


def finish(handled: Awaitable[Any]) -> Any:
    """Run what an `async def` handler returned to its end, on the one loop of this process."""
    return RUNNER.run(_awaited(handled), context=copy_context())


async def inquire(link: Link, make: Callable[[int], FromAgent]) -> Any:
    """`Link.inquire` on the running loop: answers are read as they come, in any order."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()

    def tell(answer: Answer) -> None:
        if not future.done():  # who asked may have been cancelled
            future.set_result(answer)

    ref = link.expect(tell)
    loop.add_reader(link.fileno(), link.pump)
    try:
        link.send(make(ref))
        return unwrap_answer(await future)
    finally:
        if link.forget(ref):
            loop.remove_reader(link.fileno())


class Concurrent:
    """The hands of an `async def` handler: see `scr.agent.steps.steps`."""

    def __init__(self, link: Link, progress: Callable[[], None]) -> None:
        self._link, self._progress = link, progress

    async def call(self, fn: Callable[[], Any]) -> Any:
        """Run it, and await what it returns if that can be."""
        result = fn()
        return await result if inspect.isawaitable(result) else result

    async def keep(self, turn: Turn, record: StepRecord) -> None:
        """Await the answer."""
        await inquire(self._link, frame_for_record(turn, record))

    async def pause(self, seconds: float) -> None:
        """Let the other tasks run."""
        for slice_s in slices(seconds):
            self._progress()
            await asyncio.sleep(slice_s)
        self._progress()


async def _awaited(handled: Awaitable[Any]) -> Any:
    """Await a handler.  The tasks that one has started which fails are cancelled: its next try starts its own."""
    before = asyncio.all_tasks()
    try:
        return await handled
    except BaseException:
        if left := asyncio.all_tasks() - before:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=CANCEL_S)
        raise
