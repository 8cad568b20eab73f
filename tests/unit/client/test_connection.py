"""A program's connection to a runtime, with a socket pair whose other end is the test."""

import socket
from concurrent.futures import Future

import pytest

from scr.client.connection import DEAF, UNREAD, Connection, unwrap_answer
from scr.errors import FrameTooLarge, RuntimeGone, UnknownAgent
from scr.messages import TaskPayload
from scr.protocol.channel import BlockingChannel
from scr.protocol.control import REQUEST, Answered, CancelMessage, Happened, ReadStatus, SendMessage, Streamed
from scr.telemetry.events import AgentUp, Record

LIMIT_S = 20.0


def runtime_end():
    """The socket of a connection, and the channel of the runtime at its other end."""
    ours, theirs = socket.socketpair()
    return ours, BlockingChannel(theirs, REQUEST)


@pytest.fixture
def heard():
    return []


@pytest.fixture
def link(heard):
    """An open connection, and the runtime's end of it."""
    ours, runtime = runtime_end()
    with Connection(heard.append) as connection:
        connection.open(ours)
        yield connection, runtime
        runtime.close()


def test_each_request_gets_its_own_answer_in_whatever_order_they_come(link):
    connection, runtime = link
    futures = [connection.put(ReadStatus(ref=connection.ref())) for _ in range(3)]
    refs = [runtime.receive(LIMIT_S).ref for _ in futures]
    for ref in reversed(refs):
        runtime.send(Answered(ref=ref, value=f"for {ref}"))
    assert [future.result(LIMIT_S).value for future in futures] == [f"for {ref}" for ref in refs]


def test_an_answer_that_is_an_error_is_raised_by_its_name():
    with pytest.raises(UnknownAgent, match="no agent 'a'"):
        unwrap_answer(Answered(ref=1, error="UnknownAgent", detail="no agent 'a'"))


def test_an_answer_to_what_is_forgotten_is_dropped_and_the_next_is_heard(link):
    connection, runtime = link
    forgotten, awaited = ReadStatus(ref=1), ReadStatus(ref=2)
    future = connection.put(forgotten)
    connection.forget(forgotten)
    last = connection.put(awaited)
    runtime.send(Answered(ref=1))
    runtime.send(Answered(ref=2, value="here"))
    assert last.result(LIMIT_S).value == "here"
    assert not future.done()


def test_a_request_without_an_answer_in_time_says_so_and_is_forgotten(link):
    connection, runtime = link
    with pytest.raises(RuntimeGone, match="did not answer within 0 s"):
        connection.request(ReadStatus(ref=7), 0.0)
    assert runtime.receive(LIMIT_S).ref == 7
    assert not connection._waiting


def test_events_are_told_to_the_listener_in_order(link, heard):
    connection, runtime = link
    records = [Record(seq=n, at=0.0, time=0.0, event=AgentUp(agent="a", incarnation=n, pid=n)) for n in (1, 2)]
    for record in records:
        runtime.send(Happened(record=record))
    future = connection.put(ReadStatus(ref=1))
    runtime.send(Answered(ref=1))
    future.result(LIMIT_S)
    assert heard == records


def test_chunks_go_to_the_reader_of_their_number_and_others_are_dropped(link):
    connection, runtime = link
    unread = connection.gather(3)
    news = connection.news(unread)
    for ref in (4, 3):
        runtime.send(Streamed(ref=ref, delivery=1, number=0, data=f"under {ref}"))
    news.result(LIMIT_S)
    assert [chunk.data for chunk in unread._chunks] == ["under 3"]


def test_when_the_runtime_hangs_up_all_that_wait_are_told_and_nothing_more_is_sent(link):
    connection, runtime = link
    future = connection.put(ReadStatus(ref=1))
    runtime.close()
    assert connection.wait_end(LIMIT_S)
    with pytest.raises(RuntimeGone, match="process has ended"):
        future.result(LIMIT_S)
    with pytest.raises(RuntimeGone, match="process has ended"):
        connection.put(ReadStatus(ref=2))


def test_what_a_runtime_says_unasked_before_it_ends_is_why_nothing_is_answered(link):
    connection, runtime = link
    future = connection.put(ReadStatus(ref=1))
    runtime.send(Answered(ref=0, error=DEAF, detail="the frame was too large"))
    with pytest.raises(FrameTooLarge, match="the frame was too large"):
        future.result(LIMIT_S)


def test_a_frame_that_was_not_read_is_an_answer_to_nothing_and_ends_nothing(link):
    connection, runtime = link
    future = connection.put(ReadStatus(ref=1))
    runtime.send(Answered(ref=0, error=UNREAD, detail="no such verb"))
    runtime.send(Answered(ref=1, value="still here"))
    assert future.result(LIMIT_S).value == "still here"


def test_a_connection_that_is_not_open_refuses_requests():
    with pytest.raises(RuntimeGone, match="is not running"):
        Connection().put(ReadStatus(ref=1))


def test_another_runtime_is_asked_again_what_may_be_repeated_and_a_message_is_marked():
    connection, kept, lost = Connection(), ReadStatus(ref=1), CancelMessage(ref=2, message_id="m")
    message = SendMessage(ref=3, message_id="m", to="a", payload=TaskPayload(task_id="t", kind="k"))
    futures = {}
    for request in (kept, lost, message):
        futures[request.ref] = future = Future()
        connection._waiting[request.ref] = request, future
    ours, runtime = runtime_end()
    connection._ask_again(BlockingChannel(ours, REQUEST))
    assert [runtime.receive(LIMIT_S) for _ in range(2)] == [kept, message.model_copy(update={"again": True})]
    with pytest.raises(RuntimeGone, match="look what has happened"):
        futures[lost.ref].result(LIMIT_S)
    connection.close()
    runtime.close()
