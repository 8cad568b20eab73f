"""Every error that SCR raises on purpose, in one tree.

ScrError
├── InvalidInput            a person or a program gave something unusable; nothing was started or lost
│   ├── InvalidMessage      a message or a payload does not fit its model
│   ├── InvalidSpec         a child or supervisor specification contradicts itself
│   ├── UnknownRun          the store holds no run of that name
│   ├── InvalidDocuments    the folder of documents cannot be researched
│   └── InvalidCode         something that is not an agent was given as one
├── Fatal                   raised by a handler: no later try can succeed
├── TryLater                raised by a handler: something outside is away, try again later
├── NotHappened             raised by a once-step: what it was to do has not happened
├── AgentError              about one agent, named in the sentence
│   ├── UnknownAgent        no agent of that name
│   ├── AlreadyStarted      the name is taken
│   ├── StartFailed         the agent's start raised, returned nonsense or took too long
│   ├── AgentGone           it ended before it answered
│   ├── AgentParked         it is down to stay, and the task waits
│   ├── TaskFailed          its handler raised, or its process died, as often as the task may be tried
│   ├── NotAnswered         it handled the task and gave no answer
│   ├── MailboxFull         its mailbox holds as many messages as it may
│   └── AskTimedOut         it did not answer in time
├── ChannelError            the pipe between the runtime and one process
│   ├── BrokenFrame         bytes that are no frame
│   ├── FrameTooLarge       a frame above the limit
│   └── PeerGone            the process at the other end has ended
├── LaunchFailed            the kernel or the zygote refused a new process
├── TableUnavailable        the shared table did not answer in time
├── StoreError              the store on disk or in a database
│   ├── StoreUnavailable    it cannot be reached or written: full, read-only, locked, gone, refused
│   ├── StoreDamaged        it does not hold what was written
│   ├── StoreForeign        it is another program's, or a newer version's
│   ├── RunOwned            another runtime works on the run
│   └── LeaseLost           another runtime has taken the run over: nothing more may be written
├── StepInDoubt             a step that must run once had started and not finished, and nobody knows how it ended
├── ReplayDiverged          a replay did something that the run had not done
├── QueueFull               the server holds as many runs as it may
├── NotPermitted            a process that a runtime started asked to operate a runtime
├── RuntimeGone             the runtime process ended while somebody waited for it
├── RunCancelled            somebody ended the run before its result
└── RunFailed               a run ended without its result

An error says what happened, with which value, and what to do.  Errors of other
libraries are wrapped once, at the edge, with the original as ``__cause__``.
"""

from __future__ import annotations


class ScrError(Exception):
    """Base of every error that SCR raises on purpose."""


class InvalidInput(ScrError):
    """What was given cannot be used; nothing was started and nothing is lost."""


class InvalidMessage(InvalidInput):
    """A message or a payload does not fit its model."""


class InvalidSpec(InvalidInput):
    """A child or supervisor specification contradicts itself."""


class InvalidDocuments(InvalidInput):
    """The folder of documents cannot be researched."""


class InvalidCode(InvalidInput):
    """Something that is not an agent was given as one."""


class Fatal(ScrError):
    """Raised by a handler: no later try can succeed.  The message becomes a dead letter at once."""


LATER_MAX_S = 1e9  # 31 years


class TryLater(ScrError):
    """Raised by a handler: something outside (a provider, a tool) is away.  The message is tried again in `after_s`.

    That costs the message no attempt and the agent no process.  A message may be put off for `Retry.outage_s` in all,
    and is tried at most twenty times a second.
    """

    after_s: float = 1.0
    """What a subclass asks for that does not call this `__init__`."""

    def __init__(self, after_s: float, why: str = "") -> None:
        if isinstance(after_s, bool) or not isinstance(after_s, int | float) or not 0 <= after_s <= LATER_MAX_S:
            raise InvalidInput(f"TryLater({after_s!r}): give the seconds until the next try, 0 to {LATER_MAX_S:g}")
        super().__init__(why or f"try again in {after_s:g} s")
        self.after_s = float(after_s)


class NotHappened(ScrError):
    """Raised by the function of a once-step: its effect is known not to have happened, so it may be tried again.

    `error` is what prevented it: the handler gets that one.
    """

    def __init__(self, error: BaseException | str) -> None:
        super().__init__(str(error))
        self.error = error if isinstance(error, BaseException) else ScrError(error)


class AgentError(ScrError):
    """Something about one agent, named in the sentence."""


class UnknownAgent(AgentError):
    """There is no agent of that name."""


class AlreadyStarted(AgentError):
    """The name is taken by a child that exists, running or stopped."""


class StartFailed(AgentError):
    """The agent's start raised, returned nonsense or took too long."""


class AgentGone(AgentError):
    """The agent ended before it answered."""


class AgentParked(AgentError):
    """The agent is down to stay, after too many failures or with its supervisor; the task waits.

    `restart_agent`, or `start_agent` with the same name, takes it up.
    """


class TaskFailed(AgentError):
    """The task was tried as often as it may be: its handler raised, or its agent's process died.

    `error_type`, `error_message` and `traceback` (text) are of the last error; `attempts` counts the tries that ended
    by an exception, `deaths` those that ended with the process.
    """

    def __init__(
        self,
        sentence: str = "",
        *,
        error_type: str = "",
        error_message: str = "",
        traceback: str = "",
        attempts: int = 0,
        deaths: int = 0,
    ) -> None:
        super().__init__(sentence)
        self.error_type, self.error_message, self.traceback = error_type, error_message, traceback
        self.attempts, self.deaths = attempts, deaths


class NotAnswered(AgentError):
    """The agent handled the task, gave no answer, and kept none for later."""


class MailboxFull(AgentError):
    """The agent's mailbox holds as many messages as it may."""


class AskTimedOut(AgentError):
    """The agent did not answer in time."""


class ChannelError(ScrError):
    """Something about the private channel between the runtime and one process."""


class BrokenFrame(ChannelError):
    """The bytes on a channel are no frame."""


class FrameTooLarge(ChannelError):
    """A frame is larger than the limit."""


class PeerGone(ChannelError):
    """The process at the other end of a channel has ended."""


class LaunchFailed(ScrError):
    """The kernel or the zygote refused a new process."""


class TableUnavailable(ScrError):
    """The shared table did not answer in time."""


class StoreError(ScrError):
    """Something about the store on disk or in a database."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or written: full, read-only, locked, gone, refused."""

    is_down: bool = False
    """Whether no machine can reach it: nothing listens where its server should."""


class StoreDamaged(StoreError):
    """The store does not hold what was written."""


class StoreForeign(StoreError):
    """The file or the database is another program's, or a newer version's."""


class RunOwned(StoreError):
    """Another runtime works on the run."""


class LeaseLost(StoreError):
    """Another runtime has taken the run over: nothing more may be written."""


class UnknownRun(InvalidInput):
    """The store holds no run of that name."""


class StepInDoubt(ScrError):
    """A step that must run once had started and not finished, and it is not known how it ended.

    The task waits for a person, and goes on once `scr resolve` or `Runtime.resolve` has said how the step ended; ask
    again for the answer then.  `reconcile` raises it where it cannot find out.
    """


class ReplayDiverged(ScrError):
    """A replay did something that the run had not done."""


class QueueFull(ScrError):
    """The server holds as many runs as it may."""


class NotPermitted(ScrError):
    """What a runtime started may not operate it, nor any other runtime."""


class RuntimeGone(ScrError):
    """The runtime process ended while somebody waited for it."""


class RunCancelled(ScrError):
    """Somebody ended the run before its result."""


class RunFailed(ScrError):
    """A run ended without its result."""
