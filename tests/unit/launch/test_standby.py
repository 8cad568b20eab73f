"""The pool's own decisions, over a launcher that starts no process."""

import asyncio
import contextlib
import os
import socket

import pytest

from scr.errors import LaunchFailed
from scr.launch import standby
from scr.launch.launcher import BLANK, Process
from scr.launch.standby import FAILURES_MAX, StandbyPool


class Puppets:
    """A launcher whose processes are pipes: `pidfd` becomes readable when the other end is closed."""

    def __init__(self):
        self.asked = []
        self.lives = {}
        self.made = []
        self.refuses = False
        self.is_closed = False

    def launch(self, _request, ready):
        self.asked.append(ready)
        asyncio.get_running_loop().call_soon(self.answer, ready)

    def answer(self, ready):
        if self.refuses:
            ready(LaunchFailed("refused on purpose"))
            return
        pidfd, life = os.pipe()
        pid = 1_000_000_000 + len(self.made)
        ours, theirs = socket.socketpair()
        theirs.close()
        process = Process(pid, pidfd, ours, os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_RDONLY))
        self.lives[pid] = life
        self.made.append(process)
        ready(process)

    def kill(self, pid):
        os.close(self.lives.pop(pid))

    async def close(self):
        self.is_closed = True
        for pid in tuple(self.lives):
            self.kill(pid)
        for process in self.made:
            process.close()


@contextlib.asynccontextmanager
async def pool_of(size, monkeypatch):
    monkeypatch.setattr(standby, "RETRY_S", 0.0)
    monkeypatch.setattr(standby, "CALM_S", 0.0)
    monkeypatch.setattr(standby, "signal_group", lambda *_: True)
    puppets = Puppets()
    pool = StandbyPool(puppets, size)
    try:
        yield pool, puppets
    finally:
        await pool.close()
        await settle()
        assert puppets.is_closed


async def settle():
    """Let all that is due happen: retries without delay included."""
    for _ in range(100):
        await asyncio.sleep(0)


async def launched(pool):
    future = asyncio.get_running_loop().create_future()
    pool.launch(BLANK, future.set_result)
    assert not future.done(), "the answer may only come later"
    return await future


def scene(play):
    """A test in a loop of its own."""

    def run(monkeypatch):
        asyncio.run(play(monkeypatch))

    run.__name__ = play.__name__
    return run


@scene
async def test_the_pool_fills_itself_and_hands_out_the_oldest_first(monkeypatch):
    async with pool_of(3, monkeypatch) as (pool, puppets):
        await settle()
        assert pool.idle == 3
        assert [(await launched(pool)).pid for _ in range(3)] == [one.pid for one in puppets.made[:3]]
        await settle()
        assert pool.idle == 3
        assert len(puppets.asked) == 6


@scene
async def test_size_0_passes_every_request_through_and_keeps_none(monkeypatch):
    async with pool_of(0, monkeypatch) as (pool, puppets):
        for count in (1, 2, 3):
            await launched(pool)
            await settle()
            assert (pool.idle, len(puppets.asked)) == (0, count)


@scene
async def test_an_empty_pool_passes_the_request_on_before_it_refills(monkeypatch):
    async with pool_of(2, monkeypatch) as (pool, puppets):
        first = asyncio.get_running_loop().create_future()
        pool.launch(BLANK, first.set_result)
        assert puppets.asked == [first.set_result]
        await first
        await settle()
        assert pool.idle == 2


@scene
async def test_the_dead_are_not_handed_out_even_before_their_death_is_noticed(monkeypatch):
    async with pool_of(3, monkeypatch) as (pool, puppets):
        await settle()
        puppets.kill(puppets.made[0].pid)
        puppets.kill(puppets.made[1].pid)
        assert (await launched(pool)).pid == puppets.made[2].pid


@scene
async def test_a_standby_that_dies_is_replaced(monkeypatch):
    async with pool_of(3, monkeypatch) as (pool, puppets):
        await settle()
        puppets.kill(puppets.made[1].pid)
        await until(lambda: len(puppets.made) == 4 and pool.idle == 3)


@scene
async def test_refills_that_fail_are_given_up_until_somebody_asks_again(monkeypatch):
    async with pool_of(1, monkeypatch) as (pool, puppets):
        puppets.refuses = True
        await until(lambda: len(puppets.asked) == FAILURES_MAX + 1)
        await settle()
        assert len(puppets.asked) == FAILURES_MAX + 1
        assert isinstance(await launched(pool), LaunchFailed)
        puppets.refuses = False
        await until(lambda: pool.idle == 1)


@scene
async def test_the_waits_between_failing_refills_grow(monkeypatch):
    delays = []
    loop = asyncio.get_running_loop()
    call_later = loop.call_later
    monkeypatch.setattr(loop, "call_later", lambda delay, *rest: (delays.append(delay), call_later(0, *rest))[1])
    async with pool_of(1, monkeypatch) as (_, puppets):
        monkeypatch.setattr(standby, "RETRY_S", 1.0)
        puppets.refuses = True
        for _ in range(1000):
            if len(puppets.asked) == FAILURES_MAX + 1:
                break
            await asyncio.sleep(0)
        assert [delay for delay in delays if delay >= 1] == [1, 2, 4, 8, 16]


@scene
async def test_what_arrives_after_closing_is_closed(monkeypatch):
    async with pool_of(2, monkeypatch) as (pool, puppets):
        await pool.close()
        await settle()
        assert pool.idle == 0
        assert all(one.channel.fileno() == -1 for one in puppets.made)


async def until(fact):
    async with asyncio.timeout(20):
        while not fact():  # noqa: ASYNC110  the fact is the kernel's, who sets no Event
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("size", [1, 4])
def test_a_pool_starts_as_many_as_it_holds_and_no_more(size, monkeypatch):
    async def play():
        async with pool_of(size, monkeypatch) as (_, puppets):
            await settle()
            assert len(puppets.asked) == size

    asyncio.run(play())
