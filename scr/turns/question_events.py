"""What is known of a question, what may happen to it, and what is then to be done.

Pure.  All are tuples, which are cheap to make; orders that say nothing but their name are not, so that no two are
equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from scr.protocol.frames import Answer, StepRecord
from scr.store.records import OpenAsk
from scr.turns.answer import Outcome


class QuestionPhase(StrEnum):
    """Where a question is on its way.

    `none`: no question of its id is known.  `waiting`: an agent, or the next delivery after an end of the runtime,
    waits for the answer.  `late`: under way, and the agent that asked was told without an outcome.  `silent`: handled
    without an answer, which is told again to an agent that asks again.  `closed`: over; its answer is dropped.
    """

    NONE = "none"
    WAITING = "waiting"
    LATE = "late"
    SILENT = "silent"
    CLOSED = "closed"


class Waiter(NamedTuple):
    """The incarnation that waits for an answer, under which `ref`, in which delivery of the message that asked."""

    incarnation: int
    ref: int
    deliveries: int


class Question(NamedTuple):
    """One question: the ask that it was sent for, to whom, and the wait for its answer.

    `waiter` is None while no live incarnation waits.  `told` is the outcome of a silent question.  Of a question that
    is closed, only that is known.
    """

    phase: QuestionPhase
    ask: OpenAsk
    to: str = ""
    waiter: Waiter | None = None
    timeout_s: float = 0.0
    told: Outcome | None = None


NO_ASK = OpenAsk("", "", "", "", 0.0)
NONE = Question(QuestionPhase.NONE, NO_ASK)
CLOSED = Question(QuestionPhase.CLOSED, NO_ASK)


class Asked(NamedTuple):
    """An agent asks, for the first time or again, `ask.message_id` of `to`.

    `known` is the record that the message in hand has under the name of this step, and `digest` what the record of
    this very question has.  `ring` is why the question would close a ring of agents that wait for each other, `doubt`
    what is told of a question that waits for a person, `absence` what is told of a receiver that is down to stay.
    """

    ask: OpenAsk
    to: str
    waiter: Waiter
    timeout_s: float
    digest: str = ""
    known: StepRecord | None = None
    is_agent: bool = True
    ring: str = ""
    doubt: Outcome | None = None
    is_in_mailbox: bool = False
    absence: Outcome | None = None


class Reopened(NamedTuple):
    """An earlier runtime has left the question under way; it times out in `timeout_s`."""

    ask: OpenAsk
    timeout_s: float


class Ended(NamedTuple):
    """The question has its end: a result, or that it is a dead letter, cancelled, or handled without an answer."""

    outcome: Outcome


class Overdue(NamedTuple):
    """The time of the wait is over; `is_held_up` when the store was late, so that no answer could have come."""

    is_held_up: bool


class Doubted(NamedTuple):
    """The question waits for a person."""

    outcome: Outcome


class AgentAbsent(NamedTuple):
    """The agent that the question goes to is down to stay: the question waits in its mailbox."""

    outcome: Outcome


class AskerOver(NamedTuple):
    """The message that asked has its outcome."""


class AskerFailed(NamedTuple):
    """A try of the message that asked has failed, or it is a dead letter that is opened again.

    `is_put_off` when the next try goes on with what this one knew: after an outage, or behind a doubt.
    """

    is_put_off: bool = False


class Forgotten(NamedTuple):
    """More questions are late, or over, than are kept, and this is the oldest."""


Event: TypeAlias = Asked | Reopened | Ended | Overdue | Doubted | AgentAbsent | AskerOver | AskerFailed | Forgotten


@dataclass(frozen=True, slots=True)
class SendQuestion:
    """Keep the message of the question together with its ask, then post it."""


class SendAnswer(NamedTuple):
    """Send the answer to the incarnation that waits for it, if it still lives."""

    agent: str
    incarnation: int
    answer: Answer


class RecordStep(NamedTuple):
    """Give the message that asked this step, if an agent has the message in hand or waiting."""

    agent: str
    asked_in: str
    step: StepRecord


class StartAskTimer(NamedTuple):
    """Report Overdue after so long."""

    after_s: float


@dataclass(frozen=True, slots=True)
class StopAskTimer:
    """Report no Overdue."""


@dataclass(frozen=True, slots=True)
class CloseInStore:
    """Have the store forget the ask: its answer is no step any more."""


class Expect(NamedTuple):
    """Count one more answer that the incarnation waits for; its deadline is extended while the store is late."""

    agent: str
    incarnation: int


class Unexpect(NamedTuple):
    """Count one answer less that the incarnation waits for."""

    agent: str
    incarnation: int


class NoteDoubt(NamedTuple):
    """Remember by which question the turn of this message fails, should it fail in doubt."""

    asked_in: str


Order: TypeAlias = (
    SendQuestion | SendAnswer | RecordStep | StartAskTimer | StopAskTimer | CloseInStore | Expect | Unexpect | NoteDoubt
)
