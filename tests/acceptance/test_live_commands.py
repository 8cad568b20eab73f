"""The commands about a live system, as a person types them, with a program's runtime to look at."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scr.cli.app import app_for
from tests.conftest import until

PROGRAM = """
import sys, time
import scr
from pydantic import BaseModel

class Counter(scr.Agent):
    class State(BaseModel):
        total: int = 0

    def on_task(self, ctx, message):
        self.state.total += message.payload.input
        print("adding", message.payload.input)
        ctx.log(f"total {self.state.total}")
        ctx.reply(self.state.total)

def sleeper(ctx, message):
    time.sleep(message.payload.input)

def crasher(ctx, message):
    sys.stderr.write("about to fall\\n")
    raise ValueError(f"cannot do {message.payload.input}")

if __name__ == "__main__":
    with scr.Runtime() as runtime:
        runtime.start_agent("counter", Counter)
        runtime.start_agent("sleeper", sleeper)
        runtime.start_agent("crasher", crasher, max_deliveries=2, on_error="crash")
        print(runtime.id, flush=True)
        runtime.wait_end()
"""


@pytest.fixture
def short():
    """A directory whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="scr-t-") as path:
        yield Path(path)


@pytest.fixture
def system(short, monkeypatch):
    """A program with a runtime of three agents; its id.  Nobody else's runtimes are seen here."""
    monkeypatch.setenv("TMPDIR", str(short))
    (short / "program.py").write_text(PROGRAM)
    with subprocess.Popen([sys.executable, str(short / "program.py")], stdout=subprocess.PIPE, text=True) as program:
        yield program.stdout.readline().strip()
        program.terminate()
        until(lambda: not list(short.glob("scr-*/*")))


def test_a_system_is_seen_and_steered_from_the_shell(scr, system):
    seen = scr("ps", "--json").json
    assert seen["runtime"] == system
    agents = {agent["id"]: agent for agent in seen["agents"]}
    assert list(agents) == ["root", "memories", "table", "memory", "agents", "counter", "sleeper", "crasher"]
    assert agents["counter"]["pss_bytes"] > 1e6
    assert agents["counter"]["state"] == "waiting"
    assert scr("send", "counter", "5").out == "5\n"
    assert scr("restart", "counter", "--runtime", system).code == 0
    assert scr("send", "counter", "2", "--json").json["output"] == 7
    assert scr("kill", "counter", "--json").json["pid"] != agents["counter"]["pid"]
    assert re.fullmatch(r"[0-9a-f]+\n", scr("send", "sleeper", "60", "--no-wait").out)
    assert "in sleeper" in scr("stack", "sleeper").out
    assert re.search(r"^    sleeper .* working  +\d+ .* task \d", scr("ps").out, re.MULTILINE)


def test_why_agents_died_is_told_in_short_and_whole(scr, system):
    assert scr("crashes").out == "no crash of any agent is known\n"
    failed = scr("send", "crasher", '"this"')
    assert (failed.code, failed.out) == (5, "")
    assert "ValueError: cannot do this" in failed.err
    assert [line.split()[1] for line in scr("crashes").out.splitlines()[1:]] == ["crasher", "crasher"]
    whole = scr("crashes", "crasher", "--last", "1").out
    assert "in hand    task" in whole
    assert "raise ValueError" in whole
    assert "    about to fall" in whole
    (record,) = scr("crashes", "crasher", "--last", "1", "--json").json["crashes"]
    assert (record["incarnation"], record["deliveries"]) == (2, 2)


def test_logs_are_shown_and_followed_until_the_runtime_stops(scr, command, system):
    for n in (1, 2, 3):
        scr("send", "counter", str(n))
    past = [line[13:] for line in scr("logs", "counter").out.splitlines()]
    assert re.fullmatch(r"--- \| incarnation 1 is up, pid \d+", past[0])
    assert [line for line in past if line.startswith("out")] == [f"out | adding {n}" for n in (1, 2, 3)]
    assert [line for line in past if line.startswith("log")] == [f"log | total {n}" for n in (1, 3, 6)]
    with command("logs", "counter", "-n", "1", "-f") as follower:
        assert follower.stdout.readline()
        scr("send", "counter", "4")
        assert any("adding 4" in follower.stdout.readline() for _ in range(3))
        stopped = scr("stop")
        rest, err = follower.communicate(timeout=20)
    assert stopped.out == f"runtime {system} and its 5 agents have stopped\n"
    assert "ended, pid" in rest
    assert (follower.returncode, err) == (0, "")
    assert scr("ps").code == 2


@pytest.mark.usefixtures("system")
def test_what_cannot_be_used_is_one_sentence_and_exit_2(scr):
    for arguments, words in (
        (["stack", "nobody"], "no agent 'nobody'"),
        (["kill", "nobody"], "no agent 'nobody'"),
        (["restart", "nobody"], "no agent 'nobody'"),
        (["send", "nobody", "1"], "no agent 'nobody'"),
        (["logs", "nobody"], "no agent 'nobody'"),
        (["crashes", "nobody"], "no agent 'nobody'"),
        (["send", "counter", "{"], "is not JSON"),
        (["kill", "counter", "--signal", "NOPE"], "no signal 'NOPE'"),
        (["ps", "--runtime", "r-none"], "no runtime 'r-none'"),
        (["top"], "needs a terminal"),
    ):
        said = scr(*arguments)
        assert (said.code, said.out) == (2, ""), arguments
        assert words in said.err
        assert said.err.count("\n") == 1


def test_without_a_runtime_there_is_nothing_to_see(scr, short, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(short))
    said = scr("ps", "--json")
    assert said.code == 2
    assert said.json["status"] == "bad_input"
    assert "no runtime of yours is running" in said.err


class Screen:
    """A terminal with `scr top` on it."""

    def __init__(self, *arguments):
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self.theirs, self.text = theirs, ""
        command = [sys.executable, "-m", "scr", "top", "--interval", "0.2", *arguments]
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm-256color"},
        )

    def until(self, words):
        """Wait until these words were drawn, from here on."""

        def is_drawn():
            if select.select([self.ours], [], [], 0)[0]:
                self.text += os.read(self.ours, 1 << 16).decode(errors="replace")
            return words in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.text)

        until(is_drawn)
        self.text = ""

    def press(self, keys):
        os.write(self.ours, keys.encode())

    def end(self):
        """The exit code, once the terminal is as it was."""
        until(lambda: self.drained() is not None)
        assert termios.tcgetattr(self.theirs) == self.before
        assert self.text.rstrip().endswith("\x1b[?25h\x1b[?1049l"), "the cursor and the screen are back"
        return self.process.returncode

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)

    def drained(self):
        while select.select([self.ours], [], [], 0)[0]:
            self.text += os.read(self.ours, 1 << 16).decode(errors="replace")
        return self.process.poll()


@pytest.fixture
def screen(system):
    shown = Screen()
    yield shown
    shown.close()


def test_a_live_view_kills_and_restarts_what_is_selected_and_leaves_the_terminal_as_it_was(scr, screen):
    screen.until("counter")
    screen.press("s")
    screen.until("sort: name")
    screen.press("\x1b[B")
    screen.press("k")
    screen.until("kill crasher?")
    screen.press("n")
    screen.press("k")
    screen.until("kill crasher?")
    screen.press("y")
    screen.until("was killed")
    screen.press("\x1b[Hr")
    screen.until("restart counter?")
    screen.press("y")
    screen.until("counter was restarted")
    screen.press("q")
    assert screen.end() == 0
    incarnations = {agent["id"]: agent["incarnation"] for agent in scr("ps", "--json").json["agents"]}
    assert (incarnations["crasher"], incarnations["counter"], incarnations["sleeper"]) == (2, 2, 1)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_live_view_that_is_ended_leaves_the_terminal_as_it_was(screen, number, code):
    screen.until("counter")
    screen.process.send_signal(number)
    assert screen.end() == code


def test_a_live_view_ends_with_the_runtime(scr, screen):
    screen.until("counter")
    scr("stop")
    until(lambda: screen.drained() is not None)
    assert "the runtime has ended" in screen.text
    assert screen.process.returncode == 0


def test_a_live_view_is_a_stream_of_objects_for_programs(command, system):
    with command("top", "--interval", "0.1", "--json") as process:
        looks = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert {one["runtime"] for one in looks} == {system}
    assert looks[-1]["agents"][2]["load"] is not None
    assert process.returncode == 130


def test_each_command_says_how_it_is_used(scr):
    listed = scr("--help").out
    for name in ("demo", "run", "ps", "top", "stack", "logs", "crashes", "kill", "restart", "stop", "send"):
        assert f" {name} " in listed
    for name in ("ps", "top", "stack", "logs", "crashes", "kill", "restart", "stop", "send"):
        said = CliRunner().invoke(app_for([name]), [name, "--help"])
        assert said.exit_code == 0
        for words in ("Examples", "--json", "--runtime"):
            assert words in said.output
