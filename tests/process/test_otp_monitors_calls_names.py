"""Rows of G11-G13 of the contract with real processes: monitors, calls, names.

A monitor, a call and a name are here of an agent over all its incarnations:
`down` is told when it has ended for good.
"""

import os
import signal
import time

import pytest
from pydantic import BaseModel

import scr
from scr.errors import AlreadyStarted, AskTimedOut, InvalidMessage, ScrError, UnknownAgent
from tests.conftest import until


def answers(ctx, message):
    return ctx.incarnation


def dies(ctx, message):
    os.kill(os.getpid(), signal.SIGKILL)


class Watcher(scr.Agent):
    """Does what it is told and keeps what it hears: downs, failures and late results."""

    class State(BaseModel):
        heard: list[str] = []

    def on_task(self, ctx, message):
        match message.payload.input:
            case ["heard"]:
                ctx.reply(self.state.heard)
                return
            case ["monitor", *agents]:
                for agent in agents:
                    ctx.monitor(agent)
            case ["demonitor", *agents]:
                for agent in agents:
                    ctx.demonitor(agent)
            case ["demonitor when it has ended", agent, flag]:
                while not os.path.exists(flag):
                    time.sleep(0.005)
                ctx.demonitor(agent)
            case ["stop", *agents]:
                for agent in agents:
                    ctx.stop_agent(agent)
            case ["start", *agents]:
                for agent in agents:
                    ctx.start_agent(agent, answers)
            case ["send", agent, count]:
                for n in range(count):
                    ctx.send(n, to=agent)
            case ["ask", agent, question, timeout_s]:
                try:
                    ctx.reply(ctx.ask(agent, question, timeout_s=timeout_s))
                except ScrError as error:
                    ctx.reply(f"{type(error).__name__}: {error}")
                return
        ctx.reply("done")

    def on_result(self, ctx, message):
        self.state.heard.append(f"late result {message.payload.output}")

    def on_message(self, ctx, message):
        if message.payload.agent != "client":  # who sent without waiting for the reply
            self.state.heard.append(f"{message.type} {message.payload.agent} {message.payload.reason}")


@pytest.fixture
def watched(story):
    """Two watchers and three agents to be watched."""
    for name in ("watcher-1", "watcher-2"):
        story.runtime.start_agent(name, Watcher)
    for name in ("one", "two", "three"):
        story.runtime.start_agent(name, answers, restart="temporary")
    return story


def tell(story, watcher, *words):
    return story.runtime.ask(watcher, list(words))


def heard(story, watcher):
    return tell(story, watcher, "heard")


def until_gone(story, agent):
    return story.until("agent_gone", agent=agent)


# G11: monitors.


def test_g11_01_02_03_whoever_monitors_hears_one_down_each_with_the_reason_and_of_nobody_at_once(watched):
    for watcher in ("watcher-1", "watcher-2"):
        tell(watched, watcher, "monitor", "one", "two")
    tell(watched, "watcher-1", "monitor", "one")
    os.kill(watched.pid("one"), signal.SIGKILL)
    until_gone(watched, "one")
    watched.runtime.stop_agent("two")
    tell(watched, "watcher-2", "monitor", "one", "nobody")
    both = ["down one killed", "down two shutdown"]
    assert heard(watched, "watcher-1") == both
    assert heard(watched, "watcher-2") == [*both, "down one unknown_agent", "down nobody unknown_agent"]


def test_g11_01_a_restart_is_no_end_and_giving_up_is_one(story):
    story.runtime.start_agent("watcher-1", Watcher)
    story.runtime.start_agent("mortal", answers, restart="transient")
    tell(story, "watcher-1", "monitor", "mortal")
    os.kill(story.pid("mortal"), signal.SIGKILL)
    assert story.runtime.ask("mortal", None) == 2
    assert heard(story, "watcher-1") == []
    story.runtime.stop_agent("mortal")
    assert heard(story, "watcher-1") == ["down mortal shutdown"]


def test_g11_04_no_down_after_a_monitor_was_taken_back_not_even_one_that_waits_already(watched, tmp_path):
    tell(watched, "watcher-1", "monitor", "one", "two", "three")
    tell(watched, "watcher-2", "monitor", "one", "two")
    tell(watched, "watcher-1", "demonitor", "one", "nobody")
    flag = tmp_path / "ended"
    watched.runtime.send("watcher-1", ["demonitor when it has ended", "two", str(flag)])
    for name in ("one", "two", "three"):
        watched.runtime.stop_agent(name)
    watched.until("message_accepted", count=2, type="down", to="watcher-1")
    flag.touch()
    assert heard(watched, "watcher-1") == ["down three shutdown"]
    assert heard(watched, "watcher-2") == ["down one shutdown", "down two shutdown"]
    assert watched.runtime.status().open_messages == 0


def test_g11_05_the_end_of_who_monitors_does_nothing_to_whom_it_monitors(watched):
    tell(watched, "watcher-1", "monitor", "one", "two")
    tell(watched, "watcher-2", "monitor", "one")
    os.kill(watched.pid("watcher-1"), signal.SIGKILL)
    assert watched.runtime.ask("one", None) == 1
    watched.runtime.stop_agent("watcher-1")
    assert [watched.runtime.ask(name, None) for name in ("one", "two", "three")] == [1, 1, 1]
    watched.runtime.stop_agent("one")
    assert heard(watched, "watcher-2") == ["down one shutdown"]


def test_g11_14_what_a_dead_agent_held_is_free_before_anyone_hears_of_it(story):
    """Whoever hears of the end starts an agent of that name at once, and is never refused."""

    class Reviver(scr.Agent):
        class State(BaseModel):
            revived: int = 0
            refused: list[str] = []

        def on_message(self, ctx, message):
            if message.type == "failure":
                self.state.refused.append(message.payload.detail)
                return
            self.state.revived += 1
            ctx.start_agent("phoenix", answers, restart="temporary")
            ctx.monitor("phoenix")

        def on_task(self, ctx, message):
            if message.payload.input == "begin":
                ctx.monitor("phoenix")
            ctx.reply([self.state.revived, self.state.refused])

    story.runtime.start_agent("reviver", Reviver)
    story.runtime.ask("reviver", "begin")
    for n in range(1, 11):
        story.until("agent_up", count=n, agent="phoenix")
        os.kill(story.pid("phoenix"), signal.SIGKILL)
    story.until("agent_up", count=11, agent="phoenix")
    assert story.runtime.ask("reviver", None) == [11, []]


def test_g11_15_messages_arrive_in_the_order_in_which_one_sender_sent_them_to_one_receiver(story):
    class Collector(scr.Agent):
        class State(BaseModel):
            seen: dict[str, list[int]] = {}

        def on_task(self, ctx, message):
            if message.sender == "client":
                ctx.reply(self.state.seen)
            else:
                self.state.seen.setdefault(message.sender, []).append(message.payload.input)

    story.runtime.start_agent("collector", Collector)
    senders = ("sender-1", "sender-2", "sender-3")
    for name in senders:
        story.runtime.start_agent(name, Watcher)
    for name in senders:
        story.runtime.send(name, ["send", "collector", 100])
    os.kill(story.pid("collector"), signal.SIGKILL)
    for name in senders:
        assert tell(story, name, "heard") == []
    story.until("turn_committed", count=300, agent="collector")
    assert story.runtime.ask("collector", None) == {name: list(range(100)) for name in senders}


# G12: calls.


def test_g12_01_02_06_a_call_is_answered_or_refused_at_once_when_there_is_nobody_or_oneself(watched):
    assert tell(watched, "watcher-1", "ask", "one", None, 600) == 1
    watched.runtime.stop_agent("two")
    for agent in ("nobody", "two"):
        assert tell(watched, "watcher-1", "ask", agent, None, 600).startswith("UnknownAgent")
        with pytest.raises(UnknownAgent, match=agent):
            watched.runtime.ask(agent, None, timeout_s=600)
    watched.runtime.stop_agent("memory")
    with pytest.raises(UnknownAgent, match="memory"):  # it is listed in the tree, and down
        watched.runtime.ask("memory", None, timeout_s=600)
    assert tell(watched, "watcher-1", "ask", "watcher-1", None, 600).startswith(InvalidMessage.__name__)


def test_g12_03_a_server_that_dies_during_the_call_fails_it_at_once(watched):
    """With ten minutes to wait: whether it dies of the call, of a signal or because somebody stops it."""
    watched.runtime.start_agent("mortal", dies, restart="temporary")
    assert tell(watched, "watcher-1", "ask", "mortal", None, 600).startswith("AgentParked: mortal is down (killed")
    watched.runtime.start_agent("poisoned", dies, max_deliveries=2)
    assert tell(watched, "watcher-1", "ask", "poisoned", None, 600).startswith(
        "TaskFailed: poisoned failed, and the process ended 2 times"
    )

    def sleeps(ctx, message):
        ctx.log("in hand")
        time.sleep(600)

    for n, end in enumerate((lambda name: os.kill(watched.pid(name), signal.SIGKILL), watched.runtime.stop_agent)):
        watched.runtime.start_agent(f"server-{n}", sleeps, restart="temporary", shutdown_s=0.1)
        watched.runtime.send("watcher-1", ["ask", f"server-{n}", None, 600])
        watched.until("logged", agent=f"server-{n}")
        end(f"server-{n}")
        assert tell(watched, "watcher-1", "heard") == []


def test_g12_04_05_08_a_call_that_takes_too_long_fails_it_is_carried_out_and_its_late_reply_is_dropped(
    watched, tmp_path
):
    class Slow(scr.Agent):
        class State(BaseModel):
            handled: list[str] = []

        def on_task(self, ctx, message):
            name, flag = message.payload.input
            while flag and not os.path.exists(flag):
                time.sleep(0.005)
            self.state.handled.append(name)
            ctx.reply(self.state.handled)

    watched.runtime.start_agent("slow", Slow)
    flag = str(tmp_path / "go")
    assert tell(watched, "watcher-1", "ask", "slow", ["first", flag], 0.2).startswith("AskTimedOut: slow did not")
    with pytest.raises(AskTimedOut):
        watched.runtime.ask("slow", ["second", flag], timeout_s=0.2)
    assert not watched.events("turn_committed", agent="slow")
    (tmp_path / "go").touch()
    assert tell(watched, "watcher-1", "ask", "slow", ["third", ""], 600) == ["first", "second", "third"]
    assert heard(watched, "watcher-1") == []
    assert not watched.events("message_delivered", agent="slow", deliveries=2)


def test_g12_07_a_send_to_nobody_is_no_error_to_the_handler_and_is_told_as_a_failure(watched):
    assert tell(watched, "watcher-1", "send", "nobody", 2) == "done"
    assert heard(watched, "watcher-1") == ["failure nobody unknown_agent"] * 2
    assert watched.runtime.send("nobody", 1)


def test_g12_09_an_answer_that_was_given_wins_over_the_end_of_who_gave_it(watched):
    def answers_and_ends(ctx, message):
        ctx.stop()
        return "my last word"

    for n in range(10):
        watched.runtime.start_agent(f"brief-{n}", answers_and_ends, restart="temporary")
        assert tell(watched, "watcher-1", "ask", f"brief-{n}", None, 600) == "my last word"
    assert watched.until("agent_gone", count=10, reason="normal")


# G13: names.


def test_g13_01_02_a_taken_name_is_refused_and_stays_with_its_owner(watched):
    pid = watched.pid("one")
    with pytest.raises(AlreadyStarted, match="'one' is running"):
        watched.runtime.start_agent("one", dies)
    with pytest.raises(AlreadyStarted, match="'memory' is running under 'memories'"):
        watched.runtime.start_agent("memory", dies)
    tell(watched, "watcher-1", "start", "one", "watcher-1", "watcher-2")
    refused = ["failure one refused", "failure watcher-1 refused", "failure watcher-2 refused"]
    assert heard(watched, "watcher-1") == refused
    assert (watched.runtime.ask("one", None), watched.pid("one")) == (1, pid)
    assert [len(watched.events("agent_up", agent=name)) for name in ("one", "watcher-1", "memory")] == [1, 1, 1]


def test_g13_03_08_a_name_never_leads_to_a_dead_agent_and_forgetting_an_unknown_one_is_no_error(watched):
    tell(watched, "watcher-1", "stop", "nobody", "two")
    until_gone(watched, "two")
    os.kill(watched.pid("one"), signal.SIGKILL)
    until_gone(watched, "one")
    for name in ("one", "two"):
        with pytest.raises(UnknownAgent):
            watched.runtime.ask(name, None, timeout_s=600)
        assert name not in {status.id for status in watched.runtime.status().agents}
        watched.runtime.start_agent(name, answers)
        assert watched.runtime.ask(name, None) == 2
    assert heard(watched, "watcher-1") == []


def test_g13_04_05_a_name_is_taken_before_its_process_is_there_and_free_once_its_start_has_failed(watched, tmp_path):
    class Undecided(scr.Agent):
        def on_start(self, ctx):
            while not (tmp_path / "go").exists():
                time.sleep(0.005)
            raise RuntimeError("decided against it")

    def starts(ctx, message):
        ctx.start_agent("undecided", Undecided)
        ctx.start_agent("undecided", answers)
        return "asked"

    watched.runtime.start_agent("starter", starts)
    assert watched.runtime.ask("starter", None) == "asked"
    (status,) = [status for status in watched.runtime.status().agents if status.id == "undecided"]
    assert status.phase == "starting"
    assert len(watched.events("agent_starting", agent="undecided")) == 1
    (tmp_path / "go").touch()
    watched.until("agent_up", agent="undecided")
    assert watched.runtime.ask("undecided", None) == 2


def test_g13_06_a_restarted_agent_has_its_name_its_mail_and_its_state(watched):
    class Counter(scr.Agent):
        class State(BaseModel):
            total: int = 0

        def on_task(self, ctx, message):
            self.state.total += 1
            ctx.reply([ctx.agent, self.state.total, ctx.incarnation])

    watched.runtime.start_agent("counter", Counter)
    for n in range(1, 8):
        assert watched.runtime.ask("counter", None) == ["counter", n, n]
        os.kill(watched.pid("counter"), signal.SIGKILL)


def test_g13_10_agents_that_monitor_each_other_and_themselves_may_end_together(story):
    names = ("a", "b", "c")
    for name in names:
        story.runtime.start_agent(name, Watcher, restart="temporary")
    story.runtime.start_agent("outsider", Watcher)
    for name in (*names, "outsider"):
        tell(story, name, "monitor", *names)
    for pid in [story.pid(name) for name in names]:
        os.kill(pid, signal.SIGKILL)
    for name in names:
        until_gone(story, name)
    assert sorted(heard(story, "outsider")) == ["down a killed", "down b killed", "down c killed"]
    for name in names:
        story.runtime.start_agent(name, Watcher)
        assert set(heard(story, name)) <= {f"down {other} killed" for other in names}, "news that waited for it"
    until(lambda: story.runtime.status().open_messages == 0)
