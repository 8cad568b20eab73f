"""What a runtime has left running, which must be nothing."""

from __future__ import annotations

from pathlib import Path

from scr.launch.child_setup import MARK


def processes_of(runtime_id: str, runtime_pid: int | None) -> list[int]:
    """The runtime's own process, if it still lives, and all that carry its mark; none where there is no /proc."""
    wanted = f"{MARK}={runtime_id}".encode()
    return [pid for pid in _pids() if pid == runtime_pid or wanted in _environment(pid)]


def _pids() -> list[int]:
    try:
        return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    except OSError:
        return []


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended meanwhile, or is somebody else's
        return []
