"""What is known of a runtime or a server without asking it: a file in its directory, which it writes as it begins.

A process that is stopped or busy answers nothing, and can be told from the others all the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from scr.errors import InvalidInput

ABOUT = "about.json"
TITLE_MAX, FOLDER_MAX = 60, 40
HEADS = ("", "PID", "RUN", "FOLDER", "TITLE")


class SeveralRunning(InvalidInput):
    """A refusal to choose among several: `option` names one of them, and `newest` began last."""

    def __init__(self, sentence: str, option: str, newest: str) -> None:
        super().__init__(sentence)
        self.option, self.newest = option, newest


@dataclass(frozen=True, slots=True)
class Running:
    """A runtime or a server: its process, the process that started it, its folder, and the run that it works on."""

    id: str
    pid: int = 0
    keeper: int = 0
    folder: str = ""
    run: str = ""
    title: str = ""


def this_process(name: str, *, run: str = "", title: str = "") -> Running:
    """Describe this process as the runtime or the server of that name."""
    folder = ""
    with suppress(FileNotFoundError):
        folder = os.getcwd()  # noqa: PTH109  as it is written
    return Running(name, os.getpid(), os.getppid(), folder, run, title)


def tell(scratch: Path, running: Running) -> None:
    """Leave the description in the directory.  A disk that is full costs it, and nothing else."""
    with suppress(OSError):
        (scratch / ABOUT).write_text(json.dumps(asdict(running)))


def read(scratch: Path) -> Running:
    """Read what was left in the directory; only its name, where that cannot be read."""
    try:
        return Running(**json.loads((scratch / ABOUT).read_text()))
    except (OSError, ValueError, TypeError):
        return Running(scratch.name)


def refuse_several(what: str, option: str, running: Sequence[Running]) -> SeveralRunning:
    """Name them all, the newest first, for the person who has to choose; they come oldest first."""
    names = ", ".join(one.id for one in running)
    newest = running[::-1]
    lines = _table((what.upper(), *HEADS[1:]), [_cells(one) for one in newest])
    sentence = f"{len(running)} {what}s are running: {names}; choose one with {option}"
    return SeveralRunning("\n".join([sentence, *(f"  {line}" for line in lines)]), option, newest[0].id)


def _cells(one: Running) -> tuple[str, ...]:
    folder = f"…{one.folder[1 - FOLDER_MAX :]}" if len(one.folder) > FOLDER_MAX else one.folder
    title = " ".join(one.title.split())
    return one.id, str(one.pid or ""), one.run, folder, f"{title[:TITLE_MAX]}…" if len(title) > TITLE_MAX else title


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (heads, *rows)]
