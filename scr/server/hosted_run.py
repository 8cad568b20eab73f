"""One run that a server works on: a runtime of its own, with its keeper, and somebody who waits for the answer."""

from __future__ import annotations

import time

from scr.client.runtime import Runtime
from scr.server.candidates import Offer
from scr.server.outcomes import Aside, End, Left, WorkDone, end_of
from scr.server.run_queries import LEFT

RUN_S = 7 * 24 * 3600.0


class Hosted:
    """The runtime dies with this process, and the run can then be gone on with.

    `work`, `leave` and `cancel` block: each is called in a thread of its own.
    `since` is wall clock; `ticket` is what the runtime takes the run with.
    """

    ticket: str = ""

    def __init__(self, offer: Offer, store: str) -> None:
        self.offer, self.since = offer, time.time()
        self._is_leaving = False
        self._runtime = Runtime(
            offer.tree, preload=offer.trade.preload, store=store, run=offer.run, title=offer.title, quiet=True
        )
        self._known = ""

    def work(self) -> End:
        """Start the runtime, wait for the answer to the run's first message, stop the runtime."""
        end: End = Left()
        try:
            self._runtime.ticket = self.ticket
            self._runtime.start()
            self._known = self._runtime.id
            if not self._is_leaving:
                self._runtime.wait_ready()
                end = WorkDone(self._runtime.attach(self.offer.run).result(RUN_S))
        except Exception as error:  # noqa: BLE001  a run that goes wrong must harm no other
            end = end_of(error, is_leaving=self._is_leaving)
        finally:
            self._stop("it was set aside" if isinstance(end, Aside) else LEFT)
        return end

    def is_restarted(self) -> bool:
        """Whether the runtime has died and been replaced since this was last asked."""
        known, self._known = self._known, self._runtime.id
        return bool(known) and known != self._known

    def leave(self) -> None:
        """Stop the runtime in order; the run says that it may be gone on with."""
        self._is_leaving = True
        self._stop(LEFT)

    def cancel(self) -> None:
        """End the run itself.  Raises RuntimeGone."""
        self._runtime.cancel(self.offer.run)

    def _stop(self, reason: str) -> None:
        """The reason is what the run says of its end, to whoever may go on with it."""
        self._runtime.stop(reason)
