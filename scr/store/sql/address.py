"""The database that the URL of a store names."""

from __future__ import annotations

from importlib import import_module
from urllib.parse import urlsplit

from scr.errors import InvalidInput, StoreUnavailable
from scr.store.sql.session import Database
from scr.store.sql.sqlite import SqliteDatabase
from scr.store.url import INSTALL, MEMORY, SQLITE, durability, file_of, store_url


def database_of(given: str) -> Database:
    """The database of a store that is not in memory, by its URL or its path.

    `?durability=process` makes turns survive every kill, but not the loss of
    power, which may then cost the last of them; "power" is the default.
    Raises InvalidInput for a URL that is none, StoreUnavailable where the client for it is missing.
    """
    url = store_url(given)
    if url == MEMORY:
        raise InvalidInput("a store in memory is its runtime's alone; name one in a file or a server")
    if url.startswith(SQLITE):
        path, is_durable = file_of(url)
        return SqliteDatabase(path, is_durable=is_durable)
    return _postgres(url)


def _postgres(url: str) -> Database:
    """Its client is loaded only here: it takes a tenth of a second, and most stores are files."""
    try:
        module = import_module("scr.store.sql.postgres")
    except ImportError as error:
        raise StoreUnavailable(f"PostgreSQL needs more: {INSTALL} ({error})") from error
    database: Database = module.PostgresDatabase(url, is_durable=durability(urlsplit(url).query))
    return database
