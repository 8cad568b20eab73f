"""A message in each phase, and the plain case of each event."""

from scr.charging import Raised
from scr.errors import StoreError
from scr.mail.pending import Doubt, MessageTurn, Phase
from scr.messages import CLIENT, Status, StatusPayload, Task, TaskPayload, origin
from scr.protocol.frames import Ask, Commit, ReadSteps, StepRecord, Stream
from scr.retry import ErrorInfo
from scr.store.records import CommittedTurn
from scr.turns import events
from scr.turns.timing import Change

AGENT, NOW, OLD = "worker", 3, 2
MESSAGE = Task(
    payload=TaskPayload(task_id="t"), **origin(message_id="m", sender=CLIENT, to=AGENT, at=0.0, run_id="run")
)
SENT = Status(
    payload=StatusPayload(state="on"), **(origin(message_id="s", sender=AGENT, to="other", at=0.0) | {"trace_id": "m"})
)
QUESTION = Task(payload=TaskPayload(task_id="q"), **origin(message_id="q", sender=AGENT, to="other", at=0.0))
FRAME = Commit(message_id="m", sends=(SENT,))
UNTIMED = Change((), (), {})
STEP = StepRecord(name="pay", value=1)
REF = 7
ERROR = ErrorInfo(type="ValueError", message="no")
STANDING = events.Standing(at=100.0)


def whole(incarnation=NOW, **fields):
    return events.Commits(incarnation, CommittedTurn(AGENT, incarnation, FRAME), UNTIMED, **fields)


def fails(incarnation=NOW, **fields):
    return events.Fails(incarnation, 1, Raised(("ValueError",)), ERROR, STANDING, **fields)


PLAIN = {  # the plain case of each event
    events.Accepted: events.Accepted(),
    events.Refused: events.Refused(),
    events.Restored: events.Restored(),
    events.Kept: events.Kept(CommittedTurn(AGENT, NOW, FRAME), UNTIMED),
    events.Unkeepable: events.Unkeepable("its state has no form"),
    events.Recorded: events.Recorded(NOW, STEP, REF),
    events.Unrecorded: events.Unrecorded(NOW, REF, StoreError("too large")),
    events.Resolved: events.Resolved(),
    events.SentAhead: events.SentAhead(NOW),
    events.TakenBack: events.TakenBack(),
    events.Handed: events.Handed(NOW),
    events.Undeliverable: events.Undeliverable("it is too large"),
    events.Due: events.Due(),
    events.Freed: events.Freed(),
    events.Commits: whole(is_next=True),
    events.Records: events.Records(NOW, STEP, 8, is_next=True),
    events.Fails: fails(is_next=True),
    events.Doubts: events.Doubts(NOW, Doubt("pay"), is_next=True),
    events.Asks: events.Asks(
        NOW, Ask(ref=1, message_id="m", step="ask", message=QUESTION, timeout_s=1.0), is_next=True
    ),
    events.Reads: events.Reads(NOW, ReadSteps(ref=1, message_id="m", after=0), is_next=True),
    events.Streams: events.Streams(NOW, Stream(message_id="m", delivery=1, number=0), is_next=True),
    events.Exited: events.Exited(NOW, True, ERROR, STANDING),
    events.Closed: events.Closed("worker ended for good"),
    events.Cancelled: events.Cancelled(),
    events.Swept: events.Swept(),
    events.Settled: events.Settled(STEP),
}
FRAMES = (events.Commits, events.Records, events.Fails, events.Doubts, events.Asks, events.Reads, events.Streams)


def at(phase, **fields):
    """A message in that phase, with a step on its way into the store."""
    given = {"incarnation": NOW, "deliveries": 1, "writing": ((NOW, REF),)}
    if phase in {Phase.IN_DOUBT, Phase.SETTLING}:
        given["doubt"] = Doubt("pay", "it had begun")
    if phase is Phase.COMMITTING:
        given["frame"] = FRAME
    if phase is Phase.BEHIND:
        given["question"] = "q"
    if phase is Phase.RETRYING:
        given["due"] = 101.0
    return MessageTurn(MESSAGE, phase, **(given | fields))


def named(value):
    return value.__name__ if isinstance(value, type) else str(value)


def kinds(todo):
    return [type(order) for order in todo]


def plain(event, phase):
    """The plain case of an event: of a message in hand it is a step that no store keeps, and else its turn."""
    is_step = event is events.Unkeepable and phase is Phase.IN_HAND
    return PLAIN[event]._replace(is_step=True) if is_step else PLAIN[event]
