"""The agent's side of its channel: frames out at once, questions and their answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import Any

from scr import errors
from scr.errors import AskTimedOut, PeerGone, ScrError
from scr.frames import Answer, Become, Deliver, Fetch, FromAgent, FromRuntime, Halt, Log, ReadVersion
from scr.mail.channel import BlockingChannel

GRACE_S = 5.0
VERSION_S = 10.0
LOG_CHARACTERS = 8000


class Link:
    """Owned by the loop of one incarnation.  A wait here has a deadline a little behind the runtime's own, if any."""

    def __init__(self, channel: BlockingChannel[FromRuntime], become: Become) -> None:
        self._channel = channel
        self.agent, self.incarnation = become.agent, become.incarnation
        self._refs = count(1)
        self._expected: dict[int, Callable[[Answer], object]] = {}
        self._waiting: deque[Deliver | Halt] = deque()

    def send(self, frame: FromAgent) -> None:
        """Write a frame now."""
        self._channel.send(frame)

    def log(self, text: str) -> None:
        """A line for people, cut where it is too long."""
        self._channel.send(Log(text=text[:LOG_CHARACTERS]))

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
        except PeerGone:
            return None
        halt = next((frame for frame in self._waiting if isinstance(frame, Halt)), None)
        return halt or self._waiting.popleft()

    def inquire(self, make: Callable[[int], FromAgent], timeout_s: float | None) -> Any:
        """Send the frame that `make` makes of a fresh number, and wait for the answer that bears it.

        Without a timeout, for as long as the runtime lives: for what waits for
        the store, whose trouble is not the agent's, and which the runtime does not survive for long.
        Raises what the answer says went wrong, AskTimedOut, PeerGone.
        """
        answers: list[Answer] = []
        ref = self.expect(answers.append)
        until = None if timeout_s is None else monotonic() + timeout_s + GRACE_S
        try:
            self.send(make(ref))
            while not answers:
                self._hear(None if until is None else max(0.0, until - monotonic()))
        except TimeoutError as error:
            raise unanswered(timeout_s) from error
        finally:
            self.forget(ref)
        return opened(answers[0])

    def fetch(self, after: int, limit: int, timeout_s: float) -> Any:
        """A page of the entries from the store, as a list of their fields."""
        return self.inquire(lambda ref: Fetch(ref=ref, after=after, limit=limit), timeout_s)

    def newest(self) -> int:
        """The version of the newest of what agents remember: all that was committed before now is in it."""
        return int(self.inquire(lambda ref: ReadVersion(ref=ref), VERSION_S))

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
        try:
            self._hear(GRACE_S)
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


def opened(answer: Answer) -> Any:
    """The value of an answer.  Raises the error that it carries, by its name in `scr.errors`."""
    if answer.error is None:
        return answer.value
    kind = getattr(errors, answer.error, ScrError)
    raise kind(answer.detail)


def unanswered(timeout_s: float | None) -> AskTimedOut:
    """The error of a question whose answer did not come."""
    return AskTimedOut(f"the runtime did not answer within {(timeout_s or 0.0) + GRACE_S:.1f} s")
