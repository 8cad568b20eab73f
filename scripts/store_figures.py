"""Measure the stores on this machine: `python scripts/store_figures.py [--kind sqlite] [--folder DIR] [--json]`."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import cycle
from pathlib import Path
from queue import SimpleQueue

from pydantic import JsonValue

from scr.config import Limits
from scr.messages import CLIENT, Message, Task, TaskPayload, derive_id, follow, origin
from scr.protocol.frames import Commit
from scr.specs import AgentSpec, Code, Strategy, SupervisorSpec
from scr.store.records import CommittedTurn, Opening
from scr.store.sql.lease import this_process
from scr.store.sql.opening import open_store
from scr.store.store import Store
from scr.telemetry.events import Event, MessageAccepted, MessageDelivered, Record, TurnCommitted

TREE = SupervisorSpec(id="root", strategy=Strategy.ONE_FOR_ONE)
LIMITS = Limits(store_pending=100_000, stop_s=60)


class Bench:
    """One run in one store, with a loop that does nothing but what the store hands over."""

    def __init__(self, url: str, run: str) -> None:
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        opening = Opening(run, "figures", str(this_process()), TREE)
        began = time.perf_counter()
        self.store: Store = open_store(
            url, opening, call=self._calls.put, lost=self._lost, changed=lambda _: None, limits=LIMITS
        )
        self.open_s = time.perf_counter() - began
        self._seq = self.store.image.seq
        self.committed_at = self.kept_at = 0.0

    def _lost(self, error: Exception) -> None:
        raise error

    def until(self, is_done: Callable[[], bool]) -> None:
        """Be the loop."""
        while not is_done():
            self._calls.get(timeout=30)()

    def emit(self, event: Event) -> None:
        """An event in its place."""
        self._seq += 1
        self.store.append(Record(seq=self._seq, at=time.monotonic(), time=time.time(), event=event))

    def handle(self, message: Message, sends: tuple[Message, ...], then: Callable[[], None], state: JsonValue) -> None:
        """One turn as the runtime would have it: delivered, committed, its sends accepted."""
        agent, message_id = message.to, message.message_id
        self.emit(MessageDelivered(agent=agent, incarnation=1, message_id=message_id))

        def release() -> None:
            self.kept_at = time.perf_counter()
            self.emit(TurnCommitted(agent=agent, incarnation=1, message_id=message_id, sends=len(sends)))
            for sent in sends:
                self.emit(
                    MessageAccepted(
                        message_id=sent.message_id, type=sent.type, sender=sent.sender, to=sent.to, run_id=sent.run_id
                    )
                )
            then()

        frame = Commit(message_id=message_id, sends=sends, state=state)
        self.committed_at = time.perf_counter()
        self.store.commit(CommittedTurn(agent, 1, frame), release)


def equals(cell: list[int], number: int) -> bool:
    """Whether it has come so far."""
    return cell[0] == number


def first(to: str, payload_bytes: int, n: int = 0) -> Message:
    """A message that nothing caused."""
    payload = TaskPayload(task_id=f"t{n}", input="x" * payload_bytes)
    return Task(payload=payload, **origin(message_id=derive_id(to, n), sender=CLIENT, to=to, at=time.time()))


def reply(message: Message, payload_bytes: int) -> Message:
    """What the agent says next, to itself."""
    payload = TaskPayload(task_id="t", input="y" * payload_bytes)
    return Task(payload=payload, **follow(message, 0, sender=message.to, to=message.to, at=time.time()))


def fsync_us(folder: Path, rounds: int = 300) -> float:
    """A bare write of one page and fdatasync, in the middle of a file."""
    path, times = folder / "bare", []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    os.pwrite(descriptor, b"\0" * 4096 * rounds, 0)
    os.fsync(descriptor)
    for n in range(rounds):
        began = time.perf_counter()
        os.pwrite(descriptor, b"x" * 4096, n * 4096)
        os.fdatasync(descriptor)
        times.append(time.perf_counter() - began)
    os.close(descriptor)
    path.unlink()
    return statistics.median(times) * 1e6


def kept_us(url: str, rounds: int = 500, payload_bytes: int = 200) -> float:
    """From `commit` to `then` of one turn with one send, alone, as the loop sees it."""
    bench, times = Bench(url, "hop"), []
    message, seen = first("solo", payload_bytes), [0]
    bench.store.accept(message, lambda: seen.__setitem__(0, 1))
    bench.until(lambda: seen[0] == 1)
    for n in range(rounds):
        sent = reply(message, payload_bytes)
        bench.handle(message, (sent,), lambda: seen.__setitem__(0, seen[0] + 1), {"n": n})
        bench.until(partial(equals, seen, n + 2))
        times.append(bench.kept_at - bench.committed_at)
        message = sent
    bench.store.close()
    return statistics.median(times) * 1e6


def turns_per_s(url: str, run: str, turns: int = 30_000, senders: int = 100, payload_bytes: int = 200) -> float:
    """Each sender's next turn is committed when its last one is kept."""
    bench, done = Bench(url, run), [0]

    def again(message: Message) -> None:
        done[0] += 1
        if done[0] + senders <= turns:
            go(message)

    def go(message: Message) -> None:
        sent = reply(message, payload_bytes)
        bench.handle(message, (sent,), lambda: again(sent), None)

    began = time.perf_counter()
    for n in range(senders):
        message = first(f"agent-{n}", payload_bytes)
        bench.store.accept(message)
        go(message)
    bench.until(lambda: done[0] >= turns)
    took = time.perf_counter() - began
    bench.store.close()
    return turns / took


def growth(url: str, path: Path | None, turns: int = 3000) -> float | None:
    """Bytes of the file for each byte of the payloads, which are of 1 to 8 kB; the events of each turn count too."""
    if path is None:
        return None
    before = path.stat().st_size
    sizes = cycle(range(1000, 8000, 137))
    bench, done, payload_bytes = Bench(url, "growth"), [0], 0
    message = first("large", next(sizes))
    bench.store.accept(message)
    for n in range(turns):
        size = next(sizes)
        payload_bytes += size
        sent = reply(message, size)
        bench.handle(message, (sent,), lambda: done.__setitem__(0, done[0] + 1), None)
        message = sent
        if n % 100 == 99:
            bench.until(partial(equals, done, n + 1))
    bench.until(partial(equals, done, turns))
    bench.store.close()
    return (path.stat().st_size - before) / payload_bytes


def open_ms(url: str, events: int = 100_000) -> float:
    """Of a run with that many events, a third as many turns, and a hundred agents and open messages."""
    bench = Bench(url, "large")
    for n in range(100):
        bench.store.admit(AgentSpec(id=f"agent-{n}", code=Code(reference="a:b")), "root", 1)
    bench.store.close()
    turns = events // 3
    bench, done = Bench(url, "large"), [0]
    messages = [first(f"agent-{n}", 200) for n in range(100)]
    for message in messages:
        bench.store.accept(message)
    for n in range(turns):
        at, sent = n % 100, reply(messages[n % 100], 200)
        bench.handle(messages[at], (sent,), lambda: done.__setitem__(0, done[0] + 1), {"n": n})
        messages[at] = sent
        if n % 1000 == 999:
            bench.until(partial(equals, done, n + 1))
    bench.until(lambda: done[0] == turns)
    bench.store.close()
    bench = Bench(url, "large")
    assert (bench.store.image.seq, len(bench.store.image.mail)) == (3 * turns, 100)
    bench.store.close()
    return bench.open_s * 1000


@contextmanager
def store(kind: str, folder: Path) -> Iterator[tuple[str, Path | None]]:
    """The URL of a new store, and its file where it is one."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/figures.db", folder / "figures.db"
        return
    sys.path.insert(0, str(Path(__file__).parent.parent))
    server = import_module("tests.contract.postgres_server").PostgresServer()
    try:
        yield server.url(), None
    finally:
        server.close()


def figures(kind: str, folder: Path) -> dict[str, float | None]:
    """Each in a store of its own."""
    found: dict[str, float | None] = {"fdatasync_us": fsync_us(folder)}
    with store(kind, folder) as (url, path):
        found["commit_to_then_us"] = kept_us(url)
        found["turns_per_s"] = turns_per_s(url, "group")
        found["growth"] = growth(url, path)
        found["open_100k_events_ms"] = open_ms(url)
    return found


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=["sqlite", "postgres"], action="append")
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {}
    for kind in options.kind or ["sqlite", "postgres"]:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            found[kind] = figures(kind, Path(folder))
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for kind, values in found.items():
        for name, value in values.items():
            print(f"{kind:10} {name:22} {'-' if value is None else f'{value:,.2f}'}")
    assert threading.active_count() == 1


if __name__ == "__main__":
    main()
