"""What this process has read from the table lately, each value as of a version of the store's.

Pure: time is an argument, in monotonic seconds.  A row that was read when the
table held all entries up to version 7 is what whoever must see version 7, or
an earlier one, may be told; but for no longer than `FRESH_S`, so that whoever
waits for news in the midst of a turn hears of them.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from threading import Lock
from typing import Any, NamedTuple

RECENT_BYTES = 4 << 20
FRESH_S = 0.02


class CachedRow(NamedTuple):
    """A row as text, so that nobody can change it for the next reader; None where there was none."""

    at: float
    version: int
    text: str | None


class Recent:
    """The last reads, up to `limit_bytes` of text; those that were longest not asked for are forgotten first.

    Used by any thread of an agent's process.
    """

    def __init__(self, limit_bytes: int = RECENT_BYTES) -> None:
        self._limit_bytes, self._bytes = limit_bytes, 0
        self._reads: OrderedDict[str, CachedRow] = OrderedDict()
        self._lock = Lock()

    def find(self, key: str, at_least: int, at: float) -> CachedRow | None:
        """The read of a key that is not older than that version; None when it must be read again."""
        with self._lock:
            read = self._reads.get(key)
            if read is None or read.version < at_least or at - read.at > FRESH_S:
                return None
            self._reads.move_to_end(key)
            return read

    def add(self, key: str, version: int, row: Any, at: float) -> None:
        """A row was read, or its absence, when the table was complete up to this version."""
        text = None if row is None else json.dumps(row)
        with self._lock:
            self._forget(key)
            self._reads[key] = CachedRow(at, version, text)
            self._bytes += len(key) + len(text or "")
            while self._bytes > self._limit_bytes:
                self._forget(next(iter(self._reads)))

    def _forget(self, key: str) -> None:
        if read := self._reads.pop(key, None):
            self._bytes -= len(key) + len(read.text or "")
