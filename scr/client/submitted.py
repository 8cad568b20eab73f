"""A message of a program's own that was accepted, and what comes of it.

Lives in any program.  The answer is in the store: whoever has the id may ask
for it, now or later, in this program or in the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import Empty, Queue
from time import monotonic
from typing import Any, Generic

from pydantic import TypeAdapter
from typing_extensions import TypeVar

from scr.agent.arguments import read_output, seconds
from scr.client.chunks import Chunk, Unread
from scr.client.connection import END_S, Connection, Listener, opened
from scr.errors import InvalidInput, RuntimeGone
from scr.protocol.control import Answered, AwaitAnswer, AwaitReady, Cancel, Subscribe
from scr.telemetry.events import MessageAccepted, Record

ANSWER_S = 60.0
WAIT_S = 30 * 24 * 3600.0
TICK_S = 0.2
T = TypeVar("T", default=Any)


class Submitted(Generic[T]):
    """What `submit` returns.  Await it, or call `result`; both as often as you like.

    `id` is the message's: keep it, and `runtime.attach(id)` finds the answer again.
    """

    def __init__(
        self,
        connection: Connection,
        message_id: str,
        another: Callable[[Listener], Connection],
        unread: Unread,
        reader: TypeAdapter[T] | None = None,
    ) -> None:
        self._connection, self.id, self._another, self._unread = connection, message_id, another, unread
        self._reader = reader

    def __repr__(self) -> str:
        return f"<Submitted {self.id} to {self._connection!r}>"

    def result(self, timeout_s: float = WAIT_S) -> T:
        """Wait for the output.

        Raises TaskFailed, NotAnswered, StepInDoubt, AskTimedOut, AgentGone, RunCancelled, RuntimeGone, InvalidInput for
        no such id, InvalidMessage for an output that does not fit.
        After AskTimedOut the work goes on, after StepInDoubt once a person has settled it: ask again.
        """
        return self._read(self._connection.request(self._question(timeout_s), timeout_s + END_S))

    async def result_async(self, timeout_s: float = WAIT_S) -> T:
        """`result` for a program with an event loop."""
        question = self._question(timeout_s)
        try:
            return self._read(opened(await asyncio.wrap_future(self._connection.put(question))))
        finally:
            self._connection.forget(question)

    def __await__(self) -> Generator[Any, None, T]:
        return self.result_async().__await__()

    def _read(self, value: Any) -> T:
        answer: T = read_output(value, self._reader, f"task {self.id}")
        return answer

    def stream(self, timeout_s: float = WAIT_S) -> Iterator[Chunk]:
        """Read what the agent streams (`ctx.stream`) until its answer is there: each chunk once, in order.

        All chunks since `submit` are here, those of an `attach`ed task from the first look on.  At most 1,000 wait
        unread: then the oldest go, and the next chunk says how many are `missed`.
        What one reader has read no later one reads: after the end a stream is empty.  Raises InvalidInput for a second
        reader while one reads, and at the end what `result` raises.
        """
        with self._asked(timeout_s) as (reader, answer):
            until = monotonic() + timeout_s + END_S
            while not answer.done():
                yield from self._taken(reader)
                self._await_news(answer, until - monotonic())
            yield from self._taken(reader)
            opened(answer.result())

    async def stream_async(self, timeout_s: float = WAIT_S) -> AsyncIterator[Chunk]:
        """`stream` for a program with an event loop: `async for chunk in submitted.stream_async()`."""
        with self._asked(timeout_s) as (reader, answer):
            while not answer.done():
                for chunk in self._taken(reader):
                    yield chunk
                news = self._connection.news(self._unread)
                if not answer.done():
                    await asyncio.wrap_future(news)
            for chunk in self._taken(reader):
                yield chunk
            opened(answer.result())

    @contextmanager
    def _asked(self, timeout_s: float) -> Iterator[tuple[object, Future[Answered]]]:
        """Have the answer and all chunks until then, as the one reader."""
        question = self._question(timeout_s, self._unread.ref)
        if not self._unread.begin(question):
            raise self._read_elsewhere()
        answer = self._connection.put(question)
        answer.add_done_callback(lambda _: self._unread.wake())
        try:
            yield question, answer
        finally:
            self._connection.forget(question)

    def _taken(self, reader: object) -> Iterator[Chunk]:
        """Take the chunks that are here.  Raises InvalidInput when another reader has begun."""
        chunks = self._unread.taken()
        while self._unread.is_read_by(reader):
            if (chunk := next(chunks, None)) is None:
                return
            yield chunk
        raise self._read_elsewhere()

    def _read_elsewhere(self) -> InvalidInput:
        return InvalidInput(
            f"another reader reads this stream of {self.id}: read it in one place, "
            f"or read beside it from now on with runtime.attach({self.id!r}).stream()"
        )

    def _await_news(self, answer: Future[Answered], left_s: float) -> None:
        news = self._connection.news(self._unread)
        try:
            if not answer.done():
                news.result(max(0.0, left_s))
        except TimeoutError as error:
            raise RuntimeGone(f"the runtime did not answer to the stream of {self.id} in time") from error
        finally:
            news.cancel()  # a reader that was interrupted waits no longer

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

    def _question(self, timeout_s: float, stream: int | None = None) -> AwaitAnswer:
        ref, within_s = self._connection.ref(), seconds(timeout_s)
        return AwaitAnswer(ref=ref, message_id=self.id, timeout_s=within_s, stream=stream)


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
