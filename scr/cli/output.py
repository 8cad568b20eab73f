"""How every command speaks: one object on stdout for programs, one sentence on stderr for trouble, one exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from scr.cli.streams import lost_output, say_status, takes_all
from scr.errors import InvalidInput, ScrError, StoreDamaged, UnknownAgent
from scr.exit_codes import STATUS, ExitCode
from scr.views.columns import room, wrapped


def say_json(found: dict[str, Any]) -> None:
    """Print one object on a line of its own on stdout."""
    print(json.dumps(found, ensure_ascii=not takes_all(sys.stdout)), flush=True)


def say_found(
    found: dict[str, Any], lines: Iterable[str], *, as_json: bool, code: ExitCode = ExitCode.DONE
) -> ExitCode:
    """What was found: as one object for programs, or as lines for people; the code is handed on."""
    if as_json:
        say_json({"status": STATUS[code]} | found)
    else:
        width = room()
        for line in lines:
            print("\n".join(wrapped(line, width)))
        sys.stdout.flush()
    return code


def say_readable(
    found: dict[str, Any], lines: Iterable[str], damaged: Sequence[StoreDamaged], *, as_json: bool
) -> ExitCode:
    """What could be read, then why the rest could not: that is half a success."""
    sentences = list(map(str, damaged))
    code = ExitCode.PARTIAL if sentences else ExitCode.DONE
    say_found(found | {"damaged": sentences}, lines, as_json=as_json, code=code)
    for sentence in sentences:
        say_trouble(sentence)
    return code


def say_trouble(sentence: str) -> None:
    """Say one sentence on stderr."""
    say_status(f"scr: {sentence}")


def guarded(command: Callable[[], ExitCode], *, as_json: bool) -> ExitCode:
    """Carry out a command: what goes wrong is one sentence, never a traceback, and so is output that is lost."""
    try:
        return _sentenced(command, as_json=as_json)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except OSError as error:
        lost = lost_output(error)
        if lost is None:
            raise
        return lost


def _sentenced(command: Callable[[], ExitCode], *, as_json: bool) -> ExitCode:
    try:
        return command()
    except ScrError as error:
        code = ExitCode.BAD_INPUT if isinstance(error, InvalidInput | UnknownAgent) else ExitCode.FAILED
        say_trouble(str(error))
        if as_json:
            say_json({"status": STATUS[code], "error": str(error)})
        return code
