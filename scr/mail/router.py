"""The way of a message: from whoever sent it into a mailbox, and from there to the incarnation that is up.

Lives in the runtime, on its loop; never blocks.  The router knows names,
mailboxes and channels; it decides nothing about processes and stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from scr.charging import Failing, Verdict
from scr.errors import ChannelError
from scr.frames import Deliver, FromAgent
from scr.mail.channel import LoopChannel
from scr.mail.mailbox import Bounds, Mailbox
from scr.mail.pending import Pending
from scr.mail.registry import Registry
from scr.messages import Down, Message
from scr.specs import AgentSpec


class Posted(StrEnum):
    """What became of a message that was posted."""

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


@dataclass(slots=True)
class Address:
    """One agent as the mail sees it: its mailbox always, its channel while an incarnation is up."""

    mailbox: Mailbox
    channel: LoopChannel[FromAgent] | None = None
    incarnation: int = 0
    paused: bool = False


class Router:
    """Mailboxes and channels by name.

    `handed` is told of each message that is in the hands of an incarnation from now on, when it is on its way;
    `frame` makes the frame of a delivery; `refused` gets a message that no frame can hold.
    Behind the message in hand others are sent ahead, as long as the process reads.
    """

    def __init__(
        self,
        *,
        frame: Callable[[str, int, Pending], Deliver],
        handed: Callable[[str, int, Pending], None],
        refused: Callable[[str, Pending, ChannelError], None],
    ) -> None:
        self._addresses: Registry[Address] = Registry()
        self._absent: dict[str, Absence] = {}
        self._frame, self._handed, self._refused = frame, handed, refused
        self._is_shut = False

    def __contains__(self, agent: str) -> bool:
        return agent in self._addresses

    def open(self, spec: AgentSpec) -> None:
        """The agent exists from now on, up or not; its mailbox takes messages.  Opened again, it has these bounds."""
        if address := self._addresses.get(spec.id):
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

    def absence_of(self, message_id: str) -> Absence | None:
        """Why a message waits for an agent that is down to stay; None when it does not."""
        return next((why for agent, why in self._absent.items() if self.find(agent, message_id)), None)

    def held(self, agent: str) -> list[Message]:
        """All messages that wait for the agent."""
        address = self._addresses.get(agent)
        return address.mailbox.waiting() if address else []

    def close(self, agent: str) -> tuple[list[Pending], list[str]]:
        """The agent is gone: what its mailbox held, and who monitored it.  The name is free from here on."""
        address = self._addresses.get(agent)
        self._absent.pop(agent, None)
        held = address.mailbox.empty() if address else []
        return held, self._addresses.remove(agent)

    def monitor(self, watcher: str, target: str) -> bool:
        """Remember who wants to hear of an end; False when the target does not exist."""
        return self._addresses.monitor(watcher, target)

    def demonitor(self, watcher: str, target: str) -> list[Message]:
        """Forget that again; returns the news of that end which waited in the watcher's mailbox and is dropped."""
        self._addresses.demonitor(watcher, target)
        address = self._addresses.get(watcher)
        return address.mailbox.drop(lambda message: is_down_of(message, target)) if address else []

    def up(self, agent: str, incarnation: int, channel: LoopChannel[FromAgent]) -> None:
        """This incarnation takes messages from now on."""
        address = self._known(agent)
        address.channel, address.incarnation, address.paused = channel, incarnation, False
        self._pump(agent, address)

    def down(self, agent: str, *, blamed: bool, at: float) -> tuple[Pending, Verdict] | None:
        """The incarnation ended at `at` (wall clock): what its message was charged with, if it was blamed."""
        address = self._addresses.get(agent)
        if address is None:
            return None  # it could not be killed, was given up, and has ended only now
        address.channel = None
        return address.mailbox.release(blamed=blamed, at=at)

    def fail(self, agent: str, failing: Failing, at: float, *, resumes: bool) -> tuple[Pending, Verdict, bool]:
        """The handler of the message in hand failed, and its process `resumes` or not.

        Returns the message, what becomes of it, and whether what was sent ahead behind it waits again.
        """
        mailbox = self._known(agent).mailbox
        was_ahead = mailbox.ahead > 0
        pending, verdict = mailbox.fail(failing, at, resumes=resumes)
        return pending, verdict, was_ahead and not mailbox.ahead

    def try_again(self, agent: str, message_id: str) -> None:
        """The time of a retry has come, if it still waits for that."""
        address = self._addresses.get(agent)
        if address and address.mailbox.try_again(message_id):
            self._pump(agent, address)

    def holds_up(self, message: Message) -> bool:
        """Whether a message of this lane waits behind a retry."""
        address = self._addresses.get(message.to)
        return address is not None and address.mailbox.holds_up(message)

    def retries(self, agent: str) -> int:
        """How many of the agent's messages wait for their next try."""
        address = self._addresses.get(agent)
        return address.mailbox.retries if address else 0

    def pause(self, agent: str) -> bool:
        """Hand nothing more to this incarnation; False when that was so already: it was told to stop."""
        address = self._addresses.get(agent)
        was_paused = address is None or address.paused
        if address:
            address.paused = True
        return not was_paused

    def resume(self, agent: str) -> None:
        """Hand it messages again."""
        if address := self._addresses.get(agent):
            address.paused = False
            self._pump(agent, address)

    def shut(self) -> None:
        """Hand out nothing more, until `reopen`."""
        self._is_shut = True

    def reopen(self) -> None:
        """Hand out messages again."""
        self._is_shut = False
        for agent, address in self._addresses.items():
            self._pump(agent, address)

    def names(self) -> list[str]:
        """All agents that can be sent a message."""
        return [name for name, _ in self._addresses.items()]

    def post(self, message: Message, cause: int = 0) -> Posted:
        """Put the message into its mailbox and hand it over if its agent waits for one."""
        address = self._addresses.get(message.to)
        if address is None:
            return Posted.UNKNOWN_AGENT
        if not address.mailbox.offer(message, cause):
            return Posted.MAILBOX_FULL
        self._pump(message.to, address)
        return Posted.ACCEPTED

    def was_up(self, agent: str) -> bool:
        """Whether a process of the agent was ever ready for messages."""
        address = self._addresses.get(agent)
        return address is not None and address.incarnation > 0

    def in_hand(self, agent: str, message_id: str | None = None) -> Pending | None:
        """The message that the agent has in hand, or None when it is not `message_id`."""
        address = self._addresses.get(agent)
        pending = address.mailbox.in_hand if address else None
        if pending and message_id and pending.message.message_id != message_id:
            return None
        return pending

    def find(self, agent: str, message_id: str) -> Pending | None:
        """A message that the agent has in hand or waiting."""
        address = self._addresses.get(agent)
        return address.mailbox.find(message_id) if address else None

    def restore(self, pending: Pending, *, first: bool = False) -> bool:
        """Put back a message that was accepted earlier; False when there is no such agent."""
        address = self._addresses.get(pending.message.to)
        if address is None:
            return False
        address.mailbox.restore(pending, first=first)
        self._pump(pending.message.to, address)
        return True

    def go_on(self, agent: str) -> None:
        """What kept the agent's next message back is over."""
        if address := self._addresses.get(agent):
            self._pump(agent, address)

    def advance(self, agent: str) -> None:
        """The message in hand is sealed: hand over the next one."""
        if address := self._addresses.get(agent):
            address.mailbox.advance()
            self._pump(agent, address)

    def settle(self, agent: str, message_id: str) -> Pending | None:
        """A message is done with, and returned; hand over the next one, if that has not happened yet."""
        address = self._addresses.get(agent)
        if address is None:
            return None
        settled = address.mailbox.settle(message_id)
        self._pump(agent, address)
        return settled

    def begun(self, agent: str, message_id: str) -> Pending | None:
        """An incarnation that was told to stop had a message already, and has begun it: now it is in its hands."""
        address = self._addresses.get(agent)
        pending = address.mailbox.take_begun(message_id) if address else None
        if address and pending:
            self._handed(agent, address.incarnation, pending)
        return pending

    def drop(self, is_unwanted: Callable[[Message], bool]) -> tuple[list[Message], dict[str, list[Message]]]:
        """Take out of all mailboxes what is not wanted; also, what of it the processes of which agents have."""
        dropped: list[Message] = []
        held: dict[str, list[Message]] = {}
        for agent, address in self._addresses.items():
            dropped += (waited := address.mailbox.drop(is_unwanted))
            if withdrawn := address.mailbox.withdraw(is_unwanted):
                held[agent] = withdrawn
            elif waited:  # others may have waited behind it
                self._pump(agent, address)
        return dropped, held

    def depth(self, agent: str) -> int:
        """How many messages the agent has waiting and in hand."""
        address = self._addresses.get(agent)
        return len(address.mailbox) if address else 0

    def _known(self, agent: str) -> Address:
        address = self._addresses.get(agent)
        assert address is not None, f"{agent} was never opened"
        return address

    def _pump(self, agent: str, address: Address) -> None:
        if address.channel is None or address.paused or self._is_shut:
            return
        while pending := address.mailbox.take():
            try:
                if not pending.ahead:
                    address.channel.send(self._frame(agent, address.incarnation, pending))
            except ChannelError as error:
                address.mailbox.settle(pending.message.message_id)
                self._refused(agent, pending, error)
            else:
                self._handed(agent, address.incarnation, pending)
        self._send_ahead(agent, address, address.channel)

    def _send_ahead(self, agent: str, address: Address, channel: LoopChannel[FromAgent]) -> None:
        while channel.is_read and (pending := address.mailbox.next_ahead()):
            try:
                channel.send_next(self._frame(agent, address.incarnation, pending))
            except ChannelError:
                return  # it is refused when it comes to its turn
            address.mailbox.send_ahead()


def bounds_of(spec: AgentSpec) -> Bounds:
    """What the mailbox of such an agent may hold."""
    return Bounds(spec.mailbox_size, spec.max_deliveries, spec.retry, spec.retries_max, spec.ordered)


def is_down_of(message: Message, agent: str) -> bool:
    """Whether a message tells of this agent's end."""
    return isinstance(message, Down) and message.payload.agent == agent
