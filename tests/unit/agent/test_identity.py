"""What a step is known by: its name, and its key or what it is called with; never its code, `ctx` or the agent."""

import asyncio
import functools
import pickle
import threading

import pytest

from scr.agent.agent import Agent
from scr.agent.steps.canonical import Uncounted
from scr.agent.steps.identity import StepKey, filled, identity_of
from scr.errors import InvalidMessage


def digest(fn, *args, name="pay", key=None, scope="", **kwargs):
    return identity_of(scope, name, fn, args, kwargs, key).digest


def pay(who, amount, currency="EUR", *, note=None):
    """Code that is called in many ways."""


def logged(fn):
    @functools.wraps(fn)
    def inner(*args, **kwargs):
        return fn(*args, **kwargs)

    return inner


def bill(who):
    def send():
        return who

    return send


def first_version():
    def fetch(url, retries=3):
        return url * retries

    return fetch


def second_version():
    async def fetch(url, retries=3):
        await asyncio.sleep(0)
        return url

    fetch.__qualname__ = "first_version.<locals>.fetch"
    return fetch


class Ctx(Uncounted):
    """Stands for the `ctx` of a handler."""

    def log(self, text):
        """Say something."""


class Payer(Agent):
    def pay(self, who):
        """A method."""

    @classmethod
    def make(cls, who):
        """A method of the class."""


class Basket:
    def __init__(self, *things):
        self.things = things

    def buy(self):
        """A method of something that has no value."""


@functools.lru_cache
def cached(who):
    """A function in a wrapper of C."""


LOCK = threading.Lock()
CTX, AGENT = Ctx(), Payer()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (digest(pay, "ann", 10), digest(None, "ann", 10, "EUR")),
        (digest(pay, "ann", 10), digest(pay, "ann", 11)),
        (digest(pay, "ann", 10), digest(pay, "ann", "10")),
        (digest(pay, "ann", 10), digest(pay, "ann", 10, name="quote")),
        (digest(pay, "ann", 10), digest(pay, "ann", 10, scope="outer")),
        (digest(pay, "ann", 10), digest(pay, "ann", amount=10)),
        (digest(pay, "ann", 10), digest(pay, "ann", 10, note="n")),
        (digest(pay, "ann", 10), digest(pay, "ann", 10, key="k")),
        (digest(pay, key="k"), digest(pay, "k")),
        (digest(pay, key=1), digest(pay, key="1")),
        (digest(bill("ann")), digest(bill("bob"))),
        (digest(bill("ann")), digest(None)),
        (digest(lambda who="ann": who), digest(lambda who="bob": who)),
        (digest([1].append, 2), digest([3].append, 2)),
        (digest(None, bill("ann")), digest(None, bill("bob"))),
        (digest(None, [bill(bill("ann"))]), digest(None, [bill(bill("bob"))])),
        (digest(functools.partial(pay, "ann"), 1), digest(functools.partial(pay, "bob"), 1)),
        (digest(logged(bill("ann"))), digest(logged(bill("bob")))),
        (digest(Payer.pay, "ann"), digest(Payer.pay, "bob")),
        (digest(None, "a", scope="b/c"), digest(None, "a", scope="b", name="c/pay")),
        (digest(asyncio.to_thread, pay, "ann"), digest(asyncio.to_thread, pay, "bob")),
        (digest(asyncio.to_thread, bill("ann")), digest(asyncio.to_thread, bill("bob"))),
    ],
)
def test_steps_that_are_called_with_something_else_are_others(one, other):
    assert one != other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (digest(pay, "ann", 10, "EUR", note=None), digest(None, "ann", 10, "EUR", note=None)),
        (digest(lambda who: who, "ann"), digest(print, "ann")),
        (digest(first_version(), "u"), digest(second_version(), "u")),
        (digest(None, first_version()), digest(None, second_version())),
        (digest(AGENT.pay, "ann"), digest(None, "ann")),
        (digest(Payer.pay, AGENT, "ann"), digest(None, "ann")),
        (digest(AGENT.pay, CTX, "ann"), digest(None, "ann")),
        (digest(None, "ann", ctx=CTX), digest(None, "ann")),
        (digest(lambda ctx=CTX, agent=AGENT: ctx), digest(None)),
        (digest(None, [CTX]), digest(None, [Ctx()])),
        (digest(functools.partial(pay, "ann"), 10, note="n"), digest(pay, "ann", 10, note="n")),
        (digest(functools.partial(functools.partial(pay, "ann"), 10)), digest(pay, "ann", 10)),
        (digest(logged(logged(bill("ann")))), digest(bill("ann"))),
        (digest(bill("ann")), digest(bill("ann"))),
        (digest(cached, "ann"), digest(None, "ann")),
        (digest(pay, threading.Lock(), key="k"), digest(None, key="k")),
        (digest(pay, 1, key=("a", 2)), digest(None, key=("a", 2))),
        (digest(dict, a=1), digest(None, a=1)),
    ],
)
def test_code_and_what_an_agent_acts_by_are_no_part_of_it(one, other):
    assert one == other


def test_a_default_of_an_importable_function_counts_where_it_cannot_change():
    def made(default):
        def send(what=default):
            return what

        return send

    def importable(default):
        send = made(default)
        send.__qualname__ = "send"
        return send

    assert digest(importable(1)) != digest(importable(2))
    assert digest(importable(1), 5) == digest(importable(2), 5) == digest(None, 5)
    assert (
        digest(importable([])) == digest(importable(threading.Lock())) == digest(importable(object())) == digest(None)
    )
    assert digest(made([1])) != digest(made([2]))


def test_the_name_of_a_record_tells_what_it_is_of():
    bare, named = identity_of("", "fetch", print, (), {}), identity_of("", "pay", pay, ("ann",), {})
    assert [bare.record(1), bare.record(2)] == ["fetch", "fetch#2"]
    assert [named.record(1), named.record(3)] == [f"pay~{named.digest[:12]}", f"pay~{named.digest[:12]}#3"]
    inner = identity_of(named.record(1), "look", print, (), {})
    assert inner.record(2) == f"pay~{named.digest[:12]}/look#2"
    for odd in ("fetch#2", "a~0123456789ab", "outer/inner"):
        found = identity_of("", odd, print, (), {})
        assert found.record(1) == f"{odd}~{found.digest[:12]}"


def capturing(lock):
    return lambda: lock


@pytest.mark.parametrize(
    ("fn", "args", "kwargs", "said"),
    [
        (pay, (threading.Lock(), 1), {}, "argument 'who': a _thread.lock"),
        (print, (1, threading.Lock()), {}, "argument 2: a _thread.lock"),
        (Payer().pay, ([threading.Lock()],), {}, "argument 'who': a _thread.lock"),
        (pay, ("ann",), {"amount": {"a": threading.Lock()}}, "argument 'amount': a _thread.lock"),
        (capturing(threading.Lock()), (), {}, "captured variable 'lock': a _thread.lock"),
        (lambda lock=LOCK: lock, (), {}, "default of 'lock': a _thread.lock"),
        (Basket(1).buy, (), {}, r"object whose method it calls: a .*Basket"),
        (Basket(1), (), {}, r"object whose method it calls: a .*Basket"),
    ],
)
def test_what_has_no_value_is_refused_by_name_and_asks_for_a_key(fn, args, kwargs, said):
    with pytest.raises(InvalidMessage, match=rf"step 'pay' cannot .*{said} .*ctx\.step\.using\(key=\.\.\.\)\('pay'"):
        identity_of("", "pay", fn, args, kwargs)
    assert identity_of("", "pay", fn, args, kwargs, key="k") == identity_of("", "pay", print, (), {}, key="k")


def test_a_key_that_is_made_for_a_step_counts_as_nothing_in_it():
    key, opened = StepKey("k1", "pay", is_open=False), StepKey("k2", "pay", is_open=True)
    plain = identity_of("", "pay", pay, ("ann",), {"amount": 10})
    assert identity_of("", "pay", pay, ("ann", key), {"amount": 10}) == plain
    assert identity_of("", "pay", pay, ("ann", opened), {"amount": 10}) == plain._replace(open_keys=1)
    assert digest(pay, "ann", key, name="refund") != digest(pay, "ann", name="refund")
    assert digest(pay, "ann", key=key) == digest(pay, "ann", key="k1")
    assert digest(pay, "ann", key=opened) == digest(pay, "ann")


def test_an_open_key_is_filled_in_where_it_is_an_argument():
    opened, other = StepKey("k", "pay", is_open=True), StepKey("o", "refund", is_open=True)
    given = ["ann", {"key": opened, "more": (opened, other)}]
    assert filled(given, "pay", "own") == (["ann", {"key": "own", "more": ("own", "o")}], 2)
    assert filled(("ann", 1), "pay", "own") == (("ann", 1), 0)


def test_elsewhere_a_key_is_a_text():
    assert type(pickle.loads(pickle.dumps(StepKey("k", "pay", is_open=True)))) is str


def for_tenant(tenant, tracer=None):
    def decorate(fn):
        @functools.wraps(fn)
        def call(*args):
            return fn(tenant, tracer, *args)

        return call

    return decorate


def test_what_a_decorator_captures_counts_and_its_objects_without_a_value_do_not():
    ann, bob = for_tenant("ann")(pay), for_tenant("bob")(pay)
    assert digest(ann, 100) != digest(bob, 100)
    assert digest(ann, 100) == digest(for_tenant("ann")(pay), 100)
    assert digest(for_tenant("ann", threading.Lock())(pay), 100) == digest(for_tenant("ann", object())(pay), 100)
    assert digest(pay, ann) != digest(pay, bob)
    assert digest(logged(ann), 100) != digest(logged(bob), 100)


class ApiError(Exception):
    def __init__(self, *, code):
        super().__init__()
        self.code = code


def test_an_exception_is_its_arguments_and_its_attributes():
    assert digest(pay, ApiError(code=1)) != digest(pay, ApiError(code=2))
    assert digest(pay, ApiError(code=1)) == digest(pay, ApiError(code=1))


class Evil:
    """A value whose own code raises."""

    def __hash__(self):
        raise RuntimeError("no hash")

    def __reduce_ex__(self, protocol):
        raise RuntimeError("no copy")


class Elusive:
    """A callable that breaks when it is asked for anything."""

    def __call__(self):
        return 1

    def __getattr__(self, name):
        raise RuntimeError("no attribute")


def test_what_breaks_when_it_is_looked_at_is_refused_by_name_and_asks_for_a_key():
    def defaulted(x=Evil()):  # noqa: B008  the default of a user's
        return x

    for fn, args in ((defaulted, ()), (print, (Evil(),)), (Elusive(), ())):
        with pytest.raises(InvalidMessage, match=r"'s' cannot be told from others .*give the step a key"):
            identity_of("", "s", fn, args, {})
        assert identity_of("", "s", fn, args, {}, key=1)
