"""One run, watched: start a runtime, ask the planner, tell what happens, stop everything in order.

The main thread does all showing and writing.  Two threads beside it only pass
on: the reader of the runtime's handle puts events, the asker puts the answer.
A signal is noted by its handler and acted upon here, within a tick.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from queue import Empty, Full, Queue
from types import FrameType
from typing import Any, Protocol

from pydantic import ValidationError

from scr.apps.research.outcome import ResearchOutcome
from scr.apps.research.preload import RESEARCH
from scr.apps.research.running.interrupts import NOTHING_STARTED, SIGNALS
from scr.apps.research.running.leftover_processes import processes_of
from scr.apps.research.running.request import ResearchRequest
from scr.apps.research.running.run_folder import RunFolder
from scr.apps.research.tree import RESEARCH_TREE
from scr.client.runtime import Runtime
from scr.client.spawn import Spawned
from scr.client.submitted import Submitted
from scr.errors import RuntimeGone, ScrError, StoreError
from scr.exit_codes import ExitCode
from scr.launch.kernel.signals import heeded
from scr.messages import CLIENT, Task, TaskPayload, origin
from scr.runtime.tree import PLANNER
from scr.store.archive.archive import open_archive
from scr.telemetry.events import MessageAccepted, Record
from scr.values import complaint
from scr.views.run import RunView

RUN_S = 3600.0
TICK_S = 0.1
INBOX_MAX = 10_000
END_S = 15.0
INPUT_ERRORS = {"InvalidInput", "InvalidDocuments"}


@dataclass(frozen=True, slots=True)
class RunFailure:
    """The run has no outcome: the sentence, and what the shell is told."""

    why: str
    code: ExitCode = ExitCode.FAILED
    resumable: bool = False


Answer = ResearchOutcome | RunFailure


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that is over, with what is known of it."""

    run_id: str
    answer: Answer
    view: RunView
    duration_s: float
    processes_left: int
    folder: RunFolder

    @property
    def is_kept(self) -> bool:
        """Whether the store has the run: all but one that was interrupted before it began."""
        return (
            not isinstance(self.answer, RunFailure)
            or self.answer.resumable
            or self.answer.code is not ExitCode.INTERRUPTED
        )


class Screen(Protocol):
    """Shows a run while it goes on.  Called from the main thread."""

    def show(self, before: RunView, view: RunView, record: Record) -> None:
        """Something has happened."""

    def tick(self) -> None:
        """A moment has passed."""


class Signals:
    """Notes the first signal that asks for the end; those that follow change nothing, the end is bounded anyway."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None

    @contextmanager
    def noted(self) -> Iterator[Signals]:
        """Inside, signals are noted.  Main thread only."""
        before = {number: signal.signal(number, self._note) for number in heeded(SIGNALS)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number)


class ResearchSession:
    """One runtime and one question.  `watch` hears each event in the reader's thread, at once, before all else.

    `spawned` is a process started ahead, for the runtime; one that has ended, as it does after waiting for ten
    seconds, is replaced.  The run is kept in
    `store`; one that is there already goes on: `past` is how it looked, `key`
    the id of the message that began it, which else has the run's name.  `kept_before` is said of a run that is stopped
    before it is kept.
    """

    def __init__(
        self,
        job: ResearchRequest,
        run_id: str,
        folder: RunFolder,
        screen: Screen,
        signals: Signals,
        watch: Callable[[Record], None] | None = None,
        spawned: Spawned | None = None,
        *,
        store: str,
        past: RunView | None = None,
        key: str | None = None,
        kept_before: str = NOTHING_STARTED,
    ) -> None:
        self._job, self._run_id, self._folder = job, run_id, folder
        self._screen, self._signals, self._watch = screen, signals, watch
        self._inbox: Queue[Record | Answer | None] = Queue(INBOX_MAX)
        self._view, self._first = past or RunView(), key
        self._is_kept = past is not None
        self._deaf, self._kept_before, self._store = False, kept_before, store
        self._runtime = Runtime(
            RESEARCH_TREE,
            preload=RESEARCH,
            listener=self._hear,
            spawned=spawned if spawned and spawned.process.poll() is None else None,
            store=store,
            run=run_id,
            title=job.question,
            quiet=True,
        )

    def run(self) -> FinishedRun:
        """Do it all.  Raises nothing of SCR's own: what went wrong is the answer.  Everything is stopped after it."""
        began, pid = time.monotonic(), None
        answer: Answer = RunFailure("it was not begun")
        try:
            if self._signals.received is None:
                self._runtime.first = None if self._first else self._question()
                self._runtime.start()
                pid = self._runtime.pid
                threading.Thread(target=self._ask, name="scr-asker", daemon=True).start()
            answer = self._follow()
        except ScrError as error:
            answer = self._unless_stopped(RunFailure(f"no runtime could be started: {error}"))
        finally:
            duration_s = time.monotonic() - began
            self._stop()
            self._folder.close(keep_index=isinstance(answer, RunFailure) and answer.resumable)
        return FinishedRun(
            run_id=self._run_id,
            answer=self._checked(answer),
            view=self._view,
            duration_s=duration_s,
            processes_left=len(processes_of(self._runtime.id, pid)),
            folder=self._folder,
        )

    def _checked(self, answer: Answer) -> Answer:
        """Correct an answer that calls the run resumable though its question never came into the store."""
        if not isinstance(answer, RunFailure) or not answer.resumable or self._is_kept or self._is_stored():
            return answer
        if answer.code is not ExitCode.INTERRUPTED:
            return replace(answer, resumable=False)
        self._folder.discard()
        return replace(answer, why=f"{answer.why}; {self._kept_before}", resumable=False)

    def _is_stored(self) -> bool:
        """Tell whether the store has the run: its runtime may have ended before it could say so."""
        try:
            with open_archive(self._store) as archive:
                return bool(archive.run(self._run_id))
        except ScrError:
            return False

    # In the threads beside.

    def _hear(self, record: Record) -> None:
        if self._watch:
            self._watch(record)
        self._put(record)

    def _ask(self) -> None:
        """The asker's thread."""
        try:
            self._runtime.wait_ready()
            self._put(read_answer(self._begun().result(RUN_S)))
        except RuntimeGone as error:
            why = f"the runtime is gone: {error}; what happened until then is in {self._folder.path}"
            self._put(RunFailure(why, resumable=True))
        except StoreError as error:
            self._put(RunFailure(str(error), resumable=True))
        except ScrError as error:
            self._put(RunFailure(f"{error}; see events.jsonl in {self._folder.path}"))

    def _begun(self) -> Submitted:
        """The message that began the run: of a new one, it came into the store with it."""
        return self._runtime.attach(self._first or self._run_id)

    def _question(self) -> Task:
        """The message that begins the run."""
        given = {
            "question": self._job.question,
            "docs": str(self._job.docs),
            "workers": self._job.workers,
            "index": str(self._folder.index),
        }
        envelope = origin(message_id=self._run_id, sender=CLIENT, to=PLANNER, at=time.time(), run_id=self._run_id)
        return Task(payload=TaskPayload(task_id=self._run_id, kind="research", input=given), **envelope)

    def _put(self, what: Record | Answer) -> None:
        """Wait for room, as long as somebody reads."""
        while not self._deaf:
            try:
                self._inbox.put(what, timeout=TICK_S)
            except Full:
                continue
            return

    # In the main thread.

    def _follow(self) -> Answer:
        """Tell what happens until there is an answer, or a signal."""
        while self._signals.received is None:
            answer = self._next()
            if answer is not None:
                return self._unless_stopped(answer)
        return self._unless_stopped(RunFailure("it was not begun"))

    def _unless_stopped(self, answer: Answer) -> Answer:
        """Replace a failure by the signal that came before it, which may have hit the runtime's process, too."""
        if self._signals.received is None or not isinstance(answer, RunFailure):
            return answer
        return RunFailure(f"stopped by {self._signals.received.name}", ExitCode.INTERRUPTED, resumable=True)

    def _next(self) -> Answer | None:
        try:
            fact = self._inbox.get(timeout=TICK_S)
        except Empty:
            fact = None
        if isinstance(fact, Record):
            self._tell(fact)
            fact = None
        if self._inbox.empty():
            self._screen.tick()
        return fact

    def _tell(self, record: Record) -> None:
        if isinstance(record.event, MessageAccepted) and record.event.message_id == self._run_id:
            self._is_kept = True
        before, self._view = self._view, self._view.after(record)
        self._folder.event(record)
        self._screen.show(before, self._view, record)

    def _stop(self) -> None:
        """Stop the runtime in a thread of its own, so that its last events are heard; bounded by the handle."""
        stopper = threading.Thread(target=self._stop_runtime, name="scr-stopper")
        stopper.start()
        try:
            while stopper.is_alive():
                self._next()
            while not self._inbox.empty():
                self._next()
        finally:
            self._deaf = True
            stopper.join(END_S)

    def _stop_runtime(self) -> None:
        """Stop it, and wake who waits for its events."""
        try:
            self._runtime.stop()
        finally:
            with suppress(Full):  # nobody waits at a full inbox
                self._inbox.put_nowait(None)


def read_answer(value: Any) -> Answer:
    """What the planner's reply means."""
    if isinstance(value, dict) and "error" in value:
        code = ExitCode.BAD_INPUT if value.get("error_type") in INPUT_ERRORS else ExitCode.FAILED
        return RunFailure(str(value["error"]), code)
    try:
        return ResearchOutcome.model_validate(value)
    except ValidationError as error:
        return RunFailure(f"the planner answered with something that is no outcome: {complaint('outcome', error)}")
