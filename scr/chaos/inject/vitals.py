"""What is measured of a run's runtime from outside: descriptors, memory, zombies, and who outlives it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from scr.chaos.inject.process_census import Census, CensusEntry, dead_children

LOOK_S = 1.0
ALONE_S = 0.1  # while something lives without its runtime
REST_S = 1.5
SAMPLES_MIN = 30
TURNS_MIN = 3000
WARM_SHARE = 0.4  # of the samples: what is kept for people has its full size by then
PAGE_KB = os.sysconf("SC_PAGESIZE") // 1024
MARK = b"SCR_RUNTIME_ID="


@dataclass
class RoundVitals:
    """Of one round.  `look` is called often and looks once a second; `rest` when the run is at rest."""

    census: Census
    zombies: int = 0
    late_s: float = 0.0
    descriptors: list[int] = field(default_factory=list)
    runtimes: set[str] = field(default_factory=set)
    samples: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    _looked_at: float = 0.0
    _dead_since: dict[int, float] = field(default_factory=dict)

    def look(self, answered: Callable[[], int]) -> None:
        """Once a second: memory, zombies that stay, and what lives on without its runtime."""
        now = time.monotonic()
        if now - self._looked_at < (ALONE_S if self._dead_since else LOOK_S):
            return
        self._looked_at = now
        seen = self.census.now()
        self._outlived(seen, now)
        for runtime in (one for one in seen if one.type == "runtime"):
            with suppress(OSError):
                pages = int(Path(f"/proc/{runtime.pid}/statm").read_text().split()[1])
                self.samples.setdefault(runtime.pid, []).append((answered(), pages * PAGE_KB))

    def _outlived(self, seen: list[CensusEntry], now: float) -> None:
        """A process whose runtime is not among the living, for how long by now."""
        living = {one.pid for one in seen if one.type == "runtime"}
        alone = {
            one.pid: runtime for one in seen if one.type not in {"runtime", "keeper"} if (runtime := mark_of(one.pid))
        }
        named = {runtime for pid in living if (runtime := title_of(pid))}
        self.runtimes |= named | set(alone.values())
        for pid, runtime in alone.items():
            if runtime in named:
                self._dead_since.pop(pid, None)
            else:
                self.late_s = max(self.late_s, now - self._dead_since.setdefault(pid, now))
        self._dead_since = {pid: at for pid, at in self._dead_since.items() if pid in alone}

    def rest(self) -> None:
        """Count descriptors and zombies: the fewest of several moments, as processes come and go."""
        end, counts, zombies = time.monotonic() + REST_S, [], []
        while time.monotonic() < end:
            for one in self.census.now():
                if one.type == "runtime":
                    with suppress(OSError):
                        counts.append(len(os.listdir(f"/proc/{one.pid}/fd")))  # noqa: PTH208  numbers, not paths
                        zombies.append(len(dead_children(one.pid)))
            time.sleep(0.1)
        if counts:
            self.descriptors.append(min(counts))
            self.zombies = min(zombies)

    @property
    def descriptors_grown(self) -> int:
        """From the first time at rest to the last."""
        return self.descriptors[-1] - self.descriptors[0] if len(self.descriptors) > 1 else 0

    @property
    def slope_kb(self) -> float | None:
        """Kilobytes for each thousand answers, of the runtime that was looked at most often; None for too few looks."""
        longest = max(self.samples.values(), key=len, default=[])
        warm = longest[int(len(longest) * WARM_SHARE) :]
        if len(warm) < SAMPLES_MIN or warm[-1][0] - warm[0][0] < TURNS_MIN:
            return None
        return slope(warm) * 1000


def slope(points: list[tuple[int, int]]) -> float:
    """Of the line that fits best.  Pure."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def mark_of(pid: int) -> str:
    """The runtime that a process belongs to; empty for one that is gone or that belongs to none."""
    with suppress(OSError):
        for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if variable.startswith(MARK):
                return variable.removeprefix(MARK).decode()
    return ""


def title_of(pid: int) -> str:
    """The id of a runtime, by its title."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0 ").split()[2]
    return ""
