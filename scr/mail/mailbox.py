"""The messages of one agent: waiting in order, at most one in hand, those whose turns are being kept, and retries.

Pure: times come in as arguments.  The mailbox lives in the runtime and so
survives every incarnation of its agent.

Some of those that wait may be with the agent's process already, sent ahead, so
that it need not wait for the next one; they are in hand one after the other,
as the turns before them are committed, and wait as before when it ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import merge
from itertools import chain, count
from operator import attrgetter

from scr.charging import Bury, Died, Failing, TryAgain, Verdict, Wait, charge
from scr.mail.pending import Pending
from scr.mail.retrying import Retrying
from scr.messages import Message, Task
from scr.retry import Retry

SEALED_MAX = 128
AHEAD_MAX = 32
NEVER_AHEAD = ("down", "stop")  # a `down` may have to be taken back; nothing comes after a `stop`
PLACE = attrgetter("place")
USUAL = Retry()


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a mailbox may hold, and how often it gives a message a try: see `AgentSpec`."""

    size: int
    max_deliveries: int = 3
    retry: Retry = USUAL
    retries: int = 10_000
    ordered: bool = True


class Mailbox:
    """A bounded queue with one message in hand, and up to `AHEAD_MAX` sent ahead.

    A message whose turn is on its way into the store is out of the agent's
    hands: the agent goes on with the next one meanwhile, at most `SEALED_MAX`
    turns ahead of the store.  What was sent ahead counts as if it had gone on
    already: nothing can stop it from that.
    """

    def __init__(self, bounds: Bounds) -> None:
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

    def bound(self, bounds: Bounds) -> None:
        """Hold what comes from now on to these bounds; what is there stays."""
        self._bounds = bounds

    def offer(self, message: Message, cause: int = 0) -> bool:
        """Take the message in at the end; False when the mailbox is full.

        Failures and downs are the runtime's answers: they may use as much room again.  Messages behind a retry have
        as much room of their own: they take none from those of other lanes.  One tick of each timer has always room.
        """
        room = 2 * self._bounds.size if message.type in ("failure", "down") else self._bounds.size
        is_held_up = self._retrying.holds(message)
        used = self._retrying.behind if is_held_up else len(self._waiting) + len(self._ahead)
        if used >= room and message.type != "timer":
            return False
        self._append(Pending(message, cause=cause, place=next(self._places)))
        return True

    def restore(self, pending: Pending, *, first: bool = False) -> None:
        """Take in what was accepted earlier, however full the mailbox is; `first`: before all that waits."""
        pending.place = next(self._places)
        if pending.due is not None:
            self._hold(pending)
        elif first:
            self._waiting.appendleft(pending)
        else:
            self._append(pending)

    def holds_up(self, message: Message) -> bool:
        """Whether a message that comes now waits behind a retry."""
        return self._retrying.holds(message)

    def find(self, message_id: str) -> Pending | None:
        """The message in hand or waiting."""
        held = chain((self.in_hand,) if self.in_hand else (), self._ahead, self._waiting, self._retrying)
        return next((pending for pending in held if pending.message.message_id == message_id), None)

    def waiting(self) -> list[Message]:
        """All messages that wait."""
        return [pending.message for pending in (*self._ahead, *self._waiting, *self._retrying)]

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
        """The message in hand, or one that was put aside, has its outcome; None when it is neither."""
        settled = self._sealed.pop(message_id, None)
        if settled is not None:
            self.advance()
        elif self.in_hand is None or self.in_hand.message.message_id != message_id:
            return None
        else:
            settled, self.in_hand = self.in_hand, None
        self._let_go(settled.message)
        return settled

    def release(self, *, blamed: bool, at: float) -> tuple[Pending, Verdict] | None:
        """The agent's process ended at `at`: its message goes back to the front, and what was sent ahead behind it.

        `blamed` when it ended by itself: then that is charged to the message, which is returned with the verdict.
        One that is to be buried is no longer here.
        """
        self._take_back_ahead()
        if self.in_hand is None or self.in_hand.sealed:
            return None
        if blamed:
            return self.fail(Died(), at)
        self.in_hand.ahead = False
        self._waiting.appendleft(self.in_hand)
        self.in_hand = None
        return None

    def fail(self, failing: Failing, at: float, *, resumes: bool = False) -> tuple[Pending, Verdict]:
        """Charge the message in hand with a failure at `at` (wall clock); it waits for its next try, or is returned.

        What was sent ahead waits again, unless the process `resumes` with it and it need not wait behind this message.
        """
        assert self.in_hand is not None
        pending, self.in_hand = self.in_hand, None
        if not resumes:
            self._take_back_ahead()
        pending.ahead = False
        bounds, message = self._bounds, pending.message
        retry = (message.payload.retry if isinstance(message, Task) else None) or bounds.retry
        pending.charges, verdict = charge(
            pending.charges, failing, retry, bounds.max_deliveries, at=at, seed=message.message_id
        )
        match verdict:
            case TryAgain(due=None):
                self._waiting.appendleft(pending)
            case TryAgain(due) if self._retrying.due < bounds.retries:
                pending.due = due
                self._hold(pending)
            case Wait() if self._retrying.due < bounds.retries:
                self._retrying.hold(pending, ordered=False)  # it holds up no other: a person may take days
            case TryAgain() | Wait():
                verdict = Bury("failed", f"{bounds.retries} messages wait for their next try already (retries_max)")
        if isinstance(verdict, Bury):
            self._let_go(message)
        return pending, verdict

    def try_again(self, message_id: str) -> bool:
        """The time of a retry has come: it is the next; False when it is not here any more."""
        pending = self._retrying.take(message_id)
        if pending is None:
            return False
        pending.due = None
        self._waiting.appendleft(pending)
        return True

    def withdraw(self, is_unwanted: Callable[[Message], bool]) -> list[Message]:
        """Take out what is with the agent's process and is not wanted any more, in hand or sent ahead."""
        held = [self.in_hand] if self.in_hand and not self.in_hand.sealed else []
        withdrawn = [pending for pending in (*held, *self._ahead) if is_unwanted(pending.message)]
        if self.in_hand in withdrawn:
            self.in_hand = None
        self._ahead = deque(pending for pending in self._ahead if pending not in withdrawn)
        for pending in withdrawn:
            self._let_go(pending.message)
        return [pending.message for pending in withdrawn]

    def drop(self, is_unwanted: Callable[[Message], bool]) -> list[Message]:
        """Take out what waits and is not wanted any more."""
        dropped = self._retrying.drop(is_unwanted)
        waiting = [pending.message for pending in (*self._waiting, *self._retrying) if is_unwanted(pending.message)]
        self._waiting = deque(pending for pending in self._waiting if not is_unwanted(pending.message))
        for message in waiting:
            self._let_go(message)
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

    def _append(self, pending: Pending) -> None:
        if self._retrying.holds(pending.message):
            self._retrying.put_behind(pending)
        else:
            self._waiting.append(pending)

    def _hold(self, pending: Pending) -> None:
        """Have it wait for its time, and later ones of its lane behind it."""
        is_behind = self._retrying.hold(pending, ordered=self._bounds.ordered)
        if is_behind is None:
            return
        if any(is_behind(other.message) for other in self._ahead):
            self._take_back_ahead()
        behind = [other for other in self._waiting if is_behind(other.message)]
        if behind:
            self._waiting = deque(other for other in self._waiting if not is_behind(other.message))
        for other in behind:
            self._retrying.put_behind(other)

    def _let_go(self, message: Message) -> None:
        """It has its outcome: what waited behind it waits in its place again."""
        if released := self._retrying.let_go(message):
            self._waiting = deque(merge(released, self._waiting, key=PLACE))

    @property
    def ahead(self) -> int:
        """How many messages are with the agent's process before it may handle them."""
        return len(self._ahead)

    def _take_back_ahead(self) -> None:
        while self._ahead:
            self._waiting.appendleft(self._ahead.pop())
            self._waiting[0].ahead = False
