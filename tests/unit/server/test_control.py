"""The server's socket with clients that behave, and with others."""

import asyncio
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from scr.client.server import SOCKET, connect, discard_dead
from scr.errors import InvalidInput, RuntimeGone, UnknownRun
from scr.protocol.control import Answered
from scr.protocol.framing import pack
from scr.protocol.server import CancelRun, Submit
from scr.server import control
from scr.server.control import listen


class Answering:
    """A socket with a loop behind it; it answers `Submit`, refuses `CancelRun`, and is silent to all else."""

    def __init__(self, path):
        self.path, self.cancelled = path, threading.Event()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        path.parent.mkdir(parents=True)
        self.control = listen(self.loop, path, self.answer)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.control.close)
        self.loop.call_soon_threadsafe(self.loop.call_later, 0.01, self.loop.stop)
        self.thread.join(20)
        self.loop.close()

    async def answer(self, request):
        match request:
            case Submit(input=asked):
                return f"run of {asked}"
            case CancelRun():
                raise UnknownRun("there is no such run")
            case _:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    self.cancelled.set()
                    raise


@pytest.fixture
def root(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="scr-t-") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        yield Path(short)


@pytest.fixture
def server(root):
    path = root / f"scr-{root.stat().st_uid}" / "s-1" / SOCKET
    path.parent.parent.mkdir(mode=0o700)
    with Answering(path) as answering:
        yield answering


def submit(client):
    return client.submit(kind="noted", input="a", submitter="x")


def raw(server):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(20)
    sock.connect(str(server.path))
    return sock


def last_word(sock):
    """What the server says before it hangs up."""
    with sock.makefile("rb") as stream:
        return Answered.model_validate_json(stream.read()[4:]).detail


def test_requests_are_answered_and_refusals_are_errors_by_name(server):
    with connect() as client:
        assert submit(client) == "run of a"
        with pytest.raises(UnknownRun, match="no such run"):
            client.cancel("a")
        with pytest.raises(InvalidInput, match="run"):
            client.cancel("a" * 1000)
        assert submit(client) == "run of a"
    assert server.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("said", [pack(b"{}", 99), pack(b"no JSON", 99), b"\xff" * 64, pack(b'{"verb": "rule"}', 99)])
def test_a_client_that_says_nonsense_is_cut_off_and_no_other(server, said):
    with connect() as client, raw(server) as other:
        other.sendall(said)
        assert "the server closed this connection: " in last_word(other)
        assert submit(client) == "run of a"


def test_a_client_that_asks_for_too_much_at_once_is_cut_off(server):
    asked = pack(b'{"verb": "follow", "ref": 1, "run": "a", "wait_s": 30}', 999)
    with raw(server) as greedy:
        greedy.sendall(asked * (control.UNDER_WAY_MAX + 1))
        assert f"{control.UNDER_WAY_MAX} requests of it are being served" in last_word(greedy)


def test_who_hangs_up_is_waited_for_no_longer(server):
    with raw(server) as gone:
        gone.sendall(pack(b'{"verb": "follow", "ref": 1, "run": "a", "wait_s": 30}', 999))
    assert server.cancelled.wait(20)


def test_a_server_that_ends_is_said_to_have_ended(server):
    with connect() as client:
        assert submit(client) == "run of a"
        server.loop.call_soon_threadsafe(server.control.close)
        with pytest.raises(RuntimeGone, match="the next one goes on with them"):
            submit(client)


def test_of_several_servers_one_is_named_and_what_a_dead_one_left_is_removed(server, monkeypatch):
    dead = server.path.parent.parent / "s-0"
    dead.mkdir()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(dead / SOCKET))
    with Answering(server.path.parent.parent / "s-2" / SOCKET):
        with pytest.raises(InvalidInput, match="2 servers are running: s-1, s-2; choose one with --server"):
            connect()
        with pytest.raises(InvalidInput, match="no server 's-0'; running: s-1, s-2"):
            connect("s-0")
        with connect("s-2") as client:
            assert submit(client) == "run of a"
    discard_dead()
    assert dead.exists(), "it may be just starting"
    monkeypatch.setattr("scr.client.server.YOUNG_S", -1.0)
    discard_dead()
    assert not dead.exists()
    assert server.path.exists()
