"""How every command speaks: one object on stdout for programs, one sentence on stderr for trouble, one exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from scr.cli.codes import STATUS, Code
from scr.errors import InvalidInput, ScrError, StoreDamaged, UnknownAgent


def say_json(found: dict[str, Any]) -> None:
    """One object on a line of its own on stdout."""
    print(json.dumps(found, ensure_ascii=False), flush=True)


def say_found(found: dict[str, Any], lines: Iterable[str], *, as_json: bool, code: Code = Code.DONE) -> Code:
    """What was found: as one object for programs, or as lines for people; the code is handed on."""
    if as_json:
        say_json({"status": STATUS[code]} | found)
    else:
        for line in lines:
            print(line)
        sys.stdout.flush()
    return code


def say_readable(
    found: dict[str, Any], lines: Iterable[str], damaged: Sequence[StoreDamaged], *, as_json: bool
) -> Code:
    """What could be read, then why the rest could not: that is half a success."""
    sentences = list(map(str, damaged))
    code = Code.PARTIAL if sentences else Code.DONE
    say_found(found | {"damaged": sentences}, lines, as_json=as_json, code=code)
    for sentence in sentences:
        say_trouble(sentence)
    return code


def say_trouble(sentence: str) -> None:
    """One sentence on stderr."""
    print(f"scr: {sentence}", file=sys.stderr, flush=True)


def guarded(command: Callable[[], Code], *, as_json: bool) -> Code:
    """Carry out a command: what goes wrong is one sentence, never a traceback; who stops reading has heard enough."""
    try:
        return command()
    except KeyboardInterrupt:
        return Code.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered has nowhere to go
        return Code.PIPE_CLOSED
    except ScrError as error:
        code = Code.BAD_INPUT if isinstance(error, InvalidInput | UnknownAgent) else Code.FAILED
        if as_json:
            say_json({"status": STATUS[code], "error": str(error)})
        say_trouble(str(error))
        return code
