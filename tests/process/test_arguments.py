"""Nonsense is refused at every public verb, at once, with a sentence of SCR's own and before anything is sent."""

import asyncio
import datetime as dt
import math

import pytest

import scr
from scr.agent.arguments import LONGEST_S
from scr.client.connect import connect
from scr.errors import InvalidInput, InvalidMessage, ScrError, StartFailed
from scr.messages import DownPayload

TIMES = [0, -1, math.nan, math.inf, -math.inf, 1e12, LONGEST_S * 2, 10**400, "5", None, True, [1], 1j]
NAMES = ["", "ü", "a b", "a\n", "a\0", "a" * 129, "\ud800", 5, None, b"a", ["a"], {}]
DEEP = [[]]
for _ in range(3000):
    DEEP = [DEEP]


class Unsayable:
    def __repr__(self):
        raise RuntimeError("never")

    __str__ = __repr__


ODD = [Unsayable(), DEEP, object()]


def answers(ctx, message):
    return message.payload.input


@pytest.fixture(scope="module")
def runtime():
    with scr.Runtime(settings=scr.Settings(standbys=0)) as runtime:
        runtime.start_agent("answers", answers)
        runtime.start_agent("tries", tries)
        yield runtime
        status = runtime.status()
        assert {agent.id: agent.incarnation for agent in status.agents if agent.incarnation}["tries"] == 1
        assert (status.dead_letters, status.open_messages) == (0, 0)


def said(verb, *given, **fields):
    """The error, which must be of SCR's own and read as a sentence."""
    try:
        found = verb(*given, **fields)
        if asyncio.iscoroutine(found):
            found = asyncio.run(found)
    except ScrError as error:
        text = str(error)
        assert text.isprintable(), ascii(text)
        assert "pydantic.dev" not in text
        assert 20 < len(text) < 600
        return error
    raise AssertionError(f"{verb} {given!r:.80} {fields!r:.80} is taken: {found!r:.80}")


def refuse(verb, nonsense, *given, **fields):
    for value in (*nonsense, *ODD):
        error = said(verb, value, *given, **fields)
        assert isinstance(error, InvalidInput), (verb, error)


def test_no_name_and_no_time_that_cannot_be_is_sent(runtime):
    for verb in (runtime.ask, runtime.send, runtime.submit, runtime.ask_async, runtime.submit_async):
        refuse(verb, NAMES, 1)
    for time in (*TIMES, *ODD):
        for verb in (runtime.ask, runtime.ask_async):
            assert isinstance(said(verb, "answers", 1, timeout_s=time), InvalidMessage)
        submitted = runtime.attach("any")
        for verb in (submitted.result, submitted.result_async):
            assert isinstance(said(verb, time), InvalidMessage)
    for payload in (math.nan, {"a": object()}, DownPayload(agent="a", reason="killed")):
        assert isinstance(said(runtime.ask, "answers", payload), InvalidMessage)
    for run_id in ("", "r\0", "r" * 65, 5):
        assert isinstance(said(runtime.send, "answers", 1, run_id=run_id), InvalidMessage)
    assert runtime.ask("answers", "sent", timeout_s=LONGEST_S) == "sent"


@pytest.mark.parametrize("kind", ["owner", "client"])
def test_every_other_verb_refuses_what_is_not_of_its_kind(runtime, kind):
    client = runtime if kind == "owner" else connect(runtime.id)
    for verb in (client.stack, client.stop_agent, client.restart_agent, client.reload_agent):
        refuse(verb, NAMES)
    refuse(client.signal_agent, NAMES, 9)
    for number in (0, -1, 65, True, "9", 9.5, None, 10**30):
        said(client.signal_agent, "answers", number)
    for last in (0, -1, 10**30, "5", True, None, 2.5):
        said(client.crashes, last=last)
    refuse(client.crashes, [name for name in NAMES if name is not None])
    for since in ("5", True, None, 2.5):
        said(client.subscribe, since=since)
    refuse(lambda agent: client.subscribe(agent=agent), [name for name in NAMES if name is not None])
    for message_id in ("", "m\0", "m" * 65, "\ud800", 5, None, b"m"):
        for verb in (client.cancel, client.retry_dead, client.attach):
            said(verb, message_id)
        said(client.resolve, message_id, is_done=True)
    for is_done in ("yes", 1, None):
        said(client.resolve, "m", is_done=is_done)
    said(client.resolve, "m", is_done=True, value=math.nan)
    said(client.shut_down, 5)
    said(client.reload_agent, "answers", code="a:b")
    if client is not runtime:
        client.close()
    assert runtime.ask("answers", "unhurt") == "unhurt"


def test_an_agent_of_a_name_that_cannot_be_is_not_started_and_the_sentence_is_true(runtime):
    refuse(runtime.start_agent, [name for name in NAMES if name != b"a"], answers)
    for under in NAMES:
        assert isinstance(said(runtime.start_agent, "more", answers, under=under), InvalidInput)
    for code in (5, None, "no reference", object()):
        said(runtime.start_agent, "more", code)
        said(runtime.replace_code, "answers", code)
    for fields in ({"options": 5}, {"options": {"a": object()}}, {"mailbox_size": "many"}, {"deadline_s": math.nan}):
        said(runtime.start_agent, "more", answers, **fields)
    for name in ("root", "agents", "memories"):
        error = said(runtime.start_agent, name, answers)
        assert f"{name!r} is the name of a supervisor; choose another name for the agent" in str(error)
    assert "'answers' is running under 'agents'" in str(said(runtime.start_agent, "answers", answers))
    assert isinstance(said(runtime.start_agent, "more", answers, under="answers"), ScrError)
    for name in ("client", "runtime"):
        assert not isinstance(said(runtime.start_agent, name, answers), StartFailed)


def tries(ctx, message):
    """Every verb of a handler, with nonsense; what was not refused as it must be."""
    names, ids = [value for value in NAMES if value != "a"], ["", "m\0", "m" * 1000, "\ud800", 5, None]
    delays = [-1, math.nan, math.inf, 1e300, 10**400, "5", None, True, [1]]
    moments = [-1, math.nan, 1e300, 10**400, "5", None, True, dt.datetime(1, 1, 1), dt.date(2030, 1, 1)]  # noqa: DTZ001
    tried = {
        "send": [lambda v=v: ctx.send(1, to=v) for v in names],
        "ask": [lambda v=v: ctx.ask(v, 1) for v in names],
        "ask in time": [lambda v=v: ctx.ask("answers", 1, timeout_s=v) for v in TIMES],
        "ask nobody": [lambda v=v: ctx.ask(v, 1) for v in ("client", "runtime")],
        "start_agent": [lambda v=v: ctx.start_agent(v, answers) for v in names if v != b"a"],
        "start under": [lambda v=v: ctx.start_agent("more", answers, under=v) for v in names],
        "stop_agent": [lambda v=v: ctx.stop_agent(v) for v in names],
        "monitor": [lambda v=v: ctx.monitor(v) for v in names],
        "demonitor": [lambda v=v: ctx.demonitor(v) for v in names],
        "send_after": [lambda v=v: ctx.send_after(v, 1, to="answers") for v in (*delays, *ODD)],
        "send_after to": [lambda v=v: ctx.send_after(1, 1, to=v) for v in names],
        "wake_at": [lambda v=v: ctx.wake_at(v) for v in (*moments, *ODD)],
        "cancel_timer": [lambda v=v: ctx.cancel_timer(v) for v in (*ids, *ODD)],
        "remember": [lambda v=v: ctx.remember(v, 1) for v in (*ids, *ODD)],
        "recall": [lambda v=v: ctx.recall(v) for v in (*ids, *ODD)],
        "in_reply_to": [lambda v=v: ctx.send(1, to="answers", in_reply_to=v) for v in ids if v is not None],
    }
    return [
        f"{name} {n}: {found}"
        for name, verbs in tried.items()
        for n, verb in enumerate(verbs)
        if (found := wrong(verb))
    ]


def wrong(verb):
    try:
        verb()
    except ScrError as error:
        text = str(error)
        is_sentence = text.isprintable() and "pydantic.dev" not in text and 20 < len(text) < 900
        return "" if is_sentence else ascii(text)
    except BaseException as error:  # noqa: BLE001  whatever it is is told
        return f"{type(error).__name__}: {error}"
    return "it is taken"


def test_no_verb_of_a_handler_takes_nonsense_and_the_turn_goes_on(runtime):
    assert runtime.ask("tries", None) == []
