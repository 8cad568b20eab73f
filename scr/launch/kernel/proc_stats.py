"""What the kernel says of a live process: memory, processor time, whether it is stopped.

Memory is for whoever shows it, in their own process: reading that of a process
takes as long as a millisecond, which the runtime's loop does not have.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STOPPED = frozenset("Tt")
UTIME_AT, STIME_AT = 11, 12  # fields of /proc/<pid>/stat after the name


@dataclass(frozen=True, slots=True)
class Vitals:
    """One process at one moment.  `pss_bytes` is its private memory and its share of what it shares."""

    pss_bytes: int
    cpu_s: float
    is_stopped: bool


def vitals_of(pid: int) -> Vitals | None:
    """The process now; None when it has ended or the kernel does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    return parsed(stat, rollup)


def is_stopped(pid: int) -> bool:
    """Whether somebody has stopped the process (SIGSTOP, a debugger); False where the kernel does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in STOPPED


def parsed(stat: str, rollup: str) -> Vitals:
    """From the two files, as they are in /proc."""
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    pss = next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    ticks = int(fields[UTIME_AT]) + int(fields[STIME_AT])
    return Vitals(pss_bytes=pss << 10, cpu_s=ticks / TICKS_PER_S, is_stopped=fields[0] in STOPPED)
