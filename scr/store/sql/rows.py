"""Values as the columns of their tables, and back.

Pure.  Writing raises InvalidMessage for text that no database keeps; reading
raises StoreDamaged for a row that is not what was written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar
from zlib import crc32

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from scr.errors import InvalidMessage, StoreDamaged
from scr.messages import MESSAGE, Message
from scr.protocol.frames import Entry, StartRequest, StepRecord
from scr.retry import ErrorInfo
from scr.specs import AgentSpec, SupervisorSpec
from scr.store.records import CommittedTurn, DeadLetter, Effect, OpenAsk, effects_of
from scr.telemetry.crashes import CrashRecord

T = TypeVar("T")
NAME_CHARACTERS = 512  # of four bytes each; an index of PostgreSQL takes 2704 bytes
AGENT_SPEC: TypeAdapter[AgentSpec] = TypeAdapter(AgentSpec)
TREE: TypeAdapter[SupervisorSpec] = TypeAdapter(SupervisorSpec)
START: TypeAdapter[StartRequest] = TypeAdapter(StartRequest)
CRASH: TypeAdapter[CrashRecord] = TypeAdapter(CrashRecord)
ERROR: TypeAdapter[ErrorInfo] = TypeAdapter(ErrorInfo)


def seal(*columns: str | float | None) -> int:
    """A checksum that fits 32 bits with a sign.  Raises InvalidMessage for a NUL or half a surrogate pair."""
    text = "\x1f".join(map(str, columns))
    if "\0" in text:
        raise InvalidMessage("an id or a name has a NUL character, which cannot be stored; leave it out")
    try:
        return crc32(text.encode()) - 0x80000000
    except UnicodeEncodeError as error:
        raise InvalidMessage(f"an id or a name has half a surrogate pair, which cannot be stored: {error}") from error


def named(name: str) -> str:
    """A name that is in an index.  Raises InvalidMessage for one that is longer than every database takes there."""
    if len(name) > NAME_CHARACTERS:
        raise InvalidMessage(
            f"a name of {len(name)} characters cannot be stored, at most {NAME_CHARACTERS} can: {name[:40]!r}..."
        )
    return name


def unseal(what: str, crc: int, columns: Sequence[str | float | None]) -> None:
    """Raises StoreDamaged when these are not the columns that were sealed."""
    try:
        sealed = seal(*columns)
    except InvalidMessage as error:
        raise StoreDamaged(f"{what} in the store is not what was written: {error}") from error
    if sealed != crc:
        raise StoreDamaged(f"{what} in the store is not what was written; `scr doctor` says what can be saved")


def text_of(value: JsonValue) -> str:
    """JSON, compact."""
    return to_json(value).decode()


def value_of(text: str) -> JsonValue:
    """The value of sealed JSON."""
    value: JsonValue = from_json(text)
    return value


def mapping_of(text: str) -> dict[str, Any]:
    """The mapping of sealed JSON."""
    value: dict[str, Any] = from_json(text)
    return value


def tree_of(run: str, text: str) -> SupervisorSpec:
    """The tree of a run, whose row was unsealed."""
    return _read(f"the tree of run {run!r}", TREE, text)


def json_of(value: BaseModel, *, short: bool = False) -> str:
    """The model as JSON; `short`: without what is as by default.  Raises InvalidMessage for what JSON cannot say.

    The serializer itself: `model_dump_json` takes three times as long for a small model.
    """
    try:
        return value.__pydantic_serializer__.to_json(value, exclude_defaults=short).decode()
    except PydanticSerializationError as error:
        raise InvalidMessage(f"a {type(value).__name__} cannot be written as JSON: {error}") from error


def shown_text(value: BaseModel) -> str:
    """What is kept for people, as short JSON: never fails, bad text is replaced."""
    try:
        return json_of(value, short=True)
    except InvalidMessage:
        data = value.model_dump(exclude_defaults=True)
        return json.dumps(data, ensure_ascii=False).encode("utf-8", "replace").decode()


def printable(text: str) -> str:
    """Text for people that any database keeps."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _read(what: str, adapter: TypeAdapter[T], text: str) -> T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise StoreDamaged(f"{what} in the store cannot be read by this SCR: {error}") from error


def message_columns(message: Message) -> tuple[Any, ...]:
    """message_id, sender, recipient, type, in_reply_to, run_id, trace_id, time, payload, crc."""
    payload = json_of(message.payload)
    trace = None if message.trace_id == message.message_id else message.trace_id
    columns = (
        *(message.message_id, message.sender, message.to, message.type, message.in_reply_to, message.run_id, trace),
        *(message.timestamp, payload),
    )
    return (*columns, seal(*columns))


def message_of(columns: Sequence[Any]) -> Message:
    """The message of its columns."""
    message_id, sender, to, kind, in_reply_to, run_id, trace, time, payload, crc = columns
    unseal(f"message {message_id!r}", crc, columns[:-1])
    envelope = {
        "message_id": message_id,
        "sender": sender,
        "to": to,
        "type": kind,
        "in_reply_to": in_reply_to,
        "run_id": run_id,
        "trace_id": trace or message_id,
        "timestamp": time,
    }
    return _read(f"message {message_id!r}", MESSAGE, f'{json.dumps(envelope)[:-1]},"payload":{payload}}}')


def step_sealed(message_id: str, name: str, state: str, value: str, digest: str) -> tuple[str, ...]:
    """The columns of a step over which its checksum is: the digest where there is one, older stores have none."""
    return (message_id, name, state, value, *((digest,) if digest else ()))


def step_of(columns: Sequence[Any]) -> StepRecord | None:
    """The step of message_id, name, state, value, digest, crc; None for one that was not done."""
    message_id, name, state, value, digest, crc = columns
    unseal(f"step {name!r} of message {message_id!r}", crc, step_sealed(*columns[:-1]))
    return None if state == "not done" else StepRecord(name=name, state=state, value=value_of(value), digest=digest)


def spec_of(columns: Sequence[Any]) -> AgentSpec:
    """The specification of agent, supervisor, incarnation, spec, crc."""
    agent, _, _, spec, crc = columns
    unseal(f"agent {agent!r}", crc, columns[:-1])
    return _read(f"agent {agent!r}", AGENT_SPEC, spec)


def check_turn(columns: Sequence[Any]) -> None:
    """n, seq, message_id, agent, incarnation, state, sends, caused, crc."""
    n, _, *sealed, crc = columns
    unseal(f"turn {n} of agent {columns[3]!r}", crc, sealed)


def ask_of(columns: Sequence[Any]) -> OpenAsk:
    """The question of message_id, agent, asked_in, step, until, crc."""
    *fields, crc = columns
    unseal(f"question {columns[0]!r}", crc, fields)
    return OpenAsk(*fields)


def effect_of(columns: Sequence[Any]) -> Effect:
    """The effect of effect_id, agent, message_id, start, stop, crc."""
    effect_id, agent, message_id, start, stop, crc = columns
    what = f"effect {effect_id!r} of agent {agent!r}"
    unseal(what, crc, columns[:-1])
    return Effect(effect_id, agent, message_id, _read(what, START, start) if start else None, stop)


def entry_of(columns: Sequence[Any]) -> Entry:
    """The entry of version, key, value, crc."""
    version, key, value, crc = columns
    unseal(f"entry {key!r}", crc, columns[:-1])
    return Entry(key=key, value=value_of(value), version=version)


def letter_of(columns: Sequence[Any]) -> DeadLetter:
    """The dead letter of the columns of its message, then reason, detail, deliveries, time, crc, error."""
    message, (reason, detail, deliveries, time, crc, error) = message_of(columns[:10]), columns[10:]
    what = f"dead letter {message.message_id!r}"
    unseal(what, crc, (message.message_id, *columns[10:-2]))
    return DeadLetter(message, reason, detail, deliveries, time, _read(what, ERROR, error) if error else None)


def crash_of(columns: Sequence[Any]) -> CrashRecord:
    """The crash record of agent, body, crc."""
    agent, body, crc = columns
    unseal(f"a crash record of agent {agent!r}", crc, columns[:-1])
    return _read(f"a crash record of agent {agent!r}", CRASH, body)


def caused_by(turn: CommittedTurn, first_version: int) -> dict[str, Any] | None:
    """Return what a turn did beside sending, by its ids; what is in other tables is not repeated."""
    frame = turn.frame
    plain = (frame.monitors, frame.demonitors, frame.starts, frame.stops, frame.entries, frame.timers, frame.cancels)
    if not (any(plain) or turn.answers or frame.ends):
        return None
    found: dict[str, Any] = {
        "monitors": list(frame.monitors),
        "demonitors": list(frame.demonitors),
        "effects": [effect.effect_id for effect in effects_of(turn.agent, frame)],
        "entries": [first_version, len(frame.entries)] if frame.entries else [],
        "timers": [timer.message.message_id for timer in frame.timers],
        "cancels": list(frame.cancels),
        "answers": [[answer.message_id, answer.ask_id, answer.asked_in] for answer in turn.answers],
        "ends": frame.ends,
    }
    return {name: value for name, value in found.items() if value}
