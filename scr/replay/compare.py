"""What a turn did, as the run recorded it, against what it does in a replay.

Pure.  Both are the turn's one frame, so that nothing that a turn can do is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

from pydantic import JsonValue

from scr.messages import Message
from scr.protocol.frames import Commit, StartRequest, Timer, name_of

DIFFERENCES_MAX = 5
SHOWN_CHARACTERS, CONTEXT_CHARACTERS = 160, 30
NOTHING = "nothing"
ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in a turn that is not what it was; both sides as short JSON, or "nothing"."""

    field: str
    recorded: str
    replayed: str


def differences(recorded: Commit, replayed: Commit) -> tuple[Difference, ...]:
    """What is not the same, at most `DIFFERENCES_MAX` places, the state first.

    What a turn sent, started, remembered and so on is compared by position.
    Not compared are ids and timestamps, which follow from the message and the
    clock; when a timer of `wake_at` is due; timers with a name, which stay as they are when they are set again; and the
    bytes of code that was
    shipped, which `dill` does not write twice alike.
    """
    return tuple(islice(_unlike("", _plain(recorded), _plain(replayed)), DIFFERENCES_MAX))


def _plain(turn: Commit) -> dict[str, Any]:
    """All that counts, as JSON; a state that did not change is absent."""
    state = {} if turn.state is None else {"state": turn.state}
    return state | {
        "sends": [_message(message) for message in turn.sends],
        "starts": [_start(request) for request in turn.starts],
        "stops": list(turn.stops),
        "monitors": list(turn.monitors),
        "demonitors": list(turn.demonitors),
        "remembers": [{"key": entry.key, "value": entry.value} for entry in turn.entries],
        "timers": [_timer(timer) for timer in turn.timers if not name_of(timer)],
        "cancels": list(turn.cancels),
        "ends": turn.ends,
    }


def _message(message: Message) -> dict[str, JsonValue]:
    return {
        "to": message.to,
        "type": message.type,
        "payload": message.payload.model_dump(mode="json"),
        "in_reply_to": message.in_reply_to,
    }


def _start(request: StartRequest) -> dict[str, Any]:
    spec = request.spec.model_dump(mode="json")
    if spec["code"]["pickled"] is not None:
        spec["code"]["pickled"] = "shipped"
    return {"supervisor": request.supervisor, "spec": spec}


def _timer(timer: Timer) -> dict[str, JsonValue]:
    return {**_message(timer.message), "after_s": timer.after_s}


def _unlike(field: str, recorded: Any, replayed: Any) -> Iterator[Difference]:
    """Every place, as deep as it goes, in which the two are not the same JSON."""
    match recorded, replayed:
        case Mapping(), Mapping():
            for key in {**recorded, **replayed}:
                name = f"{field}.{key}" if field else key
                yield from _unlike(name, recorded.get(key, ABSENT), replayed.get(key, ABSENT))
        case list(), list():
            for n, (then, now) in enumerate(zip_longest(recorded, replayed, fillvalue=ABSENT)):
                yield from _unlike(f"{field}[{n}]", then, now)
        case _:
            if type(recorded) is not type(replayed) or recorded != replayed:
                yield Difference(field, *_shown([_text(recorded), _text(replayed)]))


def _text(value: Any) -> str:
    return NOTHING if value is ABSENT else json.dumps(value, ensure_ascii=False)


def _shown(texts: Sequence[str]) -> Iterator[str]:
    """Both, cut to where they begin to differ."""
    same = next((n for n, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
    begin = max(0, same - CONTEXT_CHARACTERS) if max(map(len, texts)) > SHOWN_CHARACTERS else 0
    for text in texts:
        end = begin + SHOWN_CHARACTERS
        yield f"{'…' if begin else ''}{text[begin:end]}{'…' if len(text) > end else ''}"
