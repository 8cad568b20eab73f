"""Runs that outlive their processes, as a person keeps, resumes and steers them from the shell."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.conftest import until

ASKED = ("run", "How are crashed agents restarted?", "--workers", "1")
PROGRAM = """
import os, signal, sys
import scr

def pay(path):
    with open(path, "a") as file:
        file.write("paid\\n")
    os.kill(os.getpid(), signal.SIGKILL)

class Payer(scr.Agent):
    def on_task(self, ctx, message):
        ctx.reply(ctx.step_once("pay", pay, message.payload.input))

def picky(ctx, message):
    if not os.path.exists(message.payload.input):
        raise ValueError("not there")
    return "there"

if __name__ == "__main__":
    with scr.Runtime(store=sys.argv[1], run="shop", title="a shop") as runtime:
        runtime.start_agent("payer", Payer)
        runtime.start_agent("picky", picky, max_deliveries=2)
        print(runtime.id, flush=True)
        runtime.wait_end()
"""


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Nobody else's runtimes are seen here, and a socket's name has room."""
    with tempfile.TemporaryDirectory(prefix="scr-t-") as path:
        monkeypatch.setenv("TMPDIR", path)
        yield Path(path)


@pytest.fixture
def held(command, tmp_path):
    """A run that cannot go on: its only worker is stopped.  Its process, its name, its runtime's pid."""
    with command(*ASKED) as process:
        up = until(lambda: happened(tmp_path, "agent_up", agent="worker-1"))
        os.kill(up["pid"], signal.SIGSTOP)
        (folder,) = (tmp_path / ".scr" / "runs").iterdir()
        yield process, folder.name, happened(tmp_path, "runtime_up")["pid"]
        process.kill()
        process.communicate()


def happened(path, kind, **fields):
    """The first such event of the only run, or None."""
    for file in path.glob(".scr/runs/*/events.jsonl"):
        for line in file.read_text().splitlines():
            event = json.loads(line)["event"]
            if event["kind"] == kind and fields.items() <= event.items():
                return event
    return None


def body(report):
    """Without the numbers of the run at its head."""
    return report.split("---\n", 2)[2]


def state_of(scr, run):
    return {one["run_id"]: one["state"] for one in scr("runs", "--json").json["runs"]}[run]


def crash(process, runtime):
    """No process of it can say goodbye."""
    os.kill(runtime, signal.SIGSTOP)
    process.kill()
    os.kill(runtime, signal.SIGKILL)


def interrupt(process, _runtime):
    process.send_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The report of the same question, when nothing happens."""
    path = tmp_path_factory.mktemp("undisturbed")
    subprocess.run([sys.executable, "-m", "scr", *ASKED, "--out", "here"], cwd=path, capture_output=True, check=False)
    return body((path / "here" / "report.md").read_text())


@pytest.mark.parametrize(("end", "code", "state"), [(crash, -9, "interrupted"), (interrupt, 130, "stopped")])
def test_a_run_that_was_ended_in_the_middle_is_resumed_to_the_same_report(
    scr, held, tmp_path, undisturbed, end, code, state
):
    process, run, runtime = held
    end(process, runtime)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert (f"the run is kept: scr resume {run}" in err) is (code == 130)
    until(lambda: state_of(scr, run) == state)
    resumed = scr("resume", run[:12])
    assert resumed.code in {0, 3}, resumed.err
    assert body((tmp_path / ".scr" / "runs" / run / "report.md").read_text()) == undisturbed
    assert undisturbed in resumed.out
    assert state_of(scr, run) == "done"
    events = [json.loads(line) for line in (tmp_path / ".scr" / "runs" / run / "events.jsonl").read_text().splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert not list((tmp_path / ".scr" / "runs" / run).glob("index*"))


def test_a_run_that_is_done_is_shown_forked_exported_imported_examined_and_swept(scr, tmp_path, undisturbed):
    run = scr(*ASKED, "--json").json["run_id"]
    again = scr("resume", run, "--json").json
    assert body(again["report"]) == undisturbed
    events = [one["event"] | one for one in scr("show", run, "--events", "--last", "9999", "--json").json["events"]]
    assert len([event for event in events if event["kind"] == "runtime_up"]) == 1, "no runtime was started again"
    at = next(one["seq"] for one in events if one["kind"] == "turn_committed" and one["agent"] == "worker-1")
    fork = scr("fork", run, "--at", str(at), "--json").json["run_id"]
    assert scr("resume", fork).code in {0, 3}
    assert body((tmp_path / ".scr" / "runs" / fork / "report.md").read_text()) == undisturbed
    assert state_of(scr, fork) == "done"
    assert not list(tmp_path.glob(".scr/runs/*/index*"))
    assert scr("export", fork, "fork.scr").code == 0
    assert scr("gc", run, fork).code == 0
    assert scr("import", "fork.scr", "--as", "back").code == 0
    assert scr("doctor").code == 0
    assert body(scr("resume", "back", "--json").json["report"]) == undisturbed


def test_a_run_at_work_is_left_to_its_runtime_until_it_is_cancelled(scr, held):
    process, run, runtime = held
    refused = scr("resume", run)
    assert refused.code == 5
    assert f"(pid {runtime}) works on the run {run}" in refused.err
    assert scr("cancel", run).out == f"the run {run} is cancelled\n"
    _, err = process.communicate(timeout=20)
    assert process.returncode == 5
    assert "it was cancelled" in err
    assert state_of(scr, run) == "cancelled"
    assert "was cancelled" in scr("resume", run).err


def test_what_waits_for_a_person_is_settled_while_the_run_goes_on(scr, short, tmp_path):
    (short / "program.py").write_text(PROGRAM)
    store = f"sqlite:///{tmp_path}/.scr/store.sqlite"
    command = [sys.executable, str(short / "program.py"), store]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline()
        scr("send", "payer", json.dumps(str(tmp_path / "paid")), "--no-wait")
        scr("send", "picky", json.dumps(str(tmp_path / "wanted")))
        (doubt,) = until(lambda: scr("doubts", "--json").json["doubts"])
        assert (doubt["run_id"], doubt["step"]) == ("shop", "pay")
        assert scr("resolve", "shop", "pay", "--done", '"receipt"').code == 0
        (letter,) = scr("dead", "shop", "--json").json["dead_letters"]
        (tmp_path / "wanted").touch()
        assert "delivered to picky once more\n" in scr("retry-dead", "shop", letter["message"]["message_id"][:8]).out
        until(lambda: outcomes(scr) == {"turn", "answer"})
        program.terminate()
    assert (tmp_path / "paid").read_text() == "paid\n"
    assert scr("doubts").out == "nothing is in doubt\n"
    assert scr("dead").out == "no dead letters\n"
    assert "is a program's own" in scr("resume", "shop").err


def outcomes(scr):
    """What has become of the messages of clients, and of their answers."""
    messages = scr("show", "shop", "--messages", "--json").json["messages"]
    return {one["outcome"] for one in messages if "client" in {one["message"]["sender"], one["message"]["to"]}}
