"""Chunks on their way: in the runtime to the clients that read, and in a program to what reads them."""

import asyncio
import socket
from concurrent.futures import Future

import pytest

from scr.client.chunks import UNREAD_MAX, Unread
from scr.protocol.channel import BlockingChannel, LoopChannel
from scr.protocol.control import FROM_CONTROL, REQUEST, Answered, Streamed
from scr.protocol.frames import Stream
from scr.runtime.dispatch import streams
from scr.runtime.dispatch.streams import HELD_MAX, ChunkStreams, Outlet


def streamed(number, delivery=1, ref=1, data=None):
    return Streamed(ref=ref, delivery=delivery, number=number, data=data)


def said(number, delivery=1, message_id="m", data=None):
    return Stream(message_id=message_id, delivery=delivery, number=number, data=data)


def places(chunks):
    return [(chunk.delivery, chunk.number, chunk.missed) for chunk in chunks]


class TestUnread:
    def test_chunks_are_read_once_and_in_order(self):
        unread = Unread(1)
        for number in range(3):
            unread.put(streamed(number, data=f"chunk {number}"))
        assert [chunk.data for chunk in unread.taken()] == ["chunk 0", "chunk 1", "chunk 2"]
        assert list(unread.taken()) == []

    def test_of_more_than_it_holds_the_oldest_go_and_the_next_says_how_many(self):
        unread = Unread(1)
        for number in range(UNREAD_MAX + 7):
            unread.put(streamed(number))
        chunks = list(unread.taken())
        assert (len(chunks), places(chunks)[:2]) == (UNREAD_MAX, [(1, 7, 7), (1, 8, 0)])

    def test_a_chunk_that_the_runtime_left_out_is_missed_too(self):
        unread = Unread(1)
        for number in (0, 1, 5):
            unread.put(streamed(number))
        assert places(unread.taken()) == [(1, 0, 0), (1, 1, 0), (1, 5, 3)]

    def test_a_later_delivery_begins_anew(self):
        unread = Unread(1)
        for chunk in (streamed(0), streamed(1), streamed(0, delivery=2), streamed(2, delivery=4)):
            unread.put(chunk)
        assert places(unread.taken()) == [(1, 0, 0), (1, 1, 0), (2, 0, 0), (4, 2, 2)]

    def test_a_delivery_that_another_runtime_counts_as_one_before_is_a_later_one(self):
        unread = Unread(1)
        for chunk in (streamed(0, 2), streamed(1, 2), streamed(0, 2), streamed(1, 2), streamed(0, 3)):
            unread.put(chunk)
        assert places(unread.taken()) == [(2, 0, 0), (2, 1, 0), (3, 0, 0), (3, 1, 0), (4, 0, 0)]

    def test_news_come_with_a_chunk_that_is_there_already_or_comes_later_or_at_a_wake(self):
        unread = Unread(1)
        first, cancelled = unread.news(), unread.news()
        cancelled.cancel()
        assert not first.done()
        unread.put(streamed(0))
        assert first.done()
        assert unread.news().done()
        list(unread.taken())
        later = unread.news()
        unread.wake()
        assert (later.done(), isinstance(later, Future)) == (True, True)

    def test_a_second_reader_is_refused_while_one_waits_and_takes_over_from_one_that_does_not(self):
        unread = Unread(1)
        assert unread.begin("first")
        waiting = unread.news()
        assert (unread.begin("second"), unread.is_read_by("first")) == (False, True)
        waiting.cancel()
        assert (unread.begin("second"), unread.is_read_by("first")) == (True, False)


class Reading:
    """A channel of the runtime whose client reads what it is given, when it reads."""

    def __init__(self):
        self.is_read, self.sent = True, []

    def send_next(self, frame):
        self.sent.append((frame.ref, frame.delivery, frame.number))


class Later:
    """A loop that calls what it was given when it is told to."""

    def __init__(self):
        self.calls = []

    def call_later(self, delay_s, do):
        self.calls.append(do)
        return self

    def cancel(self):
        self.calls.clear()

    def run(self):
        calls, self.calls = self.calls, []
        for do in calls:
            do()


@pytest.fixture
def client():
    loop, channel = Later(), Reading()
    return loop, channel, Outlet(loop, channel)


class TestOutlet:
    def test_a_client_that_reads_has_each_chunk_at_once(self, client):
        loop, channel, outlet = client
        outlet.tell(streamed(0))
        assert (channel.sent, loop.calls) == ([(1, 1, 0)], [])

    def test_for_one_that_does_not_read_the_newest_are_held_and_sent_in_order_when_it_does(self, client):
        loop, channel, outlet = client
        channel.is_read = False
        for number in range(HELD_MAX + 5):
            outlet.tell(streamed(number))
        loop.run()
        assert channel.sent == []
        channel.is_read = True
        outlet.tell(streamed(HELD_MAX + 5))
        assert channel.sent == []
        loop.run()
        assert [number for _, _, number in channel.sent] == list(range(6, HELD_MAX + 6))
        outlet.tell(streamed(HELD_MAX + 6))
        assert (channel.sent[-1], loop.calls) == ((1, 1, HELD_MAX + 6), [])

    def test_what_is_held_is_bounded_by_its_size_too_but_for_the_newest(self, client, monkeypatch):
        monkeypatch.setattr(streams, "HELD_BYTES", 1000)
        _, channel, outlet = client
        channel.is_read = False
        for number, size in enumerate((400, 400, 400, 5000)):
            outlet.tell(streamed(number, data="x" * size))
        outlet.flush()
        assert channel.sent == [(1, 1, 3)]

    def test_an_answer_follows_what_was_held(self, client):
        loop, channel, outlet = client
        channel.is_read = False
        outlet.tell(streamed(0))
        outlet.flush()
        assert (channel.sent, loop.calls) == ([(1, 1, 0)], [])


class TestStreams:
    def test_all_that_read_a_message_have_its_chunks_and_no_others(self, client):
        _, channel, outlet = client
        readers = ChunkStreams()
        readers.join("m", outlet, 1)
        readers.join("m", outlet, 1)
        readers.join("m", outlet, 2)
        readers.join("other", outlet, 3)
        readers.tell(said(0))
        assert channel.sent == [(1, 1, 0), (2, 1, 0)]

    @pytest.mark.parametrize(
        "end",
        [
            lambda readers, outlet: readers.leave("m", outlet, 1),
            lambda readers, outlet: readers.end("m"),
            lambda readers, outlet: readers.leave_all(outlet),
        ],
        ids=["left", "answered", "gone"],
    )
    def test_a_reader_that_left_that_is_answered_or_is_gone_has_nothing_more_and_is_forgotten(self, client, end):
        _, channel, outlet = client
        readers = ChunkStreams()
        readers.join("m", outlet, 1)
        end(readers, outlet)
        end(readers, outlet)
        readers.tell(said(0))
        assert (channel.sent, readers._readers, outlet.reads) == ([], {}, set())

    def test_a_client_that_went_before_its_message_was_in_the_store_reads_nothing(self, client):
        loop, channel, outlet = client
        channel.is_read = False
        readers = ChunkStreams()
        readers.join("m", outlet, 1)
        readers.tell(said(0))
        readers.leave_all(outlet)
        readers.join("other", outlet, 2)
        readers.tell(said(0, message_id="other"))
        assert (readers._readers, loop.calls) == ({}, [])


async def over_a_socket(held):
    """20,000 chunks to a client that reads nothing, then an answer: it has that after the newest of them."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    broken = []
    loop = asyncio.get_running_loop()
    channel = LoopChannel(loop, ours, incoming=REQUEST, hear=lambda _: None, broken=broken.append, limit_bytes=1 << 20)
    outlet = Outlet(loop, channel)
    for number in range(held):
        outlet.tell(streamed(number, data="x" * 200))
        if number % 100 == 0:
            await asyncio.sleep(0)
    outlet.flush()
    channel.send(Answered(ref=7))
    reader = BlockingChannel(theirs, FROM_CONTROL)
    heard = []
    while not heard or isinstance(heard[-1], Streamed):
        heard.append(await asyncio.to_thread(reader.receive, 5.0))
    channel.close()
    theirs.close()
    return [frame.number for frame in heard[:-1]], broken


def test_a_client_that_reads_nothing_costs_a_bounded_part_and_has_the_newest_before_its_answer():
    numbers, broken = asyncio.run(over_a_socket(20_000))
    assert (numbers[-1], numbers == sorted(numbers), len(numbers) < 5000, broken) == (19_999, True, True, [])
