"""The names under which steps and questions are recorded, and what people see of them.

Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from pydantic import JsonValue

from scr.messages import MessageId
from scr.protocol.frames import StepRecord

MARK_DIGITS = 12
MARK = re.compile(r"~[0-9a-f]{12}(?![0-9a-f])")
ORDER = re.compile(r"~[0-9a-f]{12}(?:#\d+)?(?=/|$)|#\d+(?=/|$)")


def shown_step(record: str) -> str:
    """The name of a recorded step for people: without the digits that tell it from others of its name."""
    head, _, tail = record.partition("~")
    return head if not tail or (len(tail) == MARK_DIGITS and tail.isalnum()) else MARK.sub("", record)


def shown_steps(records: Iterable[StepRecord]) -> dict[str, JsonValue]:
    """The results of steps by their names for people; those of one name keep what tells them apart."""
    known = tuple(records)
    times = Counter(shown_step(record.name) for record in known)
    shown = ((name if times[name := shown_step(record.name)] == 1 else record.name, record) for record in known)
    return {name: record.value for name, record in shown}


def step_path(record: str) -> str:
    """The name of a recorded step, after those of the steps in whose code it ran, without what tells equals apart."""
    return ORDER.sub("", record) if "~" in record or "#" in record else record


def done_step(name: str, value: JsonValue, known: Iterable[StepRecord]) -> StepRecord:
    """The record of a step in doubt that was done, with this result; `known` are the records of its message."""
    return StepRecord(name=name, value=value, digest=next((step.digest for step in known if step.name == name), ""))


def question_id(first: MessageId, delivery: int, incarnation: int) -> MessageId:
    """Return the id of a question that this delivery of a message asks first: that of an earlier one may be over.

    The number of the incarnation tells two deliveries apart that a runtime which ended has counted as one.
    """
    return first if delivery == 1 else f"{first}.{delivery}.{incarnation}"


def is_later(question: MessageId) -> bool:
    """Tell whether an earlier delivery may have asked the same question."""
    _, _, delivery = question.rpartition(".")
    return "." in question and delivery.isdecimal()


def question_digest(record: str, message_id: MessageId) -> str:
    """The digest of the record of a question; empty for one that an SCR asked which knew steps by their order."""
    return message_id.partition(".")[0] if MARK.search(record.rpartition("/ask ")[2]) else ""
