"""What is captured of a pipe: lines, a tail, and never more work at once than a little."""

import asyncio
import os

import pytest

from scr.launch.output_capture import CHUNK_BYTES, CUT, DRAINED_BYTES_MAX, Capture


class Pipe:
    """A pipe whose lines are captured on a loop of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.read, self.write = os.pipe()
        os.set_blocking(self.read, False)
        os.set_blocking(self.write, False)
        self.lines = []
        self.captures = []

    def capture(self, on_line=None, **options):
        self.captures.append(Capture(self.loop, self.read, on_line or self.lines.append, **options))
        return self.captures[-1]

    def say(self, data):
        return os.write(self.write, data)

    def hang_up(self):
        os.close(self.write)
        self.write = None

    def turn(self):
        """One round of the loop: callbacks that are due, each once."""
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    def turns(self, count=20):
        for _ in range(count):
            self.turn()

    def close(self):
        for capture in self.captures:
            capture.close()
        self.loop.close()
        os.close(self.read)
        if self.write is not None:
            os.close(self.write)


@pytest.fixture
def pipe():
    pipe = Pipe()
    yield pipe
    pipe.close()


def test_lines_come_whole_in_order_and_empty_ones_too(pipe):
    pipe.capture()
    pipe.say(b"one\n\ntw")
    pipe.turns()
    assert pipe.lines == ["one", ""]
    pipe.say(b"o\nthree")
    pipe.turns()
    assert pipe.lines == ["one", "", "two"]


def test_characters_survive_the_chunks_they_are_cut_into(pipe):
    pipe.capture()
    for byte in "grün €\n".encode():
        pipe.say(bytes([byte]))
        pipe.turn()
    pipe.turns()
    assert pipe.lines == ["grün €"]


def test_bytes_that_are_no_utf_8_are_replaced(pipe):
    pipe.capture()
    pipe.say(b"a\xff\xfeb\n")
    pipe.turns()
    assert pipe.lines == ["a\ufffd\ufffdb"]


@pytest.mark.parametrize(
    ("length", "expected"), [(9, "x" * 9), (10, "x" * 10), (11, "x" * 10 + CUT), (500, "x" * 10 + CUT)]
)
def test_a_line_that_is_too_long_is_cut_and_marked_and_the_next_one_is_whole(pipe, length, expected):
    pipe.capture(line_bytes=10)
    for start in range(0, length, 7):
        pipe.say(b"x" * min(7, length - start))
        pipe.turns(2)
    pipe.say(b"\nnext\n")
    pipe.turns()
    assert pipe.lines == [expected, "next"]


def test_a_flood_takes_one_small_read_of_each_turn_of_the_loop(pipe):
    turns = []
    capture = pipe.capture(lambda _: turns[-1].append(1))
    pipe.say(b"\n" * CHUNK_BYTES * 3)
    for _ in range(5):
        turns.append([])
        pipe.turn()
    assert [len(lines) for lines in turns if lines] == [CHUNK_BYTES] * 3
    assert len(capture.tail) == CHUNK_BYTES


def test_the_tail_is_the_end_of_what_was_read(pipe):
    capture = pipe.capture(tail_bytes=5)
    pipe.say(b"abcdefgh\n")
    pipe.turns()
    assert capture.tail == "efgh\n"
    pipe.say(b"ij")
    pipe.turns()
    assert capture.tail == "gh\nij"


def test_draining_takes_what_is_there_and_does_not_wait_for_the_end_of_the_file(pipe):
    capture = pipe.capture()
    pipe.say(b"x" * CHUNK_BYTES * 3 + b"\nlast words")
    capture.drain()  # the write end is still open
    assert len(pipe.lines) == 2
    assert pipe.lines[1] == "last words"


def test_draining_ends_although_somebody_goes_on_writing(pipe):
    written = []

    def refill(_):
        written.append(pipe.say(b"x" * 4095 + b"\n"))

    capture = pipe.capture(refill)
    refill("")
    capture.drain()
    assert sum(written) <= DRAINED_BYTES_MAX + 2 * CHUNK_BYTES


def test_draining_twice_and_after_the_end_is_harmless(pipe):
    capture = pipe.capture()
    pipe.say(b"end")
    pipe.hang_up()
    pipe.turns()
    capture.drain()
    capture.drain()
    assert pipe.lines == ["end"]


def test_a_closed_capture_reads_no_more_and_leaves_the_descriptor_alone(pipe):
    capture = pipe.capture()
    capture.close()
    capture.close()
    pipe.say(b"nobody listens\n")
    pipe.turns()
    capture.drain()
    assert pipe.lines == []
    assert os.read(pipe.read, 100) == b"nobody listens\n"


def test_the_end_of_the_file_does_not_keep_the_loop_busy(pipe):
    pipe.capture()
    pipe.hang_up()
    pipe.turns()
    assert not pipe.loop.remove_reader(pipe.read)  # it was removed already
