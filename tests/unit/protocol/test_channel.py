"""Frames: whole or not at all, however the bytes arrive, over a socket pair and over a pair of queues."""

import asyncio
import os
import pickle
import select
import socket
import struct
import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scr.errors import BrokenFrame, ChannelError, FrameTooLarge, InvalidMessage, PeerGone
from scr.launch.channel_ends import socket_pair
from scr.launch.queue_ends import queue_pair
from scr.protocol.channel import BlockingChannel, LoopChannel
from scr.protocol.frames import FROM_AGENT, FROM_RUNTIME, Answer, Halt, Log, Ready
from scr.protocol.framing import FRAME_MAX, Unpacker, pack, read_first

LAYS = {"socket": socket_pair, "queue": queue_pair}


@pytest.fixture(params=LAYS)
def lay(request):
    """What lays a channel: the runtime's end, which never blocks, and the agent's."""
    return LAYS[request.param]


@pytest.fixture
def ends(lay):
    """Both ends of one channel: the runtime's, and the agent's."""
    ours, theirs = lay()
    yield ours, theirs
    theirs.close()
    ours.close()


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
    with pytest.raises(FrameTooLarge, match="4294967295"):  # -1: a queue announces a length of eight bytes by it
        list(Unpacker(FRAME_MAX).feed(b"\xff\xff\xff\xff"))
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


def log(text):
    return pack(Log(text=text).model_dump_json().encode(), 100_000)


def test_what_cannot_be_sent_is_an_error_of_the_channel_to_who_sends_it(lay):
    async def scenario(channel, theirs, heard, faults):
        for send in (channel.send, channel.send_soon, channel.send_next):
            with pytest.raises(BrokenFrame, match=r"\(Answer\) cannot be written as JSON"):
                send(Answer.model_construct(ref=1, value=nest(300)))
            with pytest.raises(FrameTooLarge, match=r"\(Answer\) of 1000"):
                send(Answer(ref=1, value="x" * 100_000))
        assert not faults

    run(scenario, lay)


def test_a_blocking_end_sends_up_to_the_limit_that_it_was_told_and_hears_what_its_peer_may_say(ends):
    ours, theirs = ends
    channel = BlockingChannel(theirs, FROM_RUNTIME, 1000, heard_bytes=100_000)
    with pytest.raises(FrameTooLarge):
        channel.send(Log(text="x" * 2000))
    channel.limit_bytes = 3000
    channel.send(Log(text="x" * 2000))
    ours.write(pack(Answer(ref=1, value="x" * 5000).model_dump_json().encode(), 10_000))
    assert len(channel.receive(5.0).value) == 5000
    with pytest.raises(InvalidMessage, match="cannot be written as JSON"):
        channel.send(Answer.model_construct(ref=1, value=nest(300)))


def test_whether_there_is_news_is_told_without_waiting(ends):
    ours, theirs = ends
    channel = BlockingChannel(theirs, FROM_RUNTIME)
    assert not channel.has_news
    ours.write(pack(Halt().model_dump_json().encode(), 1000))
    assert channel.has_news
    channel.receive(5.0)
    assert not channel.has_news


def test_reading_ahead_takes_what_is_there_and_does_not_wait_for_more(ends):
    ours, theirs = ends
    channel = BlockingChannel(theirs, FROM_RUNTIME)
    channel.read_ahead()
    assert not channel.has_read_ahead
    ours.write(pack(Halt().model_dump_json().encode(), 1000))
    channel.read_ahead()
    assert channel.has_read_ahead
    assert isinstance(channel.receive(), Halt)


def test_a_blocking_end_says_when_its_peer_is_gone(ends):
    ours, theirs = ends
    channel = BlockingChannel(theirs, FROM_RUNTIME)
    ours.close()
    assert channel.receive() is None
    with pytest.raises(PeerGone):
        channel.send(Ready())


def test_a_blocking_end_that_is_closed_sends_nothing(ends):
    channel = BlockingChannel(ends[1], FROM_RUNTIME)
    channel.close()
    channel.close()
    with pytest.raises(PeerGone):
        channel.send(Ready())


def test_frames_of_several_threads_come_whole(ends):
    ours, theirs = ends
    agent = BlockingChannel(theirs, FROM_RUNTIME, 100_000)

    def talk(digit):
        for _ in range(3):  # together more than a pipe or a socket holds
            agent.send(Answer(ref=1, value=digit * 90_000))

    threads = [threading.Thread(target=talk, args=(digit,), daemon=True) for digit in "12345678"]
    for thread in threads:
        thread.start()
    unpacker, got = Unpacker(100_000), []
    while len(got) < 24:
        select.select([ours.reader], [], [])
        got += unpacker.feed(ours.read(2000))  # less than a frame: each writer waits in the middle of one
    for thread in threads:
        thread.join()
    said = sorted(FROM_RUNTIME.validate_json(body).value for body in got)
    assert said == [digit * 90_000 for digit in "12345678" for _ in range(3)]


def run(scenario, lay, ended=lambda: None):
    """A scenario with the runtime's end, on a loop, and the agent's, blocking."""

    async def main():
        ours, theirs = lay()
        heard, faults = [], []
        channel = LoopChannel(
            asyncio.get_running_loop(),
            ours,
            incoming=FROM_AGENT,
            hear=heard.append,
            broken=faults.append,
            ended=ended,
            limit_bytes=100_000,
        )
        await asyncio.wait_for(scenario(channel, theirs, heard, faults), 10)
        theirs.close()
        channel.close()

    asyncio.run(main())


async def turns_of_the_loop():
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_a_dead_agent_had_said_is_heard_and_half_a_frame_is_not(lay):
    async def scenario(channel, theirs, heard, faults):
        theirs.write_all(log("whole") + struct.pack("!I", 500) + b"half")
        theirs.close()
        channel.drain()
        assert [frame.text for frame in heard] == ["whole"]
        assert not faults

    run(scenario, lay)


def test_a_frame_that_is_cut_at_any_byte_is_not_heard_and_the_end_of_the_stream_is(lay):
    ends = []

    async def scenario(channel, theirs, heard, faults, cut):
        theirs.write_all(log("whole") + log("cut")[:cut])
        theirs.close()
        while len(ends) <= cut:  # noqa: ASYNC110
            await asyncio.sleep(0)
        channel.send(Halt())  # to a dead peer it is no error
        assert [frame.text for frame in heard] == ["whole"]
        assert not faults

    for cut in range(len(log("cut"))):
        run(partial(scenario, cut=cut), lay, ended=partial(ends.append, cut))
    assert ends == list(range(len(log("cut"))))


@pytest.mark.parametrize(
    "said",
    [b"garbage", b"{}", b'{"kind":"become"}', b'{"kind":"log","text":1}', b"\xff" * 9, pickle.dumps(Log(text="x"))],
)
def test_what_is_no_frame_of_an_agent_breaks_the_channel_once_and_says_why(lay, said):
    async def scenario(channel, theirs, heard, faults):
        theirs.write_all(pack(said, 1000) * 2)
        await turns_of_the_loop()
        assert not heard
        assert [type(fault) for fault in faults] == [BrokenFrame]

    run(scenario, lay)


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", struct.pack("!I", 100_001)])
def test_a_frame_above_the_limit_breaks_the_channel_before_its_bytes_come(lay, length):
    async def scenario(channel, theirs, heard, faults):
        theirs.write_all(log("whole") + length)
        await turns_of_the_loop()
        assert [frame.text for frame in heard] == ["whole"]
        assert [type(fault) for fault in faults] == [FrameTooLarge]

    run(scenario, lay)


def test_a_peer_that_does_not_read_blocks_nobody_and_is_given_up_at_the_bound(lay):
    async def scenario(channel, theirs, heard, faults):
        for n in range(20):
            channel.send(Answer(ref=n, value="x" * 90_000))
        assert [type(fault) for fault in faults] == [ChannelError]

    run(scenario, lay)


def test_a_slow_peer_gets_everything_in_order(lay):
    async def scenario(channel, theirs, heard, faults):
        unpacker, got = Unpacker(100_000), []
        for n in range(8):
            channel.send(Answer(ref=n, value="x" * 50_000))
        channel.send(Halt())
        while len(got) < 9:
            got += unpacker.feed(theirs.read(10_000))
            await asyncio.sleep(0)
        assert [FROM_RUNTIME.validate_json(body).kind for body in got] == ["answer"] * 8 + ["halt"]
        assert channel.waiting_bytes == 0
        assert not faults

    run(scenario, lay)


class Opened:
    """Tells that it was unpickled."""

    times = []

    def __reduce__(self):
        return Opened.times.append, (1,)


def test_what_a_queue_puts_is_a_frame_to_the_channel_and_is_never_unpickled():
    async def scenario(channel, theirs, heard, faults):
        theirs._sends.put(Opened())
        await turns_of_the_loop()
        assert [type(fault) for fault in faults] == [BrokenFrame]

    run(scenario, queue_pair)
    assert not Opened.times


def test_a_channel_and_a_queue_frame_bytes_alike():
    ours, theirs = queue_pair()
    for size in (1, 16_385, 60_000):  # from 16 kB on `multiprocess` writes the length by itself
        theirs.write_all(pack(b"x" * size, 100_000))
        assert ours._receives._reader.recv_bytes() == b"x" * size
        theirs._sends._writer.send_bytes(b"y" * size)
        data = b""
        while len(data) < size + 4:
            data += ours.read(100_000)
        assert data == pack(b"y" * size, 100_000)
    theirs.close()
    ours.close()


def test_an_end_that_is_closed_touches_no_descriptor_that_has_got_its_number_since(ends):
    ours, _ = ends
    numbers = {ours.reader, ours.writer}
    ours.close()
    ours.close()
    others = [os.open(os.devnull, os.O_RDWR) for _ in range(4)]
    assert numbers <= set(others)
    with pytest.raises(OSError, match=r"Bad file|handle"):
        ours.write(b"x")
    ours.close()
    for descriptor in others:
        os.close(descriptor)  # raises where it was closed already
