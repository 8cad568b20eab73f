"""What the turn machine wants of the store and of the log: turns, steps, charges, outcomes and events kept.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

from functools import partial

from pydantic import JsonValue

from scr.errors import InvalidMessage, ScrError
from scr.failpoints import reach
from scr.mail.pending import Pending
from scr.runtime.dispatch.failures import Failures
from scr.runtime.dispatch.fold import Carriers, Fold
from scr.runtime.dispatch.in_doubt import Parked
from scr.runtime.dispatch.ticks import Ticks
from scr.store.store import Store
from scr.telemetry.sinks import EventLog
from scr.turns import events, orders


class Writing:
    """The store of the run, its log, and the last committed state of each agent."""

    def __init__(
        self, store: Store, log: EventLog, fold: Fold, timers: Ticks, failures: Failures, parked: Parked
    ) -> None:
        self._store, self._log, self._fold = store, log, fold
        self._timers, self._failures, self._parked = timers, failures, parked
        self.states: dict[str, JsonValue] = {}

    def carriers(self) -> Carriers:
        """Return what carries out which order."""
        return {
            orders.PersistTurn: self._persist_turn,
            orders.PersistStep: self._persist_step,
            orders.PersistCharges: self._persist_charges,
            orders.PersistDoubt: self._persist_doubt,
            orders.PersistSettlement: self._persist_settlement,
            orders.Emit: self._emit,
            orders.SetStep: self._set_step,
            orders.DropStep: self._drop_step,
        }

    def _persist_turn(self, pending: Pending, order: orders.PersistTurn) -> None:
        """Keep a turn; from now on its state and its timers are the agent's.

        Raises InvalidMessage for what no store keeps: then they are not.
        """
        turn = order.turn
        agent, before, named = turn.agent, self.states.get(turn.agent), self._timers.named(turn.agent)
        if turn.frame.state is not None:
            self.states[agent] = turn.frame.state
        self._timers.take(agent, order.timed)
        try:
            self._store.commit(turn, partial(self._release_turn, pending, order))
        except InvalidMessage:
            self.states[agent] = before
            self._timers.take_back(agent, named)
            raise

    def _release_turn(self, pending: Pending, order: orders.PersistTurn) -> None:
        reach("runtime.before_release")
        row = self._failures.row(order.turn.agent)
        self._fold.feed(pending, events.Kept(order.turn, order.timed, order.silent, row))
        reach("runtime.after_release")

    def _persist_step(self, pending: Pending, order: orders.PersistStep) -> None:
        kept = partial(self._fold.feed, pending, events.Recorded(*order))
        message_id = pending.message_id
        self._store.record(message_id, order.step, kept, partial(self._refused, pending, order))

    def _refused(self, pending: Pending, order: orders.PersistStep, error: ScrError) -> None:
        self._fold.feed(pending, events.Unrecorded(order.incarnation, order.ref, error))

    def _persist_charges(self, pending: Pending, _order: orders.PersistCharges) -> None:
        turn = pending.turn
        self._store.failed(turn.message.message_id, turn.deliveries, turn.charges, turn.due)

    def _persist_doubt(self, pending: Pending, order: orders.PersistDoubt) -> None:
        self._store.park(pending.message_id, *order.doubt)
        self._parked.know(pending)

    def _persist_settlement(self, pending: Pending, order: orders.PersistSettlement) -> None:
        message_id = pending.message_id
        self._store.resolve(message_id, order.step, order.name, partial(self._resolved, pending))

    def _resolved(self, pending: Pending) -> None:
        room = self._fold.router.room(pending.message)
        self._fold.feed(pending, events.Resolved(room))

    def _emit(self, pending: Pending, order: orders.Emit) -> None:
        pending.cause = self._log.emit(order.event, cause=pending.cause)

    def _set_step(self, pending: Pending, order: orders.SetStep) -> None:
        pending.steps[order.step.name] = order.step

    def _drop_step(self, pending: Pending, order: orders.DropStep) -> None:
        pending.steps.pop(order.name, None)
