"""What `scr ps` and `scr top` look at: one runtime, or all runs of a server together."""

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

import scr
from scr.cli.app import app_for
from scr.cli.live_systems import Systems
from scr.cli.terminal import top
from scr.errors import RuntimeGone
from scr.protocol.running import tell, this_process
from scr.protocol.socket_dir import discard_scratch, make_scratch
from tests.unit.runtime.listening import listening_at

SERVER = "s-0000000a"
TREE = scr.SupervisorSpec(id="agents", strategy=scr.Strategy.ONE_FOR_ONE)


def idle(ctx, message):
    return None


@pytest.fixture
def place(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="scr-t-") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        monkeypatch.setenv("TMPDIR", short)
        yield Path(short)


@pytest.fixture
def runs(place):
    """Two runs, each with an agent of the same name."""
    with ExitStack() as stack:
        started = []
        for run in ("red", "blue"):
            settings = scr.Settings(standbys=0)
            started.append(stack.enter_context(scr.Runtime(TREE, settings=settings, run=run, title=f"the {run} one")))
            started[-1].start_agent("worker", idle)
        yield started


@pytest.fixture
def said(capsys, monkeypatch):
    def run(*arguments):
        capsys.readouterr()
        monkeypatch.setattr("sys.argv", ["scr", *arguments])
        with pytest.raises(SystemExit):
            app_for(arguments)(arguments)
        return capsys.readouterr()

    return run


def one_is_chosen_from_a_table(said, runs):
    first, heads, newest, oldest, last = said("kill", "worker 1").err.splitlines()
    assert first.startswith("scr: 2 runtimes are running: ")
    assert heads.split() == ["RUNTIME", "PID", "RUN", "FOLDER", "TITLE"]
    assert newest.split()[:3] == [runs[1].id, str(runs[1].pid), "blue"]
    assert oldest.endswith("the red one")
    assert last == f"for the newest: scr kill 'worker 1' --runtime {runs[1].id}"


def all_of_a_server_are_shown(said, runs, server):
    shown = said("ps").out.splitlines()
    assert [line.split()[0] for line in shown[1:-1]] == ["red", "agents", "worker", "blue", "agents", "worker"]
    assert "the red one" in shown[1]
    assert shown[-1].startswith(f"server {server} (pid ")
    assert ": 2 runs, 2 agents in " in shown[-1]
    told = json.loads(said("ps", "--json").out)
    assert told["server"] == server
    assert [(one["run"], one["title"]) for one in told["runtimes"]] == [
        ("red", "the red one"),
        ("blue", "the blue one"),
    ]
    assert json.loads(said("ps", "--json", "--runtime", runs[0].id).out)["run"] == "red"
    with Systems.find(server) as systems:
        seen = systems.look(systems.look())
        assert top.window(seen.rows, f"{runs[1].id} worker", 1)[0].run == "blue"
        runs[1].stop()
        assert [part.status.run for part in systems.look().parts] == ["red"]
        with pytest.raises(RuntimeGone):
            systems.client(runs[1].id)


def test_one_of_several_runtimes_is_chosen_from_a_table_and_those_of_a_server_are_shown_together(said, runs):
    one_is_chosen_from_a_table(said, runs)
    path = make_scratch(SERVER)
    tell(path, this_process(SERVER, title="scr serve"))
    with listening_at(path / "serve.sock"):
        all_of_a_server_are_shown(said, runs, SERVER)
        runs[0].stop()
        assert json.loads(said("ps", "--json").out)["runtimes"] == []
    discard_scratch(SERVER)
    assert "no runtime of yours is running" in said("ps").err
