"""Where an agent stands, asked of its process itself: it answers even while its handler blocks.

Lives in the runtime, on its loop.  The answer comes by standard error, which
is captured anyway; nobody waits for it but who asked.
"""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic

from scr.launch.heartbeat import DUMP, is_stopped
from scr.runtime.dispatch.client_waits import Tell
from scr.supervise.incarnation import Incarnation
from scr.telemetry.crashes import last_dump
from scr.turns.answer import Outcome

LOOK_S = 0.02  # an answer that has not grown for so long is whole
ANSWER_S = 2.0


def read_stack(loop: asyncio.AbstractEventLoop, incarnation: Incarnation, tell: Tell) -> None:
    """Ask the process for its stacks; `tell` gets them, or why there are none, within `ANSWER_S`."""
    if not incarnation.named:
        tell(Outcome(error="AgentError", detail=f"{incarnation.spec.id} is being started and has no stack yet"))
        return
    capture = incarnation.captures["stderr"]
    incarnation.signal_itself(DUMP)
    look = partial(_look, loop, incarnation, tell, before=capture.read_bytes, until=monotonic() + ANSWER_S)
    loop.call_later(LOOK_S, look, capture.read_bytes)


def _look(
    loop: asyncio.AbstractEventLoop, incarnation: Incarnation, tell: Tell, seen: int, *, before: int, until: float
) -> None:
    capture = incarnation.captures["stderr"]
    is_whole = before < seen == capture.read_bytes
    if is_whole and (stack := last_dump(capture.tail)):
        tell(Outcome(output=stack))
    elif monotonic() < until:
        look = partial(_look, loop, incarnation, tell, before=before, until=until)
        loop.call_later(LOOK_S, look, capture.read_bytes)
    else:
        tell(Outcome(error="AgentError", detail=_why_not(incarnation)))


def _why_not(incarnation: Incarnation) -> str:
    agent = incarnation.spec.id
    if is_stopped(incarnation.pid):
        return f"{agent} is stopped and cannot answer; `scr kill {agent} --signal CONT` lets it go on"
    return f"{agent} (pid {incarnation.pid}) did not say within {ANSWER_S:g} s where it stands"
