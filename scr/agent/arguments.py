"""Checks of what a program or a handler gives, made before anything is sent.

Pure.  Each raises InvalidMessage with the value, written so that any terminal
and any log can show it.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import to_json

from scr.errors import InvalidMessage
from scr.values import FAULTS_SHOWN, Frozen, complaint

ADDRESS = re.compile(r"[A-Za-z0-9_.:/#-]{1,128}")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
KEY_CHARACTERS = 64
ENTRY_CHARACTERS = 512  # as long as the index of any database takes, whatever characters these are
LONGEST_S = 3660 * 24 * 3600.0  # ten years
SHOWN_CHARACTERS = 80

M = TypeVar("M", bound=Frozen)
T = TypeVar("T")


def shown(value: Any) -> str:
    """A value for a sentence: short, and in characters that can always be printed."""
    try:
        text = ascii(value[: SHOWN_CHARACTERS + 1] if isinstance(value, str | bytes) else value)
    except Exception:  # noqa: BLE001  a value may raise anything when it is asked for its text
        return f"a {type(value).__name__}"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def is_number(value: Any) -> bool:
    """Whether this is a number of seconds: True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def address(name: Any, what: str = "an agent's name") -> str:
    """The name of an agent or a supervisor."""
    if not isinstance(name, str) or not ADDRESS.fullmatch(name):
        raise InvalidMessage(
            f"{shown(name)} cannot be {what}: give 1 to 128 characters of A-Z, a-z, 0-9, '_', '.', ':', '/', '#', '-'"
        )
    return name


def key(given: Any, what: str = "a key", most: int = KEY_CHARACTERS) -> str:
    """An id of a message or of an entry, which every store can keep."""
    if not isinstance(given, str) or not 1 <= len(given) <= most:
        length = f" of {len(given)} characters" if isinstance(given, str) else ""
        raise InvalidMessage(f"{shown(given)}{length} cannot be {what}: give text of 1 to {most} characters")
    if found := UNSTORABLE.search(given):
        raise InvalidMessage(
            f"{shown(given)} cannot be {what}: no store keeps the character {found[0]!a}; leave it out"
        )
    return given


def seconds(given: Any, what: str = "timeout_s") -> float:
    """A time to wait."""
    if not is_number(given) or not 0 < given <= LONGEST_S:
        raise InvalidMessage(
            f"{what} cannot be {shown(given)}: give a number of seconds above 0, at most {LONGEST_S:.0f}"
        )
    return float(given)


def made(kind: type[M], /, **fields: Any) -> M:
    """A frame of these fields, each of its own type: nothing is converted."""
    try:
        return kind.model_validate(fields, strict=True)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or kind.__name__}: {fault['msg']}, not {shown(fault['input'])}"
            for fault in error.errors(include_url=False)[:FAULTS_SHOWN]
        ]
        raise InvalidMessage(f"this cannot be asked of a runtime: {'; '.join(faults)}") from error


def reader_of(output: type[T] | None) -> TypeAdapter[T] | None:
    """Return what reads an answer as this model or other type; None leaves it as it is."""
    if output is None:
        return None
    try:
        return TypeAdapter(output)
    except PydanticUserError as error:
        raise InvalidMessage(f"output cannot be {shown(output)}: give a pydantic model or another type") from error


def read_output(value: Any, reader: TypeAdapter[T] | None, sender: str) -> Any:
    """Return the output that `sender` gave, read from its JSON where there is a reader."""
    if reader is None:
        return value
    try:
        return reader.validate_json(to_json(value))
    except ValidationError as error:
        what = f"{error.title} from {sender}"
        raise InvalidMessage(f"{complaint(what, error)}; ask without `output` for the answer as it is") from error
