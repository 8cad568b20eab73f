"""What is remembered by one agent and recalled by others."""

from __future__ import annotations

from benchmark.clock import Samples
from benchmark.ours.system import ask, ask_all, quiet, start


def table(sizes: list[int], readers: list[int], reads: int, **_: object) -> Samples:
    """Each reader in a process of its own, all at the same time; a write is read back by its writer."""
    found: Samples = {}
    with quiet() as runtime:
        start(runtime, "writer", "Writer")
        for n in range(max(readers)):
            start(runtime, f"reader-{n}", "Reader")
        for size in sizes:
            found[f"put_{size}"] = ask(
                runtime, "writer", {"key": f"k{size}", "size": size, "count": max(10, reads // 4)}
            )
            for number in readers:
                count = max(10, reads // number)
                jobs = [(f"reader-{n}", [f"k{size}", count, size]) for n in range(number)]
                found[f"get_{size}_{number}"] = [t for times in ask_all(runtime, jobs) for t in times[count // 10 :]]
    return found
