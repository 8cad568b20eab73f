"""Dask's `distributed`: tasks that a scheduler runs again elsewhere when a worker dies, and actors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, LocalCluster, Variable, get_client

from benchmark.clock import Samples, laps, pss_bytes
from benchmark.peers import work

USES = ("distributed",)
CANNOT = {"load": "tells the caller nothing: a task that its worker took along is run again"}


class Peer:
    """An actor."""

    def echo(self, value: Any) -> Any:
        """What is given."""
        return value

    def call(self, other: Any, count: int) -> list[float]:
        """Call another actor so often; the seconds of each."""
        return laps(lambda: other.echo(work.SMALL).result(), count, work.BUDGET_S)


@contextmanager
def cluster(workers: int = 2) -> Iterator[Client]:
    """So many processes, one thread each."""
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as local,
        Client(local) as client,
    ):
        yield client


@contextmanager
def pair() -> Iterator[tuple[Any, Any]]:
    """Two actors, each on a worker of its own."""
    with cluster() as client:
        first, second = client.scheduler_info()["workers"]
        one = client.submit(Peer, actor=True, workers=[first], pure=False).result()
        other = client.submit(Peer, actor=True, workers=[second], pure=False).result()
        yield one, other


def recovery(kills: int, folder: str) -> Samples:
    """Another worker runs the task again, by itself."""
    with cluster() as client:

        def held(path: str) -> Any:
            while len(client.scheduler_info()["workers"]) < 2:
                time.sleep(0.05)
            task = client.submit(work.hold, path, pure=False)
            return lambda: task.result(work.ANSWER_S)

        return {"warm": work.kills(min(kills, 8), folder, held)}


def round_trip(trips: int, **_: object) -> Samples:
    """From an actor on one worker to one on another; a client's task and its result."""
    with pair() as (one, other):
        found: Samples = {"pair": one.call(other, trips).result()}
    with cluster() as client:
        found["client"] = laps(
            lambda: client.submit(work.echo, work.SMALL, pure=False).result(), trips // 4, work.BUDGET_S
        )
    return found


def throughput(messages: int, **_: object) -> Samples:
    """A client's tasks, all under way at once: they are handled faster than calls of actors."""
    with cluster() as client:

        def send_all(count: int, pad: str) -> None:
            client.gather(client.map(work.echo, [pad] * count, pure=False))

        return {**work.rate(send_all, messages // 4)}


def start(sizes: list[int], **_: object) -> Samples:
    """A cluster of as many workers."""
    found: Samples = {}
    for size in sizes:
        if size > 20:
            found[f"rate_{size}"] = "not tried: each worker is an interpreter of its own, with its nanny"
            continue
        began = time.perf_counter()
        with cluster(size) as client:
            client.wait_for_workers(size)
            found[f"rate_{size}"] = [size / (time.perf_counter() - began)]
            pids = client.run(work.echo_pid).values()
            found[f"size_{size}"] = [sum(map(pss_bytes, pids)) / size]
            stopping = time.perf_counter()
        found[f"stop_{size}"] = [time.perf_counter() - stopping]
    return found


def table(sizes: list[int], readers: list[int], reads: int, **_: object) -> Samples:
    """A Variable, read by tasks that run on workers of their own."""
    few = [number for number in readers if number <= 10]
    found: Samples = {f"get_{sizes[0]}_{n}": "not tried: see start" for n in readers if n not in few}
    with cluster(max(few)) as client:
        for size in sizes:
            variable = Variable(f"k{size}", client=client)
            value = "x" * size

            def put(variable: Any = variable, value: str = value) -> None:
                variable.set(value)
                variable.get()

            found[f"put_{size}"] = laps(put, reads // 10, work.BUDGET_S)
            for number in few:
                count = max(10, reads // number // 4)
                tasks = [client.submit(reading, f"k{size}", count, pure=False) for _ in range(number)]
                found[f"get_{size}_{number}"] = [t for times in client.gather(tasks) for t in times]
    return found


def reading(name: str, count: int) -> list[float]:
    """Read so often, on a worker."""
    variable = Variable(name, client=get_client())
    return laps(variable.get, count, work.BUDGET_S / 2)
