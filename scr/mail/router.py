"""Mailboxes by the names of their agents: who gets which message next.

Pure: it knows names, mailboxes and which incarnation is up.  `ready` returns where something may be handed over, the
mailbox there which message is next, and the runtime's turns send it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from scr.mail.mailbox import Mailbox, MailboxBounds
from scr.mail.pending import Pending, Phase
from scr.mail.registry import Registry
from scr.messages import Down, Message
from scr.specs import AgentSpec


class Posted(StrEnum):
    """Whether a mailbox has room for a message."""

    ACCEPTED = "accepted"
    UNKNOWN_AGENT = "unknown_agent"
    MAILBOX_FULL = "mailbox_full"


@dataclass(frozen=True, slots=True)
class Absence:
    """Why an agent is down to stay while its mail waits.

    `error` is the name of an error in `scr.errors` and `detail` its sentence; `reason` is what a monitor is told that
    comes too late.
    """

    error: str
    detail: str
    reason: str


class Room(NamedTuple):
    """Whether a message has a place in a mailbox, and why its agent is down to stay, if it is."""

    posted: Posted = Posted.ACCEPTED
    absence: Absence | None = None


IN_MAILBOX = frozenset({Phase.WAITING, Phase.AHEAD, Phase.IN_HAND, Phase.RETRYING, Phase.BEHIND})
DONE_WITH = frozenset({Phase.COMMITTING, Phase.WITHDRAWN, Phase.OVER})
OPEN, UNKNOWN, FULL = Room(), Room(Posted.UNKNOWN_AGENT), Room(Posted.MAILBOX_FULL)


@dataclass(slots=True)
class Address:
    """One agent as the mail sees it: its mailbox always, and whether an incarnation takes messages."""

    mailbox: Mailbox
    is_up: bool = False
    incarnation: int = 0
    paused: bool = False


class Router:
    """The mailboxes of all agents."""

    def __init__(self) -> None:
        self._addresses: Registry[Address] = Registry()
        self._known = self._addresses.known
        self._absent: dict[str, Absence] = {}
        self._open: dict[str, Pending] = {}
        self._is_shut = False

    def __contains__(self, agent: str) -> bool:
        return agent in self._addresses

    # Agents.

    def open(self, spec: AgentSpec) -> None:
        """The agent exists from now on, up or not; its mailbox takes messages.  Opened again, it has these bounds."""
        if address := self._known.get(spec.id):
            address.mailbox.bound(bounds_of(spec))
            self._absent.pop(spec.id, None)
        else:
            self._addresses.add(spec.id, Address(Mailbox(bounds_of(spec))))

    def leave(self, agent: str, absence: Absence) -> list[str]:
        """The agent is down to stay: its mail waits; returns who monitored it, each once."""
        if agent not in self._addresses:
            return []
        self._absent[agent] = absence
        return self._addresses.watchers(agent)

    @property
    def absent(self) -> Mapping[str, Absence]:
        """Agents that are down to stay while their mail waits, in the order in which they went."""
        return self._absent

    def close(self, agent: str) -> tuple[list[Pending], list[str]]:
        """The agent is gone: what its mailbox held, and who monitored it.  The name is free from here on."""
        address = self._known.get(agent)
        self._absent.pop(agent, None)
        held = address.mailbox.empty() if address else []
        return held, self._addresses.remove(agent)

    def monitor(self, watcher: str, target: str) -> bool:
        """Remember who wants to hear of an end; False when the target does not exist."""
        return self._addresses.monitor(watcher, target)

    def demonitor(self, watcher: str, target: str) -> list[Pending]:
        """Forget that again; returns the news of that end which waited in the watcher's mailbox and is taken out."""
        self._addresses.demonitor(watcher, target)
        address = self._known.get(watcher)
        return address.mailbox.drop(lambda message: is_down_of(message, target)) if address else []

    def names(self) -> list[str]:
        """All agents that can be sent a message."""
        return [name for name, _ in self._addresses.items()]

    # Incarnations.

    def up(self, agent: str, incarnation: int) -> None:
        """This incarnation takes messages from now on."""
        address = self._address_of(agent)
        address.is_up, address.incarnation, address.paused = True, incarnation, False

    def down(self, agent: str, incarnation: int) -> tuple[Pending | None, list[Pending]]:
        """An incarnation ended: the message in hand, if it has no turn yet, and what was sent ahead and waits again.

        One that could not be killed, was given up, and has ended only now has neither.
        """
        address = self._known.get(agent)
        if address is None or address.incarnation != incarnation:
            return None, []
        address.is_up, in_hand = False, address.mailbox.in_hand
        return (None if in_hand is None or in_hand.sealed else in_hand), address.mailbox.take_back()

    def is_running(self, agent: str) -> bool:
        """Tell whether the incarnation was not told to stop."""
        address = self._known.get(agent)
        return address is not None and not address.paused

    def pause(self, agent: str) -> None:
        """Hand nothing more to this incarnation."""
        if address := self._known.get(agent):
            address.paused = True

    def resume(self, agent: str) -> None:
        """Hand it messages again."""
        if address := self._known.get(agent):
            address.paused = False

    def was_up(self, agent: str) -> bool:
        """Whether a process of the agent was ever ready for messages."""
        address = self._known.get(agent)
        return address is not None and address.incarnation > 0

    def shut(self) -> None:
        """Hand out nothing more, until `reopen`."""
        self._is_shut = True

    def reopen(self) -> None:
        """Hand out messages again."""
        self._is_shut = False

    # Messages.

    def add(self, pending: Pending) -> None:
        """Know a message from now on, in a mailbox or not, until `forget`."""
        self._open[pending.message_id] = pending

    def forget(self, pending: Pending) -> None:
        """Know a message no longer.  Idempotent."""
        message_id = pending.message_id
        if self._open.get(message_id) is pending:
            del self._open[message_id]

    def get(self, message_id: str) -> Pending | None:
        """Return a message that is known."""
        return self._open.get(message_id)

    def find(self, agent: str, message_id: str) -> Pending | None:
        """Return a message to the agent that may still be handed to a process."""
        pending = self._open.get(message_id)
        if pending is None or pending.agent != agent or pending.turn.phase in DONE_WITH:
            return None
        return pending

    def absence_of(self, message_id: str) -> Absence | None:
        """Why a message waits for an agent that is down to stay; None when it does not."""
        pending = self._open.get(message_id)
        is_held = pending is not None and pending.turn.phase in IN_MAILBOX
        return self._absent.get(pending.agent) if pending and is_held else None

    def open_messages(self) -> list[Pending]:
        """Return all messages that are known."""
        return list(self._open.values())

    def room(self, message: Message) -> Room:
        """Tell whether there is a mailbox with room for the message."""
        address = self._known.get(message.to)
        if address is None:
            return UNKNOWN
        if not address.mailbox.has_room(message):
            return FULL
        return Room(absence=self._absent.get(message.to)) if self._absent else OPEN

    def ready(self, agent: str) -> Address | None:
        """Return the agent's address when its incarnation may be handed messages: its mailbox says which."""
        address = self._known.get(agent)
        return None if address is None or address.paused or not address.is_up or self._is_shut else address

    def mailbox(self, agent: str) -> Mailbox | None:
        """Return the agent's mailbox; None when there is no such agent."""
        address = self._known.get(agent)
        return address.mailbox if address else None

    def in_hand(self, agent: str, message_id: str | None = None) -> Pending | None:
        """The message that the agent has in hand, or None when it is not `message_id`."""
        address = self._known.get(agent)
        pending = address.mailbox.in_hand if address else None
        if pending and message_id and pending.message_id != message_id:
            return None
        return pending

    def is_begun(self, pending: Pending) -> bool:
        """Tell whether the message was sent ahead and is the next: its agent may have begun it."""
        address = self._known.get(pending.agent)
        return address is not None and address.mailbox.is_begun(pending)

    def held(self, agent: str) -> list[Message]:
        """All messages that wait for the agent."""
        address = self._known.get(agent)
        return address.mailbox.waiting() if address else []

    def holds_up(self, message: Message) -> bool:
        """Whether a message of this lane waits behind a retry."""
        address = self._known.get(message.to)
        return address is not None and address.mailbox.holds_up(message)

    def depth(self, agent: str) -> int:
        """How many messages the agent has waiting and in hand."""
        address = self._known.get(agent)
        return len(address.mailbox) if address else 0

    def retries(self, agent: str) -> int:
        """How many of the agent's messages wait for their next try."""
        address = self._known.get(agent)
        return address.mailbox.retries if address else 0

    def drop(self, is_unwanted: Callable[[Message], bool]) -> list[Pending]:
        """Take out of all mailboxes what is not wanted any more, also what processes have."""
        dropped: list[Pending] = []
        for address in tuple(self._known.values()):
            dropped += (*address.mailbox.drop(is_unwanted), *address.mailbox.withdraw(is_unwanted))
        return dropped

    def _address_of(self, agent: str) -> Address:
        address = self._known.get(agent)
        assert address is not None, f"{agent} was never opened"
        return address


def bounds_of(spec: AgentSpec) -> MailboxBounds:
    """What the mailbox of such an agent may hold."""
    return MailboxBounds(spec.mailbox_size, spec.retries_max, spec.ordered)


def is_down_of(message: Message, agent: str) -> bool:
    """Whether a message tells of this agent's end."""
    return isinstance(message, Down) and message.payload.agent == agent
