"""The mailbox: bounded, in order, one in hand, and each message ends in exactly one way."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scr.charging import Behind, BuryMessage, Charges, Wait
from scr.mail.mailbox import AHEAD_MAX, SEALED_MAX
from scr.mail.pending import MessageTurn, Pending
from scr.messages import Down, DownPayload, ExitReason, Ping, Tick, TimerPayload, origin
from tests.unit.mail.box import Box


def ping(n):
    return Ping(**origin(message_id=f"m{n}", sender="a", to="b", at=0.0))


def down(n):
    payload = DownPayload(agent="c", reason=ExitReason.NORMAL)
    return Down(payload=payload, **origin(message_id=f"d{n}", sender="runtime", to="b", at=0.0))


def buried(charged):
    """The id of the message that is to be a dead letter."""
    return charged[0].message.message_id if charged and isinstance(charged[1], BuryMessage) else None


def test_messages_are_handed_over_in_order_one_at_a_time():
    mailbox = Box(10)
    assert all(mailbox.offer(ping(n)) for n in range(3))
    assert mailbox.take().message.message_id == "m0"
    assert mailbox.take() is None
    mailbox.settle("m0")
    assert mailbox.take().message.message_id == "m1"


def test_a_full_mailbox_takes_nothing_but_the_runtimes_own_answers_and_of_those_a_bounded_number():
    mailbox = Box(3)
    assert [mailbox.offer(ping(n)) for n in range(5)] == [True, True, True, False, False]
    assert [mailbox.offer(down(n)) for n in range(5)] == [True, True, True, False, False]


def test_a_full_mailbox_takes_a_tick_of_which_there_is_one_for_each_timer():
    box = Box(1)
    payload = TimerPayload(name="tick", every_s=1.0)
    tick = Tick(payload=payload, **origin(message_id="t", sender="a", to="a", at=0.0))
    assert [box.offer(message) for message in (ping(1), ping(2), tick)] == [True, False, True]


def test_other_bounds_hold_for_what_comes_and_what_is_there_stays():
    mailbox = Box(3)
    assert [mailbox.offer(ping(n)) for n in range(3)] == [True] * 3
    mailbox.bound(2, 1)
    assert (len(mailbox), mailbox.offer(ping(3))) == (3, False)
    mailbox.take()
    assert buried(mailbox.release(blamed=True, at=0.0)) == "m0"
    mailbox.bound(4, 3)
    assert [mailbox.offer(ping(n)) for n in range(4, 7)] == [True, True, False]


def test_a_released_message_is_the_next_one_again_with_its_steps_and_one_more_delivery():
    mailbox = Box(10)
    for n in range(3):
        mailbox.offer(ping(n))
    first = mailbox.take()
    first.steps["s"] = "kept"
    assert buried(mailbox.release(blamed=True, at=0.0)) is None
    again = mailbox.take()
    assert (again.message.message_id, again.deliveries, again.steps) == ("m0", 2, {"s": "kept"})


def test_a_message_that_ended_as_many_incarnations_as_it_may_is_handed_back_for_quarantine():
    mailbox = Box(10)
    mailbox.offer(ping(0))
    outcomes = [(mailbox.take(), mailbox.release(blamed=True, at=0.0))[1] for _ in range(3)]
    assert [buried(outcome) for outcome in outcomes] == [None, None, "m0"]
    assert (outcomes[2][0].deliveries, outcomes[2][0].turn.charges) == (3, Charges(deaths=3))
    assert len(mailbox) == 0


def test_being_stopped_with_a_message_in_hand_is_not_the_messages_fault():
    mailbox = Box(10)
    mailbox.offer(ping(0))
    for _ in range(10):
        mailbox.take()
        assert mailbox.release(blamed=False, at=0.0) is None


def test_what_is_not_wanted_any_more_is_taken_out_of_what_waits_and_not_out_of_the_hand():
    mailbox = Box(10)
    for message in (down(0), ping(1), down(2), ping(3)):
        mailbox.offer(message)
    mailbox.take()
    assert [message.message_id for message in mailbox.drop(lambda message: message.type == "down")] == ["d2"]
    assert mailbox.empty() == ["d0", "m1", "m3"]


def test_fresh_messages_are_sent_ahead_behind_the_one_in_hand_and_wait_again_when_the_agent_ends():
    box = Box(100)
    for n in range(AHEAD_MAX + 5):
        box.offer(ping(n))
    assert box.send_ahead() == []
    first = box.take()
    assert box.send_ahead() == [f"m{n}" for n in range(1, AHEAD_MAX + 1)]
    box.settle("m0")
    second = box.take()
    assert (second.message.message_id, box.sent.count("m1"), second.deliveries) == ("m1", 1, 1)
    box.release(blamed=True, at=0.0)
    again = box.take()
    assert (again, box.sent.count("m1"), again.deliveries, again.turn.charges.deaths) == (second, 2, 2, 1)
    assert first is not again
    box.settle("m1")
    assert (box.take().deliveries, len(box)) == (1, AHEAD_MAX + 3)


def test_what_was_delivered_before_and_what_may_be_taken_back_goes_alone():
    box = Box(100)
    for message in (ping(0), ping(1), ping(2), down(3), ping(4)):
        box.offer(message)
    box.take()
    box.settle("m0")
    box.take()
    assert box.send_ahead() == ["m2"]
    box.release(blamed=True, at=0.0)
    box.put_first(ping(9))
    box.take()
    assert box.send_ahead() == [], "m1 ended a process"
    box.settle("m9")
    box.take()
    assert box.send_ahead() == ["m2"]


def test_a_full_mailbox_counts_what_was_sent_ahead():
    box = Box(2)
    for n in range(2):
        box.offer(ping(n))
    box.take()
    box.send_ahead()
    assert [box.offer(ping(n)) for n in (2, 3)] == [True, False]


def test_what_the_process_has_and_nobody_wants_any_more_is_told():
    box = Box(10)
    for n in range(5):
        box.offer(ping(n))
    box.take()
    box.send_ahead(2)
    assert [message.message_id for message in box.withdraw(lambda message: message.message_id in "m0 m2 m4")] == [
        "m0",
        "m2",
    ]
    assert box.begin("m4") is None
    assert box.begin("m1") is None, "what was sent ahead waits for another process"
    assert box.empty() == ["m1", "m3", "m4"]


def test_a_message_that_waits_behind_a_doubt_holds_up_no_other_of_its_sender_and_there_are_only_so_many():
    box = Box(5, retries=1)
    messages = [ping(n) for n in range(3)]
    for message in messages:
        box.offer(message)
    assert box.take().message == messages[0]
    assert box.fail(Behind(), 1.0)[1] == Wait()
    assert box.take().message == messages[1]
    assert isinstance(box.fail(Behind(), 1.0)[1], BuryMessage)
    assert box.try_again(messages[0].message_id)
    assert (box.take().message, box.retries) == (messages[0], 0)


def test_settling_a_message_that_is_not_in_hand_changes_nothing():
    mailbox = Box(10)
    mailbox.offer(ping(0))
    mailbox.take()
    mailbox.mailbox.settle(Pending(MessageTurn(ping(1))))
    assert mailbox.in_hand.message.message_id == "m0"


class MailboxMachine(RuleBasedStateMachine):
    """Random lives of an agent: nothing is lost, nothing doubled, the order kept."""

    @initialize(size=st.integers(1, 4), deaths=st.integers(1, 3))
    def make(self, size, deaths):
        self.mailbox, self.size = Box(size, deaths), size
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

    @rule()
    def send_ahead(self):
        self.mailbox.send_ahead(1)

    @precondition(lambda self: self.mailbox.in_hand)
    @rule()
    def settle(self):
        self.ended.append(self.mailbox.settle(self.mailbox.in_hand.message.message_id).message.message_id)

    @precondition(lambda self: self.mailbox.in_hand and not self.mailbox.in_hand.sealed)
    @rule()
    def commit(self):
        self.mailbox.commit()

    @precondition(lambda self: self.mailbox.mailbox._sealed)
    @rule()
    def keep(self):
        self.ended.append(self.mailbox.settle(next(iter(self.mailbox.mailbox._sealed))).message.message_id)

    @rule(blamed=st.booleans())
    def die(self, blamed):
        if name := buried(self.mailbox.release(blamed=blamed, at=0.0)):
            self.ended.append(name)
        assert not self.mailbox.ahead

    @invariant()
    def every_message_has_one_place_and_its_place_in_the_order(self):
        if not hasattr(self, "mailbox"):
            return
        box = self.mailbox.mailbox
        places = (*box._sealed.values(), *([box.in_hand] if box.in_hand else []), *box._ahead, *box._waiting)
        inside = [pending.message.message_id for pending in places]
        assert inside == [name for name in self.accepted if name in inside]
        assert sorted(self.ended + inside) == sorted(self.accepted)

    @invariant()
    def what_is_with_the_process_can_always_go_on(self):
        if hasattr(self, "mailbox") and self.mailbox.ahead:
            assert len(self.mailbox.mailbox._sealed) + self.mailbox.ahead <= SEALED_MAX


TestMailboxMachine = MailboxMachine.TestCase
TestMailboxMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_message_whose_turn_is_being_kept_is_out_of_the_agents_hands_and_comes_to_nobody_again():
    box = Box(10)
    for n in range(3):
        box.offer(ping(n))
    first = box.take()
    box.commit()
    second = box.take()
    assert (second.message.message_id, len(box)) == ("m1", 3)
    assert buried(box.release(blamed=True, at=0.0)) is None
    assert box.take() is second
    assert box.settle("m0") is first
    assert box.empty() == ["m1", "m2"]


def test_an_agent_is_only_so_many_turns_ahead_of_the_store():
    box = Box(2 * SEALED_MAX)
    for n in range(SEALED_MAX + 3):
        box.offer(ping(n))
    taken = []
    while pending := box.take():
        taken.append(pending)
        box.commit()
    assert len(taken) == SEALED_MAX + 1
    assert box.take() is None
    assert box.settle("m5") is taken[5]
    assert box.take().message.message_id == f"m{SEALED_MAX + 1}"
