"""Runs in a real PostgreSQL that several runtimes reach: taken over, never shared, and patient with the server."""

import asyncio
import os
import signal
import threading

import psycopg
import pytest

import scr
from scr.config import Limits
from scr.errors import RunOwned
from tests.conftest import until
from tests.contract.postgres_server import FAST, PostgresServer
from tests.process.conftest import Story


@pytest.fixture(scope="module")
def server():
    running = PostgresServer(*FAST)
    yield running
    running.close()


@pytest.fixture
def url(server):
    return server.url()


def pays(ctx, message):
    """Once, into a file; then waits until it may end."""
    folder = message.payload.input

    def pay():
        with open(f"{folder}/paid", "a") as ledger:
            ledger.write("x")

    ctx.step_once("pay", pay)
    open(f"{folder}/has-paid", "w").close()
    until(lambda: os.path.exists(f"{folder}/go"))
    return "paid"


def adds(ctx, message):
    return message.payload.input + 1


def in_background(call, *args, **kwargs):
    told = []
    threading.Thread(target=lambda: told.append(call(*args, **kwargs)), daemon=True).start()
    return told


def name_of_error(call, *args, **kwargs):
    with pytest.raises(scr.ScrError) as error:
        call(*args, **kwargs)
    return type(error.value).__name__


def test_a_run_whose_owner_is_frozen_is_finished_by_another_and_nothing_happens_twice(url, tmp_path):
    first = Story(store=url, lease_s=0.5)
    with first.runtime as frozen:
        frozen.start_agent("pays", pays)
        said = in_background(name_of_error, frozen.ask, "pays", str(tmp_path), key="the payment")
        until((tmp_path / "has-paid").exists)
        os.kill(frozen.pid, signal.SIGSTOP)
        (tmp_path / "go").touch()

        def finished():
            try:
                with scr.Runtime(store=url, run=frozen.run) as other:
                    return other.attach("the payment").result(30)
            except RunOwned:
                return None

        assert until(finished) == "paid"
        os.kill(frozen.pid, signal.SIGCONT)
        until(lambda: said)
    assert said == ["LeaseLost"]
    assert (tmp_path / "paid").read_text() == "x"


def test_a_server_that_restarts_and_one_that_drops_connections_cost_no_answer(server, url):
    story = Story(store=url)
    with story.runtime as runtime:
        for n in range(3):
            runtime.start_agent(f"adds-{n}", adds)
        assert [runtime.ask(f"adds-{n}", n) for n in range(3)] == [1, 2, 3]
        server.stop(signal.SIGQUIT)
        waiting = [in_background(runtime.ask, f"adds-{n}", 10 * n) for n in range(3)]
        story.until("store_changed", state="trouble")
        assert runtime.status().store.state == "trouble"
        server.start()
        until(lambda: all(waiting))
        assert waiting == [[1], [11], [21]]
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        assert [runtime.ask(f"adds-{n}", n) for n in range(3)] == [1, 2, 3]
        until(lambda: runtime.status().store.state == "ok")


def asks(ctx, message):
    begun_and_told_to_go_on(ctx, message)
    return [ctx.ask(agent, 1, timeout_s=1.5) for agent in ("adds-1", "adds-2")]


async def asks_both(ctx, message):
    begun_and_told_to_go_on(ctx, message)
    return list(await asyncio.gather(*(ctx.ask_async(agent, 1, timeout_s=1.5) for agent in ("adds-1", "adds-2"))))


def begun_and_told_to_go_on(ctx, message):
    folder = message.payload.input
    open(f"{folder}/{ctx.agent}", "w").close()
    until(lambda: os.path.exists(f"{folder}/go"))


def test_the_stores_trouble_is_no_fault_of_those_who_wait_for_an_answer_meanwhile(server, url, tmp_path):
    story = Story(store=url)
    with story.runtime as runtime:
        for name, agent in {"adds-1": adds, "adds-2": adds, "asks": asks, "asks-both": asks_both}.items():
            runtime.start_agent(name, agent, deadline_s=3.0)
        waiting = [in_background(runtime.ask, name, str(tmp_path)) for name in ("asks", "asks-both")]
        until(lambda: (tmp_path / "asks").exists() and (tmp_path / "asks-both").exists())
        server.stop(signal.SIGQUIT)
        (tmp_path / "go").touch()
        until(lambda: runtime.status().store.behind_s > 6.0)
        server.start()
        until(lambda: all(waiting))
        assert waiting == [[[2, 2]], [[2, 2]]]
        assert not story.events("agent_exited")


def backends(server):
    """The server's processes that serve runtimes."""
    with psycopg.connect(server.url(), autocommit=True) as admin:
        found = admin.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'scr'").fetchall()
    return [pid for (pid,) in found]


def test_a_server_that_answers_nothing_ends_the_runtime_and_what_was_accepted_goes_on_later(server, url):
    story = Story(store=url, lease_s=0.5, limits=Limits(store_patience_s=2.0, stop_s=1.0))
    with story.runtime as runtime:
        runtime.start_agent("adds", adds)
        assert runtime.ask("adds", 1, key="before") == 2
        frozen = backends(server)
        try:
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            asked = in_background(name_of_error, runtime.ask, "adds", 2, key="meanwhile")
            story.until("store_changed", state="slow")
            until(lambda: asked)
            assert asked == ["StoreUnavailable"]
            assert "answers nothing" in story.until("runtime_down").reason
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
    with scr.Runtime(store=url, run=runtime.run) as other:
        assert other.attach("before").result(10) == 2
        assert other.ask("adds", 3) == 4
