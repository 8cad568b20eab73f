"""How a wait for an answer ends, and what an answer means to the step that waits for it.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from scr.messages import Failure, Result
from scr.protocol.frames import StepRecord
from scr.retry import ErrorInfo
from scr.step_names import question_digest
from scr.store.records import OpenAsk

NOT_ANSWERED = "NotAnswered"
ERROR_OF = {
    "unknown_agent": "UnknownAgent",
    "mailbox_full": "MailboxFull",
    "quarantined": "TaskFailed",
    "failed": "TaskFailed",
    "agent_gone": "AgentGone",
    "unanswered": NOT_ANSWERED,
    "cancelled": "RunCancelled",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a wait: an output, or the name of an error in `scr.errors` with its sentence and its cause."""

    output: JsonValue = None
    error: str | None = None
    detail: str = ""
    info: ErrorInfo | None = None


def outcome_of(message: Result | Failure) -> Outcome:
    """Return what an answer says."""
    match message:
        case Result(payload=payload):
            return Outcome(output=payload.output)
        case Failure(payload=payload):
            error = ERROR_OF.get(payload.reason, "AgentError")
            return Outcome(error=error, detail=payload.detail, info=payload.error)


def answered_step(ask: OpenAsk, output: JsonValue) -> StepRecord:
    """Return the answer to a question as a step of the turn that asked it."""
    return StepRecord(name=ask.step, value=output, digest=question_digest(ask.step, ask.message_id))
