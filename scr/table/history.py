"""The table as it was at a version: for a replay, which must recall what could be recalled then.

What is served in place of the table's dict.  It only answers reads: whoever
writes to it gets an error.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from threading import Lock
from typing import Any

from scr.protocol.frames import Entry
from scr.table.table import VERSION, row_key


class Past:
    """All entries that there ever were, seen as when the table held those up to a version.

    Read by the threads of the table's server, while another one turns the version.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._version = 0
        self._versions: defaultdict[str, list[int]] = defaultdict(list)
        self._rows: dict[int, Any] = {}
        self._read: set[str] = set()

    def add(self, entry: Entry) -> None:
        """One more, newer than those before it."""
        self._versions[row_key(entry.key)].append(entry.version)
        self._rows[entry.version] = entry.model_dump(mode="json")

    def turn(self, version: int) -> None:
        """Be as at that version, earlier or later."""
        with self._lock:
            self._version = version
            self._read.clear()

    def later(self, until: int) -> list[int]:
        """The versions above this one, up to `until`, in which a key is another that was read since it turned."""
        with self._lock:
            versions = [self._versions.get(key, []) for key in self._read]
            begin = self._version
        return sorted(version for of_key in versions for version in of_key if begin < version <= until)

    def get(self, key: str, default: Any = None) -> Any:
        """The row of a key as it was, or the version itself."""
        with self._lock:
            if key == VERSION:
                return self._version
            self._read.add(key)
            versions = self._versions.get(key, [])
            found = bisect_right(versions, self._version)
            return self._rows[versions[found - 1]] if found else default
