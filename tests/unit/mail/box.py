"""A mailbox and the cells in it, joined with the rules of the turn machine as the runtime joins them."""

from scr.charging import Behind, BuryMessage, TryAgain, Wait
from scr.mail.mailbox import Mailbox, MailboxBounds
from scr.mail.pending import MessageTurn, Pending, Phase
from scr.protocol.frames import Commit, ReadSteps
from scr.retry import ErrorInfo, Retry
from scr.store.records import CommittedTurn
from scr.turns import events, orders
from scr.turns.machine import decide
from scr.turns.timing import Change

ERROR = ErrorInfo(type="ValueError")
PROCESS, USUAL = 1, Retry()
UNTIMED = Change((), (), {})


class Box:
    """The mailbox of agent b, whose failures are treated by these bounds; `sent` is what its processes were sent."""

    def __init__(self, size=100, max_deliveries=3, retry=USUAL, retries=10_000, *, ordered=True):
        self.mailbox, self.cells, self.sent = Mailbox(MailboxBounds(size, retries, ordered)), {}, []
        self.policy = events.Policy(retry, max_deliveries, retries=True, retries_max=retries)
        self.carry = {
            orders.Enqueue: lambda pending, _: self.mailbox.append(pending),
            orders.PutFirst: lambda pending, _: self.mailbox.put_first(pending),
            orders.Hold: lambda pending, order: self.mailbox.hold(pending, is_alone=order.is_alone),
            orders.Advance: lambda *_: self.mailbox.advance(),
            orders.Settle: lambda pending, _: self.mailbox.settle(pending),
            orders.Send: lambda pending, _: self.sent.append(pending.message.message_id),
            orders.SendAhead: lambda pending, _: self.sent.append(pending.message.message_id),
            orders.TakeBack: lambda *_: self.take_back(),
            orders.Begin: lambda *_: self.mailbox.take(),
        }

    def __len__(self):
        return len(self.mailbox)

    @property
    def in_hand(self):
        return self.mailbox.in_hand

    @property
    def retries(self):
        return self.mailbox.retries

    @property
    def ahead(self):
        return self.mailbox.ahead

    def bound(self, size, max_deliveries):
        self.mailbox.bound(MailboxBounds(size))
        self.policy = self.policy._replace(max_deliveries=max_deliveries)

    def feed(self, pending, event):
        """Change the state of a message, and have the mailbox do what follows; returns all orders."""
        pending.turn, given = decide(pending.turn, event)
        for order in given:
            self.carry.get(type(order), lambda *_: None)(pending, order)
        return given

    def put(self, turn, event):
        pending = self.cells[turn.message.message_id] = Pending(turn)
        self.feed(pending, event)

    def offer(self, message):
        """Put a message in that the store has; false when there is no room."""
        is_taken = self.mailbox.has_room(message)
        if is_taken:
            self.put(MessageTurn(message), events.Accepted())
        return is_taken

    def restore(self, message, **fields):
        """Put a message back that an earlier runtime has left."""
        turn = MessageTurn(message, **fields)
        self.put(turn, events.Restored(left_s=None if turn.due is None else 1.0))

    def take(self):
        """Have the process handle what is next."""
        pending = self.mailbox.take()
        if pending:
            self.feed(pending, events.Handed(PROCESS))
        return pending

    def put_first(self, message):
        """Put a message before all that waits."""
        pending = self.cells[message.message_id] = Pending(MessageTurn(message, Phase.WAITING))
        self.mailbox.put_first(pending)

    def send_ahead(self, most=1000):
        """Send as much ahead as may be; returns what is with the process before its turn."""
        while most and (pending := self.mailbox.next_ahead()):
            most -= 1
            self.feed(pending, events.SentAhead(PROCESS))
            self.mailbox.send_ahead()
        return [pending.message.message_id for pending in self.mailbox._ahead]

    def begin(self, message_id):
        """Have the process speak of a message; returns it when the process may handle it."""
        pending = self.cells[message_id]
        frame = ReadSteps(ref=1, message_id=message_id, after=0)
        self.feed(pending, events.Reads(PROCESS, frame, self.mailbox.is_begun(pending)))
        return pending if pending.turn.phase is Phase.IN_HAND else None

    def commit(self):
        """Have the turn of the message in hand be on its way into the store."""
        turn = CommittedTurn("b", PROCESS, Commit(message_id=self.in_hand.message.message_id))
        self.feed(self.in_hand, events.Commits(PROCESS, turn, UNTIMED))

    def settle(self, message_id):
        """Have the turn of a message be in the store."""
        pending = self.cells[message_id]
        if pending is self.in_hand and not pending.sealed:
            self.commit()
        self.feed(pending, events.Kept(CommittedTurn("b", PROCESS, pending.turn.frame), UNTIMED))
        return pending

    def take_back(self):
        for pending in self.mailbox.take_back():
            self.feed(pending, events.TakenBack())

    def standing(self, at):
        return events.Standing(at, self.policy, may_wait=self.mailbox.may_retry)

    def release(self, *, blamed, at):
        """End the process; returns the message that is charged with it, and the verdict."""
        self.take_back()
        pending = self.in_hand
        if pending is None or pending.sealed:
            return None
        given = self.feed(pending, events.Exited(PROCESS, blamed, ERROR, self.standing(at)))
        return (pending, verdict_of(pending.turn, given)) if blamed else None

    def fail(self, failing, at, *, resumes=False):
        """Have the handler raise: the process `resumes` with the next message, or is replaced."""
        self.policy = self.policy._replace(fresh_process=not resumes)
        pending = self.in_hand
        is_ahead, in_lane = self.ahead > 0, self.mailbox.has_ahead_behind(pending.message)
        question = "q" if isinstance(failing, Behind) else ""
        failed = events.Fails(
            PROCESS, 1, failing, ERROR, self.standing(at), question, ahead=is_ahead, ahead_in_lane=in_lane
        )
        given = self.feed(pending, failed)
        return pending, verdict_of(pending.turn, given)

    def try_again(self, message_id):
        """Have the time of a retry come; false when it waits no more."""
        pending = self.cells[message_id]
        is_waiting = pending.turn.phase in {Phase.RETRYING, Phase.BEHIND}
        self.feed(pending, events.Freed() if pending.turn.phase is Phase.BEHIND else events.Due())
        return is_waiting

    def drop(self, is_unwanted):
        """Cancel what waits; returns it."""
        return self.cancelled(self.mailbox.drop(is_unwanted))

    def withdraw(self, is_unwanted):
        """Cancel what the process has; returns it."""
        return self.cancelled(self.mailbox.withdraw(is_unwanted))

    def cancelled(self, taken):
        for pending in taken:
            self.feed(pending, events.Cancelled())
        return [pending.message for pending in taken]

    def empty(self):
        """End the agent; returns the messages that it had."""
        return [pending.message.message_id for pending in self.mailbox.empty()]


def verdict_of(turn, given):
    """Tell from state and orders what became of a message that has failed."""
    match turn.phase:
        case Phase.WAITING:
            return TryAgain()
        case Phase.RETRYING:
            return TryAgain(turn.due)
        case Phase.BEHIND:
            return Wait()
    (letter,) = (order for order in given if isinstance(order, orders.Bury))
    why = letter.detail.removeprefix("b failed, and ").removesuffix("; the last error: ValueError")
    return BuryMessage(letter.reason, why, is_agents=orders.CountRow(1) in given)
