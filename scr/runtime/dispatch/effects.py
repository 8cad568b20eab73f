"""What a committed turn asks of others than the mail: starts, stops and monitors.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from scr.mail.pending import Pending
from scr.mail.suggestions import unknown
from scr.runtime.dispatch.delivery import Delivery
from scr.runtime.dispatch.fold import Carriers, Fold
from scr.runtime.own_mail import refusal_of
from scr.specs import AgentSpec
from scr.store.records import Effect
from scr.store.store import Store
from scr.supervise.orders import CallDone, CallRefused
from scr.turns import orders
from scr.turns.events import Cancelled

CANCELLED = Cancelled()

Settled = Callable[[tuple[str, str] | None], None]
"""Is told once how a request ended: done, or refused with a code and a sentence."""


class Startable(Protocol):
    """What effects want of the supervisor."""

    def start_child(self, supervisor: str, spec: AgentSpec, settled: Settled) -> None:
        """Start a child."""

    def stop_child(self, agent: str, settled: Settled) -> None:
        """Stop a child for good."""


class Effects:
    """Carries out what a turn has asked for; when the runtime stops, what is open stays open in the store."""

    def __init__(self, store: Store, fold: Fold, post: Delivery, children: Startable) -> None:
        self._store, self._fold, self._post, self._children = store, fold, post, children

    def carriers(self) -> Carriers:
        """Return what carries out which order."""
        return {
            orders.RequestStart: lambda _, order: self.carry(order.effect),
            orders.RequestStop: lambda _, order: self.carry(order.effect),
            orders.Monitor: self._monitor,
        }

    def _monitor(self, pending: Pending, order: orders.Monitor) -> None:
        if order.is_wanted:
            self.watch(pending.agent, order.target)
            return
        for news in self._fold.router.demonitor(pending.agent, order.target):
            self._fold.feed(news, CANCELLED)

    def watch(self, watcher: str, target: str) -> None:
        """From now on, `watcher` hears of the end of `target`; at once when there is none."""
        router = self._fold.router
        if absence := router.absent.get(target):
            self._post.tell_down(watcher, target, absence.reason, absence.detail)
        elif not router.monitor(watcher, target):
            self._post.tell_down(watcher, target, "unknown_agent", unknown("agent", target, router.names()))

    def carry(self, effect: Effect) -> None:
        """Have the supervisor do what a committed turn has asked for."""
        settled = partial(self._carried, effect)
        if effect.start:
            self._children.start_child(effect.start.supervisor, effect.start.spec, settled)
        elif effect.stop:
            self._children.stop_child(effect.stop, settled)

    def _carried(self, effect: Effect, refused: tuple[str, str] | None) -> None:
        if self._fold.has_ended:
            return
        if refused is None or effect.start is None:
            self._store.carried(effect.effect_id)
            return
        failure = refusal_of(effect.agent, effect.message_id, effect.start.spec.id, *refused)
        self._store.carried(effect.effect_id, failure)
        self._post.post(failure)


def settle(settled: Settled, outcome: CallDone | CallRefused) -> None:
    """Tell the supervisor's outcome in the words of a turn."""
    settled((outcome.code, outcome.detail) if isinstance(outcome, CallRefused) else None)
