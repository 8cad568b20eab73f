"""A store in a PostgreSQL server: for several machines.  Loaded only where such a store is named."""

# ruff: noqa: S608  every name that these texts are made of is written here

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Sequence
from math import ceil
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import psycopg

from scr.errors import StoreDamaged, StoreError, StoreForeign, StoreUnavailable
from scr.store.sql import schema
from scr.store.sql.migrating import bring_forward
from scr.store.sql.schema import MAGIC, POSTGRES
from scr.store.sql.session import DriverSession, Row, batches

SCHEMA = "scr"
LOCK = 0x53435231
HIDDEN = "***"
DEFAULTS = {
    "application_name": "scr",
    "client_encoding": "UTF8",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
STATEMENT_S = 30.0  # the longest that a statement may take, whatever the lease
POOLED = (
    "the store {shown} is reached through a pooler in transaction mode, which keeps no settings, locks or statements"
    " of a connection{detail}; connect to the server itself, or use a pool in session mode"
)
DOWN = (os.strerror(errno.ECONNREFUSED), os.strerror(errno.ENOENT), "the database system is")
"""What tells that the server is away for everybody, and not the network for this machine."""
POOLERS_ERRORS = frozenset({"42P05", "26000"})  # a statement that was prepared by another, or is not there
SETTINGS = f"""
    SET search_path = {SCHEMA};
    SET lock_timeout = '5s';
    SET statement_timeout = '30s';
    SET idle_in_transaction_session_timeout = '5s';
    SET standard_conforming_strings = on;
"""
DURABLE = {  # what the server does where that is more; never less than what was asked for
    True: "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    False: "SET synchronous_commit = off",
}


BACKEND = "SELECT pg_backend_pid()"


def timeouts(lease_s: float | None) -> dict[str, str]:
    """After which time a connection is given up of which nothing is heard, where it renews a lease.  Pure.

    libpq takes whole seconds, and no less than two to connect.
    """
    if lease_s is None:
        return {}
    return {
        "connect_timeout": str(max(2, ceil(lease_s / 2))),
        "tcp_user_timeout": str(int(500 * lease_s)),
        "keepalives_idle": str(max(1, int(lease_s / 4))),
        "keepalives_interval": "1",
        "keepalives_count": str(max(1, int(lease_s / 4))),
    }


class PostgresSession(DriverSession):
    """A connection to a server."""

    def __init__(self, connection: psycopg.Connection[Any], database: PostgresDatabase) -> None:
        super().__init__(
            connection,
            POSTGRES,
            mark="%s",
            begin="BEGIN",
            errors=(psycopg.Error,),
            values=(psycopg.DataError, psycopg.errors.ProgramLimitExceeded, UnicodeEncodeError, OverflowError),
            explain=database.explain,
            clock=time.time,
        )
        self._pipelined = connection

    def check(self) -> None:
        """The server looks after its own pages."""

    def follow(self, lease_s: float) -> None:
        """Give up, in the server, what takes longer than a lease."""
        limit_ms = int(1000 * min(lease_s, STATEMENT_S))
        for setting in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            self.script(f"SET {setting} = {limit_ms}")

    def write(self, rows: Sequence[Row]) -> None:
        """Execute all, without waiting for each."""
        with self.explained(), self._pipelined.pipeline():
            for statement, values in batches(rows):
                self._write(statement, values)


class PostgresDatabase:
    """The schema `scr` of a database.  The password is in no error and in nothing that is shown."""

    dialect = POSTGRES

    def __init__(self, url: str, *, is_durable: bool = True, lease_s: float | None = None) -> None:
        self._url = url
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query))
        given.pop("durability", None)
        self._is_durable = is_durable
        self._secrets = tuple(filter(None, {parts.password, unquote(parts.password or ""), given.get("password")}))
        self._conninfo = urlunsplit(
            parts._replace(query=urlencode(DEFAULTS | timeouts(lease_s) | given), scheme="postgresql")
        )
        self.shown = self._hide(url)

    def connect(self, *, create: bool = False, read_only: bool = False) -> PostgresSession:  # noqa: ARG002  no file
        """A new connection."""
        try:
            connection: psycopg.Connection[Any] = self._connected()
        except psycopg.Error as error:
            raise self.explain(error) from None  # the original may hold the password
        session = PostgresSession(connection, self)
        try:
            self._refuse_pooler(session, connection)
            session.script(SETTINGS + DURABLE[self._is_durable])
            self._identify(session, create=create)
        except StoreError:
            session.close()
            raise
        return session

    def within(self, lease_s: float) -> PostgresDatabase:
        """The same, with timeouts that follow the lease."""
        return PostgresDatabase(self._url, is_durable=self._is_durable, lease_s=lease_s)

    def _connected(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=None)

    def _refuse_pooler(self, session: PostgresSession, connection: psycopg.Connection[Any]) -> None:
        """Raises StoreUnavailable where the server's side of the connection may be another one's in the next moment.

        A pooler gives a number of its own for the process of the server.  In transaction mode it lends this
        connection's, which does nothing just now, to the transaction of another.
        """
        mine = session.ask(BACKEND)[0]
        if mine == connection.info.backend_pid:
            return
        try:
            with self._connected() as other, other.transaction():
                lent = other.execute(BACKEND).fetchone()
                is_kept = lent != (mine,) and session.ask(BACKEND)[0] == mine
        except psycopg.Error as error:
            raise self.explain(error) from None
        if not is_kept:
            raise StoreUnavailable(POOLED.format(shown=self.shown, detail=""))

    def _identify(self, session: PostgresSession, *, create: bool) -> None:
        version = self._version(session)
        if version is None and not create:
            raise StoreUnavailable(f"there is no store in {self.shown}; `scr run` makes one")
        schema.refuse_newer(version or 0, self.shown)
        if version != len(schema.MIGRATIONS):
            self._migrate(session)

    def _version(self, session: PostgresSession) -> int | None:
        """None when there is no store yet."""
        exists, meta = session.ask(f"SELECT to_regnamespace('{SCHEMA}') IS NOT NULL, to_regclass('{SCHEMA}.meta')")
        if not exists:
            return None
        found = session.ask(f"SELECT magic, version FROM {SCHEMA}.meta") if meta else None
        if found is None or found[0] != MAGIC:
            raise StoreForeign(f"the schema {SCHEMA!r} in {self.shown} is another program's; name another database")
        return int(found[1])

    def _migrate(self, session: PostgresSession) -> None:
        """Several runtimes may do so at once: one does, the others find it done.

        Whoever waits has no transaction: within one, a name that was not there
        is not looked for again, whoever has made it meanwhile.
        """
        session.script(f"SELECT pg_advisory_lock({LOCK})")
        session.begin()
        version = self._version(session)
        if version is None:
            session.script(f"CREATE SCHEMA {SCHEMA}")
            session.script(f"CREATE TABLE {SCHEMA}.meta (magic TEXT NOT NULL, version BIGINT NOT NULL)")
            session.script(f"INSERT INTO {SCHEMA}.meta VALUES ('{MAGIC}', 0)")
        bring_forward(session, version or 0, self.shown)
        session.script(f"UPDATE {SCHEMA}.meta SET version = {len(schema.MIGRATIONS)}")
        session.commit()
        session.script(f"SELECT pg_advisory_unlock({LOCK})")

    def explain(self, error: Exception) -> StoreError:
        """This project's error for one of the server's or the client library's."""
        detail = self._hide(" ".join(str(error).split()))
        code = getattr(error, "sqlstate", None) or ""
        match code[:2]:
            case _ if code in POOLERS_ERRORS:
                return StoreUnavailable(POOLED.format(shown=self.shown, detail=f" ({detail})"))
            case "21" | "23" | "42" if code != "42501":
                return StoreDamaged(f"the store {self.shown} does not hold what was written ({detail}); `scr doctor`")
            case "XX":
                return StoreDamaged(f"the store {self.shown} is damaged ({detail}); look at the server's log")
            case "53":
                return StoreUnavailable(f"the server of the store {self.shown} is out of something: {detail}")
            case "55" | "40":
                return StoreUnavailable(f"another program holds the store {self.shown} locked: {detail}")
            case _:
                unavailable = StoreUnavailable(f"the store {self.shown} cannot be used: {detail}")
                unavailable.is_down = any(sign in detail for sign in DOWN)
                return unavailable

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = re.sub(rf"(?<=[:=]){re.escape(secret)}(?=[@&\s]|$)", HIDDEN, text)
            if len(secret) > 3:
                text = text.replace(secret, HIDDEN)
        return text
