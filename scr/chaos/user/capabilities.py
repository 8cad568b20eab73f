"""What this machine cannot do to a run, and why: kinds of fault that are reported as not tested."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from scr.chaos.plan.kinds import KINDS, Way

ATTACH_S = 3.0
PROBE = "import sys; print(1, flush=True); sys.stdin.read()"
NO_FILE = "the store is not a file of this machine: {url}"


def unable(store: str) -> dict[str, str]:
    """The reason for each kind that cannot be done here; kinds that can be done are not in it."""
    found: dict[str, str] = {}
    if not sys.platform.startswith("linux"):
        return dict.fromkeys(KINDS, "faults need /proc, pidfd and prlimit, which are Linux's alone")
    tracing = cannot_trace()
    for kind in KINDS.values():
        if kind.way is Way.TRACE and tracing:
            found[kind.name] = tracing
        elif kind.name.startswith("store_") and not store.startswith("sqlite:"):
            found[kind.name] = NO_FILE.format(url=store.partition(":")[0])
    return found


def cannot_trace() -> str:
    """Why strace cannot get between a process and the kernel here; empty when it can."""
    tracing = shutil.which("strace")
    if not tracing:
        return "strace is not installed (apt-get install strace)"
    child = subprocess.Popen([sys.executable, "-c", PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with child:
        assert child.stdout
        child.stdout.readline()
        tracer = subprocess.Popen(
            [tracing, "-qq", "-o", os.devnull, "-e", "inject=fsync:error=EIO", "-p", str(child.pid)],
            stderr=subprocess.PIPE,
        )
        with tracer:
            wait_traced(child.pid, tracer)
            child.communicate()
            said = tracer.communicate()[1].decode(errors="replace").strip()
    return f"strace cannot attach to a process here: {said}" if tracer.returncode else ""


def wait_traced(pid: int, tracer: subprocess.Popen[bytes]) -> bool:
    """Wait until a tracer has attached to a process, or has given up; whether it has attached."""
    end = time.monotonic() + ATTACH_S
    while time.monotonic() < end and tracer.poll() is None:
        if is_traced(pid):
            return True
        time.sleep(0.005)
    return False


def is_traced(pid: int) -> bool:
    """Whether somebody stands between this process and the kernel."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in lines)
