"""How deep and how large a value may be, so that every frame that has to carry it later can.

Pure.  A value is refused where it is given: what is accepted can be written,
read back and handed on by every process and every store.
"""

from __future__ import annotations

from reprlib import Repr

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from scr.errors import InvalidMessage

DEPTH_MAX = 180
"""How deep a value may be nested: a frame puts up to `LEVELS` around it, and a reader of JSON stops at `READ_DEPTH`."""
READ_DEPTH = 200
LEVELS = READ_DEPTH - DEPTH_MAX
FRAME_BYTES = 16 << 20
"""How large a frame may be, where nothing else is said."""
PAGE_BYTES = 4 << 20
"""How much is read or told at once of what has no bound."""
ROOM_BYTES = 4096
"""What a frame takes beside the value that it carries: ids, names, numbers, the names of its fields."""
OPENED, CLOSED = b"[" * LEVELS, b"]" * LEVELS
SHORT = Repr()
SHORT.maxstring = SHORT.maxother = 80


def shown(value: object) -> str:
    """The value for an error's sentence: short, whatever it is and whatever its own `__repr__` does."""
    try:
        return f"{type(value).__name__} {SHORT.repr(value)}"
    except Exception:  # noqa: BLE001  it is the user's own code, and the sentence is about something else
        return f"{type(value).__name__}, which cannot be shown,"


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun; `many` is the plural where that is not `one` with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def parsed(text: bytes) -> JsonValue:
    """The value of a JSON text.  Raises ValueError for one that is nested deeper than `DEPTH_MAX`, or is no JSON."""
    if len(text) < 2 * DEPTH_MAX:
        value: JsonValue = from_json(text, allow_inf_nan=False)
        return value
    wrapped = from_json(b"".join((OPENED, text, CLOSED)), allow_inf_nan=False)
    for _ in range(LEVELS):
        (wrapped,) = wrapped
    unwrapped: JsonValue = wrapped
    return unwrapped


def is_deeper(text: bytes, most: int) -> bool:
    """Whether a JSON text is nested deeper than so many levels, at most `READ_DEPTH`; read only if it may be."""
    if len(text) < 2 * most or _brackets(text) <= most:
        return False
    around = READ_DEPTH - most
    try:
        from_json(b"".join((b"[" * around, text, b"]" * around)))
    except ValueError:
        return True
    return False


def refuse_deep(text: bytes, what: str, around: int = 0) -> None:
    """Raise InvalidMessage when the JSON text of a value, with so many levels around it, is nested too deep."""
    if is_deeper(text, DEPTH_MAX + around):
        raise InvalidMessage(too_deep(what))


def refuse_deep_value(value: JsonValue, what: str) -> None:
    """Raise InvalidMessage when a value is nested deeper than `DEPTH_MAX`."""
    try:
        text = to_json(value)
    except ValueError as error:
        raise InvalidMessage(too_deep(what)) from error
    refuse_deep(text, what)


def refuse_large(size_bytes: int, most_bytes: int, what: str, instead: str) -> None:
    """Raise InvalidMessage when a value is larger than what can be handed on; `instead` is what to do."""
    if size_bytes > most_bytes:
        raise InvalidMessage(f"{what} is {size_bytes} bytes as JSON, and {most_bytes} can be handed on: {instead}")


def too_deep(what: str, most: int = DEPTH_MAX) -> str:
    """The sentence about a value that is nested too deep."""
    return f"{what} must be nested at most {most} levels deep and not contain itself: make it flatter, or a text"


def most_of(frame_bytes: int) -> int:
    """How large a value may be, so that a frame of that size can carry it."""
    return max(frame_bytes - ROOM_BYTES, frame_bytes // 2)


def _brackets(text: bytes) -> int:
    """No text is nested deeper than it has opening brackets."""
    return text.count(b"[") + text.count(b"{")
