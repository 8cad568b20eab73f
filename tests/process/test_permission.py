"""Nothing that a runtime has started may operate it, nor another one; its owner and the user's shell may."""

import os
import socket
import subprocess
import sys
import tempfile

import pytest

import scr
from scr.client.connect import connect
from scr.client.server import SOCKET
from scr.client.server import connect as connect_server
from scr.launch.kernel.lineage import Guard, Lineage, refused
from scr.protocol.framing import pack
from scr.protocol.socket_dir import discard_scratch, reach, scratch_root
from tests.conftest import until
from tests.process.test_foreign_clients import Raw
from tests.unit.server.test_control import Answering

RULE = "nothing that a runtime has started may operate a runtime that it did not start itself"
KILLER = """
import sys
import tempfile
from scr.client.connect import connect
try:
    with connect(sys.argv[1]) as client:
        print("killed", client.signal_agent("victim", 9))
except Exception as error:
    print(type(error).__name__, error)
"""


def victim(ctx, message):
    return ctx.incarnation


def told(do):
    try:
        return f"no error: {do()}"
    except Exception as error:  # noqa: BLE001  whatever it is is told
        return f"{type(error).__name__}: {error}"


class Insider(scr.Agent):
    """Does to the runtimes of these ids what it is told."""

    def on_task(self, ctx, message):
        how, runtime = message.payload.input
        ctx.reply(getattr(self, how)(runtime))

    def connects(self, runtime):
        def kill():
            with connect(runtime) as client:
                return client.signal_agent("victim", 9)

        return told(kill)

    def reads(self, runtime):
        def read():
            with connect(runtime) as client:
                return client.status()

        return told(read)

    def speaks(self, runtime):
        with Raw(type("Of", (), {"id": runtime})) as raw:
            told(lambda: raw.say(b'{"ref": 1, "verb": "signal_agent", "agent": "victim", "number": 9}'))
            said = raw.hear()
            return f"{said['error']}: {said['detail']}"

    def serves(self, server):
        def read():
            with connect_server(server) as client:
                return client.status()

        return told(read)

    def tool(self, runtime):
        return run([sys.executable, "-c", KILLER, runtime], {"PYTHONPATH": os.pathsep.join(sys.path)})

    def daemon(self, runtime):
        """Its parents have ended before it connects."""
        out = f"{tempfile.gettempdir()}/scr-daemon-{os.getpid()}-{runtime}"
        script = 'setsid "$0" -c "$1" "$2" >"$3.part" 2>&1; mv "$3.part" "$3"'
        environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
        argv = ["sh", "-c", f"({script}) &", sys.executable, KILLER, runtime, out]
        subprocess.run(argv, env=environment, check=True)
        until(lambda: os.path.exists(out))
        with open(out) as said:
            text = said.read()
        os.unlink(out)
        return text

    def fork_and_die(self, runtime):
        """The process that has connected is gone, and another one speaks on its connection."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            sock = reach(runtime)
            socket.send_fds(theirs, [b"x"], [sock.fileno()])
            os._exit(0)
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        os.waitpid(pid, 0)
        with socket.socket(fileno=descriptors[0]) as sock:
            told(lambda: sock.sendall(pack(b'{"ref": 1, "verb": "read_status"}', 99)))
            return sock.recv(10_000).decode(errors="replace")

    def descriptors(self, _runtime):
        """What of it is a socket: at most its channel."""
        found = [entry.path for entry in os.scandir("/proc/self/fd")]
        kinds = [os.readlink(path) for path in found if os.path.lexists(path)]
        return [kind for kind in kinds if kind.startswith("socket:")]

    def owns(self, runtime):
        """A runtime of its own, and a tool of its own that operates that."""
        with scr.Runtime(settings=scr.Settings(standbys=0)) as mine:
            mine.start_agent("victim", victim)
            mine.start_agent("insider", Insider)
            with connect(mine.id) as client:
                seen = client.ask("victim", 1)
            inner = mine.ask("insider", ["connects", mine.id]), mine.ask("insider", ["connects", runtime])
            return [seen, run([sys.executable, "-c", KILLER, mine.id]), *inner]


def run(argv, environment=None):
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60).stdout


WAYS = ["connects", "reads", "speaks", "tool", "daemon"]


@pytest.fixture(scope="module", params=["zygote", "spawn"])
def runtimes(request):
    """One with an insider, and a stranger to it; its victims are the same processes in the end."""
    settings = scr.Settings(standbys=0, launcher=request.param)
    with scr.Runtime(settings=settings) as runtime, scr.Runtime(settings=scr.Settings(standbys=0)) as stranger:
        for one in (runtime, stranger):
            one.start_agent("victim", victim)
        runtime.start_agent("insider", Insider)
        yield runtime, stranger, WAYS if request.param == "zygote" else ["connects", "daemon"]
        assert runtime.ask("victim", 1) == stranger.ask("victim", 1) == 1


def test_an_agent_and_all_that_it_starts_are_refused_by_its_own_runtime_and_by_any_other(runtimes):
    runtime, stranger, ways = runtimes
    for way in ways:
        said = runtime.ask("insider", [way, runtime.id])
        assert said.startswith("NotPermitted"), (way, said)
        assert f"was started by this runtime; {RULE}" in said
    said = runtime.ask("insider", [ways[-1], stranger.id])
    assert said.startswith("NotPermitted")
    assert f"was started by runtime {runtime.id}; {RULE}" in said


def test_the_connection_of_a_process_that_has_ended_is_refused_and_no_agent_inherits_one(runtimes, request):
    runtime, *_ = runtimes
    said = runtime.ask("insider", ["fork_and_die", runtime.id])
    assert '"NotPermitted"' in said
    assert "has ended, or cannot be seen" in said or RULE in said
    channels = {"zygote": 1, "spawn": 0}  # that of a fresh interpreter is a pair of queues
    assert len(runtime.ask("insider", ["descriptors", ""])) == channels[request.node.callspec.params["runtimes"]]


def test_an_agent_is_refused_by_a_server_of_the_users(runtimes):
    runtime, *_ = runtimes
    name = f"s-{runtime.id}"
    with Answering(scratch_root() / name / SOCKET):
        said = runtime.ask("insider", ["serves", name])
        with connect_server(name) as client:
            assert client.submit(kind="noted", input="a", submitter="x") == "run of a"
    discard_scratch(name)
    assert said.startswith("NotPermitted")
    assert f"was started by runtime {runtime.id}; {RULE}" in said


def test_a_program_inside_an_agent_operates_the_runtime_that_it_has_started_and_those_inside_that_do_not(runtimes):
    runtime, *_ = runtimes
    seen, tool, inner, outer = runtime.ask("insider", ["owns", runtime.id], timeout_s=60)
    assert (seen, tool[:6]) == (1, "killed")
    assert inner.startswith("NotPermitted")
    assert outer.startswith("NotPermitted")


def test_the_users_own_shell_and_programs_may(runtimes):
    runtime, *_ = runtimes
    runtime.start_agent("spare", victim)
    killer = KILLER.replace('"victim"', '"spare"')
    assert run(["sh", "-c", f'"{sys.executable}" -c "$0" {runtime.id}', killer]).startswith("killed")
    runtime.stop_agent("spare")


def test_who_may_come_in_is_decided_by_lineage():
    guard = Guard(within=frozenset({"r-outer"}), runtime=50)
    assert not refused(9, Lineage((9, 2, 1)), guard)
    assert not refused(9, Lineage((9, 2, 1), frozenset({"r-outer"})), guard)
    assert "by this runtime" in refused(9, Lineage((9, 50, 2, 1), frozenset({"r-outer", "r-50"})), guard)
    assert "by runtime r-50" in refused(9, Lineage((9, 1), frozenset({"r-50"})), guard)
    assert "by runtime r-a, r-b" in refused(9, Lineage((9, 2, 1), frozenset({"r-b", "r-outer", "r-a"})), guard)
    assert "has ended" in refused(9, Lineage(), guard)
    assert Lineage.of(os.getpid()).pids[:2] == (os.getpid(), os.getppid())
    assert Lineage.of(0) == Lineage()
