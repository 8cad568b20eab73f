"""The mailbox: bounded, in order, one in hand, and each message ends in exactly one way."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scr.mail.mailbox import SEALED_MAX, Mailbox
from scr.messages import Down, DownPayload, ExitReason, Ping, origin


def ping(n):
    return Ping(**origin(message_id=f"m{n}", sender="a", to="b", at=0.0))


def down(n):
    payload = DownPayload(agent="c", reason=ExitReason.NORMAL)
    return Down(payload=payload, **origin(message_id=f"d{n}", sender="runtime", to="b", at=0.0))


def test_messages_are_handed_over_in_order_one_at_a_time():
    mailbox = Mailbox(10, 3)
    assert all(mailbox.offer(ping(n)) for n in range(3))
    assert mailbox.take().message.message_id == "m0"
    assert mailbox.take() is None
    mailbox.settle("m0")
    assert mailbox.take().message.message_id == "m1"


def test_a_full_mailbox_takes_nothing_but_the_runtimes_own_answers_and_of_those_a_bounded_number():
    mailbox = Mailbox(3, 3)
    assert [mailbox.offer(ping(n)) for n in range(5)] == [True, True, True, False, False]
    assert [mailbox.offer(down(n)) for n in range(5)] == [True, True, True, False, False]


def test_a_released_message_is_the_next_one_again_with_its_steps_and_one_more_delivery():
    mailbox = Mailbox(10, 3)
    for n in range(3):
        mailbox.offer(ping(n))
    first = mailbox.take()
    first.steps["s"] = "kept"
    assert mailbox.release(blamed=True) is None
    again = mailbox.take()
    assert (again.message.message_id, again.deliveries, again.steps) == ("m0", 2, {"s": "kept"})


def test_a_message_that_ended_as_many_incarnations_as_it_may_is_handed_back_for_quarantine():
    mailbox = Mailbox(10, 3)
    mailbox.offer(ping(0))
    outcomes = [(mailbox.take(), mailbox.release(blamed=True))[1] for _ in range(3)]
    assert outcomes[:2] == [None, None]
    assert (outcomes[2].message.message_id, outcomes[2].deliveries) == ("m0", 3)
    assert len(mailbox) == 0


def test_being_stopped_with_a_message_in_hand_is_not_the_messages_fault():
    mailbox = Mailbox(10, 3)
    mailbox.offer(ping(0))
    for _ in range(10):
        mailbox.take()
        assert mailbox.release(blamed=False) is None


def test_what_is_not_wanted_any_more_is_taken_out_of_what_waits_and_not_out_of_the_hand():
    mailbox = Mailbox(10, 3)
    for message in (down(0), ping(1), down(2), ping(3)):
        mailbox.offer(message)
    mailbox.take()
    assert [message.message_id for message in mailbox.drop(lambda message: message.type == "down")] == ["d2"]
    assert [pending.message.message_id for pending in mailbox.empty()] == ["d0", "m1", "m3"]


def test_settling_a_message_that_is_not_in_hand_changes_nothing():
    mailbox = Mailbox(10, 3)
    mailbox.offer(ping(0))
    mailbox.take()
    assert mailbox.settle("other") is None
    assert mailbox.in_hand.message.message_id == "m0"


class MailboxMachine(RuleBasedStateMachine):
    """Random lives of an agent: nothing is lost, nothing doubled, the order kept."""

    @initialize(size=st.integers(1, 4), deaths=st.integers(1, 3))
    def make(self, size, deaths):
        self.mailbox, self.size = Mailbox(size, deaths), size
        self.accepted, self.ended = [], []

    @rule()
    def offer(self):
        message = ping(len(self.accepted))
        if self.mailbox.offer(message):
            self.accepted.append(message.message_id)
        else:
            assert len(self.mailbox) >= self.size

    @rule()
    def take(self):
        self.mailbox.take()

    @precondition(lambda self: self.mailbox.in_hand)
    @rule()
    def settle(self):
        self.ended.append(self.mailbox.settle(self.mailbox.in_hand.message.message_id).message.message_id)

    @rule(blamed=st.booleans())
    def die(self, blamed):
        if quarantined := self.mailbox.release(blamed=blamed):
            self.ended.append(quarantined.message.message_id)

    @invariant()
    def every_message_has_one_place(self):
        if not hasattr(self, "mailbox"):
            return
        inside = [pending.message.message_id for pending in self.mailbox._waiting]
        hand = [self.mailbox.in_hand.message.message_id] if self.mailbox.in_hand else []
        assert self.ended + hand + inside == self.accepted


TestMailboxMachine = MailboxMachine.TestCase
TestMailboxMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_message_whose_turn_is_being_kept_is_out_of_the_agents_hands_and_comes_to_nobody_again():
    box = Mailbox(size=10, max_deliveries=3)
    for n in range(3):
        box.offer(ping(n))
    first = box.take()
    first.sealed = True
    box.advance()
    second = box.take()
    assert (second.message.message_id, len(box)) == ("m1", 3)
    assert box.release(blamed=True) is None
    assert box.take() is second
    assert box.settle("m0") is first
    assert [pending.message.message_id for pending in box.empty()] == ["m1", "m2"]


def test_an_agent_is_only_so_many_turns_ahead_of_the_store():
    box = Mailbox(size=100, max_deliveries=3)
    for n in range(SEALED_MAX + 3):
        box.offer(ping(n))
    taken = []
    while pending := box.take():
        taken.append(pending)
        pending.sealed = True
        box.advance()
    assert len(taken) == SEALED_MAX + 1
    assert box.take() is None
    assert box.settle("m5") is taken[5]
    assert box.take().message.message_id == f"m{SEALED_MAX + 1}"
