"""The shell of the turn machine: feeds it what happens, has its orders carried out, and hands over what is next.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from scr.errors import ChannelError
from scr.mail.pending import OVER, Pending, arriving
from scr.mail.router import Router
from scr.messages import Message
from scr.turns import events
from scr.turns.events import Event
from scr.turns.machine import decide
from scr.turns.orders import Order

TAKEN_BACK = events.TakenBack()
Carriers: TypeAlias = Mapping[type[Order], Callable[[Pending, Any], object]]


class Fold:
    """The messages that are open, each in a cell of the router's.

    `carry` says for each kind of order what carries it out, and `is_read` whether the process of an agent takes what
    it is sent; both are given once, before anything happens.
    """

    def __init__(self, router: Router) -> None:
        self.router = router
        self._carry: Carriers = {}
        self._is_read: Callable[[str], bool] = lambda _: False
        self._refusing: set[str] = set()
        self.has_ended = False  # the runtime stops: what is open stays open in the store

    def start(self, carry: Carriers, is_read: Callable[[str], bool]) -> None:
        """Have orders carried out by these from now on."""
        self._carry, self._is_read = carry, is_read

    def new(self, message: Message, cause: int = 0) -> Pending:
        """Return the cell of a message that comes into the runtime's care; `cause` is the event that led to it."""
        pending = Pending(arriving(message), cause=cause)
        self.router.add(pending)
        return pending

    def feed(self, pending: Pending, event: Event) -> None:
        """Change the state of a message by what has happened, and carry out what follows.

        What the carrying out of an order raises ends the list, and is raised.
        """
        turn, orders = decide(pending.turn, event)
        pending.turn, carry = turn, self._carry
        if turn.phase is OVER:
            self.router.forget(pending)
        for order in orders:
            carry[type(order)](pending, order)

    def deliver(self, agent: str) -> None:
        """Hand over what the agent may have now; behind it more is sent ahead, as long as its process reads."""
        address = self.router.ready(agent)
        if address is None or agent in self._refusing:
            return
        mailbox, incarnation = address.mailbox, address.incarnation
        while pending := mailbox.take():
            self._hand(pending, incarnation)
            if not self.router.ready(agent):
                return
        while (pending := mailbox.next_ahead()) and self._is_read(agent):
            if not self._sent_ahead(pending, incarnation):
                return
            mailbox.send_ahead()

    def _hand(self, pending: Pending, incarnation: int) -> None:
        """Hand a message over, or refuse it; what that brings its agent is handed over by the one that delivers now."""
        try:
            self.feed(pending, events.Handed(incarnation, len(pending.steps)))
        except ChannelError as error:
            self._refusing.add(pending.agent)
            self.feed(pending, events.Undeliverable(str(error)))
            self._refusing.discard(pending.agent)

    def _sent_ahead(self, pending: Pending, incarnation: int) -> bool:
        """Send a message ahead; false for one that no frame can hold: it is buried when it comes to its turn."""
        try:
            self.feed(pending, events.SentAhead(incarnation))
        except ChannelError:
            self.feed(pending, TAKEN_BACK)
            return False
        return True
