"""Messages of one agent that wait for their next try, and later ones that wait behind them to keep their order.

Pure.  A lane is what keeps an order (I10): all messages of one sending agent,
or tasks of clients that share an `order_key`.  While one message of a lane is
being retried, the later ones of that lane wait; other lanes go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain

from scr.mail.pending import Pending
from scr.messages import CLIENT, RUNTIME, Message, Task


def lane_of(message: Message) -> str | None:
    """The lane of a message; None when its order does not matter."""
    if message.sender == RUNTIME:
        return None
    if message.sender != CLIENT:
        return message.sender
    key = message.payload.order_key if isinstance(message, Task) else None
    return None if key is None else f"{CLIENT} {key}"


class Retrying:
    """The retries of one mailbox.  A lane is held from the first failure of a message until its outcome.

    `is_used` while anything waits for its time, or holds a lane: most mailboxes have nothing of the kind.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Pending] = {}
        self._holders: dict[str, str] = {}  # lane -> the message that is being retried
        self._behind: dict[str, deque[Pending]] = {}  # lane -> later messages, in order
        self.behind = 0
        self.is_used = False

    @property
    def due(self) -> int:
        """How many wait for their time; `behind` are those that wait for others."""
        return len(self._waiting)

    def holds(self, message: Message) -> bool:
        """Whether a message that comes now has to wait behind another one."""
        return bool(self._holders) and lane_of(message) in self._holders

    def put_behind(self, pending: Pending) -> None:
        """Have it wait for its lane."""
        self._behind.setdefault(str(lane_of(pending.message)), deque()).append(pending)
        self.behind += 1

    def hold(self, pending: Pending, *, ordered: bool) -> Callable[[Message], bool] | None:
        """Have it wait for its time, and hold its lane; returns which messages must wait behind it now, None: none."""
        self._waiting[pending.message_id] = pending
        self.is_used = True
        lane = lane_of(pending.message) if ordered else None
        if lane is None or lane in self._holders:
            return None
        self._holders[lane] = pending.message_id
        return lambda message: lane_of(message) == lane

    def take(self, message_id: str) -> Pending | None:
        """A message whose time has come; its lane stays held until its outcome."""
        taken = self._waiting.pop(message_id, None)
        self._look()
        return taken

    def _look(self) -> None:
        self.is_used = bool(self._waiting or self._holders)

    def let_go(self, message: Message) -> deque[Pending]:
        """The message has its outcome: what waited behind it, in order."""
        self._waiting.pop(message.message_id, None)
        lane = lane_of(message) if self._holders else None
        if lane is None or self._holders.get(lane) != message.message_id:
            self._look()
            return deque()
        del self._holders[lane]
        self._look()
        released = self._behind.pop(lane, deque())
        self.behind -= len(released)
        return released

    def drop(self, is_unwanted: Callable[[Message], bool]) -> list[Pending]:
        """Take out messages that wait behind others and are not wanted any more."""
        dropped = []
        for lane, queue in tuple(self._behind.items()):
            dropped += [pending for pending in queue if is_unwanted(pending.message)]
            self._behind[lane] = deque(pending for pending in queue if not is_unwanted(pending.message))
        self.behind -= len(dropped)
        return dropped

    def clear(self) -> None:
        """Hold nothing any more."""
        for held in (self._waiting, self._holders, self._behind):
            held.clear()
        self.behind = 0
        self.is_used = False

    def __iter__(self) -> Iterator[Pending]:
        """All that wait: for their time, then behind others."""
        return chain(self._waiting.values(), *self._behind.values())
