"""Kills processes of one run while its agents are at work: a thread beside the program that owns the runtime.

Touches nothing but processes that have the mark of its census.
"""

from __future__ import annotations

import signal
import threading
import time
from typing import Self

from scr.chaos.inject.process_census import Census, CensusEntry
from scr.chaos.plan.kinds import HELPERS
from scr.chaos.user.kill_plan import AGENT, Strikes
from scr.messages import ExitReason
from scr.telemetry.events import AgentExited, MessageDelivered, MessageParked, Record, TurnCommitted

FIND_S, LOOK_S, END_S = 2.0, 0.02, 5.0


class Striker:
    """Hears what happens in the run (`hear`, in the reader's thread) and strikes while turns are under way.

    Used as a context manager: inside, the thread lives.  Every kill waits for a
    delivery, so that a run is never hit oftener than it gets back to work.
    """

    def __init__(self, census: Census, strikes: Strikes) -> None:
        self._census, self._strikes = census, strikes
        self._news = threading.Condition()
        self._seq, self._turns, self._fresh, self._is_over = 0, 0, False, False
        self._busy: set[str] = set()
        self._thread = threading.Thread(target=self._work, name="scr chaos", daemon=True)
        self.landed: list[str] = []
        self.interrupted = 0
        self.parked = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._news:
            self._is_over = True
            self._news.notify()
        self._thread.join(END_S)

    def hear(self, record: Record) -> None:
        """One record of the run's; those that a new runtime tells again are known."""
        with self._news:
            if record.seq > self._seq:
                self._seq = record.seq
                self._learn(record)
                self._news.notify()

    def _learn(self, record: Record) -> None:
        match record.event:
            case MessageDelivered(agent=agent, deliveries=deliveries) if agent not in HELPERS:
                self._turns += deliveries == 1
                self._fresh = True
                self._busy.add(agent)
            case TurnCommitted(agent=agent):
                self._busy.discard(agent)
            case AgentExited(agent=agent, reason=ExitReason.KILLED, in_hand=in_hand):
                self._busy.discard(agent)
                self.interrupted += in_hand is not None and agent not in HELPERS
            case MessageParked():
                self.parked.set()

    def _work(self) -> None:
        for n in range(self._strikes.kills):
            if not self._wait_due() or not self._strike(n):
                return

    def _wait_due(self) -> bool:
        """Until a message has been delivered in a turn by which more kills are due; False at the end."""
        with self._news:
            self._news.wait_for(lambda: self._is_over or (self._fresh and self._is_due()))
            self._fresh = False
            return not self._is_over

    def _is_due(self) -> bool:
        return self._strikes.due(self._turns) > len(self.landed)

    def _strike(self, n: int) -> bool:
        """The kill of that place; False when all is over before."""
        with self._news:
            if self._news.wait_for(lambda: self._is_over, self._strikes.delay_s(n)):
                return False
        target, end = self._strikes.target(n), time.monotonic() + FIND_S
        while time.monotonic() < end:
            with self._news:
                if self._is_over:
                    return False
                busy = set(self._busy)
            if self._kill(n, target, busy):
                return True
            time.sleep(LOOK_S)
        return True

    def _kill(self, n: int, target: str, busy: set[str]) -> bool:
        found = [seen for seen in self._census.now() if _is(target, seen)]
        found = [seen for seen in found if seen.agent in busy] or found
        if not found:
            return False
        seen = found[self._strikes.pick(n, len(found))]
        is_hit = self._census.signal(seen, signal.SIGKILL)
        if is_hit:
            self.landed.append(seen.agent or seen.type)
            self.interrupted += bool(busy) and target != AGENT  # what an agent had in hand, its exit tells
        return is_hit


def _is(target: str, seen: CensusEntry) -> bool:
    if target == AGENT:
        return bool(seen.agent) and seen.type not in HELPERS
    return seen.type == target
