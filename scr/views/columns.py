"""Rows as aligned lines: whole for pipes; cut to the width of a terminal, and wrapped on a narrow one.

Pure, but for `room`.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TextIO, TypeGuard

GAP = "  "
USUAL = 80  # characters of a terminal that does not tell its width; below, lines are wrapped and not cut
INDENT = "    "
LEAST = 12  # of the last column, however narrow the terminal
NUMBERS = frozenset({"AGE", "TOOK", "AGENTS", "OPEN", "DOUBT", "DEAD", "INC", "DEATHS"})


def room(stream: TextIO | None = None) -> int | None:
    """How wide a line on stdout, or another stream, may be: as the terminal; any width where there is none."""
    stream = stream or sys.stdout
    if not stream.isatty():
        return None
    if os.environ.get("COLUMNS", "0") != "0":
        return shutil.get_terminal_size().columns
    with suppress(OSError):
        return os.get_terminal_size(stream.fileno()).columns or USUAL
    return USUAL


def fits(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> bool:
    """Whether there is room for a table, if its last column gives way."""
    return width is None or _before_last(heads, rows) + (0 if is_narrow(width) else LEAST) <= width


def _before_last(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How wide all columns but the last are, with the gaps."""
    return sum(max(map(len, column)) + len(GAP) for column in list(zip(heads, *rows, strict=True))[:-1])


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """A table; numbers keep to the right, and the last column gives way where there is too little room.

    On a narrow terminal the last column goes below the others, whole.
    """
    if is_narrow(width):
        return _stacked(heads, rows, width)
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    last = None if width is None else max(LEAST, width - _before_last(heads, rows))
    return [
        GAP.join(
            cell.rjust(width) if head in NUMBERS else cell.ljust(width)
            for head, cell, width in zip(heads, (*row[:-1], cut(row[-1], last)), widths, strict=True)
        ).rstrip()
        for row in (heads, *rows)
    ]


def is_narrow(width: int | None) -> TypeGuard[int]:
    """Tell whether lines are wrapped, since too little would be left of them if they were cut."""
    return width is not None and width < USUAL


def _stacked(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The rows, each with its last cell below it."""
    lines = aligned(heads[:-1], [row[:-1] for row in rows])
    below = [" ".join(cell.split()) for cell in (heads[-1], *(row[-1] for row in rows))]
    return [
        part
        for line, cell in zip(lines, below, strict=True)
        for part in (*wrapped(line, width), *(wrapped(INDENT + cell, width) if cell else ()))
    ]


def wrapped(line: str, width: int | None) -> list[str]:
    """The line in as many as it needs, broken at spaces; all are indented as it is."""
    if width is None or len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def cut(text: str, width: int | None) -> str:
    """The text on one line, as much of it as there is room for."""
    line = " ".join(text.split())
    return line if width is None or len(line) <= width else f"{line[: max(0, width - 1)]}…"


def moment(time: float) -> str:
    """A wall clock time, where this machine is."""
    return f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d %H:%M:%S}"
