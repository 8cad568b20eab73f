"""What the turn machine wants of mailboxes: messages put in and let go, handed over, and tried again in time.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

import asyncio

from scr.mail.mailbox import Mailbox
from scr.mail.pending import Pending
from scr.runtime.dispatch.failures import Failures
from scr.runtime.dispatch.fold import Carriers, Fold
from scr.runtime.dispatch.retries import Retries
from scr.turns import orders
from scr.turns.events import Due, Freed, TakenBack

DUE, FREED = Due(), Freed()


class Mail:
    """The mailboxes of the router, the timers of retries, and which messages wait behind which question."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fold: Fold, failures: Failures) -> None:
        self._fold, self._router, self._failures = fold, fold.router, failures
        self._retries = Retries(loop, self.try_again)
        self._behind: dict[str, list[Pending]] = {}

    def carriers(self) -> Carriers:
        """Return what carries out which order."""
        return {
            orders.Pause: self._pause,
            orders.TakeBack: self._take_back,
            orders.Begin: self._begin,
            orders.Enqueue: self._enqueue,
            orders.PutFirst: self._put_first,
            orders.Hold: self._hold,
            orders.Advance: self._advance,
            orders.Settle: self._settle,
            orders.HandOver: self._hand_over,
            orders.Resume: self._resume,
            orders.StartTimer: self._start_timer,
            orders.CountRow: self._count,
            orders.WaitBehind: self._wait_behind,
            orders.FreeBehind: self._free_behind,
        }

    def try_again(self, agent: str, message_id: str) -> None:
        """Feed that the time of a retry has come, if the message is still there."""
        if pending := self._router.find(agent, message_id):
            self._fold.feed(pending, DUE)

    def _box(self, pending: Pending) -> Mailbox:
        mailbox = self._router.mailbox(pending.agent)
        assert mailbox is not None, f"{pending.agent} was never opened"
        return mailbox

    def _pause(self, pending: Pending, _order: orders.Pause) -> None:
        self._router.pause(pending.agent)

    def _resume(self, pending: Pending, _order: orders.Resume) -> None:
        agent = pending.agent
        self._router.resume(agent)
        self._fold.deliver(agent)

    def _take_back(self, pending: Pending, order: orders.TakeBack) -> None:
        taken_back = TakenBack(order.is_over)
        for taken in self._box(pending).take_back():
            self._fold.feed(taken, taken_back)

    def _begin(self, pending: Pending, _order: orders.Begin) -> None:
        self._box(pending).begin()

    def _enqueue(self, pending: Pending, _order: orders.Enqueue) -> None:
        agent = pending.agent
        self._box(pending).append(pending)
        self._fold.deliver(agent)

    def _put_first(self, pending: Pending, _order: orders.PutFirst) -> None:
        self._box(pending).put_first(pending)
        self._fold.deliver(pending.agent)

    def _hold(self, pending: Pending, order: orders.Hold) -> None:
        self._box(pending).hold(pending, is_alone=order.is_alone)

    def _advance(self, pending: Pending, _order: orders.Advance) -> None:
        agent = pending.agent
        mailbox = self._router.mailbox(agent)
        if mailbox and mailbox.advance():
            self._fold.deliver(agent)

    def _settle(self, pending: Pending, order: orders.Settle) -> None:
        agent = pending.agent
        mailbox = self._router.mailbox(agent)  # the agent may have ended since its turn was sealed
        if mailbox and mailbox.settle(pending) and order.hands_over:
            self._fold.deliver(agent)

    def _hand_over(self, pending: Pending, _order: orders.HandOver) -> None:
        self._fold.deliver(pending.agent)

    def _start_timer(self, pending: Pending, order: orders.StartTimer) -> None:
        message = pending.message
        self._retries.wait(message.to, message.message_id, order.delay_s)

    def _count(self, pending: Pending, order: orders.CountRow) -> None:
        self._failures.count(pending.agent, order.row)

    def _wait_behind(self, pending: Pending, order: orders.WaitBehind) -> None:
        self._behind.setdefault(order.question, []).append(pending)

    def _free_behind(self, pending: Pending, _order: orders.FreeBehind) -> None:
        for behind in self._behind.pop(pending.message_id, ()):
            self._fold.feed(behind, FREED)
