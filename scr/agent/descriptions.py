"""An exception, and any value, in words: whatever its own code does when it is asked for them.

Reads what it is given and nothing else.  The text of an exception is a
program's own: it may raise, hold half a character, or be as long as a file.
Its type and the place where it was raised are told all the same.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

TRACEBACK_CHARACTERS = 16_000
HEAD_CHARACTERS = 4_000
PIECE_CHARACTERS = 2_000
NAME_CHARACTERS = 200
NAME = type.__dict__["__name__"]  # a class may hide its own name, and an exception its own traceback, but not these
FRAMES = BaseException.__dict__["__traceback__"]


def described(error: BaseException | None) -> dict[str, str]:
    """Describe an exception in the fields of an exit record: `error_type`, `message` and `traceback`."""
    if error is None:
        return {}
    return {
        "error_type": _text(lambda: NAME.__get__(type(error)), NAME_CHARACTERS),
        "message": _text(lambda: _message(error), PIECE_CHARACTERS),
        "traceback": _text(lambda: _traceback(error), TRACEBACK_CHARACTERS),
    }


def shown(value: object, characters: int = NAME_CHARACTERS) -> str:
    """Show a value as `repr` does, cut where it is too long."""
    return _text(lambda: repr(value), characters)


def printable(text: str) -> str:
    """Replace what a store or a terminal cannot take: halves of characters and NUL, by their escapes."""
    return str.encode(text, "utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _text(say: Callable[[], str], characters: int) -> str:
    try:
        text: str = say()
        return printable(text[:characters])[:characters]
    except BaseException as error:  # noqa: BLE001  the code of an exception or a value may raise anything
        return f"<its text cannot be had: {type(error).__name__}>"


def _message(error: BaseException) -> str:
    return str(error.code) if isinstance(error, SystemExit) else str(error)


def _traceback(error: BaseException) -> str:
    """The traceback with its causes; its middle is left out when it is too long, since either end may be the place."""
    try:
        pieces = traceback.format_exception(error)
    except BaseException:  # noqa: BLE001  the class of an exception may lie about its module, its notes, its cause
        pieces = [*traceback.format_tb(FRAMES.__get__(error)), f"{type.__repr__(type(error))}\n"]
    text = "".join(piece if len(piece) <= PIECE_CHARACTERS else f"{piece[:PIECE_CHARACTERS]}…\n" for piece in pieces)
    if len(text) <= TRACEBACK_CHARACTERS:
        return text
    tail = HEAD_CHARACTERS + len(left_out := "\n…\n") - TRACEBACK_CHARACTERS
    return f"{text[:HEAD_CHARACTERS]}{left_out}{text[tail:]}"
