"""How an agent is told to do itself what no signal can do to it: a file under its name, taken once.

The injector writes, agents of the workloads take, each by one rename: an order
is obeyed once, however often the message in hand is delivered.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

ORDERS, TAKEN = "orders", "taken"


@dataclass(frozen=True, slots=True)
class Order:
    """Do this at that point of a handler."""

    n: int
    kind: str
    point: int
    hold_s: float


def give(folder: Path, agent: str, order: Order) -> None:
    """Leave an order for an agent; one that it has not taken yet is replaced."""
    path = folder / ORDERS / agent
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(order)))
    draft.rename(path)


def withdraw(folder: Path, agent: str) -> None:
    """Take back what has not been taken."""
    (folder / ORDERS / agent).unlink(missing_ok=True)


def take(folder: Path, agent: str, point: int) -> Order | None:
    """The order for this point, which is nobody else's from now on.  Called by the agent."""
    path = folder / ORDERS / agent
    try:
        order = Order(**json.loads(path.read_bytes()))
        if order.point != point:
            return None
        path.rename(folder / TAKEN / f"{order.n}")
    except FileNotFoundError:
        return None
    note(folder / "taken.log", f"{order.n} {monotonic()} {os.getpid()}")
    return order


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
    for name in (ORDERS, TAKEN):
        (folder / name).mkdir(parents=True, exist_ok=True)
