"""What is looked up in a run, whether it is at work or at rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scr.bounds import PAGE_BYTES
from scr.messages import Message
from scr.protocol.frames import Entry
from scr.protocol.status import RunState
from scr.store.archive.summaries import standing
from scr.store.records import DeadLetter, Known, given_of, kind_of
from scr.store.sql import statements
from scr.store.sql.pages import Told, unpack
from scr.store.sql.rows import crash_of, entry_of, letter_of, message_of
from scr.store.sql.session import Session
from scr.telemetry.crashes import CrashRecord

ENTRIES_FIRST = 4  # are read at once; how many more depends on how large they are
PAGES = 32  # of events, each of up to `pages.RECORDS_MAX`


def known(session: Session, run: int, message_id: str) -> Known:
    """What is known of a client's message: an answer counts when it came after the message was last opened."""
    found = session.rows(statements.KNOWN, run=run, message_id=message_id)
    if not found:
        return Known("unknown")
    n, end_seq = found[0]
    reply = answer(session, run, message_id, since=n)
    given = given_of(message_of(session.rows(statements.GIVEN, run=run, message_id=message_id)[0]))
    return Known("open" if end_seq is None and reply is None else "ended", reply, given)


def answer(session: Session, run: int, message_id: str, since: int) -> Message | None:
    """The first answer to a client's message from after write `since`."""
    found = session.rows(statements.ANSWER, run=run, message_id=message_id, n=since)
    return message_of(found[0]) if found else None


def stands(session: Session, run: int, first_id: str, stored: RunState) -> RunState:
    """Where a run stands, of what its row says and of the answer to the message that began it."""
    found = session.rows(statements.KNOWN, run=run, message_id=first_id)
    reply = answer(session, run, first_id, since=found[0][0]) if found else None
    return standing(stored, is_owned=True, answer=kind_of(reply) if reply else None)


def entries(session: Session, run: int, after: int, limit: int) -> Sequence[Entry]:
    """What agents remember, the newest of each key, in order of version from above `after`.

    Fewer than `limit`, one at least, where they are more than `PAGE_BYTES` of text: no process has to hold all.
    """
    found: list[Entry] = []
    used, wanted = 0, ENTRIES_FIRST
    while used < PAGE_BYTES and len(found) < limit:
        wanted = min(wanted, limit - len(found))
        page = session.rows(statements.ENTRIES, run=run, after=after, limit=wanted)
        found += map(entry_of, page)
        used += sum(len(value) for _, _, value, _ in page)
        if len(page) < wanted:
            break
        after = page[-1][0]
        wanted = max(1, min(2 * wanted, (PAGE_BYTES - used) * len(found) // max(1, used)))
    return tuple(found)


def events(session: Session, run: int, after: int) -> Iterator[Told]:
    """What happened from above event `after`, in order, read as long as somebody wants more."""
    while found := session.rows(statements.EVENTS, run=run, after=after, limit=PAGES):
        for columns in found:
            yield from (told for told in unpack(columns) if told[0] > after)
        after = found[-1][0]


def letters(session: Session, run: int, last: int) -> Sequence[DeadLetter]:
    """The last dead letters, oldest first."""
    found = session.rows(statements.LETTERS, run=run, limit=last)
    return tuple(letter_of(columns) for columns in reversed(found))


def crashes(session: Session, run: int, agent: str | None, last: int) -> Sequence[CrashRecord]:
    """The last crash records, of one agent or of all, oldest first."""
    if agent is None:
        found = session.rows(statements.CRASHES, run=run, limit=last)
    else:
        found = session.rows(statements.CRASHES_OF, run=run, agent=agent, limit=last)
    return tuple(crash_of(columns) for columns in reversed(found))
