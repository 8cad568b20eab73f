"""The URL of a store, and the database that it names."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from scr.errors import InvalidInput, StoreUnavailable
from scr.store.session import Database
from scr.store.sqlite import SqliteDatabase

MEMORY = "memory:"
KINDS = "sqlite:///relative/file, sqlite:////absolute/file, postgresql://user@host/database or memory:"
DURABILITIES = {None: True, "power": True, "process": False}
PREFIX = "sqlite:///"


def database_of(url: str) -> Database:
    """The database of a URL that is not `memory:`.

    `?durability=process` makes turns survive every kill, but not the loss of
    power, which may then cost the last of them; "power" is the default.
    Raises InvalidInput for a URL that is none, StoreUnavailable where the client for it is missing.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidInput(f"the store's URL is none ({error}); give {KINDS}") from error
    durability = parse_qs(parts.query).get("durability", [None])[-1]
    if durability not in DURABILITIES:
        raise InvalidInput(f"durability={durability} is unknown; give power or process")
    is_durable = DURABILITIES[durability]
    if parts.scheme == "sqlite" and url.startswith(PREFIX) and len(parts.path) > 1:
        return SqliteDatabase(Path(unquote(parts.path[1:])).absolute(), is_durable=is_durable)
    if parts.scheme in {"postgresql", "postgres"}:
        return _postgres(url, is_durable=is_durable)
    raise InvalidInput(f"{parts.scheme or 'nothing'!r} is no kind of store; give {KINDS}")


def _postgres(url: str, *, is_durable: bool) -> Database:
    """Its client is loaded only here: it takes a tenth of a second, and most stores are files."""
    try:
        module = import_module("scr.store.postgres")
    except ImportError as error:
        raise StoreUnavailable(f"PostgreSQL needs more: pip install 'scr[postgres]' ({error})") from error
    database: Database = module.PostgresDatabase(url, is_durable=is_durable)
    return database
