"""One message on its way to its outcome: the frozen state of its turn, and the cell that holds it.

Pure.  `scr.turns.machine` says how the state changes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from scr.charging import Charges
from scr.messages import Message
from scr.protocol.frames import Commit, StepRecord

UNCHARGED = Charges()


class Phase(StrEnum):
    """Where a message stands."""

    ARRIVING = "arriving"  # on its way into the store
    WAITING = "waiting"  # in its mailbox
    AHEAD = "ahead"  # in its mailbox, and its agent's process has it already
    IN_HAND = "in hand"  # its handler may run
    COMMITTING = "committing"  # its turn is on its way into the store
    RETRYING = "retrying"  # waits for the time of its next try
    BEHIND = "behind"  # waits for a question of its own, which waits for a person
    IN_DOUBT = "in doubt"  # waits for a person
    SETTLING = "settling"  # what a person said is on its way into the store
    WITHDRAWN = "withdrawn"  # cancelled, and a process has it still
    OVER = "over"  # has its outcome, or was never accepted


ARRIVING, WAITING, AHEAD, IN_HAND, COMMITTING, RETRYING, BEHIND, IN_DOUBT, SETTLING, WITHDRAWN, OVER = Phase


class Doubt(NamedTuple):
    """The step of a message of which it is not known whether it happened, and why not."""

    step: str
    why: str = ""


class MessageTurn(NamedTuple):
    """The state of one message.

    `incarnation` is the last that had it in hand.  `deliveries` counts how often it was handed over; `charges` are its
    failed tries.  `writing` are its steps on their way into the store, each by the incarnation that sent it and its
    ref: until they are kept no other process is handed the message.  `due` (wall clock) is the time of its next try.
    `question` is the id of the message that it waits behind.  `frame` is the turn that is being kept.  With
    `is_cancelled` it is to be cancelled as soon as what is on its way into the store is kept.
    """

    message: Message
    phase: Phase = ARRIVING
    incarnation: int = 0
    deliveries: int = 0
    charges: Charges = UNCHARGED
    writing: tuple[tuple[int, int], ...] = ()
    due: float | None = None
    doubt: Doubt | None = None
    question: str = ""
    frame: Commit | None = None
    is_cancelled: bool = False


def arriving(message: Message) -> MessageTurn:
    """Return a message that is on its way into the store: `MessageTurn(message)`, at half of its cost."""
    return tuple.__new__(MessageTurn, (message, *_FRESH))


def moved(turn: MessageTurn, phase: Phase) -> MessageTurn:
    """Return the message in another phase, all else being the same: `_replace`, at a quarter of its cost."""
    return tuple.__new__(MessageTurn, (turn[0], phase, *turn[2:]))


_FRESH = tuple(MessageTurn._field_defaults.values())


class Pending:
    """The cell of one message, which is of this `message_id` and goes to this `agent`.

    `steps` are its recorded steps by name, `cause` is the seq of the last event of its life, and `place` its place in
    the order of arrival.
    """

    __slots__ = ("agent", "cause", "message", "message_id", "place", "steps", "turn")

    def __init__(self, turn: MessageTurn, steps: dict[str, StepRecord] | None = None, cause: int = 0) -> None:
        self.turn = turn
        self.message: Final = turn.message
        self.message_id: Final = turn.message.message_id
        self.agent: Final = turn.message.to
        self.steps: dict[str, StepRecord] = {} if steps is None else steps
        self.cause, self.place = cause, 0

    @property
    def deliveries(self) -> int:
        """How often it was handed over."""
        return self.turn.deliveries

    @property
    def sealed(self) -> bool:
        """Whether its turn is on its way into the store: it is handed to no process again."""
        return self.turn.phase is COMMITTING
