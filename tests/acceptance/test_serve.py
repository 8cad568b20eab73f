"""A server, its runtimes and its clients, as processes: what is submitted is done, whatever is killed."""

import json
import os
import re
import signal
import tempfile
from pathlib import Path

import pytest

from scr.client.server import connect
from tests.conftest import until

QUESTION = "How are crashed agents restarted?"
DOCUMENT = """# Engine {n} recovery

Engine {n} restarts a crashed agent after {n} seconds. The supervisor of engine {n} keeps a log of every restart.
A crashed agent of engine {n} loses no message, because its mailbox lives in the supervisor.
"""


class Serving:
    """A server that was started, and what it says."""

    def __init__(self, process):
        self.process, self.said = process, []

    def until(self, *what, run=None):
        """Read on until one of these has happened, to this run; returns the run.  What has happened to it counts."""
        if run in self.runs(*what):
            return run
        for line in self.process.stdout:
            happening = json.loads(line)
            self.said.append(happening)
            if happening["what"] in what and run in {None, happening["run"]}:
                return happening["run"]
        pytest.fail(f"it ended without {what!r}: {self.said} {self.process.stderr.read()}")

    def runs(self, *what):
        return [happening["run"] for happening in self.said if happening["what"] in what]

    def runtimes(self):
        """The pids of its runtimes."""
        found = []
        for path in Path("/proc").iterdir():
            if path.name.isdigit():
                try:
                    parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                    if parent == self.process.pid and b"scr: runtime" in (path / "cmdline").read_bytes():
                        found.append(int(path.name))
                except OSError:
                    continue
        return found

    def end(self, number=signal.SIGTERM):
        """End it, and hear the rest."""
        self.process.send_signal(number)
        rest, err = self.process.communicate(timeout=20)
        self.said += [json.loads(line) for line in rest.splitlines()]
        assert "Traceback" not in err
        return self.process.returncode


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory with six documents; nobody else's servers are seen."""
    for n in range(1, 7):
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "docs" / f"{n}.md").write_text(DOCUMENT.format(n=n))
    with tempfile.TemporaryDirectory(prefix="scr-t-") as short:
        monkeypatch.setenv("TMPDIR", short)
        monkeypatch.setattr(tempfile, "tempdir", short)
        yield tmp_path


@pytest.fixture
def serve(command, here):
    """Starts servers; none outlives the test."""
    started = []

    def start(*arguments):
        serving = Serving(command("serve", "--json", *arguments))
        started.append(serving)
        serving.until("serving")
        return serving

    yield start
    for serving in started:
        serving.process.kill()
        serving.process.communicate()


@pytest.fixture
def submit(here):
    """Hands runs over as a program does."""

    def hand_over(question=QUESTION, docs=None, priority="normal", server=None):
        asked = {"question": question, "docs": str(docs or here / "docs"), "workers": 2}
        with connect(server) as client:
            return client.submit(kind="research", input=asked, priority=priority, submitter="a test")

    return hand_over


def steer(to):
    with connect() as client:
        return client.steer(to)


def body(report):
    """A report without what tells one run from another."""
    return re.sub(r"(?m)^(restarts|duration_s): .*$", "", report)


def test_runs_wait_their_turn_and_a_full_queue_says_so(scr, command, here, serve, submit):
    serving = serve("--runs", "1", "--queue", "3")
    assert scr("queue", "pause", "--json").json["state"] == "paused"
    low, normal = submit(priority="low"), submit()
    high = scr("submit", QUESTION, "--docs", "docs", "--priority", "high", "--as", "a person").out.strip()
    full = scr("submit", QUESTION, "--docs", "docs", "--json")
    assert (full.code, full.json["status"]) == (5, "failed")
    assert "3 runs are waiting" in full.err
    assert len(list((here / ".scr" / "runs").iterdir())) == 3, "of what was refused nothing is left"
    shown = scr("queue").out
    assert [line.split()[0] for line in shown.splitlines()[4:]] == [high, normal, low]
    assert "paused" in shown
    assert "a person" in shown
    attached = command("attach", low)
    try:
        assert attached.stderr.readline() == f"scr: {low} is queued, 2 before it\n"
        attached.send_signal(signal.SIGINT)
        _, err = attached.communicate(timeout=20)
    finally:
        attached.kill()
    assert (attached.returncode, err) == (130, f"scr: detached; the run goes on: scr attach {low}\n")
    steer("unpause")
    serving.until("done", run=low)
    assert serving.runs("started") == serving.runs("done") == [high, normal, low]
    for run in (low, normal, high):
        left = {path.name for path in (here / ".scr" / "runs" / run).iterdir()}
        assert left == {"report.md", "claims.jsonl", "sources.jsonl", "plan.json", "events.jsonl"}
    shown = scr("attach", high[:-2])
    assert shown.code == 0
    assert (here / ".scr" / "runs" / high / "report.md").read_text() in shown.out
    assert "worker-1 finished" in shown.err
    scr("queue", "drain")
    assert serving.process.wait(timeout=20) == 0


def test_a_runtime_that_is_killed_harms_no_other_run_and_its_own_has_the_same_report(scr, here, serve, submit):
    serving = serve("--runs", "2")
    corpus = Path(__file__).parents[2] / "scr" / "apps" / "research" / "corpus"
    question = "How do agent runtimes recover from crashes?"
    disturbed = submit(question=question, docs=corpus)
    with connect() as client:
        since, stands = 0, ""
        while True:
            found = client.follow(disturbed, since, stands, 10.0)
            assert found.end is None, "it is over too soon"
            stands, since = found.stands, found.records[-1].seq if found.records else since
            if any(record.event.kind == "step_recorded" and "worker" in record.event.agent for record in found.records):
                break
    (runtime,) = serving.runtimes()
    os.kill(runtime, signal.SIGKILL)
    undisturbed = submit(question=question, docs=corpus)
    assert scr("attach", disturbed, "--json").code == 0
    for run in (disturbed, undisturbed):
        serving.until("done", run=run)
    assert serving.runs("restarted") == [disturbed]
    assert {*serving.runs("done"), *serving.runs("failed")} == {disturbed, undisturbed}
    reports = [(here / ".scr" / "runs" / run / "report.md").read_text() for run in (disturbed, undisturbed)]
    assert body(reports[0]) == body(reports[1])
    assert "restarts: 0" in reports[1]
    assert "restarts: 0" not in reports[0]


def test_a_server_that_is_killed_or_stopped_leaves_its_runs_to_the_next(here, serve, submit):
    first = serve("--runs", "1")
    steer("pause")
    runs = [submit() for _ in range(2)]
    steer("unpause")
    with connect() as client:
        while not client.follow(runs[0], 0, "running None", 10.0).records:
            pass
    first.end(signal.SIGKILL)
    second = serve("--runs", "1")
    second.until("started", "resumed")
    assert second.end(signal.SIGTERM) == 0
    assert second.said[-1]["what"] == "ended"
    third = serve("--runs", "2")
    while len({*first.runs("done"), *second.runs("done"), *third.runs("done")}) < 2:
        third.until("done")
    reports = {body((here / ".scr" / "runs" / run / "report.md").read_text()) for run in runs}
    assert len(reports) == 1
    assert "3 claims" in third.said[-1]["detail"]


def test_two_servers_on_one_store_do_each_run_once(scr, here, serve, submit):
    servers = [serve("--runs", "1"), serve("--runs", "1")]
    names = [re.match(r"s-\w+", serving.said[-1]["detail"])[0] for serving in servers]
    lost = scr("submit", QUESTION, "--docs", "docs")
    assert lost.code == 2
    assert "choose one with --server" in lost.err
    runs = [submit(server=names[0]) for _ in range(2)]
    until(lambda: all((here / ".scr" / "runs" / run / "report.md").exists() for run in runs))
    for serving in servers:
        assert serving.end() == 0
    assert {*servers[0].runs("done"), *servers[1].runs("done")} == set(runs)
    for run in runs:
        told = (here / ".scr" / "runs" / run / "events.jsonl").read_text().splitlines()
        steps = [event for event in (json.loads(line)["event"] for line in told) if event["kind"] == "step_recorded"]
        assert len({(step["message_id"], step["step"]) for step in steps}) == len(steps) > 0


def test_a_run_is_cancelled_wherever_it_stands(scr, here, serve, submit):
    serving = serve("--runs", "1")
    steer("pause")
    queued, running = submit(priority="low"), submit()
    with connect() as client:
        assert client.cancel(queued) == "cancelled"
        client.steer("unpause")
        serving.until("started", run=running)
        until(serving.runtimes)
        assert client.cancel(running) == "cancelled"
        assert client.follow(queued, 0, "", 0.0).end == "cancelled"
        assert client.follow(running, 10_000, "", 0.0).state == "cancelled"
    over = scr("attach", running)
    assert over.code == 5
    assert "somebody cancelled it" in over.err
    assert not serving.runtimes()


@pytest.mark.usefixtures("here")
def test_without_a_server_every_command_says_what_to_do(scr):
    for arguments in (["submit", QUESTION], ["attach", "a-run"]):
        said = scr(*arguments)
        assert (said.code, said.out) == (2, "")
        assert "start one with `scr serve`" in said.err


def test_what_cannot_be_used_is_one_sentence_and_exit_2(scr, serve):
    said = scr("serve", "--store", "memory:")
    assert said.code == 2
    assert "a store that outlives it" in said.err
    serve("--agents", "8")
    for arguments, words in (
        (["submit", QUESTION, "--docs", "nowhere"], "nowhere"),
        (["submit", QUESTION, "--docs", "docs", "--workers", "5"], "at most 8 at once"),
        (["attach", "a-run"], "no run 'a-run'"),
    ):
        said = scr(*arguments)
        assert (said.code, said.out) == (2, "")
        assert words in said.err
        assert said.err.count("\n") == 1
