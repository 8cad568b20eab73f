"""What cannot be read, and what goes wrong with a request, concerns the connection that it came from alone."""

import json
import os
import socket
import struct
import tempfile

import pytest

import scr
from scr.client.connect import connect
from scr.errors import FrameTooLarge, InvalidMessage, RuntimeGone, UnknownAgent
from scr.protocol.framing import pack
from scr.protocol.socket_dir import reach
from tests.conftest import until
from tests.process.test_bad_input import is_alive

DEEP = b"[" * 5000 + b"]" * 5000
UNREADABLE = {  # a whole frame that is no request, and the number of the request where it has one
    "no JSON": (b"\xff\xfe\x00garbage", 0),
    "nothing": (b"", 0),
    "no object": (b"[1, 2]", 0),
    "JSON of something else": (b'{"jsonrpc": "2.0", "method": "status", "id": 4}', 0),
    "a verb of a newer client": (b'{"ref": 41, "verb": "teleport", "agent": "answers"}', 41),
    "a field of a newer client": (b'{"ref": 42, "verb": "read_status", "as_of": 5}', 42),
    "a field that does not fit": (b'{"ref": 43, "verb": "signal_agent", "agent": "answers", "number": 99}', 43),
    "a number above what a database calls one": (b'{"ref": 44, "verb": "read_crashes", "last": %d}' % 10**30, 44),
    "a key with a NUL": (b'{"ref": 45, "verb": "cancel", "message_id": "a\\u0000b"}', 45),
    "a payload that is too deep": (
        b'{"ref": 46, "verb": "send", "message_id": "m", "to": "a", "payload": %s}' % DEEP,
        46,
    ),
    "no number of a request": (b'{"verb": "read_status"}', 0),
}
STATUS = b'{"ref": 7, "verb": "read_status"}'


def answers(ctx, message):
    return [ctx.incarnation, message.payload.input]


@pytest.fixture(scope="module")
def shared():
    with scr.Runtime(settings=scr.Settings(standbys=0)) as runtime:
        runtime.start_agent("answers", answers)
        yield runtime


@pytest.fixture
def runtime(shared):
    with connect(shared.id) as bystander:
        yield shared
        assert bystander.ask("answers", 1) == shared.ask("answers", 1) == [1, 1]
    assert shared.status().pid == shared.pid


class Raw:
    """A client that says what it likes."""

    def __init__(self, runtime):
        self.sock = reach(runtime.id)
        self.sock.settimeout(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def say(self, body):
        self.sock.sendall(pack(body, 1 << 30))

    def hear(self):
        """The next frame; None at the end of the stream."""
        head = self.sock.recv(4, socket.MSG_WAITALL)
        return json.loads(self.sock.recv(struct.unpack("!I", head)[0], socket.MSG_WAITALL)) if head else None


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_a_foreign_client_says_and_nobody_can_read_is_answered_and_the_next_request_is_served(runtime, what):
    body, ref = UNREADABLE[what]
    with Raw(runtime) as raw:
        raw.say(body)
        refused = raw.hear()
        assert (refused["ref"], refused["error"]) == (ref, "BrokenFrame")
        assert refused["detail"].startswith("the runtime cannot read this request: ")
        assert "pydantic.dev" not in refused["detail"]
        assert len(refused["detail"]) < 3000
        raw.say(STATUS)
        assert raw.hear()["value"]["pid"] == runtime.pid


def test_what_the_owner_says_and_nobody_can_read_is_answered_and_is_not_its_end(runtime):
    for body, _ in UNREADABLE.values():
        runtime._channel._end.write_all(pack(body, 1 << 30))
        assert runtime.ask("answers", 2) == [1, 2]


@pytest.mark.parametrize(
    "said", [struct.pack("!I", (1 << 32) - 1), b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", b"\xff" * 100_000]
)
def test_a_foreign_client_that_announces_too_large_a_frame_is_told_why_it_is_hung_up_on(runtime, said):
    with Raw(runtime) as raw:
        raw.sock.sendall(said)
        refused = raw.hear()
        assert (refused["ref"], refused["error"]) == (0, "FrameTooLarge")
        assert refused["detail"].startswith("the runtime closed this connection: a frame of ")
        with pytest.raises((ConnectionError, AssertionError)):  # with what it had said unread, that is a reset
            assert raw.hear(), "the end of the stream"


def test_a_client_of_scr_that_is_hung_up_on_says_why_and_not_that_the_runtime_has_ended(runtime):
    with connect(runtime.id) as client:
        client._channel._end.write_all(struct.pack("!I", (1 << 32) - 1))
        client.wait_end(20)
        for _ in range(2):
            with pytest.raises(FrameTooLarge, match="the runtime closed this connection: a frame of 4294967295 bytes"):
                client.ask("answers", 1)
    with connect(runtime.id) as client:
        client._channel._end._socket.shutdown(socket.SHUT_WR)
        client.wait_end(20)
        with pytest.raises(RuntimeGone, match=f"{runtime.id}' closed this connection and goes on; connect to it anew"):
            client.ask("answers", 1)


def test_half_a_frame_and_then_the_end_concerns_nobody(runtime):
    for said in (b"\0", struct.pack("!I", 1000) + b'{"ref": 1, "verb": "shutdo', pack(STATUS, 99)[:-1]):
        with Raw(runtime) as raw:
            raw.sock.sendall(said)


def test_a_client_that_never_reads_is_hung_up_on_alone(runtime):
    with Raw(runtime) as raw:
        raw.sock.setblocking(False)
        with pytest.raises((BlockingIOError, ConnectionError)):
            for _ in range(1_000_000):
                raw.sock.send(pack(b"{" * 1000, 9999))


def test_one_client_more_than_may_come_in_is_told_so(runtime):
    inside = [Raw(runtime) for _ in range(64)]
    try:
        with Raw(runtime) as raw:
            assert "clients are connected already" in raw.hear()["detail"]
    finally:
        for raw in inside:
            raw.sock.close()
    until(runtime.status)


def test_a_request_that_goes_wrong_in_the_runtime_is_answered_and_nothing_else_happens(runtime):
    with pytest.raises(UnknownAgent):
        runtime.stack("nobody")
    for to in ("client", "runtime"):
        with pytest.raises(UnknownAgent, match=f"'{to}' is no agent"):
            runtime.ask(to, 1)
    with Raw(runtime) as raw:
        down = {"agent": "answers", "reason": "killed"}
        raw.say(json.dumps({"ref": 3, "verb": "send", "message_id": "d", "to": "answers", "payload": down}).encode())
        assert "is for the runtime alone" in raw.hear()["detail"]
    with pytest.raises(InvalidMessage):
        runtime.send("answers", object())


def test_an_owner_that_announces_too_large_a_frame_is_told_and_its_agents_and_other_clients_go_on():
    with scr.Runtime(settings=scr.Settings(standbys=0)) as runtime:
        runtime.start_agent("answers", answers)
        pid = runtime.pid
        with connect(runtime.id) as bystander:
            runtime._channel._end.write_all(struct.pack("!I", (1 << 32) - 1) + b"more")
            with pytest.raises(FrameTooLarge, match="hears nothing more on this connection, and ends with it"):
                runtime.ask("answers", 1)
            with pytest.raises(FrameTooLarge):
                runtime.status()
            assert bystander.ask("answers", 1) == [1, 1]
    assert not is_alive(pid)
    assert not os.path.exists(f"{tempfile.gettempdir()}/scr-{os.getuid()}/{runtime.id}")
