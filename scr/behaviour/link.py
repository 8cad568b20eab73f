"""The agent's side of its channel: frames out at once, questions and their answers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import Any

from scr import errors
from scr.errors import AskTimedOut, PeerGone, ScrError
from scr.frames import Answer, Ask, Become, Deliver, Fetch, FromAgent, FromRuntime, Halt, Log
from scr.mail.channel import BlockingChannel
from scr.messages import Message

GRACE_S = 5.0
LOG_CHARACTERS = 8000


class Link:
    """Owned by the loop of one incarnation.  Every wait here has a deadline a little behind the runtime's own."""

    def __init__(self, channel: BlockingChannel[FromRuntime], become: Become) -> None:
        self._channel = channel
        self.agent, self.incarnation = become.agent, become.incarnation
        self._refs = count(1)
        self._answers: dict[int, Answer] = {}
        self._expected: dict[int, Callable[[Answer], None]] = {}
        self._waiting: list[Deliver | Halt] = []

    def send(self, frame: FromAgent) -> None:
        """Write a frame now."""
        self._channel.send(frame)

    def log(self, text: str) -> None:
        """A line for people, cut where it is too long."""
        self._channel.send(Log(text=text[:LOG_CHARACTERS]))

    def next(self) -> Deliver | Halt | None:
        """The next thing to do; None when the runtime is gone.  Waits as long as the runtime lives."""
        if self._waiting:
            return self._waiting.pop(0)
        while True:
            match self._channel.receive():
                case Deliver() | Halt() as frame:
                    return frame
                case None:
                    return None
                case _:
                    continue

    def ask(self, message_id: str, step: str, message: Message, timeout_s: float) -> Any:
        """Put a question and wait.  Raises what the answer says went wrong."""
        ref = next(self._refs)
        self.put_question(ref, message_id, step, message, timeout_s)
        return self._await(ref, timeout_s)

    def fetch(self, after: int, limit: int, timeout_s: float) -> Any:
        """A page of the entries from the store, as a list of their fields."""
        ref = next(self._refs)
        self.send(Fetch(ref=ref, after=after, limit=limit))
        return self._await(ref, timeout_s)

    def fileno(self) -> int:
        """For an event loop that waits for answers."""
        return self._channel.fileno()

    def expect(self, tell: Callable[[Answer], None]) -> int:
        """A number for a question whose answer goes to `tell`, while somebody calls `pump`."""
        ref = next(self._refs)
        self._expected[ref] = tell
        return ref

    def forget(self, ref: int) -> bool:
        """Expect that answer no longer; whether none is expected any more."""
        self._expected.pop(ref, None)
        return not self._expected

    def put_question(self, ref: int, message_id: str, step: str, message: Message, timeout_s: float) -> None:
        """Send the question itself."""
        self.send(Ask(ref=ref, message_id=message_id, step=step, message=message, timeout_s=timeout_s))

    def pump(self) -> None:
        """Read what is there now."""
        self._sort(self._channel.receive(GRACE_S))

    def _await(self, ref: int, timeout_s: float) -> Any:
        until = monotonic() + timeout_s + GRACE_S
        while ref not in self._answers:
            try:
                self._sort(self._channel.receive(max(0.0, until - monotonic())))
            except TimeoutError as error:
                raise AskTimedOut(f"the runtime did not answer within {timeout_s + GRACE_S:.1f} s") from error
        return opened(self._answers.pop(ref))

    def _sort(self, frame: object) -> None:
        match frame:
            case Answer(ref=ref) if ref in self._expected:
                self._expected.pop(ref)(frame)
            case Answer(ref=ref):
                self._answers[ref] = frame
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
