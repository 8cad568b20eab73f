"""The agent's side of its channel: frames out at once, questions and their answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from threading import Lock
from typing import Any

from pydantic import JsonValue

from scr.agent.descriptions import printable
from scr.errors import PeerGone
from scr.protocol.channel import BlockingChannel
from scr.protocol.frames import (
    Answer,
    Become,
    Deliver,
    Fetch,
    FromAgent,
    FromRuntime,
    Halt,
    Log,
    Progress,
    ReadStep,
    ReadSteps,
    ReadVersion,
    StepRecord,
)
from scr.retry import error_of

FRAME_S = 5.0
LOG_CHARACTERS = 8000


class Link:
    """Owned by the loop of one incarnation.  Nothing here has a deadline of its own.

    Who waits, waits as long as the runtime lives: that ends an ask at its
    timeout and a handler at its deadline, and knows better how long these are
    while its store is in trouble.
    """

    def __init__(self, channel: BlockingChannel[FromRuntime], become: Become) -> None:
        self._channel = channel
        self.agent, self.incarnation = become.agent, become.incarnation
        self._refs = count(1)
        self._expected: dict[int, Callable[[Answer], object]] = {}
        self._waiting: deque[Deliver | Halt] = deque()
        self._order = Lock()

    def send(self, frame: FromAgent) -> None:
        """Write a frame now."""
        self._channel.send(frame)

    def send_in_order(self, make: Callable[[], FromAgent]) -> None:
        """Write the frame that `make` makes: frames of several threads leave in the order in which they are made."""
        with self._order:
            self._channel.send(make())

    def log(self, text: str) -> None:
        """Send a line for people, cut where it is too long."""
        self._channel.send(Log(text=_cut(text)))

    def progress(self, message_id: str | None, done: int, total: int, note: str) -> None:
        """Send how far something is, with a note that is cut where it is too long."""
        self._channel.send(Progress(message_id=message_id, done=done, total=total, note=_cut(note)))

    def next(self) -> Deliver | Halt | None:
        """The next thing to do, to halt before all else; None when the runtime is gone.

        Waits as long as the runtime lives.
        """
        try:
            if self._waiting:  # the runtime may want something else by now than it did
                self._channel.read_ahead()
                self._sort_ready()
            while not self._waiting:
                self._hear(None)
            halt = next((frame for frame in self._waiting if isinstance(frame, Halt)), None)
            return halt or self._whole(self._waiting.popleft())
        except PeerGone:
            return None

    def _whole(self, frame: Deliver | Halt) -> Deliver | Halt:
        """A delivery with all that is recorded of its steps, page by page."""
        if isinstance(frame, Halt) or not frame.more:
            return frame
        steps = list(frame.steps)
        while page := self.inquire(partial(_more, frame.message.message_id, len(steps))):
            steps += map(StepRecord.model_validate, page)
        return frame.model_copy(update={"steps": tuple(steps), "more": False})

    def result(self, message_id: str, step: str) -> JsonValue:
        """The result of a recorded step of the message in hand, which its delivery came without."""
        value: JsonValue = self.inquire(lambda ref: ReadStep(ref=ref, message_id=message_id, name=step))
        return value

    def inquire(self, make: Callable[[int], FromAgent], *, may_drop: bool = False) -> Any:
        """Send the frame that `make` makes of a fresh number, and wait for the answer that bears it.

        With `may_drop`, an answer that is true says that messages which were sent ahead before it are to be
        forgotten: they come again.
        Raises what the answer says went wrong, PeerGone.
        """
        answers: list[Answer] = []

        def tell(answer: Answer) -> None:
            if may_drop and answer.value:
                self._waiting = deque(frame for frame in self._waiting if not isinstance(frame, Deliver))
            answers.append(answer)

        ref = self.expect(tell)
        try:
            self.send(make(ref))
            while not answers:
                self._hear(None)
        finally:
            self.forget(ref)
        return unwrap_answer(answers[0])

    def fetch(self, after: int, limit: int) -> Any:
        """A page of the entries from the store, as a list of their fields."""
        return self.inquire(lambda ref: Fetch(ref=ref, after=after, limit=limit))

    def newest(self) -> int:
        """The version of the newest of what agents remember: all that was committed before now is in it."""
        return int(self.inquire(lambda ref: ReadVersion(ref=ref)))

    def fileno(self) -> int:
        """For an event loop that waits for answers."""
        return self._channel.fileno()

    def expect(self, tell: Callable[[Answer], object]) -> int:
        """A number for a question whose answer goes to `tell`, while somebody calls `pump`."""
        ref = next(self._refs)
        self._expected[ref] = tell
        return ref

    def forget(self, ref: int) -> bool:
        """Expect that answer no longer; whether none is expected any more."""
        self._expected.pop(ref, None)
        return not self._expected

    def pump(self) -> None:
        """Read what is there now.  When the runtime is gone, that is the answer to all who wait."""
        if not self._channel.has_news:
            return  # one who waited without the loop has read it already
        try:
            self._hear(FRAME_S)
        except TimeoutError:
            return  # half a frame: the rest is told of when it comes
        except PeerGone as error:
            for ref, tell in tuple(self._expected.items()):
                tell(Answer(ref=ref, error="PeerGone", detail=str(error)))

    def _hear(self, timeout_s: float | None) -> None:
        """Take one frame, and all that came with it: nobody may wait for what has been read."""
        self._sort(self._channel.receive(timeout_s))
        self._sort_ready()

    def _sort_ready(self) -> None:
        while self._channel.has_read_ahead:
            self._sort(self._channel.receive())

    def _sort(self, frame: FromRuntime | None) -> None:
        match frame:
            case Answer(ref=ref) if ref in self._expected:
                self._expected.pop(ref)(frame)
            case Deliver() | Halt():
                self._waiting.append(frame)
            case None:
                raise PeerGone("the runtime is gone")


def _cut(text: str) -> str:
    return printable(text[:LOG_CHARACTERS])[:LOG_CHARACTERS]


def _more(message_id: str, after: int, ref: int) -> FromAgent:
    return ReadSteps(ref=ref, message_id=message_id, after=after)


def unwrap_answer(answer: Answer) -> Any:
    """The value of an answer.  Raises the error that it carries, by its name in `scr.errors`."""
    if answer.error is None:
        return answer.value
    raise error_of(answer.error, answer.detail, answer.info)
