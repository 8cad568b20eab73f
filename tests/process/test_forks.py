"""A fork of a program has copies of its handles: they refuse at once, and what becomes of them touches nothing."""

import asyncio
import gc
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from concurrent.futures import ProcessPoolExecutor

import pytest

import scr
from scr.client.connect import connect
from scr.errors import RuntimeGone
from tests.conftest import until
from tests.process.test_bad_input import is_alive

FORK = multiprocessing.get_context("fork")
HANDLES = {}  # what a task of a pool finds in its fork of this process


def answers(ctx, message):
    return message.payload.input


def holds(ctx, message):
    until(lambda: os.path.exists(message.payload.input))
    return "for the parent"


@pytest.fixture(scope="module")
def shared():
    with scr.Runtime(settings=scr.Settings(standbys=0)) as runtime:
        runtime.start_agent("answers", answers)
        runtime.start_agent("holds", holds)
        HANDLES["runtime"], HANDLES["submitted"] = runtime, runtime.submit("answers", "kept")
        assert HANDLES["submitted"].result(10) == "kept"
        yield runtime
    HANDLES.clear()


@pytest.fixture
def runtime(shared):
    before = [(agent.id, agent.pid) for agent in shared.status().agents]
    yield shared
    assert shared.ask("answers", "unhurt") == "unhurt"
    assert [(agent.id, agent.pid) for agent in shared.status().agents] == before


def in_fork(do):
    """Run it in a fork, which then ends as a program does; what it returned, or its error."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.write(theirs, repr(do()).encode())
            status = 0
        except SystemExit:
            status = 0
        except BaseException:  # noqa: BLE001  whatever it is is told
            os.write(theirs, traceback.format_exc().encode())
        finally:
            os._exit(status)
    os.close(theirs)
    with os.fdopen(ours, "rb") as said:
        text = said.read().decode()
    _, status = os.waitpid(pid, 0)
    assert status == 0, text
    return text


def refusals(runtime, submitted):
    """What each verb says, by its name; each in far less than any timeout."""
    verbs = {
        "ask": lambda: runtime.ask("answers", "of the fork", timeout_s=60),
        "send": lambda: runtime.send("answers", 1),
        "submit": lambda: runtime.submit("answers", 1),
        "status": runtime.status,
        "crashes": runtime.crashes,
        "stack": lambda: runtime.stack("answers"),
        "subscribe": runtime.subscribe,
        "wait_ready": runtime.wait_ready,
        "stop_agent": lambda: runtime.stop_agent("answers"),
        "restart_agent": lambda: runtime.restart_agent("answers"),
        "reload_agent": lambda: runtime.reload_agent("answers"),
        "signal_agent": lambda: runtime.signal_agent("answers", 9),
        "cancel": lambda: runtime.cancel("m"),
        "resolve": lambda: runtime.resolve("m", is_done=True),
        "retry_dead": lambda: runtime.retry_dead("m"),
        "shut_down": runtime.shut_down,
        "wait_end": runtime.wait_end,
        "result": submitted.result,
        "events": lambda: list(submitted.events()),
        "submitted.cancel": submitted.cancel,
        "ask_async": lambda: asyncio.run(runtime.ask_async("answers", 1)),
        "submit_async": lambda: asyncio.run(runtime.submit_async("answers", 1)),
        "result_async": lambda: asyncio.run(submitted.result_async()),
    }
    if isinstance(runtime, scr.Runtime):
        verbs |= {"start_agent": lambda: runtime.start_agent("more", answers), "start": runtime.start}
    said = {}
    for name, verb in verbs.items():
        try:
            said[name] = f"no error: {verb()!r}"
        except RuntimeGone as error:
            said[name] = str(error)
    return said


def all_refuse(runtime, submitted, parent):
    wrong = {
        name: text
        for name, text in refusals(runtime, submitted).items()
        if f"belongs to process {parent}" not in text or "connect anew, or make a Runtime of your own" not in text
    }
    assert not wrong, wrong


def in_pool(parent):
    all_refuse(HANDLES["runtime"], HANDLES["submitted"], parent)
    return True


def test_every_verb_of_a_copied_handle_refuses_at_once_and_names_the_process_it_belongs_to(runtime):
    in_fork(lambda: all_refuse(runtime, HANDLES["submitted"], os.getppid()))


def test_the_copy_of_a_client_refuses_too_and_its_end_is_its_own(runtime):
    with connect(runtime.id) as client:
        mine = client.attach(HANDLES["submitted"].id)

        def use():
            all_refuse(client, mine, os.getppid())
            client.close()

        in_fork(use)
        assert client.ask("answers", 1) == 1
        assert mine.result(10) == "kept"


def test_what_the_parent_asks_while_a_fork_asks_is_answered_to_the_parent(runtime, tmp_path):
    heard = []
    asker = threading.Thread(target=lambda: heard.append(runtime.ask("holds", str(tmp_path / "go"))))
    asker.start()
    in_fork(lambda: all_refuse(runtime, HANDLES["submitted"], os.getppid()))
    (tmp_path / "go").touch()
    asker.join(20)
    assert heard == ["for the parent"]


def leave_with_block(runtime):
    with Again(runtime):
        sys.exit(0)


class Again:
    """A `with` block that a fork finds itself in: only its end is still to come."""

    def __init__(self, handle):
        self.handle = handle

    def __enter__(self):
        return self.handle

    def __exit__(self, *given):
        return self.handle.__exit__(*given)


ENDS = {
    "leaves the with block": leave_with_block,
    "stops": lambda runtime: runtime.stop(),
    "closes": lambda runtime: runtime.close(),
    "leaves an async with block": lambda runtime: asyncio.run(runtime.__aexit__(None, None, None)),
    "collects garbage": lambda runtime: (runtime.__dict__.clear(), HANDLES.clear(), gc.collect()),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_fork_that_ends_leaves_the_runtime_as_it_was(runtime, end):
    in_fork(lambda: ENDS[end](runtime))


def test_a_forked_multiprocessing_child_and_a_pool_of_them_leave_the_runtime_as_it_was(runtime):
    child = FORK.Process(target=sys.exit, args=(0,))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    with ProcessPoolExecutor(1, mp_context=FORK) as pool:
        assert pool.submit(in_pool, os.getpid()).result(20)


def test_a_fork_makes_a_runtime_of_its_own_or_connects_anew(runtime):
    def own():
        with connect(runtime.id) as client:
            assert client.ask("answers", "anew") == "anew"
        with scr.Runtime() as mine:
            mine.start_agent("answers", answers)
            return mine.ask("answers", "own")

    assert in_fork(own) == "'own'"


def test_a_fork_that_lives_on_does_not_keep_the_runtime_of_a_killed_program_alive():
    ours, theirs = os.pipe()
    program = os.fork()
    if program == 0:
        runtime = scr.Runtime()
        runtime.__enter__()
        fork = os.fork()
        if fork == 0:
            signal.pause()
        os.write(theirs, f"{runtime.pid} {fork}".encode())
        signal.pause()
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as said:
        runtime, fork = map(int, said.read(100).split())
    os.kill(program, signal.SIGKILL)
    os.waitpid(program, 0)
    try:
        until(lambda: not is_alive(runtime))
    finally:
        os.kill(fork, signal.SIGKILL)
