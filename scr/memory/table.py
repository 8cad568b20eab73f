"""The shared table: a `multiprocess` Manager dict, the stand-in for ETS.

One supervised process serves it on a Unix socket (mode 0600, in a directory
of the runtime's own) with a key that is fresh for each runtime.  One agent
writes; all agents read.  Readers outlive the server: they wait for its
replacement, and until it holds what they must see.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Protocol, TypeVar

from multiprocess import AuthenticationError
from multiprocess.managers import BaseManager, DictProxy

from scr.errors import TableUnavailable
from scr.frames import Entry, TableAddress
from scr.memory import wire

T = TypeVar("T")
VERSION = "version"
PATIENCE_S = 10.0
PAUSE_S = 0.005
LOST = (OSError, EOFError, AuthenticationError)


class Served(BaseManager):  # type: ignore[misc]  # multiprocess has no types
    """The manager as the process that holds the table knows it."""


class Reached(BaseManager):  # type: ignore[misc]  # multiprocess has no types
    """The manager as its clients know it."""


Reached.register("table", proxytype=DictProxy)


class Shared(Protocol):
    """What is served: a dict, or what answers as one for those who only read."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key."""


def serve(address: TableAddress, shared: Shared | None = None) -> None:
    """Serve an empty table, or what is `shared`, at the address, from threads of this process, until it ends.

    Called by the table's agent when it starts.  Takes over the path of a dead
    predecessor.  Raises OSError when the path cannot be bound.
    """
    shared = {} if shared is None else shared
    Served.register("table", callable=lambda: shared, proxytype=DictProxy)
    Path(address.path).unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        manager = Served(address.path, authkey=bytes.fromhex(address.authkey), serializer=wire.SERIALIZER)
        server = manager.get_server()
    finally:
        os.umask(before)
    threading.Thread(target=server.serve_forever, daemon=True, name="table").start()


class TableClient:
    """Reads and writes the table from an agent's process; reconnects when its server was replaced."""

    def __init__(self, address: TableAddress) -> None:
        self.address = address
        self._proxy: Any = None

    def get(self, key: str, default: Any = None, *, at_least: int = 0) -> Any:
        """The value under the key once the table holds all entries up to version `at_least`.

        Raises TableUnavailable after `PATIENCE_S`.
        """
        until = monotonic() + PATIENCE_S
        self._reach(at_least, until)
        found = self._call(lambda proxy: proxy.get(row_key(key)), until)
        return default if found is None else found["value"]

    def publish(self, entries: Sequence[Entry], version: int) -> None:
        """Write entries; the table then holds all of them up to `version`.  One process writes, in order of version."""
        rows: dict[str, Any] = {row_key(entry.key): entry.model_dump(mode="json") for entry in entries}
        self._call(lambda proxy: proxy.update(rows | {VERSION: version}), monotonic() + PATIENCE_S)

    def version(self) -> int:
        """Up to which version the table is complete; 0 when it is empty."""
        return int(self._call(lambda proxy: proxy.get(VERSION, 0), monotonic() + PATIENCE_S))

    def _reach(self, version: int, until: float) -> None:
        while version and self._call(lambda proxy: proxy.get(VERSION, 0), until) < version:
            if monotonic() >= until:
                raise TableUnavailable(
                    f"the table did not reach version {version} within {PATIENCE_S} s: is the memory agent up?"
                )
            sleep(PAUSE_S)

    def _call(self, use: Callable[[Any], T], until: float) -> T:
        while True:
            try:
                if self._proxy is None:  # its truth would be the table's length, asked for over the socket
                    self._proxy = self._connect()
                return use(self._proxy)
            except LOST as error:
                self._proxy = None
                if monotonic() >= until:
                    raise TableUnavailable(f"the table did not answer within {PATIENCE_S} s: {error!r}") from error
                sleep(PAUSE_S)

    def _connect(self) -> Any:
        authkey = bytes.fromhex(self.address.authkey)
        manager = Reached(self.address.path, authkey=authkey, serializer=wire.SERIALIZER)
        manager.connect()
        return manager.table()


def row_key(key: str) -> str:
    """Users' keys in a room of their own, beside `VERSION`."""
    return f"entry:{key}"
