"""The archive of a store: what it tells of runs, and what may be done to one that nobody works on."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scr.errors import InvalidInput, LeaseLost, RunCancelled, RunOwned, StoreUnavailable, UnknownRun
from scr.messages import CLIENT, Result, ResultPayload, origin
from scr.protocol.frames import Entry, StartRequest, StepRecord, Timer
from scr.protocol.status import Priority, RunState
from scr.store.archive.archive import open_archive
from scr.store.archive.fork import fork_run
from scr.store.archive.summaries import standing
from scr.store.archive.transfer import export_run, import_run
from scr.store.records import AskAnswer, DeadLetter, OpenAsk, effects_of
from scr.store.sql.address import database_of
from scr.store.sql.lease import this_process
from scr.store.sql.statements import Statement
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import Logged, Record
from tests.contract.store_harness import TREE, Bench, answer, failure, ids, spec, task, turn


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    return request.getfixturevalue("postgres").empty()


@pytest.fixture
def bench(url):
    bench = Bench(url)
    yield bench
    bench.close()


@pytest.fixture
def archive(bench):
    with open_archive(bench.url) as archive:
        yield archive


def answer_that_failed(message_id, reply):
    fields = origin(message_id=message_id, sender="b", to=CLIENT, at=2.5) | {"in_reply_to": reply}
    return Result(payload=ResultPayload(task_id=reply, output={"error": "no"}, failed=True), **fields)


def happened(seq):
    return Record(seq=seq, at=1.0, time=1.0, event=Logged(agent="b", text="so"))


class Other:
    """Another process, as the owner of a run: alive until it is killed."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        started = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()[19]
        self.owner = str(replace(this_process(), pid=self.process.pid, started=int(started)))

    def kill(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def other():
    other = Other()
    yield other
    other.kill()


def test_what_happened_in_a_run_is_read_in_pages(bench, archive):
    store = bench.store
    store.admit(spec("b"), "root", 1)
    for n in range(5):
        store.append(Record(seq=n + 1, at=1.0, time=2.0, cause=n, event=Logged(agent="b", text=f"line {n}")))
        bench.told(store.accept, task(f"m{n}", value=n))
    bench.told(store.record, "m0", StepRecord(name="fetch", value=[1]))
    frame = {
        "state": {"n": 1},
        "sends": (task("s0"), task("r1", reply="q0")),
        "monitors": ("c",),
        "starts": (StartRequest(supervisor="root", spec=spec("w")),),
        "entries": (Entry(key="k", value=1), Entry(key="k", value=2)),
        "timers": (Timer(message=task("t0"), due=5.0),),
        "ends": True,
    }
    bench.told(store.accept, task("q0", to="b"), ask=OpenAsk("q0", "c", "m1", "ask b", 9.0))
    reply = AskAnswer("r1", "q0", "m1", StepRecord(name="ask b", value="yes"))
    whole = turn("m0", "b", (reply,), **frame)
    bench.told(store.commit, whole)
    bench.told(store.commit, turn("m2", "b", state=[2]))
    store.gone("b")
    store.admit(spec("b"), "root", 2)
    store.crash(CrashRecord(agent="b", incarnation=1, pid=1, reason="error"))
    bench.settle()

    assert [record.event.text for record in archive.events("run", after=2, limit=2)] == ["line 2", "line 3"]
    assert [record.cause for record in archive.events("run")] == [0, 1, 2, 3, 4]
    listed = archive.messages("run", limit=3)
    assert [(one.message.message_id, one.outcome, one.seq, one.end_seq) for one in listed] == [
        ("m0", "turn", 1, 5),
        ("m1", None, 2, None),
        ("m2", "turn", 3, 5),
    ]
    assert [one.message.message_id for one in archive.messages("run", after=listed[-1].n)] == [
        *["m3", "m4", "q0", "s0", "r1", "t0"]
    ]
    assert [archive.message("run", name).outcome for name in ("r1", "t0")] == ["answer", None]
    assert archive.message("run", "t0").seq is None
    first, second = archive.turns("run")
    assert (first.message_id, first.agent, first.state, first.sends) == ("m0", "b", {"n": 1}, ("s0", "r1"))
    assert first.caused == {
        "monitors": ["c"],
        "effects": [effect.effect_id for effect in effects_of("b", whole.frame)],
        "entries": [1, 2],
        "timers": ["t0"],
        "answers": [["r1", "q0", "m1"]],
        "ends": True,
    }
    assert (second.state, second.sends, second.caused) == ([2], (), {})
    assert archive.turns("run", after=first.n) == (second,)
    lives = [(one.spec.id, one.incarnation, one.gone_seq, one.state) for one in archive.agents("run")]
    assert lives == [("b", 1, 5, [2]), ("b", 2, None, None)]
    assert archive.steps("run", "m0") == (StepRecord(name="fetch", value=[1]),)
    assert archive.entries("run") == (Entry(key="k", value=2, version=2),)
    assert [record.agent for record in archive.crashes("run", "b")] == ["b"]


@pytest.mark.parametrize(
    ("stored", "owned", "said", "stands"),
    [
        ("queued", False, None, "queued"),
        ("running", True, None, "running"),
        ("running", False, None, "interrupted"),
        ("running", True, "result", "done"),
        ("stopped", False, None, "stopped"),
        ("stopped", False, "result", "done"),
        ("stopped", False, "failure", "failed"),
        ("failed", False, None, "failed"),
        ("cancelled", False, "failure", "cancelled"),
    ],
)
def test_where_a_run_stands(stored, owned, said, stands):
    assert standing(RunState(stored), is_owned=owned, answer=said) is RunState(stands)


def test_a_run_is_running_stopped_interrupted_or_over(bench, archive, other):
    assert archive.run("run").state is RunState.RUNNING
    bench.told(bench.store.accept, task("run", sender=CLIENT))
    bench.store.close()
    assert archive.run("run").state is RunState.STOPPED
    bench.open(owner=other.owner).close(release=False)
    listed = archive.run("run")
    assert (listed.state, listed.is_owned, listed.runtime, listed.epoch) == (RunState.RUNNING, True, "runtime", 2)
    other.kill()
    assert archive.run("run").state is RunState.INTERRUPTED
    bench.store = bench.open()
    bench.told(bench.store.commit, turn("run", sends=(answer("r", "run"),)))
    assert archive.run("run").state is RunState.DONE
    assert archive.answer("run") == answer("r", "run")


def test_a_failure_is_an_answer_until_its_dead_letter_is_tried_again(bench, archive):
    bench.told(bench.store.accept, task("run", sender=CLIENT))
    bench.told(bench.store.bury, DeadLetter(task("run"), "quarantined", "", 3), failure("f", "run", to=CLIENT))
    bench.store.close()
    assert (archive.run("run").state, archive.answer("run").type) == (RunState.FAILED, "failure")
    assert archive.retry_dead("run", "run").message_id == "run"
    assert (archive.run("run").state, archive.answer("run"), archive.letters("run")) == (RunState.STOPPED, None, ())
    assert ids(bench.open().image) == ["run"]


@pytest.mark.parametrize(
    ("end", "stands"),
    [
        (answer("r", "run"), "done"),
        (answer_that_failed("r", "run"), "failed"),
        (failure("f", "run", to=CLIENT), "failed"),
        (answer("r", "another"), "running"),
    ],
)
def test_the_answer_to_its_first_message_says_in_one_commit_how_a_run_ended(bench, archive, end, stands):
    bench.told(bench.store.accept, task("run", sender=CLIENT))
    bench.told(bench.store.commit, turn("run", sends=(end,)))
    session = database_of(bench.url).connect()
    ((state, owner),) = session.rows(Statement("SELECT state, owner FROM runs WHERE run = 'run'"))
    session.close()
    assert (state, bool(owner)) == (stands, True)
    assert archive.run("run").state == stands
    bench.store.close()
    bench.open().close()
    assert archive.run("run").state == ("stopped" if stands == "running" else stands), "whoever opens it again"


def test_a_run_whose_first_message_was_handled_without_an_answer_has_failed(bench, archive):
    bench.told(bench.store.accept, task("run", sender=CLIENT))
    bench.told(bench.store.commit, replace(turn("run"), failure=failure("f", "run", CLIENT)))
    assert archive.run("run").state == RunState.FAILED


def test_a_fork_and_an_import_stand_where_their_answers_say(bench, archive, tmp_path):
    bench.told(bench.store.accept, task("run", sender=CLIENT))
    bench.store.append(happened(1))
    bench.store.append(happened(2))
    bench.told(bench.store.commit, turn("run", sends=(answer("r", "run"),)))
    database = database_of(bench.url)
    for seq, state in ((1, "stopped"), (2, "done")):
        fork_run(database, "run", seq, f"fork-{seq}", created=1.0)
        export_run(database, f"fork-{seq}", tmp_path / f"{seq}.jsonl", at=1.0)
        import_run(database, tmp_path / f"{seq}.jsonl", name=f"copy-{seq}")
        assert (archive.run(f"fork-{seq}").state, archive.run(f"copy-{seq}").state) == (state, state)


def test_runs_wait_in_order_of_priority_then_of_age(bench, archive):
    for run, priority in [("a", "low"), ("b", "normal"), ("c", "high"), ("d", "normal")]:
        archive.create(run, TREE, task(run), title=f"title {run}", priority=Priority(priority))
    assert [listed.run for listed in archive.queued()] == ["c", "b", "d", "a"]
    assert [listed.run for listed in archive.queued(2)] == ["c", "b"]
    assert [listed.run for listed in archive.runs()] == ["run", "a", "b", "c", "d"]
    assert [listed.run for listed in archive.runs(2)] == ["c", "d"]
    taken = Bench(bench.url, "c")
    assert (ids(taken.store.image), taken.store.image.resumed) == (["c"], False)
    assert [listed.run for listed in archive.queued()] == ["b", "d", "a"]
    taken.close()
    with pytest.raises(InvalidInput, match="there is a run 'a' already"):
        archive.create("a", TREE)


def test_a_damaged_run_hides_no_other(bench, archive):
    for run in "abcd":
        archive.create(run, TREE, task(run))
    session = database_of(bench.url).connect()
    session.change(Statement("UPDATE runs SET title = 'other' WHERE run = :run"), run="b")
    session.close()
    assert [listed.run for listed in archive.runs()] == ["run", "a", "c", "d"]
    assert [listed.run for listed in archive.queued()] == ["a", "c", "d"]
    (damaged,) = archive.damaged()
    assert "run 'b' in the store is not what was written" in str(damaged)
    assert archive.damaged(2) == ()


def test_what_is_cancelled_is_begun_by_nobody(bench, archive):
    archive.create("a", TREE, task("a"))
    assert archive.cancel("a").state is RunState.CANCELLED
    assert archive.cancel("a").state is RunState.CANCELLED
    assert archive.queued() == ()
    with pytest.raises(RunCancelled, match="'a' was cancelled"):
        Bench(bench.url, "a")


def test_a_run_that_is_over_is_not_cancelled(bench, archive):
    bench.told(bench.store.accept, task("run", sender=CLIENT))
    bench.told(bench.store.commit, turn("run", sends=(answer("r", "run"),)))
    bench.store.close()
    assert archive.cancel("run").state is RunState.DONE


def test_a_run_that_failed_says_why_until_it_is_resumed(bench, archive):
    bench.store.close()
    listed = archive.fail("run", "its agents do not fit their \0 state")
    assert (listed.state, listed.reason) == (
        RunState.FAILED,
        "its agents do not fit their \N{REPLACEMENT CHARACTER} state",
    )
    bench.store = bench.open()
    assert (archive.run("run").state, archive.run("run").reason) == (RunState.RUNNING, "")


@pytest.mark.parametrize("which", ["pay", "m0"])
@pytest.mark.parametrize("is_done", [True, False])
def test_a_step_in_doubt_is_resolved_by_a_person(bench, archive, which, is_done):
    marked = f"pay~{'0' * 12}"
    for message_id, name in (("m0", marked), ("m1", "pay1")):
        bench.told(bench.store.accept, task(message_id))
        bench.told(bench.store.record, message_id, StepRecord(name=name, state="begun", digest="0" * 64))
        bench.store.park(message_id, name, f"{name} had begun \0")
    bench.store.close()
    assert [(doubt.message.message_id, doubt.step, doubt.detail[:-2]) for doubt in archive.doubts("run")] == [
        ("m0", marked, f"{marked} had begun"),
        ("m1", "pay1", "pay1 had begun"),
    ]
    with pytest.raises(InvalidInput, match="no step in doubt for 'other'"):
        archive.resolve("run", "other", is_done=True)
    archive.resolve("run", which, is_done=is_done, value={"receipt": 1})
    assert [doubt.step for doubt in archive.doubts("run")] == ["pay1"]
    kept = bench.open().image.mail[0]
    assert kept.parked == ""
    done = StepRecord(name=marked, value={"receipt": 1}, digest="0" * 64)
    assert kept.steps == ((done,) if is_done else ())


def test_nothing_is_done_to_a_run_that_somebody_works_on(bench, archive, other):
    bench.told(bench.store.accept, task("m0"))
    bench.told(bench.store.bury, DeadLetter(task("m0"), "quarantined", "", 3), None)
    for _ in range(2):
        for act in (archive.cancel, lambda run: archive.retry_dead(run, "m0"), lambda run: archive.fail(run, "x")):
            with pytest.raises(RunOwned, match="'runtime'"):
                act("run")
        bench.store.close()
        bench.open(owner=other.owner).close(release=False)
    assert bench.lost == []
    other.kill()
    assert archive.retry_dead("run", "m0").message_id == "m0"


def test_an_act_that_fails_leaves_the_run_as_it_was(bench, archive):
    bench.store.close()
    before = archive.run("run")
    with pytest.raises(InvalidInput, match="no dead letter 'm9'"):
        archive.retry_dead("run", "m9")
    assert archive.run("run") == before


def test_an_owner_whose_run_was_taken_writes_nothing_more(bench, archive):
    bench.told(bench.store.accept, task("m0"))
    taken = bench.open()
    for n in range(3):
        bench.store.commit(turn("m0", sends=(task(f"late{n}"),)), lambda: pytest.fail("it is another's"))
    bench.pump(lambda: bench.lost)
    assert isinstance(bench.lost[0], LeaseLost)
    assert [one.message.message_id for one in archive.messages("run")] == ["m0"]
    bench.told(taken.accept, task("m1"))
    assert [one.message.message_id for one in archive.messages("run")] == ["m0", "m1"]


def test_a_run_of_a_live_process_is_not_taken_and_of_a_dead_one_at_once(bench, other):
    bench.store.close()
    bench.open(owner=other.owner, lease_s=3600).close(release=False)
    with pytest.raises(RunOwned, match="end it with"):
        bench.open()
    other.kill()
    assert bench.open().image.epoch == 3


def test_a_paused_owner_loses_its_run_when_its_lease_has_run_out(bench, other):
    bench.store.close()
    bench.open(owner=other.owner, lease_s=0.15).close(release=False)
    heard = []
    while not heard:
        try:
            heard.append(bench.open())
        except RunOwned:
            continue
    assert heard[0].image.epoch == 3


def test_what_there_is_not_is_told(bench, archive):
    for question in (archive.run, archive.events, archive.agents, archive.doubts, archive.cancel, archive.answer):
        with pytest.raises(UnknownRun, match=r"no run 'none' in (sqlite|postgresql)"):
            question("none")
    with pytest.raises(InvalidInput, match="no message 'm9'"):
        archive.message("run", "m9")


def test_an_archive_can_be_closed_and_opened_while_a_runtime_writes(bench):
    for n in range(20):
        bench.store.accept(task(f"m{n}"))
        with open_archive(bench.url) as archive:
            assert len(archive.messages("run")) <= n + 1
    bench.settle()
    with open_archive(bench.url) as archive:
        assert len(archive.messages("run")) == 20
    assert bench.changed == []


def test_an_archive_of_memory_or_of_nothing_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="runtime's alone"):
        open_archive("memory:")
    with pytest.raises(StoreUnavailable, match="there is no store"):
        open_archive(f"sqlite:///{tmp_path}/none.db")
    assert os.listdir(tmp_path) == []
