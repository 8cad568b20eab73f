"""What is to be done about a message, as a closed set of frozen values.  Pure.

Orders are carried out one after the other; the first that fails ends its list, and its failure is an event.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from scr.mail.pending import Doubt
from scr.mail.router import Absence
from scr.messages import Failure, Message
from scr.protocol.frames import Answer, Ask, ReadStep, ReadSteps, StepRecord, Stream
from scr.retry import ErrorInfo
from scr.store.records import CommittedTurn, Effect
from scr.telemetry.events import Event as Happening
from scr.turns.timing import Change


class Pause(NamedTuple):
    """Hand nothing more to the incarnation."""


class TakeBack(NamedTuple):
    """Have what was sent ahead wait again; `is_over`: whatever the process still says of it."""

    is_over: bool = False


class Begin(NamedTuple):
    """Have the message, which was sent ahead, in hand: its agent has begun it."""


class Enqueue(NamedTuple):
    """Put it at the end of its mailbox."""


class PutFirst(NamedTuple):
    """Put it before all that waits."""


class Hold(NamedTuple):
    """Have it wait for its next try, later ones of its lane behind it, or alone."""

    is_alone: bool = False


class Advance(NamedTuple):
    """Put it aside while its turn is being kept."""


class Settle(NamedTuple):
    """Let go of it, and of what waits behind it; `hands_over` what is next."""

    hands_over: bool = True


class HandOver(NamedTuple):
    """Hand over what is next: nothing keeps it back any more."""


class Resume(NamedTuple):
    """Hand messages to the incarnation again."""


class Send(NamedTuple):
    """Send it to the incarnation that has it."""


class SendAhead(NamedTuple):
    """Send it before its turn has come."""


class Tell(NamedTuple):
    """Answer a frame of the incarnation."""

    incarnation: int
    answer: Answer


class Busy(NamedTuple):
    """Its handler has its whole budget from now."""


class Idle(NamedTuple):
    """Its handler is done."""


class AwaitStore(NamedTuple):
    """Its handler waits for the store: its budget stands still."""


class GoOn(NamedTuple):
    """Its handler has what it waited for, and its whole budget again."""


# To the store.


class PersistTurn(NamedTuple):
    """Keep the turn; from now on its state and its timers are the agent's."""

    turn: CommittedTurn
    timed: Change
    silent: Failure | None


class PersistStep(NamedTuple):
    """Keep a step, then answer `ref`."""

    incarnation: int
    step: StepRecord
    ref: int


class PersistCharges(NamedTuple):
    """Keep what it was charged with, and when it is tried again."""


class PersistDoubt(NamedTuple):
    """Keep that it waits for a person."""

    doubt: Doubt


class PersistSettlement(NamedTuple):
    """Keep what a person said of the step of that name."""

    step: StepRecord | None
    name: str


class Bury(NamedTuple):
    """Make it a dead letter, and tell its sender."""

    reason: str
    detail: str
    error: ErrorInfo | None = None


class Cancel(NamedTuple):
    """Give a message the outcome that it is cancelled: this one, or one that it has sent."""

    message: Message


class Emit(NamedTuple):
    """Tell what happened, caused by the last event of its life."""

    event: Happening


class SetStep(NamedTuple):
    """Give a step to its next delivery; one that is known not to have happened is taken out."""

    step: StepRecord


class DropStep(NamedTuple):
    """Have the next delivery run the step of that name again."""

    name: str


class StartTimer(NamedTuple):
    """Tell when the time of its next try has come."""

    delay_s: float


class KeepCrash(NamedTuple):
    """Keep the record of what its handler raised."""

    incarnation: int
    error: ErrorInfo


class CountRow(NamedTuple):
    """So many messages of the agent in a row became dead letters."""

    row: int


class Park(NamedTuple):
    """Keep the agent down."""

    why: str


class Recycle(NamedTuple):
    """Replace the agent's process by a fresh one."""


class Distrust(NamedTuple):
    """End an incarnation that broke the protocol."""

    incarnation: int
    why: str


class RequestStart(NamedTuple):
    """Have the supervisor start an agent, as the turn asks."""

    effect: Effect


class RequestStop(NamedTuple):
    """Have the supervisor stop an agent, as the turn asks."""

    effect: Effect


class Monitor(NamedTuple):
    """Tell the agent of the end of another, or no longer."""

    target: str
    is_wanted: bool = True


class Post(NamedTuple):
    """Put a message on its way that is in the store."""

    message: Message


class TellSilence(NamedTuple):
    """Give the one who asked the failure that it gets in place of an answer."""

    failure: Failure


class SetTimers(NamedTuple):
    """Arm and cancel timers as the turn says."""

    timed: Change
    cancels: tuple[str, ...]


class Ring(NamedTuple):
    """Tell the memory agent that there are entries."""


class TellAbsent(NamedTuple):
    """Tell who waits for its answer that its agent is down to stay."""

    absence: Absence


class TellDoubt(NamedTuple):
    """Tell who waits for its answer that it waits for a person."""


class WaitBehind(NamedTuple):
    """Free it when that question is settled."""

    question: str


class FreeBehind(NamedTuple):
    """Free what waits behind it."""


class EndQuestions(NamedTuple):
    """End all that it has asked."""


class FailQuestions(NamedTuple):
    """Have its next try ask anew what had no answer, unless it is put off."""

    is_put_off: bool


class AskQuestion(NamedTuple):
    """Ask another agent on its behalf."""

    incarnation: int
    frame: Ask


class Read(NamedTuple):
    """Give the incarnation recorded steps."""

    incarnation: int
    frame: ReadSteps | ReadStep


class PassOn(NamedTuple):
    """Pass a chunk on to the clients that read it."""

    frame: Stream


Order: TypeAlias = (
    Pause
    | TakeBack
    | Begin
    | Enqueue
    | PutFirst
    | Hold
    | Advance
    | Settle
    | HandOver
    | Resume
    | Send
    | SendAhead
    | Tell
    | Busy
    | Idle
    | AwaitStore
    | GoOn
    | PersistTurn
    | PersistStep
    | PersistCharges
    | PersistDoubt
    | PersistSettlement
    | Bury
    | Cancel
    | Emit
    | SetStep
    | DropStep
    | StartTimer
    | KeepCrash
    | CountRow
    | Park
    | Recycle
    | Distrust
    | RequestStart
    | RequestStop
    | Monitor
    | Post
    | TellSilence
    | SetTimers
    | Ring
    | TellAbsent
    | TellDoubt
    | WaitBehind
    | FreeBehind
    | EndQuestions
    | FailQuestions
    | AskQuestion
    | Read
    | PassOn
)
Orders: TypeAlias = tuple[Order, ...]

PAUSE, RESUME, TAKE_BACK, ENQUEUE, PUT_FIRST = Pause(), Resume(), TakeBack(), Enqueue(), PutFirst()
ADVANCE, SETTLE, END_QUESTIONS, FREE_BEHIND, RECYCLE = Advance(), Settle(), EndQuestions(), FreeBehind(), Recycle()
SEND, SEND_AHEAD, BUSY, IDLE, AWAIT_STORE, GO_ON = Send(), SendAhead(), Busy(), Idle(), AwaitStore(), GoOn()
