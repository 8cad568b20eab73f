"""The control socket's sessions, over socket pairs, with operations that note what is asked of them."""

import asyncio
import socket

import pytest

from scr.config import Limits
from scr.errors import StoreUnavailable, UnknownAgent
from scr.protocol.channel import BlockingChannel
from scr.protocol.control import FROM_CONTROL, Answered, AwaitReady, CancelMessage, ShutDownRuntime, SignalAgent
from scr.protocol.framing import LENGTH, pack
from scr.runtime.control import ClientSession, ref_in
from scr.turns.answer import Outcome

LIMIT_S = 20.0
FRAME_BYTES = 100_000


class Asked:
    """What a session asks of a runtime."""

    def __init__(self):
        self.calls, self.told = [], None

    def leave_streams(self, outlet):
        self.calls.append("left")

    def cancel(self, message_id):
        self.calls.append(message_id)
        return True

    def signal_agent(self, agent, number):
        raise UnknownAgent(f"there is no agent {agent!r}")

    def await_ready(self, tell):
        self.told = tell

    def shut_down(self, reason):
        raise ZeroDivisionError(reason)


class Served:
    """One session, and its client's end of the pair."""

    def __init__(self, *, is_owner=False):
        self.asked, self.gone, self.is_owner = Asked(), [], is_owner

    async def __aenter__(self):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        loop, limits = asyncio.get_running_loop(), Limits(frame_bytes=FRAME_BYTES)
        self.faults = []
        loop.set_exception_handler(lambda _, context: self.faults.append(context["exception"]))
        self.session = ClientSession(loop, ours, self.asked, limits, self.gone.append)
        self.session.is_owner = self.is_owner
        self.socket, self.client = theirs, BlockingChannel(theirs, FROM_CONTROL)
        return self

    async def __aexit__(self, *_):
        self.session.close()
        self.client.close()

    async def frame(self):
        return await asyncio.to_thread(self.client.receive, LIMIT_S)

    async def answer_to(self, request):
        self.client.send(request)
        return await self.frame()


def played(story, **settings):
    async def play():
        async with Served(**settings) as served:
            await story(served)

    asyncio.run(play())


def test_a_request_is_answered_under_its_number():
    async def story(served):
        assert await served.answer_to(CancelMessage(ref=4, message_id="m")) == Answered(ref=4, value=True)
        assert served.asked.calls == ["m"]

    played(story)


def test_what_is_refused_is_answered_with_the_error_by_its_name():
    async def story(served):
        answered = await served.answer_to(SignalAgent(ref=1, agent="a", number=9))
        assert (answered.error, answered.detail) == ("UnknownAgent", "there is no agent 'a'")
        assert served.faults == []

    played(story)


def test_an_error_of_the_runtimes_own_ends_nothing_and_is_for_its_log():
    async def story(served):
        assert await served.answer_to(ShutDownRuntime(ref=1, reason="asked")) == Answered(ref=1)
        broken = await served.frame()
        assert (broken.ref, broken.error) == (1, "ScrError")
        assert "ZeroDivisionError in the runtime" in broken.detail
        assert [type(fault) for fault in served.faults] == [ZeroDivisionError]
        assert (await served.answer_to(CancelMessage(ref=2, message_id="m"))).value is True

    played(story)


def test_an_answer_that_is_made_later_comes_then():
    async def story(served):
        served.client.send(AwaitReady(ref=5))
        assert (await served.answer_to(CancelMessage(ref=6, message_id="m"))).ref == 6
        served.asked.told(Outcome(error="StartFailed", detail="a did not start"))
        answered = await served.frame()
        assert (answered.ref, answered.error, answered.detail) == (5, "StartFailed", "a did not start")

    played(story)


@pytest.mark.parametrize(
    ("body", "ref"),
    [(b'{"ref": 12, "verb": "dance"}', 12), (b'{"verb": "dance"}', 0), (b"nonsense", 0), (b'{"ref":12}', 12)],
)
def test_what_cannot_be_read_is_answered_under_its_number_where_that_is_found_and_the_next_is_served(body, ref):
    async def story(served):
        served.socket.sendall(pack(body, FRAME_BYTES))
        answered = await served.frame()
        assert (answered.ref, answered.error) == (ref, "BrokenFrame")
        assert (await served.answer_to(CancelMessage(ref=2, message_id="m"))).value is True
        assert served.gone == []

    assert ref_in(body) == ref
    played(story)


@pytest.mark.parametrize("is_owner", [False, True])
def test_too_large_a_frame_ends_the_connection_of_a_client_and_not_that_of_the_owner(is_owner):
    async def story(served):
        served.socket.sendall(LENGTH.pack(FRAME_BYTES + 1))
        answered = await served.frame()
        assert (answered.ref, answered.error) == (0, "FrameTooLarge")
        assert served.gone == ([] if is_owner else [served.session])

    played(story, is_owner=is_owner)


def test_an_answer_that_is_too_large_is_an_error_and_one_that_is_no_json_too():
    async def story(served):
        served.session.answer(CancelMessage(ref=1, message_id="m"), "x" * FRAME_BYTES)
        assert (await served.frame()).error == "FrameTooLarge"
        served.session.say(StoreUnavailable("the disk is full"))
        assert await served.frame() == Answered(ref=0, error="StoreUnavailable", detail="the disk is full")

    played(story)


def test_a_client_that_hangs_up_is_told_nothing_more_and_reads_no_stream():
    async def story(served):
        served.client.close()
        async with asyncio.timeout(LIMIT_S):
            while not served.gone:  # noqa: ASYNC110  the loop hears of it
                await asyncio.sleep(0)
        assert served.gone == [served.session]
        assert served.asked.calls == ["left"]

    played(story)
