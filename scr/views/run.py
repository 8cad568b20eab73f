"""What a run looks like now: a fold over its events.

Pure.  Every way of showing a run, live or line by line, reads this and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from scr.telemetry.events import (
    AgentExited,
    AgentGoneEvent,
    AgentParkedEvent,
    AgentStarting,
    AgentUp,
    Logged,
    MessageAccepted,
    MessageBuried,
    MessageDelivered,
    Progressed,
    Record,
    RuntimeUp,
    StepRecorded,
    TurnCommitted,
)
from scr.telemetry.output import SUBTASKS

CLIENT = "client"
RUNTIME_LOST = "runtime_lost"
Value = TypeVar("Value")


class AgentActivity(StrEnum):
    """What an agent is doing."""

    STARTING = "starting"
    WAITING = "waiting"
    WORKING = "working"
    RESTARTING = "restarting"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent.  `message_id` is in hand, `work` says what it is, `step` is the last one recorded for it.

    `done` counts the subtasks that it has finished.
    """

    agent: str
    type: str = ""
    state: AgentActivity = AgentActivity.STARTING
    pids: tuple[int, ...] = ()
    exit_reasons: tuple[str, ...] = ()
    message_id: str = ""
    work: str = ""
    step: str = ""
    done: int = 0

    @property
    def pid(self) -> int | None:
        """The pid of its latest process."""
        return self.pids[-1] if self.pids else None

    @property
    def restarts(self) -> int:
        """How many processes it had before this one."""
        return max(0, len(self.pids) - 1)


@dataclass(frozen=True, slots=True)
class SubtaskView:
    """A task that one agent gave to another."""

    title: str
    to: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How far something is that has no subtasks: in words, and in numbers."""

    text: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class RunView:
    """The whole run.  `mail` says in words what each accepted message is, until it is done.

    `planned` and `finished` are how many subtasks there are, and are done, by the last word of who counts them.
    `reading` is the last that was told of how far something else is, such as the reading of documents.
    """

    runtime_pid: int | None = None
    agents: Mapping[str, AgentView] = field(default_factory=dict)
    mail: Mapping[str, str] = field(default_factory=dict)
    subtasks: Mapping[str, SubtaskView] = field(default_factory=dict)
    planned: int = 0
    finished: int = 0
    reading: Reading | None = None

    @property
    def done(self) -> int:
        """How many subtasks are finished."""
        return max(self.finished, sum(subtask.done for subtask in self.subtasks.values()))

    @property
    def total(self) -> int:
        """How many subtasks there will be, as far as is known: critique and revision may add to the plan."""
        return max(self.planned, len(self.subtasks))

    @property
    def restarts(self) -> int:
        """How many processes were replaced, of all agents together."""
        return sum(agent.restarts for agent in self.agents.values())

    def after(self, record: Record) -> RunView:
        """The view once this has happened."""
        match record.event:
            case RuntimeUp(pid=pid):
                return replace(self._bereft() if self.runtime_pid else self, runtime_pid=pid)
            case AgentStarting(agent=agent, code=code):
                known = self.agents.get(agent, AgentView(agent))
                state = AgentActivity.RESTARTING if known.pids else AgentActivity.STARTING
                return self._with(replace(known, type=code, state=state))
            case AgentUp(agent=agent, pid=pid):
                known = self.agents.get(agent, AgentView(agent))
                return self._with(replace(known, state=AgentActivity.WAITING, pids=(*known.pids, pid)))
            case AgentExited(agent=agent):
                return self._exited(record.event)
            case AgentGoneEvent(agent=agent) | AgentParkedEvent(agent=agent):
                return self._with(replace(self._idle(agent), state=AgentActivity.ENDED))
            case Progressed(note=note, done=done, total=total) if note == SUBTASKS:
                return replace(self, finished=done, planned=total)
            case Progressed(text=text, done=done, total=total) | Logged(text=text, done=done, total=total) if total:
                return replace(self, reading=Reading(text, done, total))
            case _:
                return self._mailed(record)

    def _bereft(self) -> RunView:
        """The runtime was lost, and with it every process; another has begun."""
        agents = {name: _orphaned(agent) for name, agent in self.agents.items()}
        return replace(self, agents=MappingProxyType(agents))

    def _mailed(self, record: Record) -> RunView:
        match record.event:
            case MessageAccepted(message_id=message_id):
                return self._accepted(message_id, record.event)
            case MessageDelivered(message_id=message_id, agent=agent):
                work = self.mail.get(message_id, "a message")
                known = self.agents.get(agent, AgentView(agent))
                step = known.step if known.message_id == message_id else ""  # what was recorded is not done again
                return self._with(
                    replace(known, state=AgentActivity.WORKING, message_id=message_id, work=work, step=step)
                )
            case StepRecorded(message_id=message_id, agent=agent, step=step):
                known = self.agents.get(agent, AgentView(agent))
                return self._with(replace(known, step=step)) if known.message_id == message_id else self
            case TurnCommitted(message_id=message_id, agent=agent):
                idle = self._idle(agent)
                finished = replace(idle, done=idle.done + (message_id in self.subtasks))
                return replace(self._settled(message_id, done=True), agents=_put(self.agents, agent, finished))
            case MessageBuried(message_id=message_id):
                return self._settled(message_id, done=False)
            case _:
                return self

    def _exited(self, end: AgentExited) -> RunView:
        """A process that nobody had asked to end comes back, as far as is known; its message stays with it."""
        known = self.agents.get(end.agent, AgentView(end.agent))
        asked = end.asked not in {"", "nothing", "hung", "operator"}
        state = AgentActivity.ENDED if asked else AgentActivity.RESTARTING
        return self._with(replace(known, state=state, exit_reasons=(*known.exit_reasons, end.reason)))

    def _accepted(self, message_id: str, mail: MessageAccepted) -> RunView:
        seen = replace(self, mail=_put(self.mail, message_id, in_words(mail)))
        if mail.type != "task" or mail.sender == CLIENT:
            return seen
        return replace(seen, subtasks=_put(self.subtasks, message_id, SubtaskView(title=in_words(mail), to=mail.to)))

    def _settled(self, message_id: str, *, done: bool) -> RunView:
        mail = {known: words for known, words in self.mail.items() if known != message_id}
        subtask = self.subtasks.get(message_id)
        if subtask is None:
            return replace(self, mail=mail)
        return replace(self, mail=mail, subtasks=_put(self.subtasks, message_id, replace(subtask, done=done)))

    def _idle(self, agent: str) -> AgentView:
        known = self.agents.get(agent, AgentView(agent))
        return replace(known, state=AgentActivity.WAITING, message_id="", work="", step="")

    def _with(self, agent: AgentView) -> RunView:
        return replace(self, agents=_put(self.agents, agent.agent, agent))


def in_words(mail: MessageAccepted) -> str:
    """What a message is, for people: a task's title, or whose answer it is."""
    match mail.type:
        case "task":
            return mail.title or "a task"
        case "result" | "critique":
            return f"{mail.type} of {mail.sender}"
        case kind:
            return f"{kind} from {mail.sender}"


def _orphaned(agent: AgentView) -> AgentView:
    if len(agent.exit_reasons) == len(agent.pids):
        return agent
    lost = (*agent.exit_reasons, RUNTIME_LOST)
    return replace(agent, state=AgentActivity.RESTARTING, exit_reasons=lost, message_id="", work="", step="")


def _put(mapping: Mapping[str, Value], key: str, value: Value) -> Mapping[str, Value]:
    return MappingProxyType({**mapping, key: value})
