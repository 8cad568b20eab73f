"""How an agent is told to do itself what no signal can do to it: a file under its name, taken once.

The injector writes, agents of the workloads take, each by one rename: an order
is obeyed once, however often the message in hand is delivered; one to raise is
obeyed `times` times, all by the message in whose handler it was taken.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic

ORDERS, TAKEN, RAISING, FAILING = "orders", "taken", "raising", "failing"
RAISES = frozenset({"raises", "try_later", "fails", "fatal"})
"""Kinds that a handler obeys by raising an exception."""


@dataclass(frozen=True, slots=True)
class Order:
    """Do this at that point of a handler."""

    n: int
    kind: str
    point: int
    hold_s: float
    times: int = 1


def give(folder: Path, agent: str, order: Order) -> None:
    """Leave an order for an agent; one that it has not taken yet is replaced."""
    _write(folder / ORDERS / agent, order)


def withdraw(folder: Path, agent: str) -> None:
    """Take back what has not been taken."""
    (folder / ORDERS / agent).unlink(missing_ok=True)


def take(folder: Path, agent: str, message_id: str, point: int) -> Order | None:
    """What the handler of this message is to do at this point.  Called by the agent."""
    begun = _read(folder / RAISING / message_id)
    if begun and begun.times and begun.point == point:
        _write(folder / RAISING / message_id, replace(begun, times=begun.times - 1))
        return begun
    return _take_new(folder, agent, message_id, point, may_raise=begun is None)


def _take_new(folder: Path, agent: str, message_id: str, point: int, *, may_raise: bool) -> Order | None:
    """An order that nothing has taken yet; one to raise is not for a message that has raised for another order."""
    path = folder / ORDERS / agent
    order = _read(path)
    if order is None or order.point != point or (order.kind in RAISES and not may_raise):
        return None
    try:
        path.rename(folder / TAKEN / f"{order.n}")
    except FileNotFoundError:
        return None
    if order.kind in RAISES:
        _write(folder / RAISING / message_id, replace(order, times=order.times - 1))
    note(folder / "taken.log", f"{order.n} {monotonic()} {os.getpid()}")
    return order


def _read(path: Path) -> Order | None:
    try:
        return Order(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


def _write(path: Path, order: Order) -> None:
    """Put it there whole, in place of what is there."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(order)))
    draft.rename(path)


def hinder(folder: Path, agent: str, times: int) -> None:
    """Have the next starts of an agent fail, so many of them; 0: none any more."""
    place = folder / FAILING / agent
    place.mkdir(exist_ok=True)
    for mark in place.iterdir():
        mark.unlink(missing_ok=True)
    for n in range(times):
        (place / str(n)).touch()


def is_hindered(folder: Path, agent: str) -> bool:
    """Whether this start is to fail; counts it.  Called by the agent."""
    with suppress(FileNotFoundError):
        for mark in (folder / FAILING / agent).iterdir():
            mark.unlink()
            return True
    return False


def relieve(folder: Path) -> None:
    """Have no start fail any more."""
    for place in (folder / FAILING).iterdir():
        hinder(folder, place.name, 0)


def taken(folder: Path) -> dict[int, tuple[float, int]]:
    """When each order was taken, in monotonic seconds, and by which process."""
    found: dict[int, tuple[float, int]] = {}
    with suppress(FileNotFoundError):
        for line in (folder / "taken.log").read_text().splitlines():
            n, at, pid = line.split()
            found[int(n)] = float(at), int(pid)
    return found


def note(path: Path, line: str) -> None:
    """Add a line to a file, whole, whoever else does at that moment, and whoever is killed the next."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def prepare(folder: Path) -> None:
    """Make the places."""
    for name in (ORDERS, TAKEN, RAISING, FAILING):
        (folder / name).mkdir(parents=True, exist_ok=True)
