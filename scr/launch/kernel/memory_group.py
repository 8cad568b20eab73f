"""The kernel's memory group of one agent: a limit that no allocation outruns, and the kernel's own count of its kills.

A group holds an agent and all that it starts, from the moment it joins.  It is
made where the kernel lets us: on cgroup v1 below our own group; on cgroup v2,
where a group that has processes cannot be divided, below the one above ours if
systemd says that it is delegated (`Delegate=yes` with `DelegateSubgroup=`).
Anywhere else agents simply have no group.

The name of a group begins with the pid of the runtime that made it, so that
what a killed runtime has left is told from what is in use.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

PROC = Path("/proc")
PREFIX = "scr"
DELEGATED = ("trusted.delegate", "user.delegate")


@dataclass(frozen=True, slots=True)
class CgroupVersion:
    """What a kernel calls the files of a group."""

    limit: str
    kills: str
    swap: str  # of memory and swap together on v1, of swap alone on v2
    whole: str | None = None  # whether a kill for memory takes all of the group

    def wishes(self, limit_bytes: int) -> dict[str, int]:
        """What makes the limit a hard one, where the kernel has it: no way out into swap, nothing half killed."""
        return {self.swap: 0, self.whole: 1} if self.whole else {self.swap: limit_bytes}


V1 = CgroupVersion("memory.limit_in_bytes", kills="memory.oom_control", swap="memory.memsw.limit_in_bytes")
V2 = CgroupVersion("memory.max", kills="memory.events", swap="memory.swap.max", whole="memory.oom.group")


@dataclass(frozen=True, slots=True)
class Home:
    """The group below which this process may make others."""

    version: CgroupVersion
    path: Path

    def sweep(self, is_over: Callable[[int], bool]) -> None:
        """Remove the groups of every runtime whose pid `is_over`; the kernel keeps those that have processes."""
        for path in self.path.glob(f"{PREFIX}-*-*"):
            runtime = path.name.split("-")[1]
            if runtime.isdecimal() and is_over(int(runtime)):
                removed(path)


def removed(path: Path) -> bool:
    """Remove a group; False while there are processes in it."""
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def kills_in(counters: str) -> int:
    """The kills that `memory.oom_control` or `memory.events` counts; an older kernel counts none."""
    words = counters.split()
    return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0


def home() -> Home | None:
    """Where this process may make groups; None where it may not."""
    try:
        mounts, groups = ((PROC / "self" / name).read_text() for name in ("mountinfo", "cgroup"))
    except OSError:
        return None
    return next((found for own in own_groups(mounts, groups) if (found := divisible(own))), None)


def own_groups(mounts: str, groups: str) -> Iterator[Home]:
    """The groups that this process is in and that may count memory, from the text of its `mountinfo` and `cgroup`."""
    paths = {
        name: path
        for _, names, path in (line.split(":", 2) for line in groups.splitlines())
        for name in names.split(",")
    }
    for line in mounts.splitlines():
        place, _, filesystem = line.partition(" - ")
        root, point = place.split()[3:5]
        match filesystem.split():
            case ["cgroup", _, options] if "memory" in options.split(","):
                version, path = V1, PurePath(paths.get("memory", ""))
            case ["cgroup2", *_]:
                version, path = V2, PurePath(paths.get("", ""))
            case _:
                continue
        if path.is_relative_to(root) and ".." not in path.parts:
            yield Home(version, Path(point) / path.relative_to(root))


def divisible(own: Home) -> Home | None:
    """The group itself, or the one above it, if groups that count memory may be made below it by us."""
    if own.version is V1:
        return own if os.access(own.path, os.W_OK) else None
    for path in (own.path, own.path.parent):
        if (path == own.path or is_delegated(path)) and counts_memory(path):
            return Home(V2, path)
    return None


def counts_memory(path: Path) -> bool:
    """Whether the groups below a group of v2 count memory; they are told to if need be."""
    control = path / "cgroup.subtree_control"
    try:
        if "memory" not in control.read_text().split():
            control.write_text("+memory")
    except OSError:  # it has processes of its own, has no such controller, or is not ours
        return False
    return os.access(path, os.W_OK)


def is_delegated(path: Path) -> bool:
    """Whether systemd says that a group and all below it are for us to arrange."""
    for name in DELEGATED:
        with contextlib.suppress(OSError):
            return os.getxattr(path, name) == b"1"
    return False


class MemoryGroup:
    """The group of one agent, to be read before it is closed."""

    def __init__(self, path: Path, version: CgroupVersion, lingering: set[Path]) -> None:
        self._path, self._version, self._lingering = path, version, lingering

    def oom_kills(self) -> int:
        """How many of its processes the kernel has killed for memory."""
        try:
            return kills_in((self._path / self._version.kills).read_text())
        except OSError:
            return 0

    def fill(self, pid: int, limit_bytes: int) -> None:
        """Make the group, limit it and put the process in.  Raises OSError where the kernel refuses any of it."""
        self._path.mkdir()
        (self._path / self._version.limit).write_text(str(limit_bytes))
        for name, value in self._version.wishes(limit_bytes).items():
            with contextlib.suppress(OSError):
                (self._path / name).write_text(str(value))
        (self._path / "cgroup.procs").write_text(str(pid))

    def close(self) -> None:
        """The agent has ended.  What it leaves may take a moment to be gone too, and the group is removed after it."""
        if not removed(self._path):
            self._lingering.add(self._path)


class MemoryGroups:
    """Makes the groups of a runtime's agents.  Lives on its loop, and takes less than a millisecond for each."""

    def __init__(self, find: Callable[[], Home | None] = home) -> None:
        self._find = find
        self._lingering: set[Path] = set()

    @cached_property
    def _home(self) -> Home | None:
        found = self._find()
        if found:
            found.sweep(lambda pid: pid == os.getpid() or not (PROC / str(pid)).exists())
        return found

    def make(self, pid: int, limit_bytes: int) -> MemoryGroup | None:
        """A group of that limit with this process in it; None where there can be none."""
        if self._home is None:
            return None
        self._lingering -= {path for path in self._lingering if removed(path)}
        path = self._home.path / f"{PREFIX}-{os.getpid()}-{pid}"
        group = MemoryGroup(path, self._home.version, self._lingering)
        try:
            group.fill(pid, limit_bytes)
        except OSError:
            group.close()
            return None
        return group
