"""The private directory of each runtime: its sockets live there, and it is gone when the runtime is.

`<temporary directory>/scr-<uid>/<runtime id>/`, mode 0700 all the way.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path

from scr.errors import InvalidInput

CONTROL = "control.sock"
TABLE = "table.sock"


def scratch_root() -> Path:
    """The directory that holds those of this user's runtimes.  Raises InvalidInput when it is not ours alone."""
    root = Path(tempfile.gettempdir()) / f"scr-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    found = root.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise InvalidInput(f"{root} must be a directory of yours with mode 0700; remove it or set TMPDIR")
    return root


def make_scratch(runtime: str) -> Path:
    """A fresh directory for one runtime.  Called by the runtime process when it starts."""
    path = scratch_root() / runtime
    path.mkdir(mode=0o700)
    return path


def discard_scratch(runtime: str) -> None:
    """Remove what a runtime that was killed has left."""
    shutil.rmtree(scratch_root() / runtime, ignore_errors=True)


def reach(runtime: str) -> socket.socket | None:
    """A connection to this runtime of the user's; None when it has ended and at most its directory is left."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(str(scratch_root() / runtime / CONTROL))
    except OSError:
        sock.close()
        return None
    return sock


def find_runtimes() -> list[Path]:
    """The directories of the runtimes that seem to be running, oldest first."""
    found = [path.parent for path in scratch_root().glob(f"*/{CONTROL}")]
    return sorted(found, key=_made_at)


def _made_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # it ended while we looked
        return 0.0
