"""The messages of one agent: waiting in order, at most one in hand, and those whose turns are being kept.

Pure: no clock, no process.  The mailbox lives in the runtime and so survives
every incarnation of its agent.

Some of those that wait may be with the agent's process already, sent ahead, so
that it need not wait for the next one; they are in hand one after the other,
as the turns before them are committed, and wait as before when it ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain

from scr.frames import StepRecord
from scr.messages import Message

SEALED_MAX = 128
AHEAD_MAX = 32
NEVER_AHEAD = ("down", "stop")  # a `down` may have to be taken back; nothing comes after a `stop`


@dataclass(slots=True, eq=False)
class Pending:
    """A message on its way to a committed turn.

    `deliveries` counts how often it was handed over, `deaths` how many
    incarnations ended by themselves with it in hand.  It is `sealed` while its
    turn is on its way into the store: nobody may handle it again.  It is
    `ahead` when the agent's process has it before it may be handled.  While
    `writing` of its steps are on their way into the store it is handed to
    nobody: who gets it must know them, and may rely on them.  `cause` is the
    seq of the last event of its life.
    """

    message: Message
    deliveries: int = 0
    deaths: int = 0
    steps: dict[str, StepRecord] = field(default_factory=dict)
    sealed: bool = False
    ahead: bool = False
    writing: int = 0
    cause: int = 0


class Mailbox:
    """A bounded queue with one message in hand, and up to `AHEAD_MAX` sent ahead.

    A message whose turn is on its way into the store is out of the agent's
    hands: the agent goes on with the next one meanwhile, at most `SEALED_MAX`
    turns ahead of the store.  What was sent ahead counts as if it had gone on
    already: nobody can stop it from that.
    """

    def __init__(self, size: int, max_deliveries: int) -> None:
        self.bound(size, max_deliveries)
        self._waiting: deque[Pending] = deque()
        self._ahead: deque[Pending] = deque()
        self._sealed: dict[str, Pending] = {}
        self.in_hand: Pending | None = None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._ahead) + len(self._sealed) + (self.in_hand is not None)

    def bound(self, size: int, max_deliveries: int) -> None:
        """From now on it takes so many, and gives each so many tries; what it holds it keeps."""
        self._size, self._max_deliveries = size, max_deliveries

    def offer(self, message: Message, cause: int = 0) -> bool:
        """Take the message in at the end; False when the mailbox is full.

        Failures and downs are the runtime's answers: they may use as much room again.
        """
        room = 2 * self._size if message.type in ("failure", "down") else self._size
        if len(self._waiting) + len(self._ahead) >= room:
            return False
        self._waiting.append(Pending(message, cause=cause))
        return True

    def restore(self, pending: Pending, *, first: bool = False) -> None:
        """Take in what was accepted earlier, however full the mailbox is; `first`: before all that waits."""
        (self._waiting.appendleft if first else self._waiting.append)(pending)

    def find(self, message_id: str) -> Pending | None:
        """The message in hand or waiting."""
        held = chain((self.in_hand,) if self.in_hand else (), self._ahead, self._waiting)
        return next((pending for pending in held if pending.message.message_id == message_id), None)

    def take(self) -> Pending | None:
        """The next message, now in hand, with this delivery counted; None when nothing waits or one is in hand."""
        queue = self._ahead or self._waiting
        if self.in_hand is not None or not queue or queue[0].writing:
            return None
        self.in_hand = queue.popleft()
        self.in_hand.deliveries += 1
        return self.in_hand

    def take_begun(self, message_id: str) -> Pending | None:
        """The message that was sent ahead, if it is the next: its agent has begun it, though nobody wanted that."""
        is_next = bool(self._ahead) and self._ahead[0].message.message_id == message_id
        return self.take() if is_next else None

    def next_ahead(self) -> Pending | None:
        """The message that may be sent ahead next, then `send_ahead`.

        One that was delivered before goes alone: it may be what ended the process.
        """
        if self.in_hand is None or self.in_hand.sealed or not self._waiting or len(self._ahead) >= AHEAD_MAX:
            return None
        pending = self._waiting[0]
        has_room = len(self._sealed) + len(self._ahead) < SEALED_MAX
        is_fresh = not (pending.deliveries or pending.steps or pending.message.type in NEVER_AHEAD)
        return pending if has_room and is_fresh else None

    def send_ahead(self) -> None:
        """The first that waits is with the agent's process now."""
        pending = self._waiting.popleft()
        pending.ahead = True
        self._ahead.append(pending)

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
        """The agent ended: its message goes back to the front, unless it is sealed, and what was sent ahead behind it.

        `blamed` when it ended by itself.  A message that has ended
        `max_deliveries` incarnations is returned and is no longer here: quarantine it.
        """
        while self._ahead:
            self._waiting.appendleft(self._ahead.pop())
            self._waiting[0].ahead = False
        if self.in_hand is None or self.in_hand.sealed:
            return None
        released, self.in_hand = self.in_hand, None
        released.ahead = False
        released.deaths += blamed
        if released.deaths >= self._max_deliveries:
            return released
        self._waiting.appendleft(released)
        return None

    def withdraw(self, is_unwanted: Callable[[Message], bool]) -> list[Message]:
        """Take out what is with the agent's process and is not wanted any more, in hand or sent ahead."""
        held = [self.in_hand] if self.in_hand and not self.in_hand.sealed else []
        withdrawn = [pending for pending in (*held, *self._ahead) if is_unwanted(pending.message)]
        if self.in_hand in withdrawn:
            self.in_hand = None
        self._ahead = deque(pending for pending in self._ahead if pending not in withdrawn)
        return [pending.message for pending in withdrawn]

    def drop(self, is_unwanted: Callable[[Message], bool]) -> list[Message]:
        """Take out what waits and is not wanted any more."""
        dropped = [pending.message for pending in self._waiting if is_unwanted(pending.message)]
        self._waiting = deque(pending for pending in self._waiting if not is_unwanted(pending.message))
        return dropped

    def empty(self) -> list[Pending]:
        """Everything that has no turn, in order; it holds nothing afterwards."""
        held = [*([self.in_hand] if self.in_hand and not self.in_hand.sealed else []), *self._ahead, *self._waiting]
        self.in_hand = None
        for queue in (self._sealed, self._ahead, self._waiting):
            queue.clear()
        return held
