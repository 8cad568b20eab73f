"""How a program finds the runtimes that run here, and talks to one of them."""

from __future__ import annotations

from scr.errors import InvalidInput
from scr.runtime.client import Client
from scr.runtime.connection import Listener
from scr.runtime.scratch import find_runtimes, reach


def connect(runtime: str | None = None, listener: Listener | None = None) -> Client:
    """A client of a runtime that this user runs on this machine, by its id; without one, of the only one.

    Raises InvalidInput when there is none, or several to choose from.
    """
    reached = {path.name: sock for path in find_runtimes() if (sock := reach(path.name))}
    try:
        name = _chosen(runtime, tuple(reached))
        chosen = reached.pop(name)
    finally:
        for sock in reached.values():
            sock.close()
    client = Client(listener)
    client.id = name
    client.open(chosen)
    return client


def _chosen(runtime: str | None, running: tuple[str, ...]) -> str:
    names = ", ".join(running)
    if not running:
        raise InvalidInput("no runtime of yours is running here; `scr run` and scr.Runtime start one")
    if runtime is None and len(running) > 1:
        raise InvalidInput(f"{len(running)} runtimes are running: {names}; choose one with --runtime")
    if runtime is not None and runtime not in running:
        raise InvalidInput(f"there is no runtime {runtime!r}; running: {names}")
    return runtime or running[0]
