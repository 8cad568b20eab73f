"""What must not be asked for is refused where it is given; what an agent must not do ends that agent alone."""

import os
import signal
import subprocess
import sys
import time

import pytest

import scr
from scr.errors import InvalidSpec, StartFailed, TaskFailed, UnknownAgent
from scr.specs import Code, parse
from tests.conftest import marked, until

ECHO = Code(reference="tests.process.test_bad_input:echo")


def echo(ctx, message):
    return message.payload.input


def is_alive(pid):
    """Whether a process lives: one that nobody has reaped yet does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def child_spec(name, **fields):
    return scr.AgentSpec(id=name, code=ECHO, **fields)


def tree(*children, **fields):
    return scr.SupervisorSpec(id="root", strategy="one_for_one", children=children, **fields)


@pytest.fixture
def trio(story):
    """Three witnesses and room for one that misbehaves."""
    for name in ("witness-1", "witness-2", "witness-3"):
        story.runtime.start_agent(name, lambda ctx, message: ctx.incarnation)
    yield story
    assert [story.runtime.ask(f"witness-{n}", None) for n in (1, 2, 3)] == [1, 1, 1]


# Specifications.


def test_an_unknown_key_and_a_negative_budget_are_refused_by_name_and_nothing_is_started(trio):
    wrong = {"silly": 1, "shutdown_s": -1, "start_timeout_s": 0, "deadline_s": float("nan"), "mailbox_size": 0}
    for key, value in wrong.items():
        with pytest.raises(InvalidSpec, match=rf"specification of 'wrong'.*{key}"):
            trio.runtime.start_agent("wrong", echo, **{key: value})
    with pytest.raises(InvalidSpec, match=r"limits\.memory_bytes"):
        trio.runtime.start_agent("wrong", echo, limits={"memory_bytes": -1})
    with pytest.raises(InvalidSpec, match=r"wrong id"):
        trio.runtime.start_agent("wrong id", echo)
    assert not trio.events("agent_starting", agent="wrong")


def test_an_agent_may_ask_for_nothing_wrong_either(trio):
    def asks(ctx, message):
        try:
            ctx.start_agent("wrong", echo, shutdown_s=-1)
        except InvalidSpec as error:
            return str(error)

    trio.runtime.start_agent("asks", asks)
    assert "shutdown_s" in trio.runtime.ask("asks", None)
    assert not trio.events("agent_starting", agent="wrong")


CONTRADICTIONS = {
    "two children of one id": (
        lambda: tree(child_spec("a"), child_spec("b"), child_spec("a")),
        "the id 'a' is given 2 times",
    ),
    "one id on two levels": (
        lambda: tree(
            child_spec("a"), scr.SupervisorSpec(id="sub", strategy="one_for_one", children=(child_spec("a"),))
        ),
        "the id 'a' is given 2 times",
    ),
    "a supervisor within itself": (
        lambda: tree(scr.SupervisorSpec(id="sub", strategy="one_for_one", children=(tree(child_spec("a")),))),
        "the id 'root' is given 2 times",
    ),
    "a pause that disarms the limit": (
        lambda: tree(child_spec("a", backoff={"base_s": 1, "cap_s": 60}), max_restarts=3, within_s=5),
        "'a' pauses up to 60 s",
    ),
    "permanent and significant": (
        lambda: tree(child_spec("a", significant=True), auto_shutdown="any_significant"),
        "'a' is significant and permanent",
    ),
}


@pytest.mark.parametrize(("contradicts", "told"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_tree_that_contradicts_itself_is_refused_before_a_process_is_started(contradicts, told):
    before = set(marked())
    with pytest.raises(InvalidSpec, match=told):
        scr.Runtime(contradicts())
    assert set(marked()) <= before


def test_a_specification_that_repeats_itself_without_end_is_refused():
    spec = {"id": "sup", "strategy": "one_for_one", "children": []}
    spec["children"].append(spec)
    with pytest.raises(InvalidSpec, match=r"[Rr]ecursion"):
        parse(spec)
    with pytest.raises(InvalidSpec, match=r"[Rr]ecursion"):
        scr.SupervisorSpec(**spec)


# Starts.


class Raises(scr.Agent):
    def on_start(self, ctx):
        raise RuntimeError("no database here")


class RaisesWhenMade(scr.Agent):
    def __init__(self):
        raise RuntimeError("not even made")


class ReturnsNonsense(scr.Agent):
    def on_start(self, ctx):
        return {"ready": True}


class ReturnsNonsenseLater(scr.Agent):
    async def on_start(self, ctx):
        return "ok"


class Hangs(scr.Agent):
    def on_start(self, ctx):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)


class ForksAndExits(scr.Agent):
    def on_start(self, ctx):
        if os.fork():
            os._exit(0)


class ForksLeavesItsSessionAndExits(scr.Agent):
    def on_start(self, ctx):
        if os.fork():
            os._exit(0)
        os.setsid()


class Exits(scr.Agent):
    def on_start(self, ctx):
        os._exit(7)


class SysExits(scr.Agent):
    def on_start(self, ctx):
        sys.exit(256)


class KillsItself(scr.Agent):
    def on_start(self, ctx):
        os.kill(os.getpid(), signal.SIGKILL)


class ClosesAll(scr.Agent):
    def on_start(self, ctx):
        os.closerange(0, 1 << 16)


class SpeaksTooEarly(scr.Agent):
    def on_start(self, ctx):
        ctx._link._channel._end.write_all(b"\0\0\0\2{}")
        time.sleep(600)


FAILED_STARTS = {
    Raises: "RuntimeError: no database here",
    RaisesWhenMade: "RuntimeError: not even made",
    ReturnsNonsense: r"on_start of bad returned \{'ready': True\}, and only None has a meaning",
    ReturnsNonsenseLater: "on_start of bad returned 'ok', and only None has a meaning",
    Hangs: r"it was not ready within 0\.5 s",
    ForksAndExits: "exit status 0 without an exit record",
    ForksLeavesItsSessionAndExits: "exit status 0 without an exit record",
    Exits: "exit status 7",
    SysExits: "SystemExit: 256",
    KillsItself: "SIGKILL",
    ClosesAll: "exit status 1",
    SpeaksTooEarly: "not a valid frame",
}


def processes_of(agent):
    return [pid for pid, command in marked().items() if command.startswith(f"scr: {agent} #")]


def test_a_start_that_fails_in_any_way_is_told_with_its_reason_and_leaves_no_process_and_no_name(trio):
    """A fork that an agent left behind is killed before that is told, and gone a moment later."""
    for bad, told in FAILED_STARTS.items():
        with pytest.raises(StartFailed, match=told):
            trio.runtime.start_agent("bad", bad, start_timeout_s=0.5 if bad is Hangs else 20.0)
        if bad in {ForksAndExits, ForksLeavesItsSessionAndExits}:
            until(lambda: not processes_of("bad"))
        assert not processes_of("bad")
        with pytest.raises(UnknownAgent):
            trio.runtime.ask("bad", None)
    trio.runtime.start_agent("bad", echo)
    assert trio.runtime.ask("bad", "good now") == "good now"
    assert not trio.events("supervisor_gave_up")


# Agents that are up.


def ignores_sigterm(ctx, message):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctx.log("busy")
    time.sleep(600)


def forks_and_exits(ctx, message):
    if os.fork():
        os._exit(0)
    return "said by a fork"


def returns_from_a_fork(ctx, message):
    """The fork comes back from the handler before its parent does."""
    if forked := os.fork():
        os.waitpid(forked, 0)
        return "said by the agent"
    return "said by a fork"


def closes_its_descriptors_and_lives_on(ctx, message):
    os.closerange(0, 1 << 16)
    time.sleep(600)


def closes_its_descriptors_and_returns(ctx, message):
    os.closerange(0, 1 << 16)
    return "to nobody"


def kills_its_group(ctx, message):
    subprocess.Popen(["sleep", "600"])
    os.killpg(0, signal.SIGKILL)


def ends_its_group(ctx, message):
    os.killpg(0, signal.SIGTERM)
    time.sleep(600)


ENDS_BY_ITSELF = {
    forks_and_exits: ("error", "exit status 0 without an exit record"),
    closes_its_descriptors_and_lives_on: ("error", "it closed its channel and went on living"),
    closes_its_descriptors_and_returns: ("error", "exit status"),
    kills_its_group: ("killed", "SIGKILL"),
    ends_its_group: ("crashed", "SIGTERM"),
}


def test_an_agent_that_cannot_go_on_ends_with_its_reason_and_nobody_else_does(trio):
    for code, (reason, told) in ENDS_BY_ITSELF.items():
        name = code.__name__
        trio.runtime.start_agent(name, code, max_deliveries=1)
        with pytest.raises(TaskFailed, match=told):
            trio.runtime.ask(name, None)
        assert trio.until("agent_exited", agent=name).reason == reason
        assert trio.until("agent_up", count=2, agent=name).incarnation == 2


def test_a_fork_of_an_agent_cannot_speak_for_it(trio):
    trio.runtime.start_agent("forks", returns_from_a_fork)
    assert [trio.runtime.ask("forks", None) for _ in range(3)] == ["said by the agent"] * 3
    assert not trio.events("agent_exited", agent="forks")


def test_an_agent_that_ignores_sigterm_is_stopped_and_its_reason_is_killed(trio):
    trio.runtime.start_agent("deaf", ignores_sigterm, shutdown_s=0.2)
    pid = trio.pid("deaf")
    trio.runtime.send("deaf", None)
    trio.until("logged", agent="deaf")
    os.kill(pid, signal.SIGTERM)
    trio.runtime.stop_agent("deaf")
    assert not is_alive(pid)
    assert trio.until("agent_gone", agent="deaf").reason == "killed"


def test_what_an_agent_leaves_behind_ends_with_it_or_if_it_left_its_session_with_the_runtime(story):
    def leaves(ctx, message):
        stays = subprocess.Popen(["sleep", "600"])
        goes = subprocess.Popen(["sleep", "600"], start_new_session=True)
        ctx.log(f"{stays.pid} {goes.pid}")
        os._exit(1)

    story.runtime.start_agent("leaves", leaves, max_deliveries=1)
    with pytest.raises(TaskFailed):
        story.runtime.ask("leaves", None)
    stays, goes = map(int, story.until("logged", agent="leaves").text.split())
    until(lambda: not is_alive(stays))
    assert is_alive(goes)
    story.runtime.stop()
    assert not is_alive(goes)


def test_an_agent_that_is_stopped_by_a_signal_is_stopped_for_good_all_the_same(trio):
    trio.runtime.start_agent("frozen", echo, shutdown_s=0.2)
    pid = trio.pid("frozen")
    os.kill(pid, signal.SIGSTOP)
    trio.runtime.stop_agent("frozen")
    assert not is_alive(pid)
    assert trio.until("agent_gone", agent="frozen").reason == "killed"


def logs_escapes(ctx, message):
    for character in ("\0", "\ud800", "x"):
        ctx.log(character * 9000)
    ctx.reply("said")


def test_a_line_for_people_is_cut_after_its_escapes(story):
    story.runtime.start_agent("logs", logs_escapes, retry=scr.Retry(attempts=1))
    assert story.runtime.ask("logs", None) == "said"
    lines = [event.text for event in story.events("logged")]
    assert [line[:4] for line in lines] == ["\\x00", "\\ud8", "xxxx"]
