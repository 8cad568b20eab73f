"""xoscar: actors in a pool of processes, which makes a dead process and its actors again."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import xoscar

from benchmark.clock import Samples, pss_bytes
from benchmark.peers import work

USES = ("xoscar",)
CANNOT = {"load": "its caller is told by an error of a call; it has no flow to two processes from one thread"}
LOST = (xoscar.errors.ServerClosed, ConnectionError, asyncio.TimeoutError)


class Peer(xoscar.Actor):  # type: ignore[misc]  # its venv is not this one
    """Does what the others do, in a process of the pool."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}

    async def echo(self, value: Any) -> Any:
        """What is given."""
        return value

    async def pid(self) -> int:
        """Of the process that it is in."""
        return os.getpid()

    async def hold(self, path: str) -> str:
        """Holds the process, as a handler that computes does."""
        return work.hold(path)

    async def put(self, key: str, value: str) -> None:
        """Into a dict."""
        self.values[key] = value

    async def get(self, key: str) -> str:
        """Out of it."""
        return self.values[key]

    async def call(self, other: Any, method: str, count: int, *values: Any) -> list[float]:
        """Call another actor so often; the seconds of each."""
        times = []
        for _ in range(count + count // 10):
            began = time.perf_counter()
            await getattr(other, method)(*values)
            times.append(time.perf_counter() - began)
        return times[count // 10 :]

    async def send_all(self, other: Any, count: int, pad: str) -> None:
        """Calls to another actor, all under way at once."""
        await asyncio.gather(*(other.echo(pad) for _ in range(count)))


def run(use: Callable[[Any, list[Any]], Awaitable[Samples]], processes: int) -> Samples:
    """With a pool of so many processes, and an actor in each."""

    async def life() -> Samples:
        pool = await xoscar.create_actor_pool("127.0.0.1", n_process=processes, auto_recover="actor")
        async with pool:
            addresses = list(pool.sub_processes)
            actors = [await xoscar.create_actor(Peer, address=at, uid=f"peer-{n}") for n, at in enumerate(addresses)]
            return await use(pool, actors)

    return asyncio.run(life())


def recovery(kills: int, folder: str) -> Samples:
    """The actor comes back by itself; the call that it had does not."""

    async def use(pool: Any, actors: list[Any]) -> Samples:
        times = []
        for n in range(min(kills, 4) + 1):
            path = f"{folder}/held-{n}"
            call = asyncio.ensure_future(actors[0].hold(path))
            pid = await asyncio.to_thread(work.holder_of, path)
            began = time.perf_counter()
            os.kill(pid, 9)
            with suppress(*LOST):
                await asyncio.wait_for(call, work.ANSWER_S)
            await xoscar.wait_actor_pool_recovered(actors[0].address, pool.external_address)
            await asyncio.wait_for(again(path, actors[0].address), work.ANSWER_S)
            times.append(time.perf_counter() - began)
        return {"by_hand": times[1:], "warm": "the actor comes back, its call fails: its caller asks again"}

    return run(use, 2)


async def again(path: str, address: str) -> object:
    """Ask until the actor is there."""
    while True:
        try:
            actor = await xoscar.actor_ref(uid="peer-0", address=address)
            return await actor.hold(path)
        except (*LOST, xoscar.errors.ActorNotExist):
            await asyncio.sleep(0.005)


def round_trip(trips: int, **_: object) -> Samples:
    """From an actor in one process to one in another."""

    async def use(_: Any, actors: list[Any]) -> Samples:
        return {"pair": await actors[0].call(actors[1], "echo", trips, work.SMALL)}

    return run(use, 2)


def throughput(messages: int, **_: object) -> Samples:
    """Calls from an actor in one process to one in another."""

    async def use(_: Any, actors: list[Any]) -> Samples:
        found: Samples = {}
        for name, count, pad in (("one_small", messages, work.SMALL), ("one_large", messages // 10, work.LARGE)):
            await actors[0].send_all(actors[1], count // 10, pad)
            began = time.perf_counter()
            await actors[0].send_all(actors[1], count, pad)
            found[name] = [count / (time.perf_counter() - began)]
        return found

    return run(use, 2)


def start(sizes: list[int], **_: object) -> Samples:
    """A pool of as many processes, and an actor in each."""
    found: Samples = {}
    for size in sizes:
        if size > 20:
            found[f"rate_{size}"] = "not tried: each process is an interpreter of its own, more than a second each here"
            continue
        began = time.perf_counter()

        async def use(_: Any, actors: list[Any], size: int = size, began: float = began) -> Samples:
            pids = [await actor.pid() for actor in actors]
            took = time.perf_counter() - began
            return {f"rate_{size}": [size / took], f"size_{size}": [sum(map(pss_bytes, pids)) / size]}

        found |= run(use, size)
    return found


def table(sizes: list[int], readers: list[int], reads: int, **_: object) -> Samples:
    """An actor that holds a dict, read by actors in processes of their own."""
    few = [number for number in readers if number <= 10]

    async def use(_: Any, actors: list[Any]) -> Samples:
        keeper, *others = actors
        found: Samples = {f"get_{sizes[0]}_{n}": "not tried: see start" for n in readers if n not in few}
        for size in sizes:
            await keeper.put("k", "x" * size)
            for number in few:
                calls = (other.call(keeper, "get", max(10, reads // number), "k") for other in others[:number])
                found[f"get_{size}_{number}"] = [t for times in await asyncio.gather(*calls) for t in times]
        return found

    return run(use, 1 + max(few))
