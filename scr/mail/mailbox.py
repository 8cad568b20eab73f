"""The messages of one agent: waiting in order, at most one in hand, those whose turns are being kept, and retries.

Pure: it holds the cells of messages in their order, and does with them what the turn machine says.  The mailbox lives
in the runtime and so survives every incarnation of its agent.

Some of those that wait may be with the agent's process already, sent ahead, so
that it need not wait for the next one; they are in hand one after the other,
as the turns before them are committed, and wait as before when it ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import merge
from itertools import count
from operator import attrgetter

from scr.mail.pending import COMMITTING, Pending
from scr.mail.retry_queue import Retrying, lane_of
from scr.messages import Message

SEALED_MAX = 128
AHEAD_MAX = 32
ROOMY = ("failure", "down")
NEVER_AHEAD = ("down", "stop")  # a `down` may have to be taken back; nothing comes after a `stop`
PLACE = attrgetter("place")


@dataclass(frozen=True, slots=True)
class MailboxBounds:
    """What a mailbox may hold, and whether a retry holds up later messages of its lane: see `AgentSpec`."""

    size: int
    retries: int = 10_000
    ordered: bool = True


class Mailbox:
    """A bounded queue with one message in hand, and up to `AHEAD_MAX` sent ahead.

    A message whose turn is on its way into the store is out of the agent's
    hands: the agent handles the next one meanwhile, at most `SEALED_MAX`
    turns ahead of the store.  What was sent ahead counts as if it was in hand
    already: nothing can stop the agent from handling it.
    """

    def __init__(self, bounds: MailboxBounds) -> None:
        self._bounds = bounds
        self._waiting: deque[Pending] = deque()
        self._ahead: deque[Pending] = deque()
        self._sealed: dict[str, Pending] = {}
        self._retrying = Retrying()
        self._places = count(1)
        self.in_hand: Pending | None = None

    def __len__(self) -> int:
        in_hand = self.in_hand is not None
        return len(self._waiting) + len(self._ahead) + self._retrying.behind + len(self._sealed) + in_hand

    @property
    def retries(self) -> int:
        """How many messages wait for their next try; the mailbox's size does not count them."""
        return self._retrying.due

    @property
    def may_retry(self) -> bool:
        """Whether one more message may wait for its next try."""
        return self._retrying.due < self._bounds.retries

    @property
    def ahead(self) -> int:
        """How many messages are with the agent's process before it may handle them."""
        return len(self._ahead)

    def bound(self, bounds: MailboxBounds) -> None:
        """Hold what comes from now on to these bounds; what is there stays."""
        self._bounds = bounds

    def has_room(self, message: Message) -> bool:
        """Tell whether the message may come in.

        Failures and downs are the runtime's answers: they may use as much room again.  Messages behind a retry have
        as much room of their own: they take none from those of other lanes.  One tick of each timer has always room.
        """
        kind, retrying = message.type, self._retrying
        room = 2 * self._bounds.size if kind in ROOMY else self._bounds.size
        is_held_up = retrying.is_used and retrying.holds(message)
        used = retrying.behind if is_held_up else len(self._waiting) + len(self._ahead)
        return used < room or kind == "timer"

    def append(self, pending: Pending) -> None:
        """Take a message in, at the end, however full the mailbox is."""
        pending.place = next(self._places)
        if self._retrying.is_used and self._retrying.holds(pending.message):
            self._retrying.put_behind(pending)
        else:
            self._waiting.append(pending)

    def put_first(self, pending: Pending) -> None:
        """Have a message wait before all others: it was in hand, or the time of its retry has come."""
        self._leave_hand(pending)
        self._retrying.take(pending.message_id)
        pending.place = pending.place or next(self._places)
        self._waiting.appendleft(pending)

    def hold(self, pending: Pending, *, is_alone: bool = False) -> None:
        """Have a message wait for its next try, and later ones of its lane behind it, unless it waits alone."""
        self._leave_hand(pending)
        pending.place = pending.place or next(self._places)
        is_behind = self._retrying.hold(pending, ordered=self._bounds.ordered and not is_alone)
        if is_behind is None:
            return
        behind = [other for other in self._waiting if is_behind(other.message)]
        if behind:
            self._waiting = deque(other for other in self._waiting if not is_behind(other.message))
        for other in behind:
            self._retrying.put_behind(other)

    def holds_up(self, message: Message) -> bool:
        """Whether a message that comes now waits behind a retry."""
        return self._retrying.holds(message)

    def has_ahead_behind(self, message: Message) -> bool:
        """Tell whether something of its lane was sent ahead that would have to wait behind this message's retry."""
        lane = lane_of(message) if self._bounds.ordered else None
        if lane is None or self._retrying.holds(message):
            return False
        return any(lane_of(other.message) == lane for other in self._ahead)

    def waiting(self) -> list[Message]:
        """All messages that wait."""
        return [pending.message for pending in (*self._ahead, *self._waiting, *self._retrying)]

    def take(self) -> Pending | None:
        """The next message, in hand from now on; None when nothing waits or one is in hand."""
        queue = self._ahead or self._waiting
        if self.in_hand is not None or not queue or queue[0].turn.writing:
            return None
        self.in_hand = queue.popleft()
        return self.in_hand

    def is_begun(self, pending: Pending) -> bool:
        """Tell whether a message that was sent ahead is the next: its agent may have begun it."""
        return self.in_hand is None and bool(self._ahead) and self._ahead[0] is pending

    def begin(self) -> None:
        """Have the first that was sent ahead in hand, whatever of it is on its way into the store: it `is_begun`."""
        self.in_hand = self._ahead.popleft()

    def next_ahead(self) -> Pending | None:
        """The message that may be sent ahead next, then `send_ahead`.

        One that was delivered before goes alone: it may be what ended the process.
        """
        waiting, in_hand, ahead = self._waiting, self.in_hand, len(self._ahead)
        if not waiting or in_hand is None or in_hand.turn.phase is COMMITTING or ahead >= AHEAD_MAX:
            return None
        pending = waiting[0]
        turn = pending.turn
        has_room = len(self._sealed) + ahead < SEALED_MAX
        is_fresh = not (turn.deliveries or pending.steps or turn.message.type in NEVER_AHEAD)
        return pending if has_room and is_fresh else None

    def send_ahead(self) -> None:
        """The first that waits is with the agent's process now."""
        self._ahead.append(self._waiting.popleft())

    def take_back(self) -> list[Pending]:
        """Have what was sent ahead wait again, in its place; returns it."""
        taken = list(self._ahead)
        self._waiting.extendleft(reversed(self._ahead))
        self._ahead.clear()
        return taken

    def advance(self) -> bool:
        """Put aside a message in hand that is sealed, if the store is not too far behind; whether that was done."""
        in_hand = self.in_hand
        if in_hand and in_hand.turn.phase is COMMITTING and len(self._sealed) < SEALED_MAX:
            self._sealed[in_hand.turn.message.message_id] = in_hand
            self.in_hand = None
            return True
        return False

    def settle(self, pending: Pending) -> bool:
        """Let go of a message that was in hand, put aside or held, and of what waited behind it.

        Returns whether something may be handed over, or sent ahead, that could not be before.
        """
        message = pending.message
        was_full = len(self._sealed) + len(self._ahead) >= SEALED_MAX
        if self._sealed.pop(message.message_id, None):
            self.advance()
        elif self.in_hand is pending:
            self.in_hand = None
        is_used = self._retrying.is_used
        if is_used:
            self._let_go(message)
        return self.in_hand is None or was_full or is_used

    def withdraw(self, is_unwanted: Callable[[Message], bool]) -> list[Pending]:
        """Take out what is with the agent's process and is not wanted any more, in hand or sent ahead; returns it."""
        held = [self.in_hand] if self.in_hand and not self.in_hand.sealed else []
        withdrawn = [pending for pending in (*held, *self._ahead) if is_unwanted(pending.message)]
        if self.in_hand in withdrawn:
            self.in_hand = None
        self._ahead = deque(pending for pending in self._ahead if pending not in withdrawn)
        for pending in withdrawn:
            self._let_go(pending.message)
        return withdrawn

    def drop(self, is_unwanted: Callable[[Message], bool]) -> list[Pending]:
        """Take out what waits and is not wanted any more; returns it."""
        dropped = self._retrying.drop(is_unwanted)
        waiting = [pending for pending in (*self._waiting, *self._retrying) if is_unwanted(pending.message)]
        self._waiting = deque(pending for pending in self._waiting if not is_unwanted(pending.message))
        for pending in waiting:
            self._let_go(pending.message)
        return [*dropped, *waiting]

    def empty(self) -> list[Pending]:
        """Everything that has no turn, in order; it holds nothing afterwards."""
        in_hand = [self.in_hand] if self.in_hand and not self.in_hand.sealed else []
        held_up = list(self._retrying)
        later = sorted((*self._waiting, *held_up), key=PLACE) if held_up else self._waiting
        held = [*in_hand, *self._ahead, *later]
        self.in_hand = None
        for queue in (self._sealed, self._ahead, self._waiting, self._retrying):
            queue.clear()
        return held

    def _leave_hand(self, pending: Pending) -> None:
        if self.in_hand is pending:
            self.in_hand = None

    def _let_go(self, message: Message) -> None:
        """It has its outcome: what waited behind it waits in its place again."""
        if released := self._retrying.let_go(message):
            self._waiting = deque(merge(released, self._waiting, key=PLACE))
