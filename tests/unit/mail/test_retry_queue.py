"""Retries in a mailbox: each waits for its time, later messages of its lane behind it, and nothing vanishes."""

from collections import defaultdict
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scr.charging import BuryMessage, Charges, PutOff, Raised, TryAgain
from scr.mail.retry_queue import lane_of
from scr.messages import CLIENT, RUNTIME, Ping, Task, TaskPayload, origin
from scr.retry import Retry
from tests.unit.mail.box import Box

ERROR = Raised(("ValueError", "Exception"))
FATAL = Raised(("scr.errors.Fatal", "Exception"))
PLAIN = Retry(attempts=3, base_s=1.0, jitter="none")


def task(name, sender="a", **payload):
    return Task(payload=TaskPayload(task_id=name, **payload), **origin(message_id=name, sender=sender, to="b", at=0.0))


def mailbox(*messages, **bounds):
    box = Box(**{"retry": PLAIN, **bounds})
    assert all(box.offer(message) for message in messages)
    return box


def taken(box):
    pending = box.take()
    return pending and pending.message.message_id


def test_a_failed_message_waits_for_its_time_and_others_go_on():
    box = mailbox(task("a1", "a"), task("b1", "b"))
    assert taken(box) == "a1"
    pending, verdict = box.fail(ERROR, 100.0)
    assert (verdict, pending.turn.charges, pending.turn.due) == (TryAgain(101.0), Charges(attempts=1), 101.0)
    assert (taken(box), box.retries, len(box)) == ("b1", 1, 1)
    box.settle("b1")
    assert taken(box) is None
    assert box.try_again("a1")
    again = box.take()
    assert (again, again.deliveries, again.turn.due) == (pending, 2, None)


def test_later_messages_of_the_same_sending_agent_wait_behind_a_retry_until_its_outcome():
    box = mailbox(task("a1", "a"), task("a2", "a"), task("b1", "b"))
    box.take()
    box.fail(ERROR, 100.0)
    box.offer(task("a3", "a"))
    assert taken(box) == "b1"
    box.settle("b1")
    assert taken(box) is None
    box.try_again("a1")
    assert taken(box) == "a1"
    box.settle("a1")
    assert taken(box) == "a2"
    box.settle("a2")
    assert taken(box) == "a3"


def test_what_waited_behind_a_retry_that_is_a_dead_letter_goes_on():
    box = mailbox(task("a1", "a"), task("a2", "a"))
    for at in (1.0, 2.0):
        box.take()
        box.fail(ERROR, at)
        box.try_again("a1")
    box.take()
    assert box.fail(ERROR, 3.0)[1] == BuryMessage("failed", "it was tried 3 times", is_agents=True)
    assert taken(box) == "a2"


def test_released_messages_take_their_place_among_those_that_came_later():
    box = mailbox(task("a1", "a"), task("a2", "a"), task("b1", "b"), task("c1", "c"))
    box.take()
    box.fail(FATAL, 1.0)
    assert box.empty() == ["a2", "b1", "c1"]


def test_tasks_of_clients_are_independent_unless_they_share_an_order_key():
    messages = [
        task("c1", CLIENT),
        task("c2", CLIENT),
        task("k1", CLIENT, order_key="k"),
        task("k2", CLIENT, order_key="k"),
    ]
    box = mailbox(*messages)
    order = []
    while name := taken(box):
        order.append(name)
        if name in {"c1", "k1"}:
            box.fail(ERROR, 1.0)
        else:
            box.settle(name)
    assert order == ["c1", "c2", "k1"]
    assert [lane_of(message) for message in messages] == [None, None, "client k", "client k"]


def test_the_runtimes_own_news_are_in_no_lane():
    assert lane_of(Ping(**origin(message_id="p", sender=RUNTIME, to="b", at=0.0))) is None


def test_without_order_nothing_waits_behind_a_retry():
    box = mailbox(task("a1", "a"), task("a2", "a"), ordered=False)
    box.take()
    box.fail(ERROR, 1.0)
    assert taken(box) == "a2"


def test_a_task_may_bring_a_policy_of_its_own():
    box = mailbox(task("a1", retry=Retry(attempts=1)))
    box.take()
    assert isinstance(box.fail(ERROR, 1.0)[1], BuryMessage)


def test_retries_are_outside_of_the_mailboxs_bound_and_have_one_of_their_own():
    box = mailbox(task("a1", "a"), task("b1", "b"), size=2, retries=1)
    box.take()
    box.fail(ERROR, 1.0)
    assert box.offer(task("c1", "c"))
    assert not box.offer(task("c2", "c"))
    box.take()
    pending, verdict = box.fail(ERROR, 1.0)
    assert (pending.message.message_id, verdict.reason) == ("b1", "failed")
    assert "retries_max" in verdict.why


def test_what_waits_behind_a_retry_has_a_bound_of_its_own_and_takes_no_room_from_others():
    box = mailbox(task("a1", "a"), task("a2", "a"), size=2)
    box.take()
    box.fail(ERROR, 1.0)
    taken_in = [name for name in ("a3", "a4", "b1", "b2", "b3") if box.offer(task(name, name[0]))]
    assert taken_in == ["a3", "b1", "b2"]


def test_an_agent_that_ends_gives_back_what_waits_behind_a_retry_that_is_in_hand_or_next():
    for again in ("in hand", "next"):
        box = mailbox(task("a1"), task("a2"), task("a3"), task("b1", "b"))
        box.take()
        box.fail(ERROR, 1.0)
        box.try_again("a1")
        if again == "in hand":
            box.take()
        assert box.empty() == ["a1", "a2", "a3", "b1"]
        assert (len(box), box.empty()) == (0, [])


def test_what_was_sent_ahead_behind_a_failed_message_waits_again_in_order():
    box = mailbox(*(task(f"a{n}", "a") for n in range(3)), *(task(f"b{n}", "b") for n in range(2)))
    box.take()
    box.send_ahead()
    box.fail(ERROR, 1.0)
    assert [taken(box), box.settle("b0") and taken(box)] == ["b0", "b1"]
    assert len(box) == 3


def test_a_process_that_resumes_keeps_what_was_sent_ahead_unless_it_must_wait_behind_the_failed_message():
    for sender, kept in (("b", 2), ("a", 0)):
        box = mailbox(task("a1", "a"), task("x1", sender), task("x2", sender))
        box.take()
        box.send_ahead()
        box.fail(ERROR, 1.0, resumes=True)
        assert (box.ahead, len(box)) == (kept, 2)


def test_a_death_keeps_the_message_at_the_front_and_holds_up_no_lane():
    box = mailbox(task("a1", "a"), task("b1", "b"))
    box.take()
    assert box.release(blamed=True, at=1.0)[1] == TryAgain()
    assert taken(box) == "a1"


def test_a_retry_that_an_earlier_runtime_has_left_holds_its_lane_again():
    box = mailbox()
    box.restore(task("a1", "a"), deliveries=1, charges=Charges(attempts=1), due=50.0)
    box.restore(task("a2", "a"))
    box.restore(task("b1", "b"))
    assert (taken(box), box.retries) == ("b1", 1)
    box.settle("b1")
    assert (taken(box), box.try_again("a1"), taken(box)) == (None, True, "a1")


def test_cancelled_retries_are_found_and_let_go_of_what_waited_behind_them():
    box = mailbox(task("a1", "a"), task("a2", "a"), task("a3", "a"))
    box.take()
    box.fail(ERROR, 1.0)
    assert {message.message_id for message in box.mailbox.waiting()} == {"a1", "a2", "a3"}
    dropped = box.drop(lambda message: message.message_id in {"a1", "a2"})
    assert sorted(message.message_id for message in dropped) == ["a1", "a2"]
    assert (box.try_again("a1"), taken(box)) == (False, "a3")


class Lives(RuleBasedStateMachine):
    """Random lives of a mailbox in virtual time: every message has an outcome, in the order of its lane."""

    @initialize(attempts=st.integers(1, 3), deaths=st.integers(1, 3), ordered=st.booleans())
    def make(self, attempts, deaths, ordered):
        retry = Retry(attempts=attempts, base_s=1.0, cap_s=8.0, outage_s=50.0)
        self.retry, self.deaths, self.ordered = retry, deaths, ordered
        self.box, self.now = Box(6, deaths, retry, 3, ordered=ordered), 0.0
        self.accepted, self.ended, self.due, self.names = [], [], {}, count()
        self.lanes = defaultdict(list)

    @rule(sender=st.sampled_from("abc"))
    def offer(self, sender):
        message = task(f"m{next(self.names):03}", sender)
        if self.box.offer(message):
            self.accepted.append(message)

    @rule()
    def take(self):
        self.box.take()

    @rule()
    def send_ahead(self):
        self.box.send_ahead(1)

    @precondition(lambda self: self.box.in_hand and not self.box.in_hand.sealed)
    @rule()
    def commit(self):
        self.end(self.box.settle(self.box.in_hand.message.message_id).message)

    @precondition(lambda self: self.box.in_hand)
    @rule(failing=st.sampled_from([ERROR, FATAL, PutOff(3.0)]), resumes=st.booleans())
    def fail(self, failing, resumes):
        self.judge(*self.box.fail(failing, self.now, resumes=resumes))

    @rule(blamed=st.booleans())
    def die(self, blamed):
        if charged := self.box.release(blamed=blamed, at=self.now):
            self.judge(*charged)

    @precondition(lambda self: len(self.ended) < len(self.accepted))
    @rule(pick=st.integers(0, 1000))
    def cancel(self, pick):
        left = [message for message in self.accepted if message not in self.ended]
        unwanted = left[pick % len(left)]
        assert [*self.box.drop(unwanted.__eq__), *self.box.withdraw(unwanted.__eq__)] == [unwanted]
        self.due.pop(unwanted.message_id, None)
        self.accepted.remove(unwanted)

    @rule(passes_s=st.floats(0, 10))
    def wait(self, passes_s):
        self.now += passes_s
        for name, due in sorted(self.due.items(), key=lambda item: item[1]):
            if due <= self.now:
                del self.due[name]
                assert self.box.try_again(name)

    def judge(self, pending, verdict):
        assert pending.turn.charges.attempts <= self.retry.attempts
        assert pending.turn.charges.deaths <= self.deaths
        if isinstance(verdict, BuryMessage):
            self.end(pending.message)
        elif verdict.due is not None:
            assert self.now <= verdict.due <= self.now + self.retry.outage_s
            self.due[pending.message.message_id] = verdict.due

    def end(self, message):
        self.ended.append(message)
        if self.ordered:
            of_lane = [other for other in self.accepted if other.sender == message.sender]
            ended = [other for other in self.ended if other.sender == message.sender]
            assert ended == of_lane[: len(ended)], "an outcome came out of the order of its lane"

    @invariant()
    def nothing_vanishes_and_nothing_is_doubled(self):
        if hasattr(self, "box"):
            inside = [message.message_id for message in self.box.mailbox.waiting()]
            inside += [self.box.in_hand.message.message_id] if self.box.in_hand else []
            ended = [message.message_id for message in self.ended]
            assert sorted(inside + ended) == sorted(message.message_id for message in self.accepted)
            assert self.box.retries == len(self.due) <= 3

    def teardown(self):
        """The agent ends: all that has no outcome is given back, in the order of each lane."""
        if hasattr(self, "box"):
            given = [pending.message for pending in self.box.mailbox.empty()]
            left = [message for message in self.accepted if message not in self.ended]
            assert sorted(map(id, given)) == sorted(map(id, left))
            for sender in "abc" if self.ordered else "":
                lanes = [[message for message in some if message.sender == sender] for some in (given, left)]
                assert lanes[0] == lanes[1]


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
