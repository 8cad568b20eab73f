"""One connection to a database, whichever it is: statements in, rows and this project's errors out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any, Protocol, TypeAlias

from scr.errors import InvalidMessage, StoreError
from scr.store.sql.schema import Dialect
from scr.store.sql.statements import Statement, spelt, spelt_for

SHEAF = 32  # rows in one statement
DETAIL_CHARACTERS = 300
Value: TypeAlias = str | int | float | None
Row: TypeAlias = tuple[Statement, tuple[Value, ...]]


class Session(Protocol):
    """An open connection.  Used by one thread at a time.

    Every call may block, and raises StoreUnavailable, StoreDamaged or
    StoreForeign, or InvalidMessage for a value that the database cannot hold:
    that says nothing of the database.  After any of them only `close` makes sense.
    """

    dialect: Dialect

    def begin(self) -> None:
        """Begin a transaction that may write."""

    def commit(self) -> None:
        """Keep it: when this returns, it is kept."""

    def rollback(self) -> None:
        """Forget it."""

    def abandon(self) -> None:
        """Forget it, if the connection still can: the error that led here is the one to tell."""

    def check(self) -> None:
        """Look for damage, as far as that takes no longer than a person waits for a start."""

    def write(self, rows: Sequence[Row]) -> None:
        """Execute all, in batches, in an order that comes to the same (see `Statement.lane`)."""

    def change(self, statement: Statement, **values: Value) -> int:
        """Execute one; how many rows it changed."""

    def rows(self, statement: Statement, **values: Value) -> list[Any]:
        """Execute one; all rows that it found."""

    def script(self, text: str) -> None:
        """Execute a statement of the schema."""

    def follow(self, lease_s: float) -> None:
        """From now on, give a statement up that takes longer than a lease."""

    def close(self) -> None:
        """Never raises."""


class Database(Protocol):
    """Where a store is.  `shown` is its URL without a password."""

    shown: str
    dialect: Dialect

    def connect(self, *, create: bool = False, read_only: bool = False) -> Session:
        """A new connection to a store of this version.

        With `create`, one that is not there is made.  One of an older version
        is brought forward, also for who only reads.  Blocks.  Raises StoreUnavailable, StoreDamaged, StoreForeign.
        """

    def within(self, lease_s: float) -> Database:
        """The same, with connections that find out within a lease of that length that they are cut off."""


def batches(rows: Sequence[Row]) -> Iterator[tuple[Statement, list[tuple[Value, ...]]]]:
    """The rows in as few batches as come to the same."""
    lanes: dict[int, list[Row]] = {}
    for row in rows:
        lane = row[0].lane
        if lane is None:
            yield from _runs(lanes)
            lanes = {}
            yield row[0], [row[1]]
        elif lane in lanes:
            lanes[lane].append(row)
        else:
            lanes[lane] = [row]
    yield from _runs(lanes)


def _runs(lanes: dict[int, list[Row]]) -> Iterator[tuple[Statement, list[tuple[Value, ...]]]]:
    for lane in sorted(lanes):
        statement, values = lanes[lane][0][0], list[tuple[Value, ...]]()
        for other, row in lanes[lane]:
            if other is not statement:
                yield statement, values
                statement, values = other, []
            values.append(row)
        yield statement, values


class DriverSession:
    """A `Session` over a connection of a driver whose errors `explain` turns into this project's.

    `values` are those that a driver raises when it cannot say a value to the database at all.
    `clock` is `{now}` where the dialect leaves that to this side.
    """

    def __init__(
        self,
        connection: Any,
        dialect: Dialect,
        *,
        mark: str,
        begin: str,
        errors: tuple[type[Exception], ...],
        values: tuple[type[Exception], ...],
        explain: Callable[[Exception], StoreError | InvalidMessage],
        clock: Callable[[], float],
    ) -> None:
        self.dialect, self._connection, self._cursor = dialect, connection, connection.cursor()
        self._clock = clock
        self._mark, self._begin, self._explain = mark, begin, explain
        self._errors, self._values = errors, values

    def begin(self) -> None:
        """Begin."""
        self.script(self._begin)

    def commit(self) -> None:
        """Keep."""
        self.script("COMMIT")

    def rollback(self) -> None:
        """Forget."""
        self.script("ROLLBACK")

    def abandon(self) -> None:
        """Forget."""
        with suppress(*self._errors):
            self._cursor.execute("ROLLBACK")

    def write(self, rows: Sequence[Row]) -> None:
        """Execute all."""
        with self.explained():
            for statement, values in batches(rows):
                self._write(statement, values)

    def change(self, statement: Statement, **values: Value) -> int:
        """Execute one."""
        self._execute(statement, values)
        changed: int = self._cursor.rowcount
        return changed

    def rows(self, statement: Statement, **values: Value) -> list[Any]:
        """Execute one."""
        self._execute(statement, values)
        with self.explained():
            found: list[Any] = self._cursor.fetchall()
        return found

    def script(self, text: str) -> None:
        """Execute."""
        try:
            self._cursor.execute(text)
        except self._errors as error:
            raise self._explain(error) from error

    def ask(self, text: str) -> Any:
        """Execute; the one row that there is, or None."""
        with self.explained():
            self._cursor.execute(text)
            return self._cursor.fetchone()

    def close(self) -> None:
        """Whatever goes wrong: nobody uses it any more.  A cursor that is open would keep the file open."""
        for handle in (self._cursor, self._connection):
            with suppress(*self._errors):
                handle.close()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """The driver's errors leave as this project's."""
        try:
            yield
        except self._values as error:
            raise not_held(error) from error
        except self._errors as error:
            raise self._explain(error) from error

    def _write(self, statement: Statement, rows: list[tuple[Value, ...]]) -> None:
        """Many rows in one statement: each statement is a moment in which another thread may take the interpreter."""
        rest = 0
        if len(rows) >= SHEAF and (text := spelt_for(statement, self.dialect, self._mark, SHEAF)):
            rest = len(rows) - len(rows) % SHEAF
            for begin in range(0, rest, SHEAF):
                self._cursor.execute(text, tuple(chain.from_iterable(rows[begin : begin + SHEAF])))
        if rest < len(rows):
            self._cursor.executemany(spelt(statement, self.dialect, self._mark)[0], rows[rest:])

    def _execute(self, statement: Statement, values: dict[str, Value]) -> None:
        text, names = spelt(statement, self.dialect, self._mark)
        values["now"] = self._clock()
        given = tuple(values[name] for name in names)
        with self.explained():
            self._cursor.execute(text, given)


def not_held(error: Exception) -> InvalidMessage:
    """A value that the database cannot hold; the driver's sentence may quote it, and so is written in ASCII."""
    detail = ascii(" ".join(str(error).split()))[1:-1]
    return InvalidMessage(f"the store cannot hold a value: {detail[:DETAIL_CHARACTERS]}; give another")
