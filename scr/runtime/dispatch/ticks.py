"""The timers of all agents in the runtime: those that fire once, and those with a name, which fire again and again.

Lives in the runtime, on its loop.  Each tick is a message of its own: when one fires, the next is set in the same
write.  A tick that is due while the last one of its name still waits is left out, so that no mailbox fills with them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from scr.errors import InvalidMessage
from scr.mail.pending import Pending
from scr.mail.router import Router
from scr.messages import Message, Tick
from scr.protocol.frames import Timer, name_of
from scr.runtime.dispatch.delivery import Delivery
from scr.runtime.dispatch.fold import Carriers
from scr.runtime.dispatch.timers import Timers
from scr.store.store import Store
from scr.turns import orders
from scr.turns.timing import UNTIMED, Change, change_of, following


class Ticks:
    """All timers that are set; a named one is known by its agent and its name."""

    def __init__(self, loop: asyncio.AbstractEventLoop, store: Store, post: Delivery, router: Router) -> None:
        self._store, self._post, self._router = store, post, router
        self._timers = Timers(loop, self._due)
        self._named: dict[str, Mapping[str, Timer]] = {}
        self._sent: dict[tuple[str, str], str] = {}

    def change_of(self, agent: str, timers: Sequence[Timer], cancels: Sequence[str]) -> Change:
        """Return what a turn, or a start, changes.  Raises InvalidMessage."""
        named = self.named(agent)
        if not timers and not cancels:
            return Change((), (), named) if named else UNTIMED
        return change_of(named, timers, cancels)

    def take(self, agent: str, change: Change) -> None:
        """Take a change in, which is on its way into the store: then `carry_out`, or `take_back`."""
        if change.new or change.ended:
            self._name(agent, change.named)

    def carriers(self) -> Carriers:
        """Return what carries out which order."""
        return {orders.SetTimers: self._set_timers}

    def _set_timers(self, pending: Pending, order: orders.SetTimers) -> None:
        self.carry_out(pending.agent, order.timed, order.cancels)

    def take_back(self, agent: str, named: Mapping[str, Timer]) -> None:
        """Restore the named timers that the agent had before a change which is not kept."""
        self._name(agent, named)

    def named(self, agent: str) -> Mapping[str, Timer]:
        """Return the agent's timers by their names."""
        return self._named.get(agent, {})

    def carry_out(self, agent: str, change: Change, cancels: Iterable[str] = ()) -> None:
        """Arm and cancel what a change says that is in the store now, but for what a later one has replaced."""
        for timer_id in (*change.ended, *cancels):
            self._timers.cancel(timer_id)
        for timer in change.new:
            name = name_of(timer)
            if not name or self.named(agent).get(name) is timer:
                self._timers.set(timer)

    def started(self, agent: str, timers: Sequence[Timer], cancels: Sequence[str]) -> None:
        """Keep what `on_start` has set and cancelled, then arm it.  Raises InvalidMessage for what no store keeps."""
        named, change = self.named(agent), self.change_of(agent, timers, cancels)
        self.take(agent, change)
        if not change.new and not change.ended:
            return
        try:
            self._store.set_timers(change.new, change.ended, partial(self.carry_out, agent, change))
        except InvalidMessage:
            self.take_back(agent, named)
            raise

    def restore(self, timer: Timer) -> None:
        """Resume a timer that an earlier runtime has left, by the wall clock."""
        if name := name_of(timer):
            agent = timer.message.to
            self._name(agent, {**self.named(agent), name: timer})
        self._timers.restore(timer)

    def sent(self, message: Message) -> None:
        """Note that this tick of a name waits in the mailbox."""
        if isinstance(message, Tick):
            self._sent[message.to, message.payload.name] = message.message_id

    def close(self, agent: str) -> None:
        """End the named timers of an agent that has ended for good."""
        ended = [timer.message.message_id for timer in self._named.pop(agent, {}).values()]
        for timer_id in ended:
            self._timers.cancel(timer_id)
        self._sent = {key: sent for key, sent in self._sent.items() if key[0] != agent} if ended else self._sent
        if ended:
            self._store.set_timers((), ended)

    def _name(self, agent: str, named: Mapping[str, Timer]) -> None:
        if named:
            self._named[agent] = named
        else:
            self._named.pop(agent, None)

    def _due(self, timer: Timer) -> None:
        message = timer.message
        if isinstance(message, Tick):
            self._tick(timer, message)
        else:
            self._store.fire(message.message_id, partial(self._post.post, message))

    def _tick(self, timer: Timer, tick: Tick) -> None:
        agent, name = tick.to, tick.payload.name
        if self.named(agent).get(name) is not timer:
            return  # it is replaced, and its end is on its way into the store
        if agent not in self._router:
            self.close(agent)
            return
        later = following(timer, tick.payload, time.time())
        waits = self._sent.get((agent, name))
        if waits and self._router.find(agent, waits):
            later = timer.model_copy(update={"due": later.due, "after_s": later.after_s})
        else:
            self.sent(tick)
            self._store.fire(tick.message_id, self._post.expect(tick), following=later)
        self._name(agent, {**self.named(agent), name: later})
        self._timers.set(later)
