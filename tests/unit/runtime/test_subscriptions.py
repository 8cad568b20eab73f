"""What a client of the control socket is told of events."""

import asyncio
import socket
from types import SimpleNamespace

from scr.config import Limits
from scr.protocol.channel import BlockingChannel
from scr.protocol.control import FROM_CONTROL, Answered, Subscribe
from scr.runtime.control import LOG_BYTES, ClientSession
from scr.runtime.dispatch.streams import ChunkStreams
from scr.runtime.operations import Operations
from scr.telemetry.events import AgentUp, LinesDropped, Printed
from scr.telemetry.sinks import EventLog

LIMIT_S = 5.0
PARTS = ("store", "supervisor", "departures", "reloads", "starts", "readiness", "overview")
FRAME_BYTES = 1 << 19  # a backlog of four of these is the end of a connection


class Told:
    """A client that has subscribed, with the events of a runtime that has nothing else."""

    def __init__(self, **wanted):
        self.events = EventLog(lambda: (1.0, 2.0), 1, lambda _: None)
        self.wanted, self.gone = Subscribe(ref=1, **wanted), []

    async def __aenter__(self):
        parts = dict.fromkeys(PARTS) | {"events": self.events, "turns": SimpleNamespace(streams=ChunkStreams())}
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        limits = Limits(frame_bytes=FRAME_BYTES)
        self._served = ClientSession(loop, ours, Operations(loop, limits, **parts), limits, self.gone.append)
        self._channel = BlockingChannel(theirs, FROM_CONTROL)
        self._channel.send(self.wanted)
        assert isinstance(await self.frame(), Answered)
        return self

    async def __aexit__(self, *_):
        self._served.close()
        self._channel.close()

    async def frame(self):
        return await asyncio.to_thread(self._channel.receive, LIMIT_S)

    async def event(self):
        return (await self.frame()).record.event

    def print(self, text):
        self.events.emit(Printed(agent="a", stream="stdout", text=text))


def test_only_the_kinds_that_were_named_are_told():
    async def story():
        async with Told(kinds=("printed",)) as told:
            told.events.emit(AgentUp(agent="a", incarnation=1, pid=7))
            told.print("line")
            assert await told.event() == Printed(agent="a", stream="stdout", text="line")

    asyncio.run(story())


def test_a_program_that_reads_nothing_keeps_its_connection_and_is_told_how_much_was_left_out():
    async def story():
        async with Told(kinds=("printed", "lines_dropped")) as told:
            lines = 4 * LOG_BYTES // 1000
            for _ in range(lines):
                told.print("x" * 1000)
            heard = [await told.event()]
            while told._served._channel.waiting_bytes:
                heard.append(await told.event())
            told.print("the last")
            while getattr(heard[-1], "text", "") != "the last":
                heard.append(await told.event())
            left_out = [event.count for event in heard if isinstance(event, LinesDropped)]
            assert len(left_out) == 1
            assert left_out[0] + len(heard) - 2 == lines
            assert told.gone == []

    asyncio.run(story())
