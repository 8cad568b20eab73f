"""The standard streams: closed, full, without a reader, or of an encoding that lacks most characters.

Data goes to stdout and its loss is an error; what goes on is told on stderr,
and its loss costs nothing but the words.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from scr.exit_codes import ExitCode
from scr.views.columns import room, wrapped

PLAIN = dict(zip((0x2018, 0x2019, 0x201C, 0x201D, 0x2013, 0x2014, 0x2026, 0x2022, 0x203A), "''\"\"--.*>", strict=True))
ERRORS = "scr.plain"


class StandardOutput(io.FileIO):
    """The standard output; `trouble` is the first error that writing gave."""

    trouble: OSError | None = None

    def write(self, data: Any) -> Any:
        """Write, and note why that fails."""
        try:
            return super().write(data)
        except OSError as error:
            self.trouble = self.trouble or error
            raise


def prepare() -> None:
    """Open the null device in place of closed streams, and have the others replace what they cannot encode."""
    codecs.register_error(ERRORS, replaced)
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:  # it is closed, and the next file that is opened would take its place
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115  it lasts as long as the process
    sys.stdout, sys.stderr = (_stream(number, stream) for number, stream in ((1, sys.stdout), (2, sys.stderr)))


def _stream(descriptor: int, before: TextIO | None) -> TextIO:
    """A stream as Python makes it, that forgives characters; stdout remembers errors.

    An interrupt between the write of an `StandardOutput` and its return has the buffer write the same again.
    """
    raw = (StandardOutput if descriptor == 1 else io.FileIO)(descriptor, "w", closefd=False)
    encoding = before.encoding if before else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, ERRORS, line_buffering=descriptor == 2 or raw.isatty())


def replaced(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that a stream cannot encode: a plain one that looks alike, else its number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(PLAIN)
    return text.encode("ascii", "backslashreplace").decode(), error.end


def takes_all(stream: TextIO) -> bool:
    """Whether a stream can encode every character."""
    return (stream.encoding or "utf-8").lower().startswith("utf")


def say_status(line: str) -> None:
    """Print a line on stderr, wrapped on a terminal; if that fails, it and all after it are dropped."""
    try:
        for part in line.split("\n"):
            print("\n".join(wrapped(part, room(sys.stderr))), file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Send what a stream still holds, and all that is printed on it later, to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
    with suppress(OSError):
        stream.flush()
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    if isinstance(raw, StandardOutput):
        raw.trouble = None


def lost_output(error: OSError | None = None) -> ExitCode | None:
    """Say why stdout cannot be written, and return the exit code for that; None when it can, or that has been said.

    A reader that went away, as `head` does, has what it wanted: there is nothing to say.
    """
    trouble = error if isinstance(error, BrokenPipeError) else trouble_of(sys.stdout)
    if trouble is None:
        return None
    silence(sys.stdout)
    if isinstance(trouble, BrokenPipeError):
        return ExitCode.PIPE_CLOSED
    say_status(f"scr: the output is incomplete, stdout cannot be written ({trouble.strerror}): send it elsewhere")
    return ExitCode.FAILED


def lost_status() -> bool:
    """Whether stderr cannot be written; what is still to be said there is dropped then."""
    is_lost = trouble_of(sys.stderr) is not None
    if is_lost:
        silence(sys.stderr)
    return is_lost


def trouble_of(stream: TextIO) -> OSError | None:
    """The error that writing to a stream gives, or has given."""
    try:
        stream.flush()
    except OSError as error:
        return error
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw.trouble if isinstance(raw, StandardOutput) else None
