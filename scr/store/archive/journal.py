"""The file of events in a run's folder, `events.jsonl`: one record a line, examined and mended.

The store is what a run is resumed from; this file is for people and programs.
Nobody may be writing it: the tail of a run at work may be half a line for an instant.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from scr.errors import StoreUnavailable
from scr.store.archive.findings import Finding, Severity
from scr.telemetry.events import RECORD

SHOWN = 5


@dataclass(frozen=True, slots=True)
class JournalReading:
    """What was read: up to `whole_bytes` of `size_bytes` there are records, `lines` of them.

    `broken` are the numbers of the lines between them that are none, `gaps`
    the pairs of records that follow each other and whose seq does not.
    """

    lines: int
    whole_bytes: int
    size_bytes: int
    broken: tuple[int, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()


def examine(path: Path) -> tuple[Finding, ...]:
    """What is wrong with the file.  Blocks.  Raises StoreUnavailable when it cannot be read."""
    with _wrapped(path):
        return tuple(_findings(path, read(path)))


def mend(path: Path, stamp: str) -> tuple[Finding, ...]:
    """Cut a torn tail; where it is damaged further up, keep what can be read and move the file aside.

    The damaged file is then called `<name>.damaged-<stamp>`.  Returns what was
    wrong, each with what was done.  Blocks.  Raises StoreUnavailable.
    """
    with _wrapped(path):
        reading = read(path)
        found = tuple(_findings(path, reading))
        if reading.broken:
            _rewrite(path, reading, stamp)
        elif reading.whole_bytes < reading.size_bytes:
            with path.open("r+b") as file:
                file.truncate(reading.whole_bytes)
                os.fsync(file.fileno())
        return found


def read(path: Path) -> JournalReading:
    """Every line, once.  Raises OSError."""
    lines = whole_bytes = at_bytes = last = 0
    broken: list[int] = []
    pending: list[int] = []
    gaps: list[tuple[int, int]] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            at_bytes += len(line)
            seq = _seq_of(line)
            if seq is None:
                pending.append(number)
                continue
            broken.extend(pending)
            pending.clear()
            if lines and seq != last + 1:
                gaps.append((last, seq))
            lines, whole_bytes, last = lines + 1, at_bytes, seq
    return JournalReading(lines, whole_bytes, at_bytes, tuple(broken), tuple(gaps))


def _seq_of(line: bytes) -> int | None:
    if not line.endswith(b"\n"):
        return None
    try:
        return RECORD.validate_json(line).seq
    except ValidationError:
        return None


def _findings(path: Path, reading: JournalReading) -> Iterator[Finding]:
    if reading.broken:
        count, shown = len(reading.broken), ", ".join(map(str, reading.broken[:SHOWN]))
        more = ", …" if count > SHOWN else ""
        yield Finding(
            Severity.DAMAGE,
            f"{path}: {count} of its lines are no records (line {shown}{more})",
            "a repair keeps every record that can be read and moves the damaged file aside",
        )
    if torn := reading.size_bytes - reading.whole_bytes:
        yield Finding(
            Severity.DAMAGE,
            f"{path}: its last {torn} bytes are half a record; the {reading.lines} before them are whole",
            "a repair cuts them; the store has the event, if it was kept",
        )
    for before, after in reading.gaps:
        yield Finding(
            Severity.DAMAGE,
            f"{path}: after event {before} comes event {after}",
            "what is missing cannot be had from this file; the store has it, if it was kept",
        )


def _rewrite(path: Path, reading: JournalReading, stamp: str) -> None:
    """The records alone, under the old name; nothing is under no name at any instant."""
    new, broken = path.with_name(f"{path.name}.new"), set(reading.broken)
    with path.open("rb") as file, new.open("wb") as kept:
        left_bytes = reading.whole_bytes
        for number, line in enumerate(file, 1):
            if left_bytes and number not in broken:
                kept.write(line)
            left_bytes = max(0, left_bytes - len(line))
        kept.flush()
        os.fsync(kept.fileno())
    os.link(path, path.with_name(f"{path.name}.damaged-{stamp}"))
    new.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """What was renamed in it stays renamed, whatever happens to the power.  Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _wrapped(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be read or mended ({error.strerror}); see to its permissions") from error
