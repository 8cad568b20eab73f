"""The messages of one agent: waiting in order, at most one in hand, and those whose turns are being kept.

Pure: no clock, no process.  The mailbox lives in the runtime and so survives
every incarnation of its agent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from scr.frames import StepRecord
from scr.messages import Message

SEALED_MAX = 32


@dataclass(slots=True)
class Pending:
    """A message on its way to a committed turn.

    `deliveries` counts how often it was handed over, `deaths` how many
    incarnations ended by themselves with it in hand.  It is `sealed` while its
    turn is on its way into the store: nobody may handle it again.  `cause` is
    the seq of the last event of its life.
    """

    message: Message
    deliveries: int = 0
    deaths: int = 0
    steps: dict[str, StepRecord] = field(default_factory=dict)
    sealed: bool = False
    cause: int = 0


class Mailbox:
    """A bounded queue with one message in hand.

    A message whose turn is on its way into the store is out of the agent's
    hands: the agent goes on with the next one meanwhile, at most `SEALED_MAX`
    turns ahead of the store.
    """

    def __init__(self, size: int, max_deliveries: int) -> None:
        self._size, self._max_deliveries = size, max_deliveries
        self._waiting: deque[Pending] = deque()
        self._sealed: dict[str, Pending] = {}
        self.in_hand: Pending | None = None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sealed) + (self.in_hand is not None)

    def offer(self, message: Message, cause: int = 0) -> bool:
        """Take the message in at the end; False when the mailbox is full.

        Failures and downs are the runtime's answers: they may use as much room again.
        """
        room = 2 * self._size if message.type in ("failure", "down") else self._size
        if len(self._waiting) >= room:
            return False
        self._waiting.append(Pending(message, cause=cause))
        return True

    def restore(self, pending: Pending, *, first: bool = False) -> None:
        """Take in what was accepted earlier, however full the mailbox is; `first`: before all that waits."""
        (self._waiting.appendleft if first else self._waiting.append)(pending)

    def find(self, message_id: str) -> Pending | None:
        """The message in hand or waiting."""
        held = (self.in_hand, *self._waiting) if self.in_hand else self._waiting
        return next((pending for pending in held if pending.message.message_id == message_id), None)

    def take(self) -> Pending | None:
        """The next message, now in hand, with this delivery counted; None when nothing waits or one is in hand."""
        if self.in_hand is not None or not self._waiting:
            return None
        self.in_hand = self._waiting.popleft()
        self.in_hand.deliveries += 1
        return self.in_hand

    def advance(self) -> None:
        """Put aside a message in hand that is sealed, if the store is not too far behind."""
        if self.in_hand and self.in_hand.sealed and len(self._sealed) < SEALED_MAX:
            self._sealed[self.in_hand.message.message_id] = self.in_hand
            self.in_hand = None

    def settle(self, message_id: str) -> Pending | None:
        """The message in hand, or one that was put aside, is handled; None when it is neither."""
        if settled := self._sealed.pop(message_id, None):
            self.advance()
            return settled
        if self.in_hand is None or self.in_hand.message.message_id != message_id:
            return None
        settled, self.in_hand = self.in_hand, None
        return settled

    def release(self, *, blamed: bool) -> Pending | None:
        """The agent ended: its message goes back to the front, unless it is sealed.

        `blamed` when it ended by itself.  A message that has ended
        `max_deliveries` incarnations is returned and is no longer here: quarantine it.
        """
        if self.in_hand is None or self.in_hand.sealed:
            return None
        released, self.in_hand = self.in_hand, None
        released.deaths += blamed
        if released.deaths >= self._max_deliveries:
            return released
        self._waiting.appendleft(released)
        return None

    def drop(self, is_unwanted: Callable[[Message], bool]) -> list[Message]:
        """Take out what waits and is not wanted any more."""
        dropped = [pending.message for pending in self._waiting if is_unwanted(pending.message)]
        self._waiting = deque(pending for pending in self._waiting if not is_unwanted(pending.message))
        return dropped

    def empty(self) -> list[Pending]:
        """Everything that has no turn, in order; it holds nothing afterwards."""
        held = [*([self.in_hand] if self.in_hand and not self.in_hand.sealed else []), *self._waiting]
        self.in_hand = None
        self._sealed.clear()
        self._waiting.clear()
        return held
