"""Ray: actors and tasks of a cluster that has one machine."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray

from benchmark.clock import Samples, laps, pss_bytes
from benchmark.peers import work

USES = ("ray",)


class Peer:
    """An actor."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def echo(self, value: Any) -> Any:
        """What is given."""
        return value

    def pid(self) -> int:
        """Of its process."""
        return os.getpid()

    def hold(self, path: str) -> str:
        """The first call until it is killed."""
        return work.hold(path)

    def put(self, key: str, value: str) -> None:
        """Into a dict."""
        self.values[key] = value

    def get(self, key: str) -> str:
        """Out of it."""
        return self.values[key]

    def call(self, other: Any, method: str, count: int, *values: Any) -> list[float]:
        """Call another actor so often; the seconds of each."""
        return laps(lambda: ray.get(getattr(other, method).remote(*values)), count, work.BUDGET_S)

    def send_all(self, other: Any, count: int, pad: str) -> None:
        """Calls to another actor, all under way at once."""
        ray.get([other.echo.remote(pad) for _ in range(count)])


def actor(**given: Any) -> Any:
    """A new one, once it is up."""
    made = ray.remote(Peer).options(**given).remote()
    ray.get(made.pid.remote())
    return made


def up() -> None:
    """A cluster, without its dashboard."""
    ray.init(include_dashboard=False, log_to_driver=False, num_cpus=max(2, os.cpu_count() or 2))


def recovery(kills: int, folder: str) -> Samples:
    """The better of its two ways: an actor is made again and its call with it; a task is run by another worker."""
    up()
    holder = actor(max_restarts=-1, max_task_retries=-1)
    task = ray.remote(work.hold).options(max_retries=-1)
    found = []
    for name, way in (("actor", holder.hold.remote), ("task", task.remote)):

        def held(path: str, way: Callable[[str], Any] = way) -> Any:
            reference = way(path)
            return lambda: ray.get(reference, timeout=work.ANSWER_S)

        Path(folder, name).mkdir()
        found.append(work.kills(min(kills, 6), f"{folder}/{name}", held))
    return {"warm": min(found, key=statistics.median)}


def round_trip(trips: int, **_: object) -> Samples:
    """From an actor to another; and from the driver to an actor."""
    up()
    one, other = actor(), actor()
    found: Samples = {"pair": ray.get(one.call.remote(other, "echo", trips, work.SMALL))}
    found["client"] = laps(lambda: ray.get(other.echo.remote(work.SMALL)), trips, work.BUDGET_S)
    return found


def throughput(messages: int, **_: object) -> Samples:
    """Calls from an actor to another."""
    up()
    one, other = actor(), actor()
    return {**work.rate(lambda count, pad: ray.get(one.send_all.remote(other, count, pad)), messages)}


def start(sizes: list[int], **_: object) -> Samples:
    """Actors in a cluster that is up."""
    up()
    found: Samples = {}
    for size in sizes:
        if size > 20:
            found[f"rate_{size}"] = "not tried: its 200 actors want minutes and 10 GB here"
            continue
        began = time.perf_counter()
        actors = [ray.remote(Peer).remote() for _ in range(size)]
        pids = ray.get([one.pid.remote() for one in actors])
        found[f"rate_{size}"] = [size / (time.perf_counter() - began)]
        found[f"size_{size}"] = [sum(map(pss_bytes, pids)) / size]
    return found


def table(sizes: list[int], readers: list[int], reads: int, **_: object) -> Samples:
    """An actor that holds a dict, read by other actors."""
    up()
    few = [number for number in readers if number <= 10]
    found: Samples = {f"get_{sizes[0]}_{n}": "not tried: see start" for n in readers if n not in few}
    keeper, *others = [actor() for _ in range(1 + max(few))]
    for size in sizes:
        value = "x" * size

        def put(value: str = value) -> None:
            keeper.put.remote("k", value)
            ray.get(keeper.get.remote("k"))

        found[f"put_{size}"] = laps(put, reads // 4, work.BUDGET_S)
        for number in few:
            calls = [one.call.remote(keeper, "get", max(10, reads // number), "k") for one in others[:number]]
            found[f"get_{size}_{number}"] = [t for times in ray.get(calls) for t in times]
    return found


def load(exits: int, folder: str, **_: object) -> Samples:
    """The caller is told by the call that the actor had in hand."""
    up()
    other = actor()

    def told(path: str) -> Any:
        reference = actor(max_restarts=0).hold.remote(path)

        def end() -> None:
            try:
                ray.get(reference, timeout=work.ANSWER_S)
            except ray.exceptions.RayActorError:
                return

        return end

    return {**work.noticed(min(exits, 5), folder, told, lambda: ray.get(other.echo.remote(work.SMALL)))}
