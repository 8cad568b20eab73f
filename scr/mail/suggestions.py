"""Names that a person may have meant.

Pure.  The work is bounded however many names there are: of many, those that
begin or end as the wrong one does are compared, and no more than `COMPARED_MAX`.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

COMPARED_MAX = 100
SHOWN_MAX = 3
LIKENESS = 0.75
EDGE = 2


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that are nearly this one, the nearest first."""
    names = [other for other in known if other != name]
    swapped = _swapped(name.lower())
    near = [other for other in names if other.lower() in swapped]
    if len(names) > COMPARED_MAX:
        names = _likely(name, names)
    by_letters = {other.lower(): other for other in reversed(names)}
    near += (by_letters[found] for found in get_close_matches(name.lower(), by_letters, SHOWN_MAX, LIKENESS))
    return list(dict.fromkeys(near))[:SHOWN_MAX]


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that there is no agent (or another thing) of that name, and which may be meant."""
    return f"there is no {what} {name!r}{meant(name, known)} (see `scr ps`)"


def meant(name: str, known: Iterable[str]) -> str:
    """Ask whether one of the nearest names is meant, to follow a sentence about the wrong one; empty for none."""
    near = " or ".join(repr(other) for other in nearest(name, known))
    return f"; did you mean {near}?" if near else ""


def _swapped(name: str) -> set[str]:
    """The name with two neighbouring letters in the other order: of a short one, that leaves little likeness."""
    return {name[:n] + name[n + 1] + name[n] + name[n + 2 :] for n in range(len(name) - 1)} - {name}


def _likely(name: str, names: list[str]) -> list[str]:
    """Those that begin and end like the name, then those that do either, both of about its length."""
    fitting = [other for other in names if abs(len(other) - len(name)) <= EDGE]
    start, end = name[:EDGE].lower(), name[-EDGE:].lower()
    both = (other for other in fitting if other[:EDGE].lower() == start and other[-EDGE:].lower() == end)
    either = [other for other in fitting if (other[:EDGE].lower() == start) != (other[-EDGE:].lower() == end)]
    ends = (other for other in either if other[-EDGE:].lower() == end)
    starts = (other for other in either if other[-EDGE:].lower() != end)
    return [*islice(both, COMPARED_MAX), *islice(ends, COMPARED_MAX // 2), *islice(starts, COMPARED_MAX // 2)]
