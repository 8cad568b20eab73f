"""What `async def` handlers need beyond the others.

Loaded by name when an agent first needs it: `asyncio` is a tenth of an agent's
memory, and a process that is killed takes that much longer to be taken apart
by the kernel (measured: 0.4 of 1.4 ms).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from scr.behaviour.link import GRACE_S, Link, opened
from scr.errors import AskTimedOut
from scr.frames import Answer
from scr.messages import Message

RUNNER = asyncio.Runner()


def finish(handled: Awaitable[Any]) -> Any:
    """Run what an `async def` handler returned to its end, on the one loop of this process."""
    return RUNNER.run(_awaited(handled))


async def ask(link: Link, message_id: str, step: str, message: Message, timeout_s: float) -> Any:
    """`Link.ask` on the running loop: answers are read as they come, in any order.  Raises what the answer says."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()
    ref = link.expect(future.set_result)
    loop.add_reader(link.fileno(), link.pump)
    link.put_question(ref, message_id, step, message, timeout_s)
    try:
        async with asyncio.timeout(timeout_s + GRACE_S):
            return opened(await future)
    except TimeoutError as error:
        raise AskTimedOut(f"the runtime did not answer within {timeout_s + GRACE_S:.1f} s") from error
    finally:
        if link.forget(ref):
            loop.remove_reader(link.fileno())


async def _awaited(handled: Awaitable[Any]) -> Any:
    return await handled
