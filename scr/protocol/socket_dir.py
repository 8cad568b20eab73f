"""The private directory of each runtime, server and chaos run: it is gone when its process is.

`<temporary directory>/scr-<uid>/<runtime id>/`, mode 0700 all the way.  A
process holds a lock on its directory for as long as it lives, by which those
of the dead are told; the next one that starts removes them.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from scr.errors import InvalidInput

CONTROL = "control.sock"
TABLE = "table.sock"
OURS = re.compile(r"[crs]-[0-9a-f]{8}")
ROOT_BYTES_MAX = 107 - len("/r-01234567/control.sock")  # the kernel takes a socket's path of 107 bytes
SHORT = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  the directory below has to be ours, with mode 0700
TRIES, PAUSE_S = 100, 0.001


def scratch_root() -> Path:
    """The directory that holds those of this user's runtimes.  Raises InvalidInput when it is not ours alone."""
    root = _place()
    try:
        root.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unusable(root, error) from error
    return _refuse_strangers(root)


def make_scratch(runtime: str) -> Path:
    """Make a directory of this name, for this process until it ends, and remove those of the dead.

    Raises InvalidInput where none can be made.
    """
    for _ in range(TRIES):
        path = scratch_root() / runtime
        try:
            path.mkdir(mode=0o700)
        except FileNotFoundError:  # another process has just removed the empty root
            continue
        except FileExistsError:  # it was made just now, and another process that sweeps looks at it or removes it
            time.sleep(PAUSE_S)
        except OSError as error:
            raise _unusable(path, error) from error
        if _hold(path) is not None:
            _sweep(path)
            return path
    raise InvalidInput(f"the directory {path} is another process's, or removed as soon as made; set TMPDIR")


def discard_scratch(runtime: str) -> None:
    """Remove what a runtime that has ended has left, and the directory of all, if it was the last."""
    root = _place()
    shutil.rmtree(root / runtime, ignore_errors=True)
    with suppress(OSError):
        root.rmdir()


def reach(runtime: str) -> socket.socket | None:
    """A connection to this runtime of the user's; None when it has ended and at most its directory is left."""
    root = _place()
    return reach_socket(_refuse_strangers(root) / runtime / CONTROL) if root.exists() else None


def reach_socket(path: Path) -> socket.socket | None:
    """Connect to whatever listens there; None when nothing does."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(str(path))
    except OSError:
        sock.close()
        return None
    return sock


def is_answered(path: Path) -> bool:
    """Tell whether the process of this directory listens, by the first of its sockets that answers."""
    for one in sorted(path.glob("*.sock")):
        if sock := reach_socket(one):
            sock.close()
            return True
    return False


def find_runtimes() -> list[Path]:
    """The directories of the runtimes that seem to be running, oldest first."""
    return find_scratches(CONTROL)


def find_scratches(name: str) -> list[Path]:
    """The directories that have a file of this name in them, oldest first.  Raises InvalidInput."""
    return [path for path in scratches() if os.path.lexists(path / name)]


def scratches() -> list[Path]:
    """All directories of this user's runtimes and servers, oldest first.  Raises InvalidInput."""
    root = _place()
    return sorted(_refuse_strangers(root).iterdir(), key=_made_at) if root.exists() else []


def _place() -> Path:
    """Choose where the directory of all is: in the temporary directory, or where a socket's path is short enough."""
    try:
        usual = tempfile.gettempdir()
    except FileNotFoundError as error:
        raise InvalidInput(f"no temporary directory can be written; set TMPDIR to one that can ({error})") from error
    places = [Path(place) / f"scr-{os.getuid()}" for place in (usual, *SHORT)]
    short = [place for place in places if len(os.fsencode(place)) <= ROOT_BYTES_MAX]
    return next((place for place in short if place.exists() or os.access(place.parent, os.W_OK)), short[0])


def _refuse_strangers(root: Path) -> Path:
    found = root.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise InvalidInput(f"{root} must be a directory of yours with mode 0700; remove it or set TMPDIR")
    return root


def _unusable(path: Path, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"the directory for sockets {path} cannot be made ({error.strerror}); make room there, or set TMPDIR to"
        " a directory that can be written"
    )


def _hold(path: Path) -> int | None:
    """Lock a directory until this process ends or closes the descriptor; None when another one holds or removed it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.lstat()):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _sweep(mine: Path) -> None:
    """Remove the directories of this user whose process has ended."""
    for path in mine.parent.iterdir():
        if path == mine or not OURS.fullmatch(path.name) or (held := _hold(path)) is None:
            continue
        try:
            if not is_answered(path):
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(held)


def _made_at(path: Path) -> tuple[float, str]:
    """When it was made, and its name: of two that the clock of the file system does not tell apart."""
    try:
        made = min(one.stat().st_mtime for one in (path, *path.iterdir()))  # what is made in it later renews its own
    except FileNotFoundError:  # it ended while we looked
        made = 0.0
    return made, path.name
