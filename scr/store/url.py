"""The door for every store that a program or a command line names: what is meant becomes a URL, or is refused.

Light enough for a program that has just begun: no database client is loaded.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from scr.errors import InvalidInput, StoreUnavailable

MEMORY = "memory:"
DEFAULT_STORE = "sqlite:///.scr/store.sqlite"
KINDS = "sqlite:///relative/file, sqlite:////absolute/file, postgresql://user@host/database or memory:"
SQLITE = "sqlite:///"
POSTGRES = frozenset({"postgres", "postgresql"})
IN_MEMORY = frozenset({MEMORY, "memory://", ":memory:", f"{SQLITE}:memory:"})
FILES = (".db", ".db3", ".sqlite", ".sqlite3")
DURABILITIES = {"power": True, "process": False}
CLIENT = "psycopg"
SECRETS = frozenset({"password", "sslpassword"})
INSTALL = "pip install 'supervised-cognitive-runtime[postgres]'"


def store_url(given: object) -> str:
    """Make one of `memory:`, `sqlite:////absolute/file` and `postgresql://...` of what was given.

    A path, or a text that ends as files of SQLite do, names such a file.  A
    relative path is relative to the working directory of this moment; `~` is the home.
    Raises InvalidInput with the URL to write instead, StoreUnavailable without a client for PostgreSQL.
    """
    if isinstance(given, Path):
        return _file_url(str(given), "")
    if not isinstance(given, str):
        raise InvalidInput(f"the store is a URL or a path, and {given!r} is a {type(given).__name__}; give {KINDS}")
    if given in IN_MEMORY:
        return MEMORY
    scheme, colon, _ = given.partition(":")
    if given.startswith(SQLITE):
        path, _, query = given.removeprefix(SQLITE).partition("?")
        return _file_url(unquote(path, errors="surrogateescape"), query)
    if colon and scheme in POSTGRES:
        return _server_url(given)
    if given.lower().endswith(FILES) and "://" not in given and scheme not in {"file", "sqlite"}:
        return _file_url(given, "")
    raise InvalidInput(_refusal(given, scheme if colon else ""))


def shown_url(url: str) -> str:
    """Return a URL of `store_url` without its passwords."""
    if not url.startswith("postgresql:"):
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    query = urlencode([pair for pair in parse_qsl(parts.query) if pair[0] not in SECRETS], safe="/,")
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}{'?' if query else ''}{query}"


def refuse_lost_path(given: object) -> None:
    """Raise InvalidInput for a path that is no URL and names no file: where a store is only read, it is a slip."""
    is_path = isinstance(given, str) and given.lower().endswith(FILES) and ":" not in given
    if is_path and not Path(str(given)).expanduser().exists():
        raise InvalidInput(f"there is no file {given!r}; stores are {KINDS}")


def sqlite_url(path: Path, *, is_durable: bool = True) -> str:
    """Make the URL of a file, of which `file_of` makes the same file."""
    escaped = str(path).replace("%", "%25").replace("?", "%3F")
    return f"{SQLITE}{escaped}{'' if is_durable else '?durability=process'}"


def file_of(url: str) -> tuple[Path, bool]:
    """Take a URL of `store_url` apart: the file, and whether a commit there survives the loss of power."""
    path, _, query = url.removeprefix(SQLITE).partition("?")
    return Path(unquote(path)), durability(query)


def durability(query: str) -> bool:
    """Tell whether these parameters ask for commits that survive the loss of power, which is the default.

    Raises InvalidInput for a value that is none.
    """
    value = dict(parse_qsl(query, keep_blank_values=True)).get("durability", "power")
    if value not in DURABILITIES:
        raise InvalidInput(f"durability={value} is unknown; give power or process")
    return DURABILITIES[value]


def _refusal(given: str, scheme: str) -> str:
    """Say what is wrong with a text that names no store, and what may have been meant."""
    if not given.strip():
        return f"the store is empty; give {KINDS}"
    if scheme == "sqlite":
        meant = given.removeprefix("sqlite:").lstrip("/")
        slashes = "/" if given.startswith("sqlite:/") and not given.startswith("sqlite://") else ""
        return f"the store {given!r} names no file; write {SQLITE}{slashes}{meant or 'work.db'}; stores are {KINDS}"
    if scheme and "://" in given:
        return f"{scheme!r} is no kind of store; give {KINDS}"
    if Path(given).expanduser().is_dir():
        return _folder_refusal(given, Path(given).expanduser().absolute())
    return f"{given!r} is no kind of store; if a file is meant: {SQLITE}{given} is a file; stores are {KINDS}"


def _folder_refusal(shown: str, folder: Path) -> str:
    """Say that this is a folder, and name a file in it."""
    inside = sqlite_url(folder / "work.db")
    return f"the store {shown!r} is a folder and no file; name a file in it, as in {inside}; stores are {KINDS}"


def _file_url(text: str, query: str) -> str:
    unknown = [name for name, _ in parse_qsl(query, keep_blank_values=True) if name != "durability"]
    if unknown:
        raise InvalidInput(
            f"the store's URL has the parameter {unknown[0]!r}, which a file has not; durability=power and"
            " durability=process are known"
        )
    is_durable = durability(query)
    try:
        if b"\0" in text.encode():
            raise ValueError("it has a NUL in it")
        path = Path(text).expanduser().absolute()
        _refuse_place(text, path)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links; a home that is not known; a NUL
        raise InvalidInput(f"the store {text!r} is no path of a file: {error}") from error
    return sqlite_url(path, is_durable=is_durable)


def _refuse_place(text: str, path: Path) -> None:
    """Refuse a place where no file can be: a folder, and what is below another file.  Raises InvalidInput."""
    if not text or text.endswith(("/", "/.", "/..")) or path.is_dir():
        raise InvalidInput(_folder_refusal(text or SQLITE, path if text else Path()))
    above = next(folder for folder in path.parents if os.path.lexists(folder))
    if not above.is_dir():
        raise InvalidInput(f"the store {text!r} cannot be made: {above} is no folder; name another file")


def _is_known(name: str) -> bool:
    """Tell whether a connection to PostgreSQL has such a parameter; its client, which is slow to load, knows."""
    client = import_module(f"{CLIENT}.conninfo")
    try:
        client.conninfo_to_dict(f"postgresql://?{quote(name)}=1")
    except import_module(CLIENT).Error:
        return False
    return True


def _server_url(given: str) -> str:
    try:
        parts: SplitResult = urlsplit(given)
        _ = parts.port
    except ValueError as error:
        raise InvalidInput(f"the store's URL is none ({error}); give {KINDS}") from error
    if not given.startswith(f"{parts.scheme}://"):
        raise InvalidInput(f"the store's URL lacks its slashes; write {parts.scheme}://user@host/database")
    durability(parts.query)
    if find_spec(CLIENT) is None:
        raise StoreUnavailable(f"PostgreSQL needs the package {CLIENT}, which is not there: {INSTALL}")
    if unknown := [name for name, _ in parse_qsl(parts.query) if name != "durability" and not _is_known(name)]:
        raise InvalidInput(f"the store's URL has the parameter {unknown[0]!r}, which PostgreSQL does not know")
    return f"postgresql{given.removeprefix(parts.scheme)}"
