"""The end of a session: whoever stops the runtime wakes who waits, and is held up by nobody."""

import json
import signal
import threading
from queue import Queue
from unittest.mock import Mock

import pytest

from scr.apps.research.running.interrupts import SIGNALS, STOPPING
from scr.apps.research.running.request import ResearchRequest
from scr.apps.research.running.run_folder import RunFolder
from scr.apps.research.running.session import ResearchSession, RunFailure, Signals
from scr.cli.commands import run as research
from scr.cli.terminal.plain import Silence
from scr.errors import RuntimeGone
from scr.exit_codes import ExitCode
from scr.launch.kernel.signals import heeded
from scr.telemetry.events import MessageAccepted
from scr.views.run import RunView


class Stopped:
    def stop(self):
        """It is over at once."""


@pytest.mark.parametrize("waiting", [0, 1], ids=["somebody waits at the inbox", "the inbox is full and nobody reads"])
def test_the_stopper_ends(waiting):
    session = ResearchSession.__new__(ResearchSession)
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
    folder, job = RunFolder(tmp_path / "run"), ResearchRequest("Why?", tmp_path, 1)

    def make(*, spawned=None, **how):
        return ResearchSession(job, "run", folder, Silence(), Signals(), None, spawned, store="memory:", **how)

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
    assert ended.answer == RunFailure("stopped by SIGINT; nothing had been started", ExitCode.INTERRUPTED)
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_in_the_store_is_kept_when_it_is_stopped(session, record, tmp_path):
    stopped = session()
    stopped._signals.received = signal.SIGINT
    stopped._tell(record(MessageAccepted(message_id="run", type="task", sender="client", to="planner")))
    assert stopped.run().answer == RunFailure("stopped by SIGINT", ExitCode.INTERRUPTED, resumable=True)
    assert (tmp_path / "run" / "events.jsonl").exists()


def test_a_run_that_is_resumed_is_kept_from_its_first_moment(session):
    stopped = session(past=RunView())
    stopped._signals.received = signal.SIGTERM
    assert stopped.run().answer == RunFailure("stopped by SIGTERM", ExitCode.INTERRUPTED, resumable=True)


def test_nohup_holds(monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN if number is signal.SIGHUP else None)
    assert heeded(SIGNALS) == (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_start_that_fails_because_the_signal_hit_the_runtime_too_is_an_interrupt(session, monkeypatch, is_stopped):
    stopped = session()

    def start():
        stopped._signals.received = signal.SIGINT if is_stopped else None
        raise RuntimeGone("the other end is gone: Broken pipe")

    monkeypatch.setattr(stopped._runtime, "start", start)
    interrupted = RunFailure("stopped by SIGINT; nothing had been started", ExitCode.INTERRUPTED)
    failed = RunFailure("no runtime could be started: the other end is gone: Broken pipe")
    assert stopped.run().answer == (interrupted if is_stopped else failed)


def test_an_end_of_the_runtime_that_the_signal_brought_is_an_interrupt(session):
    stopped = session(past=RunView())

    def gone():
        stopped._signals.received = signal.SIGINT
        return RunFailure("the runtime is gone", resumable=True)

    stopped._next = gone
    assert stopped._follow() == RunFailure("stopped by SIGINT", ExitCode.INTERRUPTED, resumable=True)


@pytest.fixture
def crash_test(ended, monkeypatch):
    """A crash test whose second part ends with this answer."""
    monkeypatch.setattr(STOPPING, "kept", "nothing had been started")

    def made(answer, *, as_json=False):
        parts = iter([ended(), ended(answer)])

        def session(*_, **given):
            made.given = given
            return next(parts)

        monkeypatch.setattr(research, "_session", session)
        return research._crash_test(2, "memory:", as_json=as_json, spawned=None)

    return made


def test_a_crash_test_that_is_interrupted_gives_no_verdict_and_says_which_runs_are_kept(crash_test, capsys):
    assert crash_test(RunFailure("stopped by SIGINT", ExitCode.INTERRUPTED, resumable=True)) is ExitCode.INTERRUPTED
    said = capsys.readouterr()
    assert said.out == ""
    assert "scr: the run is kept: scr resume run-1\n" in said.err
    assert said.err.endswith("scr: the run of the first part is kept: scr resume run-0\n")


def test_a_crash_test_whose_second_part_had_not_begun_names_the_first(crash_test, session, capsys):
    first = "the run of the first part is kept: scr resume run-0"
    stopped = session(kept_before=first)
    stopped._signals.received = signal.SIGINT
    answer = stopped.run().answer
    assert answer == RunFailure(f"stopped by SIGINT; {first}", ExitCode.INTERRUPTED)
    assert crash_test(answer, as_json=True) is ExitCode.INTERRUPTED
    assert json.loads(capsys.readouterr().out)["status"] == "interrupted"
    assert crash_test.given["kept_before"] == STOPPING.kept == first
