"""The wall clock of one run: what all its Python processes read, moved without moving the machine's.

Each of them imports `sitecustomize` at its start, before all else, from a
folder that is first on its path; that one adds to `time.time` what the first
eight bytes of a file say at that moment.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

FOLDER, OFFSET = "clock", "offset"
SECONDS = struct.Struct("d")
FOLLOW = """
import mmap, struct, time

with open({path!r}, "rb") as file:
    page = mmap.mmap(file.fileno(), {size}, prot=mmap.PROT_READ)
real, real_ns, offset = time.time, time.time_ns, struct.Struct("d").unpack_from
time.time = lambda: real() + offset(page)[0]
time.time_ns = lambda: real_ns() + int(offset(page)[0] * 1e9)
"""


def prepare(folder: Path) -> None:
    """Make what the processes of a round in this folder read; the clock is right."""
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    if not (place / OFFSET).exists():
        _write(place / OFFSET, 0.0)
    (place / "sitecustomize.py").write_text(FOLLOW.format(path=str(place / OFFSET), size=SECONDS.size))


def environment(folder: Path) -> dict[str, str]:
    """What has a program read that clock, and all that it starts."""
    paths = [str(folder / FOLDER), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}


@dataclass(frozen=True, slots=True)
class Jump:
    """The clock is off by so much until it is put right."""

    folder: Path
    seconds: float

    def do(self) -> None:
        """From now on."""
        _write(self.folder / FOLDER / OFFSET, self.seconds)

    def undo(self) -> None:
        """It is right again."""
        _write(self.folder / FOLDER / OFFSET, 0.0)


def _write(path: Path, seconds: float) -> None:
    """In place, eight bytes at once: others have the file mapped."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, SECONDS.pack(seconds), 0)
    finally:
        os.close(descriptor)
