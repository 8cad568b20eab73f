"""Frames: whole or not at all, however the bytes arrive."""

import asyncio
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scr.errors import BrokenFrame, ChannelError, FrameTooLarge, PeerGone
from scr.frames import FROM_AGENT, FROM_RUNTIME, Answer, Halt, Log, Ready
from scr.mail.channel import BlockingChannel, LoopChannel, Unpacker, pack, read_first


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
