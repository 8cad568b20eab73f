"""The end of a session: whoever stops the runtime wakes who waits, and is held up by nobody."""

import signal
import threading
from queue import Queue
from unittest.mock import Mock

import pytest

from scr.cli.codes import Code
from scr.cli.folder import RunFolder
from scr.cli.job import Job
from scr.cli.plain import Silence
from scr.cli.session import Failed, Session, Signals
from scr.cli.stopping import SIGNALS
from scr.cli.view import RunView
from scr.launch.signals import heeded
from scr.telemetry.events import MessageAccepted


class Stopped:
    def stop(self):
        """It is over at once."""


@pytest.mark.parametrize("waiting", [0, 1], ids=["somebody waits at the inbox", "the inbox is full and nobody reads"])
def test_the_stopper_ends(waiting):
    session = Session.__new__(Session)
    session._runtime, session._inbox = Stopped(), Queue(1)
    for n in range(waiting):
        session._inbox.put(n)
    stopper = threading.Thread(target=session._stop_runtime, daemon=True)
    stopper.start()
    stopper.join(10)
    assert not stopper.is_alive()
    assert session._inbox.get_nowait() == (0 if waiting else None)


@pytest.fixture
def session(tmp_path):
    """A session that has not begun; its folder is of its own making."""

    (tmp_path / "run").mkdir()
    folder, job = RunFolder(tmp_path / "run"), Job("Why?", tmp_path, 1)

    def make(*, spawned=None, past=None):
        return Session(job, "run", folder, Silence(), Signals(), None, spawned, store="memory:", past=past)

    yield make
    folder.close()


@pytest.mark.parametrize("has_ended", [True, False])
def test_a_process_that_was_started_ahead_and_has_ended_is_not_used(session, has_ended):
    spawned = Mock()
    spawned.process.poll.return_value = 1 if has_ended else None
    assert (session(spawned=spawned)._runtime._spawned is None) is has_ended


def test_a_run_that_is_stopped_before_its_question_is_in_the_store_leaves_nothing(session, tmp_path):
    stopped = session()
    stopped._signals.received = signal.SIGINT
    ended = stopped.run()
    assert ended.answer == Failed("stopped by SIGINT; nothing had been started", Code.INTERRUPTED)
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_in_the_store_is_kept_when_it_is_stopped(session, record, tmp_path):
    stopped = session()
    stopped._signals.received = signal.SIGINT
    stopped._tell(record(MessageAccepted(message_id="run", type="task", sender="client", to="planner")))
    assert stopped.run().answer == Failed("stopped by SIGINT", Code.INTERRUPTED, resumable=True)
    assert (tmp_path / "run" / "events.jsonl").exists()


def test_a_run_that_is_resumed_is_kept_from_its_first_moment(session):
    stopped = session(past=RunView())
    stopped._signals.received = signal.SIGTERM
    assert stopped.run().answer == Failed("stopped by SIGTERM", Code.INTERRUPTED, resumable=True)


def test_nohup_holds(monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN if number is signal.SIGHUP else None)
    assert heeded(SIGNALS) == (signal.SIGINT, signal.SIGTERM)
