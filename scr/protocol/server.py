"""What a client may ask of a server, and what it is told: the frames of the server's socket.

Pure.  Every request carries a `ref` that its one answer, an `Answered`, repeats.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, JsonValue, TypeAdapter

from scr.messages import MessageId
from scr.protocol.control import Answered, Request
from scr.protocol.frames import VERSION_MAX
from scr.protocol.status import Priority, RunState
from scr.telemetry.events import Record
from scr.values import LATER, Frozen

FRAME_BYTES = 32 << 20  # a result as large as a runtime lets through, and what goes with it
WAIT_S_MAX = 30.0
Run = MessageId
Name = Annotated[str, Field(min_length=1, max_length=64)]


class Submit(Request):
    """Take a run of this kind; the answer is its name, once it is in the store.

    `submitter` is whose turn it is that the run waits for: submitters take turns.
    """

    verb: Literal["submit"] = "submit"
    kind: Name
    input: JsonValue
    priority: Priority = Priority.NORMAL
    submitter: Name


class Follow(Request):
    """Tell what has happened in a run from above event `since`, or where it stands, when that is not `stands` any more.

    The answer is a `Followed`; it comes when there is something to tell, and
    after `wait_s` at the latest.
    """

    verb: Literal["follow"] = "follow"
    run: Run
    since: Annotated[int, Field(ge=0, le=VERSION_MAX)] = 0
    stands: str = ""
    wait_s: Annotated[float, Field(ge=0, le=WAIT_S_MAX)] = 0.0


class CancelRun(Request):
    """End a run for good, wherever it stands; the answer is how it stood."""

    verb: Literal["cancel"] = "cancel"
    run: Run


class ReadServer(Request):
    """The answer is a `ServerStatus`."""

    verb: Literal["read_server"] = "read_server"


class Steer(Request):
    """Start nothing more, or go on, or end when what is under way is done.  The answer is a `ServerStatus`."""

    verb: Literal["steer"] = "steer"
    to: Literal["pause", "unpause", "drain"]


AnyRequest: TypeAlias = Annotated[Submit | Follow | CancelRun | ReadServer | Steer, Field(discriminator="verb")]
REQUEST: TypeAdapter[AnyRequest] = TypeAdapter(AnyRequest, config=LATER)
ANSWERED: TypeAdapter[Answered] = TypeAdapter(Answered)


class Followed(Frozen):
    """A run as it stands, and the next of its events.

    `ahead` is how many runs the server starts before it, `folder` where the
    run leaves what it leaves.  When it is over and all is told, `end` says
    how: `done` with its `output`, else with the reason in `why`; `aside` is no
    end of the run, but nobody goes on with it unless told to.
    """

    run: str
    title: str = ""
    state: RunState
    ahead: int | None = None
    folder: str = ""
    records: tuple[Record, ...] = ()
    end: Literal["done", "failed", "cancelled", "aside"] | None = None
    output: JsonValue = None
    why: str = ""

    @property
    def stands(self) -> str:
        """Where it stands, as `Follow` repeats it."""
        return f"{self.state} {self.ahead}"


class RunStatus(Frozen):
    """One run that a server has to do with.  `state` is `aside` when the server has given it up until told otherwise.

    `since` is wall clock: when it came, or when the server began with it.
    """

    run: str
    title: str
    state: Literal["running", "queued", "interrupted", "stopped", "aside"]
    priority: Priority
    submitter: str = ""
    agents: int = 0
    since: float = 0.0
    detail: str = ""


class ServerStatus(Frozen):
    """A server as it is now; `runs` are those under way, then those that wait, first who is next, then those aside.

    `waiting` counts all that wait; of those only the first are listed.
    """

    server: str
    pid: int
    store: str
    state: Literal["open", "paused", "draining"]
    agents: int
    agents_most: int
    runs_most: int
    queue_most: int
    waiting: int
    runs: tuple[RunStatus, ...]
