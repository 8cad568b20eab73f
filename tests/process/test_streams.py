"""Answers that are read while they are made."""

import asyncio
import os
import signal

import pytest

import scr
from scr.client.chunks import UNREAD_MAX
from scr.client.connect import connect
from scr.errors import InvalidInput, RuntimeGone
from tests.conftest import until


def counts(ctx, message):
    for n in range(message.payload.input):
        ctx.stream({"n": n})
    return "counted"


def dies_once(ctx, message):
    for n in range(4):
        ctx.stream(n)
        if n == 2 and ctx.deliveries == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def gated(ctx, message):
    """Streams its delivery and waits for a file before it ends, and streams once more."""
    folder = message.payload.input
    ctx.stream("first")
    open(f"{folder}/begun-{ctx.deliveries}-{os.getpid()}", "w").close()
    until(lambda: os.path.exists(f"{folder}/go"))
    ctx.stream("last")
    return "gone"


async def talks(ctx, message):
    for word in ["to", "be", "or", "not"]:
        ctx.stream(word)
        await asyncio.sleep(0)
    return len(ctx.ask_async.__name__)


def gives_up(ctx, message):
    ctx.stream("so far")
    raise scr.Fatal("no further")


def relays(ctx, message):
    ctx.stream(ctx.ask("counts", 3))
    return "relayed"


AGENTS = {
    "counts": counts,
    "gated": gated,
    "talks": talks,
    "relays": relays,
}


@pytest.fixture(scope="module")
def runtime():
    with scr.Runtime() as runtime:
        for name, code in AGENTS.items():
            runtime.start_agent(name, code)
        yield runtime


def read(submitted):
    return [(chunk.delivery, chunk.data) for chunk in submitted.stream(20)]


def test_chunks_come_in_order_from_the_submission_on_and_end_with_the_answer(runtime):
    submitted = runtime.submit("counts", 500)
    chunks = list(submitted.stream(20))
    assert [chunk.data["n"] for chunk in chunks] == [chunk.number for chunk in chunks] == list(range(500))
    assert {(chunk.delivery, chunk.missed) for chunk in chunks} == {(1, 0)}
    assert submitted.result(10) == "counted"
    assert (read(submitted), submitted.result(10)) == ([], "counted")


def test_an_event_loop_reads_several_streams_together(runtime):
    async def words():
        submitted = await runtime.submit_async("talks", None)
        return [chunk.data async for chunk in submitted.stream_async(20)]

    async def several():
        return await asyncio.gather(*(words() for _ in range(3)))

    assert asyncio.run(several()) == [["to", "be", "or", "not"]] * 3


def test_chunks_leave_before_the_answer_and_a_reader_may_stop_and_go_on(runtime, tmp_path):
    submitted = runtime.submit("gated", str(tmp_path))
    for chunk in submitted.stream(20):
        assert chunk.data == "first"
        break
    (tmp_path / "go").touch()
    assert read(submitted) == [(1, "last")]


def test_a_stream_that_is_not_read_costs_its_oldest_chunks_and_holds_nothing_up(runtime):
    unread = runtime.submit("counts", 3 * UNREAD_MAX)
    assert unread.result(20) == "counted"
    assert runtime.ask("talks", None) == len("ask_async")
    chunks = list(unread.stream(20))
    assert (len(chunks), chunks[0].missed, chunks[-1].number) == (UNREAD_MAX, 2 * UNREAD_MAX, 3 * UNREAD_MAX - 1)
    assert not any(chunk.missed for chunk in chunks[1:])


def test_two_readers_of_one_submission_are_told_so_and_none_is_told_nothing(runtime, tmp_path):
    async def read_twice(submitted):
        async def chunks():
            return [chunk.data async for chunk in submitted.stream_async(20)]

        readers = [asyncio.create_task(chunks()) for _ in range(2)]
        await asyncio.sleep(0)
        (tmp_path / "go").touch()
        return await asyncio.gather(*readers, return_exceptions=True)

    ends = asyncio.run(read_twice(runtime.submit("gated", str(tmp_path))))
    (refused,) = (end for end in ends if isinstance(end, InvalidInput))
    (read_on,) = (end for end in ends if end is not refused)
    assert ("another reader reads this stream of" in str(refused), read_on[-1]) == (True, "last")
    submitted = runtime.submit("counts", 3)
    left, right = submitted.stream(20), submitted.stream(20)
    assert [next(left).data["n"], *(chunk.data["n"] for chunk in right)] == [0, 1, 2]
    with pytest.raises(InvalidInput, match="another reader reads"):
        next(left)


def test_a_fork_of_the_program_reads_no_stream(runtime, tmp_path):
    stream = runtime.submit("gated", str(tmp_path)).stream(20)
    assert next(stream).data == "first"
    if not (child := os.fork()):
        code = 1
        try:
            next(stream)
        except RuntimeGone:
            code = 7
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    (tmp_path / "go").touch()
    assert [chunk.data for chunk in stream] == ["last"]


def test_the_error_of_the_task_is_raised_at_the_end_of_its_stream_and_by_its_result():
    heard = []
    with scr.Runtime(quiet=True) as runtime:
        runtime.start_agent("gives_up", gives_up)
        submitted = runtime.submit("gives_up", None)
        with pytest.raises(scr.TaskFailed, match="no further"):
            heard.extend(chunk.data for chunk in submitted.stream(20))
        with pytest.raises(scr.TaskFailed):
            submitted.result(10)
    assert heard == ["so far"]


async def heard_from_now_on(client, submitted, go):
    """Read a stream that is asked for before the agent goes on."""

    async def chunks():
        return [chunk.data async for chunk in submitted.stream_async(20)]

    looking = asyncio.create_task(chunks())
    await asyncio.sleep(0)  # its question is sent
    client.status()  # and was heard before this, on the same connection
    go.touch()
    return await looking


def test_a_client_of_another_connection_reads_what_it_submits_and_what_it_joins_from_then_on(runtime, tmp_path):
    own = runtime.submit("gated", str(tmp_path), key="shared")
    until(lambda: os.listdir(tmp_path))
    with connect(runtime.id) as client:
        assert len(read(client.submit("counts", 3))) == 3
        joined, attached = client.submit("gated", str(tmp_path), key="shared"), client.attach("shared")
        assert asyncio.run(heard_from_now_on(client, attached, tmp_path / "go")) == ["last"]
        assert [(chunk.data, chunk.missed) for chunk in joined.stream(20)] == [("last", 1)]
    assert read(own) == [(1, "first"), (1, "last")]


def test_what_one_agent_asks_of_another_has_no_reader(runtime):
    assert read(runtime.submit("relays", None)) == [(1, "counted")]


def test_a_reader_that_is_gone_holds_nothing_up(runtime, tmp_path):
    with connect(runtime.id) as client:
        gone = client.submit("gated", str(tmp_path))
        until(lambda: os.listdir(tmp_path))
    (tmp_path / "go").touch()
    assert runtime.attach(gone.id).result(10) == "gone"
    with pytest.raises(RuntimeGone):
        list(gone.stream(20))


def test_a_delivery_after_the_agent_or_the_runtime_was_killed_is_a_later_one_and_begins_anew(tmp_path):
    with scr.Runtime(store=f"sqlite:///{tmp_path}/s.db", settings=scr.Settings(standbys=0)) as runtime:
        runtime.start_agent("dies", dies_once)
        runtime.start_agent("gated", gated)
        assert read(runtime.submit("dies", None)) == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (2, 3)]
        folder = tmp_path / "gate"
        folder.mkdir()
        submitted = runtime.submit("gated", str(folder))
        stream = submitted.stream(30)
        first = next(stream)
        until(lambda: os.listdir(folder))
        os.kill(runtime.pid, signal.SIGKILL)
        again = next(stream)
        (folder / "go").touch()
        rest = [(chunk.delivery > first.delivery, chunk.data) for chunk in stream]
        assert (first.data, again.data, again.delivery > first.delivery) == ("first", "first", True)
        assert rest == [(True, "last")]
