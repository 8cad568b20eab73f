"""A server on a real store, whose runs are worked on by nobody: the test says how each ends."""

import asyncio
import threading

import pytest

from scr.errors import (
    AgentGone,
    InvalidInput,
    LeaseLost,
    QueueFull,
    RunCancelled,
    RunFailed,
    RunOwned,
    RuntimeGone,
    StartFailed,
    StoreUnavailable,
)
from scr.protocol.server import CancelRun, Follow, ReadServer, Steer, Submit
from scr.server import active_runs, process
from scr.server.notices import Notice
from scr.server.outcomes import Aside, Elsewhere, Left, Troubled, WorkCancelled, WorkDone, WorkFailed, end_of
from scr.server.schedule import ServerBounds
from scr.server.server import Server
from scr.store.sql.lease import boot_time
from scr.store.sql.statements import Statement
from tests.unit.server.conftest import begin


class Puppet:
    """A `Hosted` without a runtime."""

    ends = {}

    def __init__(self, offer, _store):
        self.offer, self.since = offer, 0.0
        self.told = threading.Event()
        Puppet.ends[offer.run] = self

    def work(self):
        assert self.told.wait(20)
        return self.end

    def say(self, end):
        self.end = end
        self.told.set()

    def is_restarted(self):
        return False

    def leave(self):
        self.say(Left())

    def cancel(self):
        self.say(WorkCancelled())


@pytest.fixture(autouse=True)
def puppets(monkeypatch):
    monkeypatch.setattr(active_runs, "Hosted", Puppet)
    monkeypatch.setattr(Puppet, "ends", {})
    return Puppet.ends


class Served:
    """A server at work, in a test's own loop."""

    def __init__(self, url, trade, bounds):
        self.said, self.news = [], asyncio.Event()
        self.server = Server("s-test", url, {trade.kind: trade}, bounds, self.hear)

    def hear(self, happening):
        self.said.append(happening)
        self.news.set()

    async def __aenter__(self):
        await self.server.settle()
        self.task = asyncio.create_task(self.server.run())
        return self

    async def __aexit__(self, *_):
        self.server.stop()
        await asyncio.wait_for(self.task, 20)

    async def submit(self, asked="a question", priority="normal"):
        request = Submit(ref=1, kind="noted", input=asked, priority=priority, submitter="x")
        return await self.server.answer(request)

    async def status(self):
        return await self.server.answer(ReadServer(ref=1))

    async def follow(self, run, **fields):
        return await self.server.answer(Follow(ref=1, run=run, **fields))

    async def until(self, what, run=None):
        """Wait until this has happened."""
        async with asyncio.timeout(20):
            while not any(one.what == what and run in {None, one.run} for one in self.said):
                self.news.clear()
                await self.news.wait()

    def told(self, *what):
        return [(one.what, one.run) for one in self.said if not what or one.what in what]


@pytest.fixture
def serve(url, trade, archive):
    def start(agents=9, runs=9, queue=9):
        return Served(url, trade, ServerBounds(agents, runs, queue))

    return start


def test_a_run_is_started_and_finished_and_followed_to_its_end(serve, trade, puppets, worked):
    async def story():
        async with serve() as served:
            run = await served.submit()
            await served.until("started")
            assert (await served.follow(run))["state"] == "running"
            following = asyncio.create_task(served.follow(run, stands="running None", wait_s=20))
            worked(run, answer="so it is")
            assert [record["seq"] for record in (await following)["records"]] == [1]
            assert (await served.follow(run, since=1))["end"] is None, "it is not finished yet"
            puppets[run].say(WorkDone("so it is"))
            await served.until("done")
            followed = await served.follow(run, since=1, wait_s=20)
            assert (followed["end"], followed["output"]) == ("done", "so it is")
            assert trade.finished == [("so it is", 1)]

    asyncio.run(story())


def test_no_more_is_started_than_there_is_room_for_nor_while_paused(serve, puppets):
    async def story():
        async with serve(agents=5, runs=3) as served:
            await served.server.answer(Steer(ref=1, to="pause"))
            runs = [await served.submit(3, "low"), await served.submit(3), await served.submit(2)]
            for run, ahead in zip(runs, (2, 0, 1), strict=True):
                assert (await served.follow(run, stands="queued None", wait_s=20))["ahead"] == ahead
            assert [run["run"] for run in (await served.status())["runs"]] == [runs[1], runs[2], runs[0]]
            assert not puppets
            await served.server.answer(Steer(ref=1, to="unpause"))
            await served.until("started", runs[2])
            status = await served.status()
            assert (status["agents"], [run["state"] for run in status["runs"]]) == (5, ["running", "running", "queued"])
            assert (await served.follow(runs[0]))["ahead"] == 0

    asyncio.run(story())


def test_what_is_refused_leaves_nothing(serve, trade, archive):
    async def story():
        async with serve(agents=5, queue=2) as served:
            await served.server.answer(Steer(ref=1, to="pause"))
            await served.submit()
            await served.submit()
            with pytest.raises(QueueFull):
                await served.submit()
            with pytest.raises(InvalidInput, match="at most 5"):
                await served.submit(6)
            with pytest.raises(InvalidInput, match="nonsense"):
                await served.submit("nonsense")
            with pytest.raises(InvalidInput, match="it knows: noted"):
                await served.server.answer(Submit(ref=1, kind="odd", input=1, submitter="x"))
            await served.server.answer(Steer(ref=1, to="drain"))
            with pytest.raises(InvalidInput, match="draining"):
                await served.submit()
        assert trade.abandoned == ["run-2", "run-3"]
        assert len(archive.runs()) == 2

    asyncio.run(story())


@pytest.mark.parametrize(
    ("end", "what", "state"),
    [(Aside("it crashed too often"), "aside", "aside"), (WorkFailed("a dead letter"), "failed", None)],
)
def test_a_run_that_cannot_be_gone_on_with_is_not_tried_again_and_again(serve, puppets, archive, end, what, state):
    async def story():
        async with serve() as served:
            run = await served.submit()
            await served.until("started")
            if state is None:
                archive.fail(run, "a dead letter")
            puppets[run].say(end)
            await served.until(what)
            other = await served.submit()
            await served.until("started", other)
            assert served.told("started") == [("started", run), ("started", other)]
            assert state in {None, *(one["state"] for one in (await served.status())["runs"])}
            followed = await served.follow(run)
            assert (followed["end"], followed["why"]) == (what, end.why)

    asyncio.run(story())


def test_trouble_with_the_store_and_another_owner_are_waited_out(serve, puppets, monkeypatch):
    monkeypatch.setattr(active_runs, "AGAIN_S", 0.0)

    async def story():
        async with serve() as served:
            run = await served.submit()
            for end, what in ((Troubled("the disk is full"), "trouble"), (Elsewhere("it is owned"), "elsewhere")):
                await served.until("started", run)
                served.said.clear()
                puppets.pop(run).say(end)
                await served.until(what, run)
            await served.until("started", run)

    asyncio.run(story())


def test_a_run_that_another_server_holds_is_started_when_the_lease_of_that_one_ends(serve, archive, elsewhere):
    begin(archive, "a")
    elsewhere.hold("a", 0.3)
    ((_, until),) = archive._session.rows(Statement("SELECT owner, lease_until FROM runs"))

    async def story():
        async with serve() as served:
            await served.until("started", "a")
            assert boot_time() >= until
            assert served.told("started", "elsewhere") == [("started", "a")]

    asyncio.run(story())


def test_a_run_that_another_server_was_faster_to_take_is_not_started(serve, archive, elsewhere, puppets, monkeypatch):
    taken = active_runs.held

    def lose_the_race(store, run):
        if not elsewhere.run(run).epoch:
            elsewhere.hold(run, 1.0)
        return taken(store, run)

    monkeypatch.setattr(active_runs, "held", lose_the_race)

    async def story():
        async with serve() as served:
            run = await served.submit()
            await served.until("elsewhere", run)
            assert served.told("started") == []
            await served.until("started", run)

    asyncio.run(story())


def test_a_run_is_held_for_one_lease_and_longer_only_while_its_server_lives(serve, archive, puppets, monkeypatch):
    monkeypatch.setenv("SCR_LEASE_S", "0.5")
    holds, renewed, renew = Statement("SELECT owner, lease_until FROM runs"), threading.Event(), active_runs.renewed

    def noted(*given):
        is_held = renew(*given)
        renewed.set()
        return is_held

    monkeypatch.setattr(active_runs, "renewed", noted)

    async def story():
        async with serve() as served:
            await served.until("started", await served.submit())
            ((ticket, first),) = archive._session.rows(holds)
            assert first <= boot_time() + 0.5
            assert await asyncio.to_thread(renewed.wait, 20)
            ((owner, until),) = archive._session.rows(holds)
            assert owner == ticket
            assert until > first

    asyncio.run(story())


def test_a_stopped_run_that_a_server_holds_is_not_told_to_be_its_last_runtimes(archive, url, elsewhere, worked):
    begin(archive, "a")
    worked("a", stopped="its server was stopped")
    active_runs.held(url, "a")
    with pytest.raises(RunOwned, match=r"a server \(pid \d+\) is starting a runtime for the run 'a'") as refused:
        elsewhere.hold("a", 5.0)
    assert "pid" not in end_of(refused.value, is_leaving=False).why


def test_a_hold_that_a_runtime_has_taken_is_not_renewed(archive, url, worked):
    begin(archive, "a")
    ticket = active_runs.held(url, "a")
    assert active_runs.renewed(url, "a", ticket)
    worked("a", ticket=ticket, stopped="requested")
    assert not active_runs.renewed(url, "a", ticket)


@pytest.mark.parametrize("lease_s", ["0.1", "x", "-1", "nan"])
def test_a_setting_of_the_environment_that_does_not_fit_is_refused_before_anything_is_served(
    url, trade, monkeypatch, lease_s
):
    monkeypatch.setenv("SCR_LEASE_S", lease_s)
    said = []
    with pytest.raises(InvalidInput, match="SCR_LEASE_S"):
        process.main(url, {trade.kind: trade}, ServerBounds(9, 9, 9), said.append)
    assert said == []


def test_a_run_that_no_runtime_can_be_made_for_is_set_aside_and_the_server_goes_on(serve, puppets, monkeypatch):
    async def story():
        async with serve() as served:
            monkeypatch.setattr(active_runs, "Hosted", refuse)
            run = await served.submit()
            await served.until("aside", run)
            assert (await served.follow(run))["why"] == "its tree is no tree"
            monkeypatch.setattr(active_runs, "Hosted", Puppet)
            await served.until("started", await served.submit())

    def refuse(*_):
        raise InvalidInput("its tree is no tree")

    asyncio.run(story())


def test_people_read_nothing_of_a_race_for_a_run_that_another_server_has_won():
    assert Notice(what="elsewhere", time=0.0, run="r").is_quiet
    assert not Notice(what="elsewhere", time=0.0, run="r", detail="its lease ended").is_quiet


def test_a_run_is_held_for_its_runtime_alone(archive, url, elsewhere, worked):
    begin(archive, "a")
    ticket = active_runs.held(url, "a")
    with pytest.raises(RunOwned, match=r"a server \(pid \d+\) is starting a runtime for the run 'a'"):
        elsewhere.hold("a", 5.0)
    active_runs.let_go(url, "a", "another ticket")
    with pytest.raises(RunOwned):
        elsewhere.hold("a", 5.0)
    active_runs.let_go(url, "a", ticket)
    assert archive.run("a").state == "queued"
    elsewhere.hold("a", 60.0)
    with pytest.raises(RunOwned):
        worked("a")
    worked("a", ticket=str(elsewhere._me), stopped="requested")
    assert archive.run("a").state == "stopped"


def test_a_run_that_is_done_by_its_output_alone_has_failed_when_the_store_says_so(serve, puppets, trade, worked):
    async def story():
        async with serve() as served:
            run = await served.submit()
            await served.until("started")
            worked(run, failure="no documents")
            puppets[run].say(WorkDone("no documents"))
            await served.until("failed", run)
            assert trade.finished == [(None, 1)]

    asyncio.run(story())


def test_a_run_is_cancelled_before_it_is_begun_and_while_it_is_worked_on(serve, archive, trade):
    async def story():
        async with serve(runs=1) as served:
            running = await served.submit()
            await served.until("started")
            queued = await served.submit()
            assert await served.server.answer(CancelRun(ref=1, run=queued)) == "cancelled"
            assert await served.server.answer(CancelRun(ref=1, run=running)) == "cancelled"
            assert served.told("cancelled")[-1] == ("cancelled", running)
        assert {run.state for run in archive.runs()} == {"cancelled"}
        assert trade.finished == [(None, 0)]

    asyncio.run(story())


def test_a_server_that_drains_ends_when_what_is_under_way_is_done(serve, puppets, archive):
    async def story():
        async with serve(runs=1) as served:
            first = await served.submit()
            await served.until("started")
            second = await served.submit()
            await served.server.answer(Steer(ref=1, to="drain"))
            archive.cancel(first)
            puppets[first].say(WorkDone(None))
            await asyncio.wait_for(asyncio.shield(served.task), 20)
            assert served.told("started", "done", "ended")[1:] == [("done", first), ("ended", "")]
        assert archive.run(second).state == "queued"

    asyncio.run(story())


def test_what_is_under_way_is_left_in_order_when_the_server_is_stopped(serve):
    async def story():
        async with serve() as served:
            runs = [await served.submit() for _ in range(3)]
            await served.until("started", runs[-1])
        assert {run for _, run in served.told("left")} == set(runs)
        assert served.told()[-1] == ("ended", "")

    asyncio.run(story())


def test_what_a_killed_server_had_done_and_not_finished_is_finished_first(serve, trade, archive, worked):
    for run in ("over", "under-way"):
        begin(archive, run)
    worked("over", answer=7)
    trade.left_over = ["over", "removed", "under-way"]

    async def story():
        async with serve() as served:
            assert served.told()[0] == ("done", "over")
            await served.until("started", "under-way")

    asyncio.run(story())
    assert trade.finished == [(7, 1)]


@pytest.mark.parametrize(
    ("error", "is_leaving", "end"),
    [
        (RunCancelled("x"), False, WorkCancelled),
        (RunOwned("x"), False, Elsewhere),
        (LeaseLost("x"), True, Elsewhere),
        (RuntimeGone("x"), True, Left),
        (RuntimeGone("x"), False, Aside),
        (StoreUnavailable("x"), False, Troubled),
        (BlockingIOError("x"), False, Troubled),
        (StartFailed("x"), False, Aside),
        (AgentGone("x"), False, WorkFailed),
        (RunFailed("x"), False, Aside),
        (KeyError("x"), False, Aside),
    ],
)
def test_what_each_error_means_for_the_run(error, is_leaving, end):
    assert type(end_of(error, is_leaving=is_leaving)) is end


def test_a_happening_is_one_line():
    assert Notice(what="serving", time=0.0, detail="s-1").sentence() == "serving: s-1"
    said = Notice(what="failed", time=0.0, run="r", detail="first\n  second").sentence()
    assert said == "r failed: first second"
