"""Who is known by which name, and who wants to hear of whose end.

Pure.  A name is an agent's for as long as the agent exists, over all its
incarnations, and is free before anyone hears of its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Names, what they stand for, and the monitors on them."""

    def __init__(self) -> None:
        self._known: dict[str, T] = {}
        self._watchers: defaultdict[str, list[str]] = defaultdict(list)

    @property
    def known(self) -> Mapping[str, T]:
        """All names with what they stand for, in the order in which they became known: as they are at any time."""
        return self._known

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __len__(self) -> int:
        return len(self._known)

    def add(self, name: str, value: T) -> None:
        """Make the name known.  A name that is taken keeps what it stands for; adding it again is an error of ours."""
        assert name not in self._known, f"{name} is taken"
        self._known[name] = value

    def get(self, name: str) -> T | None:
        """What the name stands for now."""
        return self._known.get(name)

    def items(self) -> list[tuple[str, T]]:
        """All names, in the order in which they became known."""
        return list(self._known.items())

    def monitor(self, watcher: str, target: str) -> bool:
        """Tell `watcher` once when `target` ends; False when there is no such agent, so tell it now.

        Monitoring twice is told once: a repeated turn repeats its monitors.
        """
        if target not in self._known:
            return False
        if watcher not in self._watchers[target]:
            self._watchers[target].append(watcher)
        return True

    def demonitor(self, watcher: str, target: str) -> None:
        """Tell `watcher` nothing of `target`.  Idempotent."""
        if watcher in (watchers := self._watchers.get(target, [])):
            watchers.remove(watcher)

    def watchers(self, name: str) -> list[str]:
        """Take out who monitors the name: each is told of one end."""
        return self._watchers.pop(name, [])

    def remove(self, name: str) -> list[str]:
        """Free the name; returns who monitored it."""
        self._known.pop(name, None)
        for watchers in self._watchers.values():
            if name in watchers:
                watchers.remove(name)
        return self._watchers.pop(name, [])
