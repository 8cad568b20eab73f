"""Frames: whole or not at all, however the bytes arrive."""

import asyncio
import socket
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scr.errors import BrokenFrame, ChannelError, FrameTooLarge, InvalidMessage, PeerGone
from scr.frames import FROM_AGENT, FROM_RUNTIME, Answer, Halt, Log, Ready
from scr.mail.channel import BlockingChannel, LoopChannel
from scr.mail.framing import Unpacker, pack, read_first


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_frames_come_out_whole_and_in_order_however_the_bytes_are_cut(bodies, cuts):
    stream, unpacker, out = b"".join(pack(body, 1000) for body in bodies), Unpacker(1000), []
    for cut in cuts:
        out += unpacker.feed(stream[:cut])
        stream = stream[cut:]
    out += unpacker.feed(stream)
    assert out == bodies


def test_a_length_above_the_limit_is_refused_before_its_bytes_come():
    with pytest.raises(FrameTooLarge, match="4294967295"):
        list(Unpacker(1000).feed(b"\xff\xff\xff\xff"))
    with pytest.raises(FrameTooLarge, match="1001"):
        pack(b"x" * 1001, 1000)


def test_the_first_frame_is_read_and_not_a_byte_more():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(pack(b"first", 100) + pack(b"second", 100))
        assert read_first(ours, 100, 5.0) == b"first"
        assert ours.recv(100) == pack(b"second", 100)
        theirs.close()
        with pytest.raises(ChannelError):
            read_first(ours, 100, 5.0)


def test_a_first_frame_that_comes_in_portions_is_read_whole():
    ours, theirs = socket.socketpair()
    body = b"x" * (4 << 20)  # more than a socket holds
    with ours, theirs:
        writer = threading.Thread(target=theirs.sendall, args=(pack(body, 8 << 20),))
        writer.start()
        assert read_first(ours, 8 << 20, 5.0) == body
        writer.join()


def nest(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


def test_what_cannot_be_sent_is_an_error_of_the_channel_to_who_sends_it():
    async def scenario(channel, theirs, heard, faults):
        for send in (channel.send, channel.send_soon, channel.send_next):
            with pytest.raises(BrokenFrame, match=r"\(Answer\) cannot be written as JSON"):
                send(Answer.model_construct(ref=1, value=nest(300)))
            with pytest.raises(FrameTooLarge, match=r"\(Answer\) of 1000"):
                send(Answer(ref=1, value="x" * 100_000))
        assert not faults

    run(scenario)


def test_a_blocking_end_sends_up_to_the_limit_that_it_was_told_and_hears_what_its_peer_may_say():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = BlockingChannel(ours, FROM_RUNTIME, 1000, heard_bytes=100_000)
        with pytest.raises(FrameTooLarge):
            channel.send(Log(text="x" * 2000))
        channel.limit_bytes = 3000
        channel.send(Log(text="x" * 2000))
        theirs.sendall(pack(Answer(ref=1, value="x" * 5000).model_dump_json().encode(), 10_000))
        assert len(channel.receive(5.0).value) == 5000
        with pytest.raises(InvalidMessage, match="cannot be written as JSON"):
            channel.send(Answer.model_construct(ref=1, value=nest(300)))


def test_whether_there_is_news_is_told_without_waiting():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = BlockingChannel(ours, FROM_RUNTIME)
        assert not channel.has_news
        theirs.sendall(pack(Halt().model_dump_json().encode(), 1000))
        assert channel.has_news
        channel.receive(5.0)
        assert not channel.has_news


def test_a_blocking_end_says_when_its_peer_is_gone():
    ours, theirs = socket.socketpair()
    with ours:
        channel = BlockingChannel(ours, FROM_RUNTIME)
        theirs.close()
        assert channel.receive() is None
        with pytest.raises(PeerGone):
            channel.send(Ready())


def run(scenario):
    """A scenario with the runtime's end, on a loop, and the agent's, blocking."""

    async def main():
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        heard, faults = [], []
        channel = LoopChannel(
            asyncio.get_running_loop(),
            ours,
            incoming=FROM_AGENT,
            hear=heard.append,
            broken=faults.append,
            limit_bytes=100_000,
        )
        with theirs:
            await asyncio.wait_for(scenario(channel, theirs, heard, faults), 10)
        channel.close()

    asyncio.run(main())


async def turns_of_the_loop():
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_a_dead_agent_had_said_is_heard_and_half_a_frame_is_not():
    async def scenario(channel, theirs, heard, faults):
        theirs.sendall(pack(Log(text="whole").model_dump_json().encode(), 1000) + struct.pack("!I", 500) + b"half")
        theirs.close()
        channel.drain()
        assert [frame.text for frame in heard] == ["whole"]
        assert not faults

    run(scenario)


@pytest.mark.parametrize("said", [b"garbage", b"{}", b'{"kind":"become"}', b'{"kind":"log","text":1}', b"\xff" * 9])
def test_what_is_no_frame_of_an_agent_breaks_the_channel_once_and_says_why(said):
    async def scenario(channel, theirs, heard, faults):
        theirs.sendall(pack(said, 1000) * 2)
        await turns_of_the_loop()
        assert not heard
        assert [type(fault) for fault in faults] == [BrokenFrame]

    run(scenario)


def test_a_peer_that_does_not_read_blocks_nobody_and_is_given_up_at_the_bound():
    async def scenario(channel, theirs, heard, faults):
        for n in range(20):
            channel.send(Answer(ref=n, value="x" * 90_000))
        assert [type(fault) for fault in faults] == [ChannelError]

    run(scenario)


def test_a_slow_peer_gets_everything_in_order():
    async def scenario(channel, theirs, heard, faults):
        theirs.setblocking(False)
        unpacker, got = Unpacker(100_000), []
        for n in range(8):
            channel.send(Answer(ref=n, value="x" * 50_000))
        channel.send(Halt())
        while len(got) < 9:
            got += unpacker.feed(await asyncio.get_running_loop().sock_recv(theirs, 10_000))
        assert [FROM_RUNTIME.validate_json(body).kind for body in got] == ["answer"] * 8 + ["halt"]
        assert not faults

    run(scenario)
