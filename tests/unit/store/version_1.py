"""The run of the story as an SCR with stores of version 1 has left it: each event was a row of its own."""

import sqlite3
from contextlib import closing
from pathlib import Path

from scr.store.sql import schema

DATA = Path(__file__).with_name("data")
EXPORTED = DATA / "version_1.jsonl"
ROWS = (DATA / "version_1.sql").read_text()


def make(path):
    """A SQLite store of version 1."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in schema.FIRST.statements(schema.SQLITE):
            connection.execute(statement)
        connection.executescript(f"BEGIN; {ROWS} COMMIT;")
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()


def make_postgres(connection):
    """The same in a PostgreSQL, by a connection of psycopg."""
    connection.execute("CREATE SCHEMA scr")
    connection.execute("CREATE TABLE scr.meta (magic TEXT NOT NULL, version BIGINT NOT NULL)")
    connection.execute("INSERT INTO scr.meta VALUES (%s, 1)", [schema.MAGIC])
    connection.execute("SET search_path TO scr")
    for statement in (*schema.FIRST.statements(schema.POSTGRES), ROWS):
        connection.execute(statement)
