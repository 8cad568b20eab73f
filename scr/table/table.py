"""The shared table: a `multiprocess` Manager dict, the stand-in for ETS.

One supervised process serves it on a Unix socket (mode 0600, in a directory
of the runtime's own) with a key that is fresh for each runtime.  One agent
writes; all agents read.  Readers outlive the server: they wait for its
replacement, and until it holds what they must see.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Protocol, TypeVar

from multiprocess import AuthenticationError
from multiprocess.managers import BaseManager, DictProxy

from scr.errors import TableUnavailable
from scr.protocol.frames import Entry, ServiceAddress
from scr.table import json_manager
from scr.table.read_cache import Recent

T = TypeVar("T")
VERSION = "version"
PATIENCE_S = 10.0
PAUSE_S, LONGEST_PAUSE_S = 0.0005, 0.005
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


def serve(address: ServiceAddress, shared: Shared | None = None) -> None:
    """Serve an empty table, or what is `shared`, at the address, from threads of this process, until it ends.

    Called by the table's agent when it starts.  Takes over the path of a dead
    predecessor.  Raises OSError when the path cannot be bound.
    """
    shared = {} if shared is None else shared
    Served.register("table", callable=lambda: shared, proxytype=DictProxy)
    Path(address.path).unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        manager = Served(address.path, authkey=bytes.fromhex(address.authkey), serializer=json_manager.SERIALIZER)
        server = manager.get_server()
    finally:
        os.umask(before)
    threading.Thread(target=server.serve_forever, daemon=True, name="table").start()


class TableClient:
    """Reads and writes the table from an agent's process; reconnects when its server was replaced."""

    def __init__(self, address: ServiceAddress) -> None:
        self.address = address
        self._proxy: Any = None
        self._reached = 0
        self._recent = Recent()

    def get(self, key: str, default: Any = None, *, at_least: int = 0) -> Any:
        """The value under the key once the table holds all entries up to version `at_least`.

        Raises TableUnavailable after `PATIENCE_S`.
        """
        _, row = self._read(key, at_least)
        return default if row is None else row["value"]

    def recall(self, key: str, default: Any = None, *, at_least: int) -> Any:
        """As `get`; without asking, where this process has just read the key and the table held all of that."""
        if not at_least:
            return self.get(key, default)
        read = self._recent.find(key, at_least, monotonic())
        if read is None:
            at = monotonic()
            version, row = self._read(key, at_least)
            self._recent.add(key, version, row, at)
            return default if row is None else row["value"]
        return default if read.text is None else json.loads(read.text)["value"]

    def publish(self, entries: Sequence[Entry], version: int) -> None:
        """Write entries; the table then holds all of them up to `version`.  One process writes, in order of version."""
        rows: dict[str, Any] = {row_key(entry.key): entry.model_dump(mode="json") for entry in entries}
        self._call(lambda proxy: proxy.update(rows | {VERSION: version}), monotonic() + PATIENCE_S)

    def version(self) -> int:
        """Up to which version the table is complete; 0 when it is empty."""
        return int(self._call(lambda proxy: proxy.get(VERSION, 0), monotonic() + PATIENCE_S))

    def _read(self, key: str, at_least: int) -> tuple[int, Any]:
        """The row, and up to which version the table was complete before: other threads may see it go on meanwhile."""
        until = monotonic() + PATIENCE_S

        def read(proxy: Any) -> tuple[int, Any]:
            self._reach(proxy, at_least, until)
            return self._reached, proxy.get(row_key(key))

        return self._call(read, until)

    def _reach(self, proxy: Any, version: int, until: float) -> None:
        """Wait until the server holds all up to that version: a fresh one begins with nothing."""
        pause_s = PAUSE_S
        while self._reached < version:
            self._reached = proxy.get(VERSION, 0)
            if self._reached >= version:
                return
            if monotonic() >= until:
                raise TableUnavailable(
                    f"the table did not reach version {version} within {PATIENCE_S} s: is the memory agent up?"
                )
            sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _call(self, use: Callable[[Any], T], until: float) -> T:
        while True:
            try:
                if self._proxy is None:  # its truth would be the table's length, asked for over the socket
                    self._proxy, self._reached = self._connect(), 0
                return use(self._proxy)
            except LOST as error:
                self._proxy = None
                if monotonic() >= until:
                    raise TableUnavailable(f"the table did not answer within {PATIENCE_S} s: {error!r}") from error
                sleep(LONGEST_PAUSE_S)

    def _connect(self) -> Any:
        authkey = bytes.fromhex(self.address.authkey)
        manager = Reached(self.address.path, authkey=authkey, serializer=json_manager.SERIALIZER)
        manager.connect()
        return manager.table()


def row_key(key: str) -> str:
    """Users' keys in a room of their own, beside `VERSION`."""
    return f"entry:{key}"
