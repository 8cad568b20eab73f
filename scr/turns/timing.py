"""What a turn changes of its agent's timers, and what follows when one fires.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from scr.errors import InvalidMessage
from scr.messages import Tick, TimerPayload, derive_id, origin
from scr.protocol.frames import Timer, name_of

NAMES_MAX = 1000


class Change(NamedTuple):
    """What a turn, or a start, changes: the timers that are new, the ids of those that end, the names afterwards."""

    new: tuple[Timer, ...]
    ended: tuple[str, ...]
    named: Mapping[str, Timer]


UNTIMED = Change((), (), {})


def change_of(named: Mapping[str, Timer], timers: Iterable[Timer], cancels: Iterable[str]) -> Change:
    """Cancel, then set: a timer of a name that is set with the same period stays, with another one it is replaced.

    Raises InvalidMessage when that is more names than an agent may have.
    """
    after, new, ended = dict(named), list[Timer](), list[str]()
    for name in cancels:
        if old := after.pop(name, None):
            ended.append(old.message.message_id)
    for timer in timers:
        name = name_of(timer)
        old = after.get(name) if name else None
        if old and old.message.payload == timer.message.payload:
            continue
        if old:
            ended.append(old.message.message_id)
        if name:
            after[name] = timer
        new.append(timer)
    if len(after) > NAMES_MAX:
        raise InvalidMessage(f"an agent may have {NAMES_MAX} timers with a name, and it has set {len(after)}")
    return Change(tuple(new), tuple(ended), after)


def following(timer: Timer, payload: TimerPayload, at: float) -> Timer:
    """Return the tick after this one, which fires at `at` (wall clock): in phase, and none for what was missed."""
    late_s = at - timer.due
    left_s = payload.every_s - (late_s % payload.every_s if late_s >= 0 else 0.0)
    fields = origin(
        message_id=derive_id(timer.message.message_id, "next"),
        sender=timer.message.sender,
        to=timer.message.to,
        at=at,
    )
    return Timer(message=Tick(payload=payload, **fields), due=at + left_s, after_s=left_s)
