"""Deliveries of one message that do things in another order, or with other arguments: no result goes to another step.

The runtime is played by a store of records, and the agent dies when it is told to.
"""

from itertools import permutations, product

import pytest

from scr.agent.context import Context
from scr.agent.steps.canonical import Uncounted
from scr.agent.steps.steps import Done, NotDone
from scr.agent.turn import Abandoned, Turn
from scr.errors import InvalidMessage
from scr.messages import Task, TaskPayload, derive_id, origin
from scr.protocol.frames import Ask, Deliver, StepBegun, StepRecord
from scr.step_names import shown_step

PRICES = {"ann": 10, "bob": 900, "cay": 3}
RIGHT = [(who, amount) for who, amount in sorted(PRICES.items())]
ORDERS = [("ann", "bob", "cay"), ("bob", "cay", "ann"), ("cay", "bob", "ann")]
MESSAGE = Task(payload=TaskPayload(task_id="t"), **origin(message_id="m", sender="boss", to="me", at=0.0, run_id="r"))


class Killed(BaseException):
    """The process is no more."""


class World(Uncounted):
    """What outlives an agent: the records of its message, and what it did in the world outside."""

    agent, incarnation = "me", 1

    def __init__(self, *records):
        self.records = {record.name: record for record in records}
        self.quoted, self.paid, self.keys, self.asked = [], [], [], []
        self.deliveries, self.left = 0, None

    def deliver(self, handler, *, dies_after=None):
        """Have a handler do its turn; None when it has died, after so many answers."""
        self.deliveries, self.left = self.deliveries + 1, dies_after
        delivery = Deliver(message=MESSAGE, deliveries=self.deliveries, steps=tuple(self.records.values()))
        try:
            return handler(Context(self, Turn(delivery, 100), None), self)
        except Killed:
            return None

    def inquire(self, make):
        """Keep a record, or answer a question."""
        if self.left == 0:
            raise Killed
        self.left = self.left and self.left - 1
        match make(1):
            case Ask(step=step, message=message):
                self.asked.append((message.payload.input, message.message_id))
                record = StepRecord(name=step, value=f"of {message.payload.input}", digest=message.message_id)
            case StepBegun(name=name, digest=digest):
                record = StepRecord(name=name, state="begun", digest=digest)
            case done:
                record = done.step
        self.records[record.name] = record
        return record.value

    def quote(self, who):
        self.quoted.append(who)
        return PRICES[who]

    def pay(self, who, amount, key=None):
        self.paid.append((who, amount))
        self.keys.append(key)
        return f"{who} got {amount}"

    def note(self, key):
        self.keys.append(key)

    def look(self, who, amount, key=None):
        """What a `reconcile` finds."""
        return Done(f"{who} got {amount}") if (who, amount) in self.paid else NotDone()


def stages(order, *, prices=None, reconcile=None):
    """First everybody's price, then everybody's payment, each in that order."""

    def handler(ctx, world):
        amounts = {who: ctx.step("quote", world.quote, who) + (prices or {}).get(who, 0) for who in order}
        for who in order:
            ctx.step_once("pay", world.pay, who, amounts[who], reconcile=reconcile and world.look)
        return {who: ctx.step("tell", str.title, who) for who in order}

    return handler


TOLD = {"ann": "Ann", "bob": "Bob", "cay": "Cay"}


@pytest.mark.parametrize(("first", "second"), [*product(ORDERS, ORDERS)])
def test_whatever_the_order_and_the_place_of_the_kill_everybody_is_paid_once_or_a_person_is_asked(first, second):
    for dies_after in range(12):
        world = World()
        assert world.deliver(stages(first), dies_after=dies_after) is None
        begun = [record.name for record in world.records.values() if record.state == "begun"]
        if begun:
            with pytest.raises(Abandoned) as caught:
                world.deliver(stages(second))
            assert caught.value.frame.step == begun[0]
            assert len(set(world.paid)) == len(world.paid)
        else:
            assert world.deliver(stages(second)) == TOLD
            assert sorted(world.paid) == RIGHT
        assert len(world.quoted) <= len(PRICES) + 1  # one had been fetched, and was not recorded


@pytest.mark.parametrize(("first", "second"), [*product(ORDERS, ORDERS)])
def test_what_can_be_found_out_is_never_asked_when_the_order_is_the_same(first, second):
    for dies_after in range(12):
        world = World()
        world.deliver(stages(first, reconcile=True), dies_after=dies_after)
        if first == second:
            assert world.deliver(stages(second, reconcile=True)) == TOLD
            assert sorted(world.paid) == RIGHT


def test_a_once_step_whose_arguments_have_changed_is_in_doubt_and_both_are_shown():
    world = World()
    world.deliver(stages(("ann",)), dies_after=2)  # the payment had begun, and was made
    with pytest.raises(Abandoned) as caught:
        world.deliver(stages(("ann",), prices={"ann": 1}, reconcile=True))
    begun = next(record for record in world.records.values() if record.state == "begun")
    assert caught.value.frame.step == begun.name
    assert begun.digest in caught.value.frame.detail
    assert len({part for part in caught.value.frame.detail.split() if part.strip("),.:") != begun.digest}) > 1
    assert world.paid == [("ann", 10)]


def test_a_plain_step_whose_arguments_have_changed_is_run():
    def asking_for(what):
        return lambda ctx, world: ctx.step("look up", world.quote, what)

    world = World()
    assert [world.deliver(asking_for(who)) for who in ("ann", "bob", "ann", "bob")] == [10, 900, 10, 900]
    assert world.quoted == ["ann", "bob"]


def asks(*payloads):
    return lambda ctx, world: [ctx.ask("price", payload) for payload in payloads]


def test_an_answer_goes_to_its_own_question_in_whatever_order_they_are_asked():
    for first, second in product(permutations(["x", {"a": 1, "b": 2}, "z"]), repeat=2):
        for dies_after in range(3):
            world = World()
            world.deliver(asks(*first), dies_after=dies_after)
            assert world.deliver(asks(*second)) == [f"of {payload}" for payload in second]
            assert len(world.asked) == 3
            assert len({message_id for _, message_id in world.asked}) == 3


def test_a_question_that_had_no_answer_yet_is_the_same_message_in_whatever_order():
    ids = []
    for order in permutations(["x", "y", "x"]):
        world = World()
        world.deliver(asks(*order))
        ids.append({(payload, message_id) for payload, message_id in world.asked})
    assert all(found == ids[0] for found in ids)
    assert len(ids[0]) == 3


def test_equal_steps_are_told_apart_by_their_order():
    def handler(ctx, world):
        return [ctx.step("flip", lambda: len(world.records)) for _ in range(3)]

    world = World()
    world.deliver(handler, dies_after=2)
    assert world.deliver(handler) == [0, 1, 2]
    assert list(world.records) == ["flip", "flip#2", "flip#3"]


def test_a_step_that_is_named_like_the_second_of_another_is_another():
    def handler(ctx, world):
        names = ("a", "a", "a#2", "a/b", "a~0123456789ab")
        nested = ctx.step("a", lambda: ctx.step("b", lambda: "inner"))
        return [nested, *(ctx.step(name, lambda: f"{name} {n}") for n, name in enumerate(names))]  # noqa: B023

    world = World()
    first = world.deliver(handler)
    assert first == ["inner", "a 0", "a 1", "a#2 2", "a/b 3", "a~0123456789ab 4"]
    assert world.deliver(handler) == first
    assert len(world.records) == 7


def test_what_a_closure_has_captured_tells_its_steps_apart():
    def handler(order):
        def handle(ctx, world):
            def paying(who):
                return lambda: world.pay(who, PRICES[who])

            return {who: ctx.step_once("pay", paying(who)) for who in order}

        return handle

    world = World()
    world.deliver(handler(("ann", "bob", "cay")), dies_after=3)  # ann is paid, bob has begun
    with pytest.raises(Abandoned):
        world.deliver(handler(("cay", "bob", "ann")))
    world.records = {name: record for name, record in world.records.items() if record.state == "done"}
    found = world.deliver(handler(("cay", "ann", "bob")))
    assert found == {who: f"{who} got {PRICES[who]}" for who in PRICES}


# Keys for the world outside.


def paying(order, call):
    def handler(ctx, world):
        for who in order:
            call(ctx, world, who, PRICES[who])
        return "paid"

    return handler


KEYED = {
    "made of the arguments": lambda ctx, world, who, amount: ctx.step_once(
        "pay", world.pay, who, amount, ctx.step_key("pay", who, amount), reconcile=world.look
    ),
    "made without": lambda ctx, world, who, amount: ctx.step_once(
        "pay", world.pay, who, amount, key=ctx.step_key("pay"), reconcile=world.look
    ),
    "of a step that has a key": lambda ctx, world, who, amount: ctx.step_once.using(key=who, reconcile=world.look)(
        "pay", world.pay, who, amount, ctx.step_key("pay", key=who)
    ),
    "filled into a step that has a key": lambda ctx, world, who, amount: ctx.step_once.using(key=who)(
        "pay", world.pay, who, amount, key=ctx.step_key("pay")
    ),
    "of a step that says its key": lambda ctx, world, who, amount: ctx.step.using(key=ctx.step_key("pay", who, amount))(
        "pay", world.pay, who, amount, ctx.step_key("pay", who, amount)
    ),
}


@pytest.mark.parametrize("call", KEYED.values(), ids=KEYED)
def test_a_payment_has_the_same_key_in_every_order_and_no_other_has_it(call):
    def keys(order):
        world = World()
        world.deliver(paying(order, call))
        assert all(type(key) is str or key for key in world.keys)
        return dict(zip(world.paid, world.keys, strict=True))

    found = [keys(order) for order in ORDERS]
    assert found[0] == found[1] == found[2]
    assert len(set(found[0].values())) == 3


@pytest.mark.parametrize("call", [KEYED["made of the arguments"], KEYED["made without"]])
def test_two_payments_of_the_same_have_two_keys(call):
    world = World()
    world.deliver(paying(("ann", "ann", "bob"), call))
    assert len(world.paid) == len(set(world.keys)) == 3


def test_both_ways_to_make_a_key_make_the_same():
    def handler(ctx, world):
        explicit = ctx.step_key("pay", "ann", 10)
        ctx.step_once("pay", world.pay, "ann", 10, key=ctx.step_key("pay"))
        ctx.step("charge", world.note, ctx.step_key("charge"))
        return [explicit, ctx.step_key("pay", "ann", 10)]

    world = World()
    mine, next_one = world.deliver(handler)
    assert world.keys == [mine, derive_id("m", "charge")]
    assert mine != next_one
    assert type(world.keys[0]) is str


def test_a_key_that_cannot_be_filled_in_is_refused_where_the_order_would_decide():
    def handler(order):
        def handle(ctx, world):
            for who in order:
                key = ctx.step_key("pay")
                ctx.step_once("pay", lambda: world.pay(who, PRICES[who], key))  # noqa: B023
            return world.keys

        return handle

    world = World()
    assert len(world.deliver(handler(("ann",)))) == 1
    with pytest.raises(InvalidMessage, match=r"step 'pay' is not the only one of its name.*step_key\('pay', \.\.\.\)"):
        world.deliver(handler(("bob", "ann")))
    assert world.paid == [("ann", 10)]


# What an SCR that knew steps by their order has written.


def test_a_message_whose_steps_were_recorded_by_order_goes_on_and_runs_nothing_twice():
    def handler(ctx, world):
        amounts = [ctx.step("quote", world.quote, who) for who in ("ann", "bob")]
        outer = ctx.step("outer", lambda: ctx.step("inner", world.quote, "cay"))
        return [*amounts, outer, ctx.ask("price", "x"), ctx.ask("price", "y"), ctx.step("last", world.quote, "cay")]

    old = {"quote": 1, "quote#2": 2, "outer/inner": 3, "ask price": "ox", "ask price#2": "oy"}
    world = World(*(StepRecord(name=name, value=value) for name, value in old.items()))
    for _ in range(2):
        assert world.deliver(handler) == [1, 2, 3, "ox", "oy", 3]
    assert (world.quoted, world.asked) == (["cay"], [])
    assert [name for name, record in world.records.items() if record.digest] == [
        name for name in world.records if name not in old
    ]


def test_a_step_that_is_new_takes_the_place_of_none_that_was_recorded_by_order():
    def handler(ctx, world):
        return [ctx.step("quote", world.quote, "ann"), ctx.step("quote", lambda: "of its own")]

    world = World(StepRecord(name="quote", value=1))
    assert [world.deliver(handler) for _ in range(3)] == [[1, "of its own"]] * 3
    assert (world.quoted, world.records["quote"]) == ([], StepRecord(name="quote", value=1))


def test_a_once_step_that_had_begun_by_order_keeps_the_key_that_it_had():
    world = World(StepRecord(name="pay", state="begun"))
    looked = []

    def handler(ctx, world):
        def look(who, amount, key):
            looked.append(key)
            return NotDone()

        return ctx.step_once("pay", world.pay, "ann", 10, key=ctx.step_key("pay"), reconcile=look)

    assert world.deliver(handler) == "ann got 10"
    assert looked == world.keys == [derive_id("m", "pay")]
    assert world.records == {"pay": StepRecord(name="pay", value="ann got 10")}


def test_a_question_that_was_asked_by_order_is_told_so_that_it_is_not_asked_twice():
    frames = []

    class Noting(World):
        def inquire(self, make):
            frames.append(make(1))
            return super().inquire(make)

    world = Noting()
    world.deliver(asks("x"), dies_after=0)
    world.deliver(asks("x", "y"))
    assert [frame.former for frame in frames] == ["", "ask price", "ask price#2"]


def test_another_step_of_the_same_record_is_refused():
    world = World()
    world.deliver(lambda ctx, world: ctx.step("quote", world.quote, "ann"))
    (name,) = world.records
    world.records[name] = world.records[name].model_copy(update={"digest": "f" * 64})
    with pytest.raises(InvalidMessage, match=f"'{name}' is recorded with ffff.*give both a key"):
        world.deliver(lambda ctx, world: ctx.step("quote", world.quote, "ann"))
    assert shown_step(name) == "quote"
