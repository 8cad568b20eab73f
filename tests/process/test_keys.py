"""A client's key: checked before it travels, the same with every store, and good for one task of one agent."""

import asyncio
import threading
from itertools import count

import pytest

import scr
from scr.client.connect import connect
from scr.errors import InvalidMessage, TaskFailed, UnknownAgent
from scr.messages import TaskPayload
from tests.conftest import until
from tests.contract.postgres_server import FAST, PostgresServer

NUMBERS = count()
UNFIT = {
    "NUL": "order\0007",
    "half a surrogate pair": "order\ud800",
    "nothing": "",
    "65 characters": "k" * 65,
    "100,000 characters": "k" * 100_000,
    "a number": 7,
    "bytes": b"order",
}


def answers(ctx, message):
    return [ctx.agent, message.payload.kind, message.payload.input, ctx.message.message_id]


def other(ctx, message):
    return "the other's"


def slow(ctx, message):
    until(lambda: ctx.recall("go"))
    return "slow"


def tell(ctx, message):
    ctx.remember("go", message.payload.input)


def dies(ctx, message):
    raise SystemExit(3)


class Stored:
    """Runtimes of one run, one after the other."""

    def __init__(self, url):
        self.url, self.run = url, f"run-{next(NUMBERS)}"

    def runtime(self):
        return scr.Runtime(store=self.url, run=self.run, settings=scr.Settings(standbys=0))


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer(*FAST)
    yield server
    server.close()


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgres"])
def stored(request, tmp_path_factory):
    match request.param:
        case "memory":
            return Stored("memory:")
        case "sqlite":
            return Stored(f"sqlite:///{tmp_path_factory.mktemp('keys')}/store.db?durability=process")
        case _:
            return Stored(request.getfixturevalue("postgres").url())


@pytest.fixture(scope="module")
def runtime(stored):
    with stored.runtime() as runtime:
        for name, code in {"answers": answers, "other": other, "slow": slow, "tell": tell}.items():
            runtime.start_agent(name, code)
        yield runtime


def test_a_key_that_no_store_keeps_is_refused_at_once_and_shown(runtime):
    for key in UNFIT.values():
        for verb in (runtime.ask, runtime.send, runtime.submit):
            with pytest.raises(InvalidMessage, match="cannot be a key") as error:
                verb("answers", 1, key=key)
            assert str(error.value).isascii()
            assert "\0" not in str(error.value)
            assert len(str(error.value)) < 250
        with pytest.raises(InvalidMessage, match="cannot be a key"):
            asyncio.run(runtime.submit_async("answers", 1, key=key))
        for verb in (runtime.attach, runtime.cancel, runtime.retry_dead):
            with pytest.raises(InvalidMessage, match="cannot be a message's id"):
                verb(key)
    assert runtime.ask("answers", "unhurt")[2] == "unhurt"


@pytest.mark.parametrize("key", ["é\N{OLD ITALIC LETTER A}\n\x1f'\"; --", "k" * 64, "\uffff"])
def test_every_other_key_is_kept(runtime, key):
    assert runtime.ask("answers", 1, key=key) == runtime.ask("answers", 1, key=key) == ["answers", "task", 1, key]


def test_the_same_task_again_has_the_same_answer_and_any_other_is_refused_naming_both(runtime):
    first = {"amount": 100, "to": ["ann", None], "paid": 1}
    assert runtime.ask("answers", first, key="order-1")[2] == first
    assert runtime.ask("answers", dict(reversed(first.items())), key="order-1")[2] == first
    assert runtime.ask("answers", TaskPayload(task_id="mine", input=first), key="order-1")[2] == first
    with pytest.raises(InvalidMessage, match="'order-1' was used for 'answers' and cannot be used for 'other'"):
        runtime.ask("other", first, key="order-1")
    with pytest.raises(InvalidMessage, match="used for 'answers' and cannot be used for 'nobody'"):
        runtime.ask("nobody", first, key="order-1")
    others = [first | {"amount": 999}, first | {"paid": True}, first | {"paid": 1.0}, None, [first], {}, "order-1"]
    for payload in (*others, TaskPayload(task_id="mine", kind="refund", input=first)):
        for verb in (runtime.ask, runtime.submit):
            with pytest.raises(InvalidMessage, match=r"'order-1' was used .* with another payload \(of digest \w{12}"):
                verb("answers", payload, key="order-1")
    assert runtime.attach("order-1").result(10)[2] == first


def test_how_a_task_is_to_be_done_is_no_part_of_what_its_key_stands_for(runtime):
    first = runtime.ask("answers", 5, key="how-1", retry=scr.Retry(attempts=3))
    assert runtime.ask("answers", 5, key="how-1", retry=scr.Retry(attempts=5), order_key="x") == first


def test_a_key_is_compared_while_its_task_is_open_and_who_waits_for_that_waits_on(runtime):
    heard = []
    asker = threading.Thread(target=lambda: heard.append(runtime.ask("slow", 1, key="open-1")))
    asker.start()
    with connect(runtime.id) as client:
        until(lambda: runtime.status().open_messages)
        with pytest.raises(InvalidMessage, match="with another payload"):
            client.ask("slow", 2, key="open-1")
        with pytest.raises(InvalidMessage, match="cannot be used for 'other'"):
            client.ask("other", 1, key="open-1")
    assert heard == []
    runtime.send("tell", 1)
    asker.join(20)
    assert heard == ["slow"]


def test_of_many_that_use_a_key_at_once_one_task_is_done_and_the_others_are_refused(runtime):
    outcomes = []

    def ask(n):
        try:
            outcomes.append(runtime.ask("answers", n % 2, key="rush")[2])
        except InvalidMessage:
            outcomes.append("refused")

    askers = [threading.Thread(target=ask, args=(n,)) for n in range(16)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(20)
    assert sorted(map(str, outcomes)) in (["0"] * 8 + ["refused"] * 8, ["1"] * 8 + ["refused"] * 8)


def test_a_key_is_compared_though_its_agent_never_was(runtime):
    with pytest.raises(UnknownAgent):
        runtime.ask("nobody", 1, key="lost-1")
    with pytest.raises(InvalidMessage, match="with another payload"):
        runtime.ask("nobody", 2, key="lost-1")


def test_a_key_that_was_given_to_a_misspelt_name_or_too_early_is_free_for_the_agent_that_exists(runtime):
    for name in ("anwsers", "ansers", "later"):
        with pytest.raises(UnknownAgent, match=f"'{name}'"):
            runtime.submit(name, 1, key="early" if name == "later" else "misspelt").result(10)
    assert runtime.submit("answers", 2, key="misspelt").result(10)[2] == 2
    runtime.start_agent("later", dies, max_deliveries=1)
    for _ in range(2):
        with pytest.raises(TaskFailed):
            runtime.submit("later", 1, key="early").result(10)
    with pytest.raises(InvalidMessage, match="'misspelt' was used for 'answers' with another payload"):
        runtime.ask("answers", 1, key="misspelt")
    runtime.stop_agent("later")


def test_a_key_is_compared_after_a_dead_letter_was_delivered_once_more(runtime):
    runtime.start_agent("dies", dies, max_deliveries=1, restart="temporary")
    with pytest.raises(TaskFailed):
        runtime.ask("dies", 1, key="dead-1")
    with pytest.raises(InvalidMessage, match="with another payload"):
        runtime.ask("dies", 2, key="dead-1")
    runtime.start_agent("dies", answers)
    assert runtime.retry_dead("dead-1") == "dies"
    assert runtime.ask("dies", 1, key="dead-1")[2] == 1
    with pytest.raises(InvalidMessage, match="cannot be used for 'answers'"):
        runtime.ask("answers", 1, key="dead-1")
    runtime.stop_agent("dies")


@pytest.mark.parametrize("stored", ["sqlite", "postgres"], indirect=True)
def test_a_key_is_compared_by_the_runtime_that_comes_next(stored):
    again = Stored(stored.url)
    with again.runtime() as first:
        first.start_agent("answers", answers)
        first.ask("answers", {"amount": 100}, key="order-1")
    with again.runtime() as second:
        second.start_agent("answers", answers)
        assert second.ask("answers", {"amount": 100}, key="order-1")[2] == {"amount": 100}
        with pytest.raises(InvalidMessage, match="'order-1' was used for 'answers' and cannot be used for 'other'"):
            second.ask("other", {"amount": 100}, key="order-1")
        with pytest.raises(InvalidMessage, match="with another payload"):
            second.ask("answers", {"amount": 999}, key="order-1")
