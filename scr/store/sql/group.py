"""What is kept in one transaction: rows and events, and who waits for them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from scr.errors import InvalidMessage, ScrError
from scr.store.sql import pages
from scr.store.sql.session import Row, Session
from scr.telemetry.events import Record


@dataclass(eq=False, slots=True)
class Work:
    """Rows to write, then something to look up, then whom to tell; `at` is monotonic.

    `refused` is told when the database does not take the rows or the question; a work without it must be taken.
    """

    rows: Sequence[Row]
    n: int
    at: float
    look: Callable[[Session], Any] | None = None
    then: Callable[..., None] | None = None
    refused: Callable[[ScrError], None] | None = None


class NotTaken(ScrError):
    """The database refuses one work of a group; the others are kept without it."""

    def __init__(self, work: Work, refused: Callable[[ScrError], None], error: InvalidMessage) -> None:
        super().__init__(str(error))
        self.work, self.tell = work, partial(refused, error)


def execute(session: Session, group: Sequence[Work | Record], run: int) -> list[Any]:
    """Write all rows, look things up between them in their order, and write the events last; returns what was found.

    Raises InvalidMessage for what the database refuses.
    """
    results: list[Any] = []
    rows: list[Row] = []
    records: list[Record] = []
    for item in group:
        if isinstance(item, Record):
            records.append(item)
            continue
        rows += item.rows
        if item.look is not None:
            session.write(rows)
            rows = []
            results.append(item.look(session))
    session.write([*rows, *pages.pack(run, records)])
    return results


def refused_of(session: Session, group: Sequence[Work | Record], run: int) -> NotTaken | None:
    """Find the first work that the database refuses: each is tried by itself, and rolled back.

    None when the rest of the runtime relies on it: a turn that it has acted on cannot be taken back.
    """
    for work in (item for item in group if isinstance(item, Work)):
        session.begin()
        try:
            execute(session, (work,), run)
        except InvalidMessage as error:
            tell = work.refused or (None if work.rows else _show)
            return NotTaken(work, tell, error) if tell else None
        finally:
            session.abandon()
    return None


def _show(error: ScrError) -> None:
    logging.getLogger(__name__).error("a question to the store is not answered: %s", error)


def tell_all(told: Sequence[Callable[[], None]]) -> None:
    """Call all back, on the loop.  One that goes wrong is a fault, and is shown; the others are told."""
    for tell in told:
        try:
            tell()
        except Exception:
            logging.getLogger(__name__).exception("a write is kept, and what was to be done then went wrong")
