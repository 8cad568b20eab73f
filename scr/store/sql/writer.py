"""The thread that writes: takes all that is pending, keeps it in one transaction, calls back.

The runtime's loop never waits for it.  Only this thread touches the
connection.  After any failure the connection is closed and never used again:
a new one tells, by the number of the last batch, whether the transaction had
been kept after all.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from scr.errors import InvalidMessage, LeaseLost, ScrError, StoreDamaged, StoreError, StoreUnavailable
from scr.failpoints import reach
from scr.protocol.status import StoreStatus
from scr.store.sql import statements
from scr.store.sql.group import NotTaken, Work, execute, refused_of, tell_all
from scr.store.sql.lag import SLOW_S, Lateness
from scr.store.sql.lease import boot_time
from scr.store.sql.schema import POSTGRES
from scr.store.sql.session import Database, Session
from scr.telemetry.events import Record

State: TypeAlias = Literal["ok", "slow", "trouble", "lost"]
LINGER_S = 0.05  # how long what nobody waits for may wait for company
CROWD = 1000  # how much of it waits at most
EXCUSED = 2  # times its patience: no trouble lasts longer
PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.5
RENEWALS = 3  # in the time of a lease


@dataclass(slots=True)
class Tenure:
    """Under which epoch this process owns which run, how many batches it has kept, and since when it may be another's.

    `safe_at` is when the lease was last renewed, or no machine could take the run: seconds since the boot of this
    machine, which count while it sleeps.
    """

    run: int
    name: str
    epoch: int
    batch: int
    seq: int
    n: int
    lease_s: float
    safe_at: float


class Writer:
    """Keeps what it is given, in order.  All methods are called on the runtime's loop, and none blocks but `stop`.

    `call` hands a function to the loop from this thread; `lost` gets the error
    when nothing more will be written, `changed` the status when it is another.
    """

    def __init__(
        self,
        database: Database,
        session: Session,
        tenure: Tenure,
        *,
        call: Callable[[Callable[[], None]], None],
        lost: Callable[[StoreError], None],
        changed: Callable[[StoreStatus], None],
        patience_s: float,
    ) -> None:
        self._database, self._tenure, self._patience_s = database, tenure, patience_s
        self._session: Session | None = session
        self._call, self._lost, self._changed = call, lost, changed
        self._pending: deque[Work | Record] = deque()
        self._group: Sequence[Work | Record] = ()
        self._bell = threading.Lock()
        self._bell.acquire()
        self._is_dormant = self._is_urgent = self._is_stopping = self._has_worked = False
        self._state: State = "ok"
        self._detail = ""
        self._lateness = Lateness(EXCUSED * patience_s)
        self._doubtful: list[Any] | None = None
        self._thread = threading.Thread(target=self._live, name="scr-store", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """How many writes are not known to be kept."""
        return len(self._pending) + len(self._group)

    def put(self, work: Work) -> None:
        """Keep this after all before it."""
        if self._state == "lost":
            return
        self._pending.append(work)
        if work.then is not None:
            self._is_urgent = True
            self._ring()
        else:
            self._queued()

    def note(self, record: Record) -> None:
        """Keep this event after all before it."""
        if self._state != "lost":
            self._pending.append(record)
            self._queued()

    def status(self) -> StoreStatus:
        """How it is doing."""
        behind_s = self._behind_s()
        state: State = "slow" if self._state == "ok" and behind_s > SLOW_S else self._state
        return StoreStatus(
            url=self._database.shown, state=state, detail=self._detail, pending=self.pending, behind_s=behind_s
        )

    def unrenewed_s(self) -> float:
        """For how long another machine may have the run; 0 where no other reaches the store."""
        is_shared = self._database.dialect is POSTGRES
        return boot_time() - self._tenure.safe_at if is_shared and not self._is_stopping else 0.0

    def held_up(self, within_s: float) -> bool:
        """Whether a write waits for too long, or one has that was kept in the last `within_s`."""
        return self._lateness.held_up(within_s, self._behind_s(), time.monotonic())

    def stop(self, limit_s: float) -> None:
        """Keep what is pending, close.  Blocks, for at most `limit_s`."""
        self._is_stopping = True
        self._ring()
        self._thread.join(limit_s)

    def _queued(self) -> None:
        """Nobody waits for it."""
        if len(self._pending) >= CROWD:
            self._is_urgent = True
            self._ring()
        elif self._is_dormant:
            self._ring()

    def _behind_s(self) -> float:
        """The thread may take what is pending at any moment."""
        try:
            oldest = (self._group or self._pending)[0]
        except IndexError:
            return 0.0
        return max(0.0, time.monotonic() - oldest.at)

    def _ring(self) -> None:
        if self._bell.locked():
            self._bell.release()

    # The thread.

    def _live(self) -> None:
        try:
            while self._state != "lost" and (self._pending or not self._is_stopping):
                if self._wait():
                    self._group = self._take()
                    self._has_worked = bool(self._group)
                    self._keep()
        except BaseException as error:
            self._lose(StoreUnavailable(f"the writer of the store {self._database.shown} failed: {error!r}"))
            raise
        finally:
            self._drop()

    def _wait(self) -> bool:
        """Wait until there is something to do; False when there is nothing yet.

        After work, what nobody waits for need not wake this thread: it looks by
        itself once more before it sleeps until it is woken, or has to renew the lease.
        """
        is_dormant = self._is_dormant = not (self._pending or self._has_worked)
        self._has_worked = False
        if is_dormant and self._pending:
            return False  # it came in between, and did not ring
        rang = self._bell.acquire(timeout=self._tenure.lease_s / RENEWALS if is_dormant else LINGER_S)
        self._is_dormant = False
        return self._is_urgent or self._is_stopping if rang else is_dormant or bool(self._pending)

    def _take(self) -> Sequence[Work | Record]:
        self._is_urgent = False
        return [self._pending.popleft() for _ in range(len(self._pending))]

    def _keep(self) -> None:
        """Until the group is kept, or the store is lost."""
        began, pause_s = time.monotonic(), PAUSE_S
        while True:
            try:
                results = self._attempt()
            except StoreUnavailable as error:
                self._drop()
                if error.is_down:
                    self._tenure.safe_at = boot_time()
                if time.monotonic() - began > self._patience_s:
                    self._lose(error)
                    return
                self._tell("trouble", str(error))
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            except NotTaken as refusal:
                self._drop()
                self._group = [item for item in self._group if item is not refusal.work]
                self._hand_over(partial(tell_all, [refusal.tell]))
            except StoreError as error:
                self._lose(error)
                return
            else:
                self._release(results)
                return

    def _attempt(self) -> list[Any]:
        """One transaction.  Returns what was looked up."""
        session = self._session or self._reopen()
        if self._doubtful is not None:
            return self._doubtful
        group, tenure, at = self._group, self._tenure, boot_time()
        seq, n = self._reached()
        session.begin()
        fence = {"batch": tenure.batch + bool(group), "seq": seq, "n": n, "lease_s": tenure.lease_s}
        if session.change(statements.FENCE, **fence, id=tenure.run, epoch=tenure.epoch) != 1:
            raise self._fenced()
        try:
            results = execute(session, group, tenure.run)
        except InvalidMessage as error:
            raise self._not_taken(error) from error
        if group:
            self._doubtful = results
        reach("store.before_commit")
        session.commit()
        reach("store.after_commit")
        tenure.safe_at = at
        return results

    def _not_taken(self, error: InvalidMessage) -> ScrError:
        """Which work of the group it is that the database refuses."""
        self._drop()
        found = refused_of(self._reopen(), self._group, self._tenure.run)
        return found or StoreDamaged(f"the store {self._database.shown} does not take what must be kept: {error}")

    def _reached(self) -> tuple[int, int]:
        """The number of the last event when the group is kept, and of the last write."""
        group, tenure = self._group, self._tenure
        seq = next((item.seq for item in reversed(group) if isinstance(item, Record)), tenure.seq)
        n = next((item.n for item in reversed(group) if isinstance(item, Work)), tenure.n)
        return seq, n

    def _reopen(self) -> Session:
        """A new connection; what the last one had been told to keep may have been kept."""
        session = self._database.connect()
        try:
            session.follow(self._tenure.lease_s)
            kept = session.rows(statements.KEPT, id=self._tenure.run)
            if not kept or kept[0][0] != self._tenure.epoch:
                raise self._fenced()
        except StoreError:
            session.close()
            raise
        self._session = session
        if kept[0][1] == self._tenure.batch:
            self._doubtful = None
        return session

    def _release(self, results: list[Any]) -> None:
        """The group is kept: tell."""
        self._lateness.note_write(self._behind_s(), time.monotonic())
        self._tenure.seq, self._tenure.n = self._reached()
        self._tenure.batch += bool(self._group)
        group, self._group, self._doubtful = self._group, (), None
        self._tell("ok", "")
        found = iter(results)
        works = (item for item in group if isinstance(item, Work))
        told = [partial(work.then, next(found)) if work.look else work.then for work in works if work.then]
        if told:
            self._hand_over(partial(tell_all, told))

    def _fenced(self) -> LeaseLost:
        return LeaseLost(
            f"another runtime has taken the run {self._tenure.name!r} over in {self._database.shown};"
            " this one writes nothing more"
        )

    def _tell(self, state: State, detail: str) -> None:
        if (state, detail) != (self._state, self._detail):
            self._state, self._detail = state, detail
            status = self.status()
            self._hand_over(partial(self._changed, status))

    def _lose(self, error: StoreError) -> None:
        self._drop()
        self._tell("lost", str(error))
        self._pending.clear()
        self._group = ()
        self._hand_over(partial(self._lost, error))

    def _hand_over(self, function: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is there to be told
            self._call(function)

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
