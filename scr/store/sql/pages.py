"""Events in pages: one row holds those of one commit, in order, as a list of JSON.

Three events are told for every message: as a row of its own, each took as long
as the message itself.  Pure.  Writing raises nothing; reading raises
StoreDamaged for a page that is not what was written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json

from scr.errors import StoreDamaged
from scr.store.sql import statements
from scr.store.sql.rows import seal, unseal
from scr.store.sql.session import Row, Value
from scr.telemetry.events import RECORD, Event, Record
from scr.values import LATER

RECORDS_MAX = 256
COLUMNS = ("seq", "first_seq", "first_time", "last_time", "body", "crc")
OF_VERSION_1 = ("seq", "cause", "at", "time", "kind", "body", "crc")
"""The columns of an event when each was a row, but for the run's number."""

Told: TypeAlias = tuple[int, int, float, float, str, Any]
"""An event in a page: seq, cause, at, time, kind, and the fields that are not as by default."""

_Line: TypeAlias = tuple[int, int, float, float, str, Event]
_LINES: TypeAdapter[list[_Line]] = TypeAdapter(list[_Line], config=LATER)


def pack(run: int, records: Iterable[Record]) -> Iterator[Row]:
    """The rows that keep these records of run number `run`."""
    left = iter(records)
    while page := list(islice(left, RECORDS_MAX)):
        first, last = page[0], page[-1]
        columns = (last.seq, first.seq, first.time, last.time, _text(page))
        yield statements.EVENT_PAGE, (run, *columns, seal(*columns))


def unpack(columns: Sequence[Any]) -> list[Told]:
    """The events of one page, given its columns."""
    seq, *_, body, crc = columns
    what = f"the page of events up to {seq}"
    unseal(what, crc, columns[:-1])
    try:
        return [(seq, cause, at, time, kind, fields) for seq, cause, at, time, kind, fields in from_json(body)]
    except (ValueError, TypeError) as error:
        raise StoreDamaged(f"{what} in the store cannot be read by this SCR: {error}") from error


def record_of(told: Told) -> Record:
    """One event of a page as a record."""
    seq, cause, at, time, kind, fields = told
    place = {"seq": seq, "cause": cause, "at": at, "time": time}
    try:
        return RECORD.validate_python({**place, "event": {"kind": kind, **fields}})
    except (ValidationError, TypeError) as error:
        raise StoreDamaged(f"event {seq} in the store cannot be read by this SCR: {error}") from error


def happenings(page: Mapping[str, Value]) -> Iterator[dict[str, Value]]:
    """The events of a row of the table, each as if it were a row: seq, cause, at, time, kind and `body`, JSON."""
    for seq, cause, at, time, kind, fields in unpack([page[name] for name in COLUMNS]):
        yield {"seq": seq, "cause": cause, "at": at, "time": time, "kind": kind, "body": json.dumps(fields)}


def until(page: Mapping[str, Value], seq: int) -> dict[str, Value] | None:
    """The row as it would be if nothing had happened after event `seq`; None for a page of later ones."""
    kept = [told for told in unpack([page[name] for name in COLUMNS]) if told[0] <= seq]
    return _page(kept) if kept else None


def paged(events: Iterable[Told]) -> Iterator[dict[str, Value]]:
    """The rows of the table that tell of these events of one run."""
    left = iter(events)
    while page := list(islice(left, RECORDS_MAX)):
        yield _page(page)


def told_of_version_1(event: Mapping[str, Value]) -> Told:
    """An event that was a row of its own."""
    *columns, crc = (event[name] for name in OF_VERSION_1)
    seq, cause, at, time, kind, body = columns
    unseal(f"event {seq}", int(crc or 0), columns)
    return int(seq or 0), int(cause or 0), float(at or 0), float(time or 0), str(kind), from_json(str(body))


def _page(page: Sequence[Told]) -> dict[str, Value]:
    (first_seq, _, _, first_time, *_), (seq, _, _, last_time, *_) = page[0], page[-1]
    columns = (seq, first_seq, first_time, last_time, json.dumps(page, separators=(",", ":"), ensure_ascii=False))
    return dict(zip(COLUMNS, (*columns, seal(*columns)), strict=True))


def _text(page: Sequence[Record]) -> str:
    """All events in one call of the serializer; one by one when there is text among them that no database keeps."""
    try:
        lines: list[_Line] = [
            (record.seq, record.cause, record.at, record.time, record.event.kind, record.event) for record in page
        ]
        return _LINES.dump_json(lines, exclude_defaults=True).decode()
    except PydanticSerializationError:
        return f"[{','.join(map(_replaced, page))}]"


def _replaced(record: Record) -> str:
    fields = {name: value for name, value in asdict(record.event).items() if name != "kind"}
    line = [record.seq, record.cause, record.at, record.time, record.event.kind, fields]
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace").decode()
