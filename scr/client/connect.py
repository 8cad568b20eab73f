"""How a program finds the runtimes that run here, and talks to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scr.client.client import Client
from scr.client.connection import Listener
from scr.errors import InvalidInput
from scr.protocol.running import read, refuse_several
from scr.protocol.socket_dir import find_runtimes, reach


def connect(runtime: str | None = None, listener: Listener | None = None) -> Client:
    """A client of a runtime that this user runs on this machine, by its id; without one, of the only one.

    Raises InvalidInput when there is none, or several to choose from.
    """
    paths = {path.name: path for path in find_runtimes()}
    reached = {name: sock for name in paths if (sock := reach(name))}
    try:
        name = _chosen(runtime, [paths[one] for one in reached])
        chosen = reached.pop(name)
    finally:
        for sock in reached.values():
            sock.close()
    client = Client(listener)
    client.id, client.about = name, read(paths[name])
    client.open(chosen)
    return client


def _chosen(runtime: str | None, running: Sequence[Path]) -> str:
    names = [path.name for path in running]
    if not running:
        raise InvalidInput("no runtime of yours is running here; `scr run` and scr.Runtime start one")
    if runtime is None and len(running) > 1:
        raise refuse_several("runtime", "--runtime", [read(path) for path in running])
    if runtime is not None and runtime not in names:
        raise InvalidInput(f"there is no runtime {runtime!r}; running: {', '.join(names)}")
    return runtime or names[0]
