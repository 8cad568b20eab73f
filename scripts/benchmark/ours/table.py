"""What is remembered by one agent and recalled by others."""

from __future__ import annotations

from benchmark.clock import Samples
from benchmark.ours.system import ask, ask_all, quiet, start
from scr.client.client import RuntimeClient

FILL = 50
"""Keys written in one turn: as many of the largest values as fit in a frame."""


def table(sizes: list[int], readers: list[int], reads: int, **_: object) -> Samples:
    """Each reader in a process of its own, all at the same time; a write is read back by its writer.

    A key is read again and again, or each is read once: what a process has read it need not ask for again.
    """
    found: Samples = {}
    with quiet() as runtime:
        start(runtime, "writer", "Writer")
        start(runtime, "filler", "Filler")
        for n in range(max(readers)):
            start(runtime, f"reader-{n}", "Reader")
        for size in sizes:
            put = {"key": f"k{size}", "size": size, "count": max(10, reads // 4)}
            found[f"put_{size}"] = ask(runtime, "writer", put)
            for number in readers:
                again = [f"k{size}"] * max(10, reads // number)
                found[f"get_{size}_{number}"] = read_by(runtime, number, again, size)
                new = filled(runtime, f"new-{size}-{number}", max(10, reads // number // 4), size)
                found[f"first_{size}_{number}"] = read_by(runtime, number, new, size)
    return found


def filled(runtime: RuntimeClient, name: str, count: int, size: int) -> list[str]:
    """So many keys that nobody has read."""
    keys = [f"{name}-{n}" for n in range(count)]
    for first in range(0, count, FILL):
        ask(runtime, "filler", [keys[first : first + FILL], size])
    return keys


def read_by(runtime: RuntimeClient, number: int, keys: list[str], size: int) -> list[float]:
    """The times of all readers, without their warm-up."""
    jobs = [(f"reader-{n}", [keys, size]) for n in range(number)]
    return [t for times in ask_all(runtime, jobs) for t in times[len(keys) // 10 :]]
