"""What a server finds in a store."""

from math import inf

import pytest

from scr.errors import QueueFull, UnknownRun
from scr.protocol.status import Priority, RunState
from scr.server import run_queries
from scr.server.outcomes import Aside, WorkCancelled, WorkDone, WorkFailed
from scr.server.run_queries import LEFT, New, Survey
from scr.server.schedule import ServerBounds
from scr.store.archive.gc import sweep
from scr.store.archive.transfer import export_run, import_run
from scr.store.sql.address import database_of
from scr.telemetry.events import Logged
from tests.unit.server.conftest import begin

ROOMY = ServerBounds(agents=9, runs=9, queue=9)


def names(offers):
    return [offer.run for offer in offers]


@pytest.mark.parametrize(
    ("reason", "goes_on"),
    [
        (LEFT, True),
        ("its owner is gone", True),
        ("SIGTERM", True),
        ("requested", False),
        ("scr stop", False),
        ("the supervisor root gave up", False),
    ],
)
def test_a_run_that_was_stopped_goes_on_unless_a_person_or_its_own_fault_stopped_it(
    archive, trade, worked, reason, goes_on
):
    begin(archive, "a")
    worked("a", stopped=reason)
    assert archive.run("a").state is RunState.STOPPED
    found = Survey({"noted": trade}).look(archive)
    assert [(offer.run, offer.begun) for offer in found] == ([("a", True)] if goes_on else [])


def test_what_a_stopped_runtime_was_keeping_just_then_does_not_hide_why_it_was_stopped(archive, trade, worked):
    begin(archive, "a")
    worked("a", stopped=LEFT, after=[Logged(agent="b", text="late")] * 3)
    assert names(Survey({"noted": trade}).look(archive)) == ["a"]
    worked("a", stopped="requested", after=[Logged(agent="b", text="late")])
    assert names(Survey({"noted": trade}).look(archive)) == []


def test_an_imported_run_waits_for_a_person_wherever_it_was_stopped(archive, trade, worked, url, tmp_path):
    begin(archive, "a")
    worked("a", stopped=LEFT)
    export_run(database_of(url), "a", tmp_path / "a.scr", at=1.0)
    sweep(url, now=1e9, names=["a"])
    import_run(database_of(url), tmp_path / "a.scr")
    assert archive.run("a").state is RunState.STOPPED
    assert names(Survey({"noted": trade}).look(archive)) == []


def test_a_survey_finds_what_waits_and_only_what_its_trades_know(archive, trade, worked):
    for run, kind in (("a", "noted"), ("b", "unknown"), ("c", "noted"), ("d", "noted")):
        begin(archive, run, kind)
    archive.create("own", trade.tree)
    worked("c", answer=1)
    archive.cancel("d")
    watched = Survey({"noted": trade})
    assert names(watched.look(archive)) == ["a"]
    begin(archive, "e")
    assert names(watched.look(archive)) == ["a", "e"]
    worked("a", answer=2)
    assert names(watched.look(archive)) == ["e"]


def test_a_look_reads_what_is_over_no_more_than_once_however_many_there_are(archive, trade, worked, monkeypatch):
    for run in ("a", "b", "c"):
        begin(archive, run)
        worked(run, answer=1)
    begin(archive, "d")
    watched = Survey({"noted": trade})
    assert names(watched.look(archive)) == ["d"]
    asked = []
    rows = archive._session.rows
    monkeypatch.setattr(archive._session, "rows", lambda *given, **values: asked.append(1) or rows(*given, **values))
    assert names(watched.look(archive)) == ["d"]
    assert len(asked) == 1


def test_a_survey_knows_when_the_next_lease_ends(archive, trade, elsewhere):
    watched = Survey({"noted": trade})
    begin(archive, "a")
    begin(archive, "b")
    watched.look(archive)
    assert watched.next_s == inf
    elsewhere.hold("a", 60.0)
    assert names(watched.look(archive)) == ["b"]
    assert 50 < watched.next_s <= 60
    elsewhere.hold("b", 0.0)
    assert names(watched.look(archive)) == ["b"], "its lease is over"


def test_a_run_whose_answer_says_that_it_failed_has_failed(archive, trade, worked):
    begin(archive, "a")
    worked("a", failure={"error": "no documents"})
    assert archive.run("a").state is RunState.FAILED
    assert archive.run("a").reason == "no documents"
    seen = run_queries.glance({"noted": trade}, "a", 1, archive)
    assert run_queries.end_seen(seen, "") == WorkFailed("{'error': 'no documents'}")
    assert run_queries.over({"noted": trade}, "a", archive)[1] == WorkFailed("{'error': 'no documents'}")


def test_a_run_is_kept_with_its_first_message_while_there_is_room(archive, trade):
    bounds = ServerBounds(agents=9, runs=9, queue=2)
    for n in range(2):
        kept = run_queries.enqueue(New(f"r{n}", trade, Priority.LOW, "title"), {"agents": 1}, bounds, archive)
        assert (kept.run, kept.agents, kept.begun) == (f"r{n}", 1, False)
    with pytest.raises(QueueFull):
        run_queries.enqueue(New("r2", trade, Priority.HIGH, "title"), {"agents": 1}, bounds, archive)
    (first, _) = archive.queued()
    assert (first.run, first.priority, first.title) == ("r0", Priority.LOW, "title")
    message = archive.message("r0", "r0").message
    assert (message.to, message.payload.kind, message.payload.input) == ("agent", "noted", {"agents": 1})
    with pytest.raises(UnknownRun):
        archive.run("r2")


def test_a_glance_tells_the_events_and_then_the_end(archive, trade, worked):
    trades = {"noted": trade}
    begin(archive, "run-1")
    assert run_queries.end_seen(run_queries.glance(trades, "run-1", 0, archive), "") is None
    assert run_queries.end_seen(run_queries.glance(trades, "run-1", 0, archive), "too bad") == Aside("too bad")
    worked("run-1", answer={"n": 5})
    seen = run_queries.glance(trades, "run", 0, archive)
    assert (seen.run.run, [record.seq for record in seen.records], seen.answer) == ("run-1", [1], None)
    assert run_queries.end_seen(run_queries.glance(trades, "run-1", 1, archive), "") == WorkDone({"n": 5})
    begin(archive, "run-2")
    archive.cancel("run-2")
    assert run_queries.end_seen(run_queries.glance(trades, "run-2", 0, archive), "") == WorkCancelled()
    begin(archive, "run-3")
    worked("run-3", stopped="scr stop")
    assert "scr resume run-3" in run_queries.end_seen(run_queries.glance(trades, "run-3", 1, archive), "").why
    for unknown in ("run", "walk"):
        with pytest.raises(UnknownRun):
            run_queries.glance(trades, unknown, 0, archive)


def test_all_events_are_read_in_pages(archive, worked, monkeypatch):
    monkeypatch.setattr(run_queries, "PAGE", 2)
    begin(archive, "a")
    for _ in range(5):
        worked("a", stopped=LEFT)
    assert [record.seq for record in run_queries.records(archive, "a")] == [1, 2, 3, 4, 5]
