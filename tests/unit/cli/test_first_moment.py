"""A question is with its run from the first moment."""

from pathlib import Path

from scr.apps.research.running.request import ResearchRequest
from scr.apps.research.running.run_folder import RunFolder
from scr.apps.research.running.session import ResearchSession, Signals
from scr.cli.terminal.plain import Silence


def session_of(path, **how):
    folder = RunFolder(path)
    folder.close()
    job = ResearchRequest("Why?", Path("docs"), 3)
    return ResearchSession(
        job, "nightly", folder, Silence(), Signals(), None, None, store=f"sqlite:///{path}/x.db", **how
    )


def test_the_question_is_told_to_the_runtime_with_the_run(tmp_path, monkeypatch):
    heard = []
    session = session_of(tmp_path)
    monkeypatch.setattr(session._runtime, "start", lambda: heard.append(session._runtime.first))
    monkeypatch.setattr(session, "_ask", lambda: session._put(None))
    monkeypatch.setattr(session, "_follow", lambda: None)
    session.run()
    (first,) = heard
    assert (first.message_id, first.to, first.payload.kind) == ("nightly", "planner", "research")
    assert first.payload.input["question"] == "Why?"


def test_a_run_that_goes_on_has_its_question_already(tmp_path, monkeypatch):
    heard = []
    session = session_of(tmp_path, key="nightly")
    monkeypatch.setattr(session._runtime, "start", lambda: heard.append(session._runtime.first))
    monkeypatch.setattr(session, "_ask", lambda: None)
    monkeypatch.setattr(session, "_follow", lambda: None)
    session.run()
    assert heard == [None]
