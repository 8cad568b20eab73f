"""A message of a program's own that was accepted, and what comes of it.

Lives in any program.  The answer is in the store: whoever has the id may ask
for it, now or later, in this program or in the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator
from queue import Empty, Queue
from typing import Any

from scr.behaviour.arguments import seconds
from scr.errors import RuntimeGone
from scr.runtime.connection import END_S, Connection, Listener, opened
from scr.runtime.requests import AwaitAnswer, AwaitReady, Cancel, Subscribe
from scr.telemetry.events import MessageAccepted, Record

ANSWER_S = 60.0
WAIT_S = 30 * 24 * 3600.0
TICK_S = 0.2


class Submitted:
    """What `submit` returns.  Await it, or call `result`; both as often as you like.

    `id` is the message's: keep it, and `runtime.attach(id)` finds the answer again.
    """

    def __init__(self, connection: Connection, message_id: str, another: Callable[[Listener], Connection]) -> None:
        self._connection, self.id, self._another = connection, message_id, another

    def result(self, timeout_s: float = WAIT_S) -> Any:
        """Wait for the output.

        Raises TaskFailed, NotAnswered, StepInDoubt, AskTimedOut, AgentGone, RunCancelled, RuntimeGone, InvalidInput for
        no such id.  After AskTimedOut the work goes on, after StepInDoubt once a person has settled it: ask again.
        """
        return self._connection.request(self._question(timeout_s), timeout_s + END_S)

    async def result_async(self, timeout_s: float = WAIT_S) -> Any:
        """`result` for a program with an event loop."""
        question = self._question(timeout_s)
        try:
            return opened(await asyncio.wrap_future(self._connection.put(question)))
        finally:
            self._connection.forget(question)

    def __await__(self) -> Generator[Any, None, Any]:
        return self.result_async().__await__()

    def cancel(self) -> int:
        """Drop the message and all that grew out of it, however far that has come.  Returns how many there were."""
        request = Cancel(ref=self._connection.ref(), message_id=self.id)
        return int(self._connection.request(request, ANSWER_S))

    def events(self) -> Iterator[Record]:
        """What happens to this message and to all that grows out of it, from the start until its answer is there.

        Over a connection of its own; what the runtime does not hold any more (`Limits.events_kept`) is left out.
        """
        happened: Queue[Record] = Queue()
        answer = self._connection.put(question := self._question(WAIT_S))
        try:
            with self._another(happened.put) as own:
                own.request(Subscribe(ref=own.ref()), ANSWER_S)
                grown = {self.id}
                while not answer.done():
                    yield from _of(grown, happened)
                own.request(AwaitReady(ref=own.ref()), ANSWER_S)  # all that was told before it is here after it
                while not happened.empty():
                    yield from _of(grown, happened)
        except RuntimeGone:
            return
        finally:
            self._connection.forget(question)

    def _question(self, timeout_s: float) -> AwaitAnswer:
        return AwaitAnswer(ref=self._connection.ref(), message_id=self.id, timeout_s=seconds(timeout_s))


def _of(grown: set[str], happened: Queue[Record]) -> Iterator[Record]:
    """The next event, if it is about one of these messages; those that grow out of them are added."""
    try:
        record = happened.get(timeout=TICK_S)
    except Empty:
        return
    event = record.event
    if isinstance(event, MessageAccepted) and event.trace_id in grown:
        grown.add(event.message_id)
    if getattr(event, "message_id", None) in grown:
        yield record
