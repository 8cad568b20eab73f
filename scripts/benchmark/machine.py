"""What the figures were measured on, and with which versions."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import scr
from benchmark.contest import Outcome


def machine(folder: Path) -> str:
    """One line."""
    return (
        f"{os.cpu_count()} cores ({processor()}), {memory_gb():.0f} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start, files on {filesystem(folder)}"
    )


def processor() -> str:
    """Its name."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def memory_gb() -> float:
    """All that there is."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def filesystem(folder: Path) -> str:
    """The kind of the file system that holds a folder."""
    best = ("", "unknown")
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, at, kind, *_ = line.split()
        if folder.resolve().is_relative_to(at) and len(at) >= len(best[0]):
            best = (at, kind)
    return best[1]


def versions(found: dict[str, dict[str, Outcome]]) -> dict[str, str]:
    """Of SCR, and of every peer that took part."""
    named = {"scr": scr.__version__}
    for outcomes in found.values():
        for outcome in outcomes.values():
            named |= outcome.versions
    return named
