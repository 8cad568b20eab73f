"""Messages of the runtime's own.

Pure but for the clock.
"""

from __future__ import annotations

import time

from scr.messages import CLIENT, RUNTIME, Failure, FailurePayload, derive_id, origin
from scr.store.records import DeadLetter
from scr.store.sql.rows import printable


def failure_of(letter: DeadLetter) -> Failure:
    """Make what the sender of a dead letter gets; a message that is a dead letter again has another one."""
    message = letter.message
    fields = {"message_id": message.message_id, "agent": message.to, "reason": letter.reason}
    fields["detail"] = printable(letter.detail)
    payload = FailurePayload.model_validate(fields | {"deliveries": letter.deliveries, "error": letter.error})
    envelope = own_envelope(derive_id(message.message_id, f"failure {letter.time}"), message.sender)
    envelope |= {"in_reply_to": message.message_id, "run_id": message.run_id, "trace_id": message.trace_id}
    return Failure(payload=payload, **envelope)


def refusal_of(starter: str, message_id: str, agent: str, code: str, sentence: str) -> Failure:
    """What an agent gets whose start of another was refused."""
    payload = FailurePayload(
        message_id=message_id, agent=agent, reason="refused", detail=printable(f"{code}: {sentence}")
    )
    return Failure(payload=payload, **own_envelope(derive_id(message_id, f"start {agent}"), starter))


def cancellation_of(message_id: str, detail: str) -> Failure:
    """Make the answer to a client's message that is cancelled."""
    fields = {"message_id": message_id, "agent": CLIENT, "reason": "cancelled", "detail": detail}
    envelope = own_envelope(derive_id(message_id, "cancelled"), CLIENT) | {"in_reply_to": message_id}
    return Failure(payload=FailurePayload.model_validate(fields), **envelope)


def own_envelope(message_id: str, to: str) -> dict[str, object]:
    """Envelope fields of a message of the runtime's own."""
    return origin(message_id=message_id, sender=RUNTIME, to=to, at=time.time())


def fresh(what: str) -> str:
    """An id that is never given twice."""
    return derive_id(what, time.time_ns())
