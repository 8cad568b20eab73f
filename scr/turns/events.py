"""What happens to a message, as a closed set of frozen values.

Pure.  Each carries the facts that the decision needs: what the mailbox, the questions and the specification of its
agent say at that moment.  Times (`at`) are wall clock, in seconds since the epoch, as due times outlive the runtime.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from scr.charging import Failing
from scr.errors import ScrError
from scr.mail.pending import Doubt
from scr.mail.router import OPEN, Room
from scr.messages import Failure
from scr.protocol.frames import Ask, ReadStep, ReadSteps, StepRecord, Stream
from scr.retry import ErrorInfo, Retry
from scr.store.records import CommittedTurn
from scr.turns.timing import Change

USUAL = Retry()


class Policy(NamedTuple):
    """How the failures of an agent are treated: see `AgentSpec`."""

    retry: Retry = USUAL
    max_deliveries: int = 3
    fresh_process: bool = True
    retries: bool = False
    parks: bool = False
    retries_max: int = 10_000


class Standing(NamedTuple):
    """What a failure is judged by: when, how its agent treats it, how many of its messages in a row were buried.

    `may_wait`: the mailbox has room for one more retry.
    """

    at: float
    policy: Policy = Policy()
    row: int = 0
    may_wait: bool = True


# What the store says.


class Accepted(NamedTuple):
    """The store has the message, and its mailbox has this room for it."""

    room: Room = OPEN
    unknown: str = ""


class Refused(NamedTuple):
    """The store does not take the message: it was never accepted."""


class Restored(NamedTuple):
    """An earlier runtime has left the message open; `uncarried` says why no agent could read it, if none could.

    `left_s` is how long it still waits for its next try.
    """

    room: Room = OPEN
    uncarried: str = ""
    doubt: Doubt | None = None
    left_s: float | None = None


class Kept(NamedTuple):
    """The turn is in the store, with what it was kept with; `row` counts the agent's dead letters before it."""

    turn: CommittedTurn
    timed: Change
    silent: Failure | None = None
    row: int = 0


class Unkeepable(NamedTuple):
    """What the agent has just said, its turn or a step of it, is nothing that a store keeps."""

    why: str
    is_step: bool = False


class Recorded(NamedTuple):
    """A step that an incarnation has sent under `ref` is in the store."""

    incarnation: int
    step: StepRecord
    ref: int


class Unrecorded(NamedTuple):
    """The store has refused a step."""

    incarnation: int
    ref: int
    error: ScrError


class Resolved(NamedTuple):
    """What a person said of the step in doubt is in the store, and its mailbox has this room for it."""

    room: Room = OPEN


# What the mailbox does.


class SentAhead(NamedTuple):
    """This incarnation has it, behind the message in hand."""

    incarnation: int


class TakenBack(NamedTuple):
    """The process that had it ahead is to forget it, or is gone; `is_over`: whatever it still says of it."""

    is_over: bool = False


class Handed(NamedTuple):
    """It is this incarnation's turn to handle it; so many of its steps are recorded."""

    incarnation: int
    steps: int = 0


class Undeliverable(NamedTuple):
    """No frame can hold it."""

    why: str


class Due(NamedTuple):
    """The time of its next try has come."""


class Freed(NamedTuple):
    """The question that it waited behind is settled."""


# What an incarnation says of it.  `is_next`: it was sent ahead, and is the next: the agent has begun it.


class Commits(NamedTuple):
    """The turn, whole; `fault` is what no turn may have, if it has something of the kind."""

    incarnation: int
    turn: CommittedTurn
    timed: Change
    silent: Failure | None = None
    fault: str = ""
    is_next: bool = False


class Records(NamedTuple):
    """A step has begun or is done: `ref` is answered when that is in the store."""

    incarnation: int
    step: StepRecord
    ref: int
    is_next: bool = False


class Fails(NamedTuple):
    """Its handler raised.

    `is_put_off`: the next try goes on with what this one has asked, after an outage or behind a doubt.
    `question` is what it asked that is in doubt, where that is why; `is_settled`: no longer.
    `is_running`: the incarnation was not told to stop.  `ahead`: something was sent ahead of it, `ahead_in_lane`: of
    which some must not overtake it.
    """

    incarnation: int
    ref: int
    failing: Failing
    error: ErrorInfo
    standing: Standing
    is_put_off: bool = False
    question: str = ""
    is_settled: bool = False
    is_running: bool = True
    ahead: bool = False
    ahead_in_lane: bool = False
    is_next: bool = False


class Doubts(NamedTuple):
    """The agent does not know whether a step of it has happened."""

    incarnation: int
    doubt: Doubt
    is_next: bool = False


class Asks(NamedTuple):
    """The turn asks another agent."""

    incarnation: int
    frame: Ask
    is_next: bool = False


class Reads(NamedTuple):
    """The turn wants recorded steps."""

    incarnation: int
    frame: ReadSteps | ReadStep
    is_next: bool = False


class Streams(NamedTuple):
    """A chunk of the answer; a thread may send it when its turn is over."""

    incarnation: int
    frame: Stream
    is_next: bool = False


# What happens to its agent, and what people do.


class Exited(NamedTuple):
    """The incarnation that had it in hand has ended, `blamed` when that was its own doing."""

    incarnation: int
    blamed: bool
    error: ErrorInfo
    standing: Standing


class Closed(NamedTuple):
    """Its agent has ended for good."""

    why: str


class Cancelled(NamedTuple):
    """It is not wanted any more, nor anything that grew out of the same task; it is taken out of its mailbox."""


class Swept(NamedTuple):
    """All is cancelled that was to be cancelled with it."""


class Settled(NamedTuple):
    """A person says that the step in doubt was done, with this result, or (None) was not."""

    step: StepRecord | None


Event: TypeAlias = (
    Accepted
    | Refused
    | Restored
    | Kept
    | Unkeepable
    | Recorded
    | Unrecorded
    | Resolved
    | SentAhead
    | TakenBack
    | Handed
    | Undeliverable
    | Due
    | Freed
    | Commits
    | Records
    | Fails
    | Doubts
    | Asks
    | Reads
    | Streams
    | Exited
    | Closed
    | Cancelled
    | Swept
    | Settled
)
