"""What the turn machine wants of agents' processes: messages and answers sent, handlers watched, processes replaced.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

from scr.mail.pending import Pending
from scr.protocol.channel import LoopChannel
from scr.protocol.frames import Deliver, FromAgent
from scr.runtime.dispatch.failures import Upkeep
from scr.runtime.dispatch.fold import Carriers
from scr.runtime.dispatch.pages import Pages
from scr.runtime.dispatch.streams import ChunkStreams
from scr.runtime.health.health import Care
from scr.store.store import Store
from scr.turns import orders


class Sending:
    """The channels to the incarnations that are up.  `memory` is the agent that fills the table."""

    def __init__(
        self, store: Store, care: Care, upkeep: Upkeep, pages: Pages, streams: ChunkStreams, *, memory: str | None
    ) -> None:
        self._store, self._care, self._upkeep, self._pages, self._streams = store, care, upkeep, pages, streams
        self._memory = memory
        self.is_rung = False  # the memory agent was told of entries, and has not begun to look
        self._channels: dict[str, LoopChannel[FromAgent]] = {}

    def up(self, agent: str, channel: LoopChannel[FromAgent]) -> None:
        """Send what the agent is to get through this channel."""
        self._channels[agent] = channel

    def down(self, agent: str) -> None:
        """The agent has no process."""
        self._channels.pop(agent, None)

    def is_read(self, agent: str) -> bool:
        """Tell whether the agent's process takes what it is sent."""
        channel = self._channels.get(agent)
        return channel is not None and channel.is_read

    def carriers(self) -> Carriers:
        """Return what carries out which order."""
        return {
            orders.Send: self._send,
            orders.SendAhead: self._send_ahead,
            orders.Tell: self._tell,
            orders.Busy: self._busy,
            orders.Idle: self._idle,
            orders.AwaitStore: self._await_store,
            orders.GoOn: self._go_on,
            orders.KeepCrash: self._keep_crash,
            orders.Park: self._park,
            orders.Recycle: self._recycle,
            orders.Distrust: self._distrust,
            orders.Read: self._read,
            orders.PassOn: self._pass_on,
        }

    def _send(self, pending: Pending, _order: orders.Send) -> None:
        frame = self._frame(pending, pending.turn.deliveries)
        self._channels[pending.agent].send(frame)

    def _send_ahead(self, pending: Pending, _order: orders.SendAhead) -> None:
        frame = self._frame(pending, pending.turn.deliveries + 1, is_ahead=True)
        self._channels[pending.agent].send_next(frame)

    def _frame(self, pending: Pending, deliveries: int, *, is_ahead: bool = False) -> Deliver:
        turn, message = pending.turn, pending.message
        steps, more = self._pages.first(pending)
        return Deliver.trusted(
            message=message,
            deliveries=deliveries,
            attempt=turn.charges.attempts + 1,
            steps=steps,
            more=more,
            deadline_s=self._care.deadline_s(pending.agent, turn.incarnation, message),
            entries_version=self._store.entries_version if self._memory else 0,
            ahead=is_ahead and self._memory is not None,
        )

    def _tell(self, pending: Pending, order: orders.Tell) -> None:
        self._upkeep.tell(pending.agent, order.incarnation, order.answer)

    def _busy(self, pending: Pending, _order: orders.Busy) -> None:
        self._care.busy(pending.agent, pending.turn.incarnation, pending.message)
        self.is_rung = self.is_rung and pending.agent != self._memory

    def _idle(self, pending: Pending, _order: orders.Idle) -> None:
        self._care.idle(pending.agent, pending.turn.incarnation)

    def _await_store(self, pending: Pending, _order: orders.AwaitStore) -> None:
        self._care.wait(pending.agent, pending.turn.incarnation)

    def _go_on(self, pending: Pending, _order: orders.GoOn) -> None:
        self._care.go_on(pending.agent, pending.turn.incarnation)

    def _keep_crash(self, pending: Pending, order: orders.KeepCrash) -> None:
        self._upkeep.raised(pending.agent, order.incarnation, order.error, pending)

    def _park(self, pending: Pending, order: orders.Park) -> None:
        self._upkeep.park(pending.agent, order.why)

    def _recycle(self, pending: Pending, _order: orders.Recycle) -> None:
        self._upkeep.recycle(pending.agent)

    def _distrust(self, pending: Pending, order: orders.Distrust) -> None:
        self._upkeep.distrust(pending.agent, order.incarnation, order.why)

    def _read(self, pending: Pending, order: orders.Read) -> None:
        self._pages.steps(pending.agent, order.incarnation, pending, order.frame)

    def _pass_on(self, _pending: Pending, order: orders.PassOn) -> None:
        self._streams.tell(order.frame)
