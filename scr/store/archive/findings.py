"""What an examination of a store finds, as data.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is.

    `damage`: something cannot be read.  `altered`: a row is not what was
    written.  `contradiction`: the rows of a run do not fit together.
    `notice`: worth to be known, and nothing has to be done.
    """

    DAMAGE = "damage"
    ALTERED = "altered"
    CONTRADICTION = "contradiction"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: what, and what to do about it.  `table` and `run` are empty where it is in none."""

    severity: Severity
    sentence: str
    remedy: str
    table: str = ""
    run: str = ""
