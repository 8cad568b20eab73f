"""The index of one folder: SQLite FTS5 with BM25 in one file, built once, read by everyone.

It holds a copy of every document as it was read, so that all agents of a run, and the
critic, see the same text even when the folder changes.  Building goes to a name of its
own and ends in a rename: whoever is killed in the middle leaves no half index, and two
builders do no harm.  Readers open it read-only.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Self
from urllib.parse import quote
from uuid import uuid4
from weakref import finalize

from scr.apps.research.text.blocks import Heading
from scr.apps.research.text.documents import Library, Skipped, Tell, each_told, read_folder, tell_nothing
from scr.apps.research.text.names import Gathering, Names
from scr.apps.research.text.passages import Passage, split
from scr.apps.research.text.terms import folded
from scr.errors import InvalidDocuments
from scr.values import Frozen

FORMAT = 2
BUILDER_S, PAUSE_S = 30.0, 0.02
SUBJECT_DOCUMENTS_MIN, SUBJECT_SHARE_MAX = 2, 0.12
PREFIX_LENGTH_MIN = 6
TEXTLESS_NAMED_MAX = 8
_SCHEMA = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE document (path TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE passage (id INTEGER PRIMARY KEY, path TEXT, headings TEXT, text TEXT, starts TEXT);
    CREATE VIRTUAL TABLE search USING fts5(titles, text, content='', tokenize='porter unicode61 remove_diacritics 2');
"""
_SEARCH = """
    SELECT id, path, headings, passage.text, starts
    FROM search JOIN passage ON passage.id = search.rowid
    WHERE search MATCH ? AND rank MATCH 'bm25(2.0, 1.0)'
    ORDER BY rank, id LIMIT ?
"""


class IndexStats(Frozen):
    """What an index holds.

    `textless` counts the documents that yield no passage, `textless_first` are the paths of the first of them.
    """

    documents: int
    passages: int
    skipped: tuple[Skipped, ...] = ()
    textless: int = 0
    textless_first: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, and its id in the index."""

    passage: Passage
    passage_id: int


class Index:
    """An index, open for reading.  Belongs to one process; close it, or use it in a `with`.

    `names` are told over all documents; `subjects` are those that the titles of a few documents announce:
    what a document is about, in a folder that is about more.
    """

    def __init__(self, path: Path) -> None:
        """Raises InvalidDocuments when `path` is not an index."""
        self.path = path
        self._database = _connect(path)
        self._close = finalize(self, self._database.close)  # whoever drops an index leaves no file open
        try:
            about = dict(self._database.execute("SELECT key, value FROM about"))
            self.names = Names(*json.loads(about["names"]))
            self.subjects = frozenset(json.loads(about["subjects"]))
            self.stats = IndexStats.model_validate_json(about["stats"])
            if about["format"] != str(FORMAT):
                raise InvalidDocuments(f"{str(path)!r} was made by another version: delete it and start again")
        except (sqlite3.DatabaseError, KeyError, ValueError) as error:
            self._database.close()
            raise InvalidDocuments(f"{str(path)!r} is not an index of documents: delete it and start again") from error
        self.folder = about["folder"]
        self._lines = lru_cache(maxsize=256)(self._read_lines)

    @classmethod
    def open_or_build(cls, folder: Path, path: Path, tell: Tell = tell_nothing) -> Self:
        """The index at `path`, made from `folder` unless it is there already.  Raises InvalidDocuments."""
        with suppress(InvalidDocuments):
            index = cls(path)
            if index.folder == str(folder.absolute()):
                return index
            index.close()
        build(read_folder(folder, tell=tell), folder, path, tell)
        return cls(path)

    @classmethod
    def ensure(cls, folder: Path, path: Path, tell: Tell = tell_nothing) -> Self:
        """Open the index at `path`; where this machine has none, build it, one process at a time.

        Raises InvalidDocuments.
        """
        try:
            with _one_at_a_time(path):
                return cls.open_or_build(folder, path, tell)
        except InvalidDocuments as error:
            if folder.is_dir():
                raise
            why = f"the documents folder {str(folder)!r} is not on this machine: there is no folder of that name"
            raise InvalidDocuments(why) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back.  In the thread that opened it."""
        self._close()

    def search(self, terms: Sequence[str], limit: int) -> list[Hit]:
        """The passages that hold any of the terms, best first; equal ones in order of path and line."""
        query = match_any(terms)
        if not query:
            return []
        rows = self._database.execute(_SEARCH, (query, limit))
        return [Hit(_passage(*row[1:]), row[0]) for row in rows]

    def count(self, term: str) -> int:
        """How many passages hold the term, in whatever form."""
        query = match_any([term])
        if not query:
            return 0
        return int(self._database.execute("SELECT count(*) FROM search WHERE search MATCH ?", (query,)).fetchone()[0])

    def passage(self, passage_id: int) -> Passage | None:
        """One passage by the id that a hit carries."""
        row = self._database.execute(
            "SELECT path, headings, text, starts FROM passage WHERE id = ?", (passage_id,)
        ).fetchone()
        return _passage(*row) if row else None

    def documents(self) -> Iterator[tuple[str, str]]:
        """Yield the path and the whole text of each document as it was read, in order of path."""
        yield from self._database.execute("SELECT path, text FROM document ORDER BY path")

    def prose(self) -> Iterator[tuple[str, str]]:
        """Yield the path of each document and its passages in one text, with the titles above them."""
        rows = self._database.execute("SELECT path, headings, text FROM passage ORDER BY id")
        for path, passages in groupby(rows, key=itemgetter(0)):
            titles, texts = zip(*((headings, text) for _, headings, text in passages), strict=True)
            above = (title for headings in dict.fromkeys(titles) for title, _ in json.loads(headings))
            yield path, "\n".join([*above, *texts])

    def lines(self, path: str, first: int, last: int) -> str | None:
        """These lines of a document as they stand in it, markup and all; None when it has no such lines."""
        lines = self._lines(path)
        if lines is None or not 1 <= first <= last <= len(lines):
            return None
        return "\n".join(lines[first - 1 : last])

    def _read_lines(self, path: str) -> list[str] | None:
        row = self._database.execute("SELECT text FROM document WHERE path = ?", (path,)).fetchone()
        return row[0].split("\n") if row else None


def build(library: Library, folder: Path, path: Path, tell: Tell = tell_nothing) -> None:
    """Write the index of `library` to `path`, whole or not at all.  Raises InvalidDocuments when the disk refuses."""
    draft = path.with_name(f"{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(library, folder, draft, tell)
        draft.replace(path)
    except (OSError, sqlite3.DatabaseError) as error:
        raise InvalidDocuments(f"the index cannot be written to {str(path.parent)!r} ({error})") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Have one process of this machine build at a time.  Another is waited for, `BUILDER_S` at most, and then not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise InvalidDocuments(f"the index cannot be written to {str(path.parent)!r} ({error})") from error
    try:
        until = time.monotonic() + BUILDER_S
        while not _is_locked(descriptor) and time.monotonic() < until:
            time.sleep(PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # this file system has no locks: several builders do no harm
        return True
    return True


def match_any(terms: Sequence[str]) -> str:
    """The FTS5 query for any of the terms.  Long ones also match what they begin ("recover", "recovery")."""
    words = (folded(term) for term in terms if any(character.isalnum() for character in term))
    return " OR ".join('"' + word.replace('"', " ") + '"' + "*" * (len(word) >= PREFIX_LENGTH_MIN) for word in words)


def subject_in(title: str, names: Names) -> str:
    """The name that a title announces: "Erlang and OTP", "The design of SCR"; empty for any other title."""
    found = names.within(title)
    if found and title.removeprefix("The ").startswith(found[0]):
        return found[0]
    return found[-1] if found and title.endswith(f" of {found[-1]}") else ""


def _connect(path: Path) -> sqlite3.Connection:
    try:
        # Whoever drops it last closes it: that may be the collector of garbage, in any thread.
        name = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        return sqlite3.connect(name, uri=True, check_same_thread=False)
    except sqlite3.Error as error:
        raise InvalidDocuments(f"there is no index at {str(path)!r}") from error


def _write(library: Library, folder: Path, draft: Path, tell: Tell) -> None:
    database = sqlite3.connect(draft)
    try:
        database.executescript(_SCHEMA)
        database.executemany("INSERT INTO document VALUES (?, ?)", ((d.path, d.text) for d in library.documents))
        passages = 0
        textless: list[str] = []
        gathering = Gathering()
        titles: list[str] = []
        for document in each_told(library.documents, tell, "reading documents"):
            rows = list(enumerate(split(document), passages + 1))
            passages += len(rows)
            textless += [] if rows else [document.path]
            for _, passage in rows:
                gathering.read(passage.text)
            titles += [passage.headings[0].title for _, passage in rows[:1] if passage.headings]
            database.executemany("INSERT INTO passage VALUES (?, ?, ?, ?, ?)", (_row(n, p) for n, p in rows))
            searched = ((n, folded(passage.titles), folded(passage.text)) for n, passage in rows)
            database.executemany("INSERT INTO search (rowid, titles, text) VALUES (?, ?, ?)", searched)
        stats = IndexStats(
            documents=len(library.documents),
            passages=passages,
            skipped=library.skipped,
            textless=len(textless),
            textless_first=tuple(textless[:TEXTLESS_NAMED_MAX]),
        )
        database.executemany("INSERT INTO about VALUES (?, ?)", _about(stats, folder, gathering.names(), titles))
        database.commit()
    finally:
        database.close()


def _about(stats: IndexStats, folder: Path, names: Names, titles: list[str]) -> Iterator[tuple[str, str]]:
    yield "format", str(FORMAT)
    yield "folder", str(folder.absolute())
    yield "stats", stats.model_dump_json()
    yield "names", json.dumps([names.written, names.phrases])
    counts = Counter(subject for title in titles if (subject := subject_in(title, names)))
    rare = max(SUBJECT_DOCUMENTS_MIN, int(len(titles) * SUBJECT_SHARE_MAX))
    yield "subjects", json.dumps(sorted(name for name, count in counts.items() if count <= rare))


def _row(passage_id: int, passage: Passage) -> tuple[int, str, str, str, str]:
    headings = json.dumps([[heading.title, heading.line] for heading in passage.headings])
    return passage_id, passage.path, headings, passage.text, json.dumps(passage.starts)


def _passage(path: str, headings: str, text: str, starts: str) -> Passage:
    return Passage(
        path,
        tuple(Heading(title, line) for title, line in json.loads(headings)),
        text,
        tuple((offset, line) for offset, line in json.loads(starts)),
    )
