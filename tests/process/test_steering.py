"""A runtime seen and steered over its socket, by its owner and by others."""

import os
import signal
import stat
import threading
import time

import pytest
from pydantic import BaseModel

import scr
from scr.client.connect import connect
from scr.errors import AgentError, InvalidInput, RuntimeGone, ScrError, StartFailed, UnknownAgent
from scr.protocol.socket_dir import CONTROL, scratch_root
from tests.conftest import until


class Counter(scr.Agent):
    class State(BaseModel):
        total: int = 0

    def on_task(self, ctx, message):
        if message.payload.input == "wait":
            time.sleep(0.5)
            return
        self.state.total += message.payload.input
        ctx.reply({"total": self.state.total, "incarnation": ctx.incarnation})


def sleeps_here(ctx, message):
    ctx.log("here")
    time.sleep(message.payload.input)


@pytest.fixture
def trio(story):
    for name in ("one", "two", "three"):
        story.runtime.start_agent(name, Counter)
    return story


@pytest.fixture
def guest(trio):
    """Somebody else's connection to the same runtime."""
    with connect(trio.runtime.id) as client:
        yield client


def status_of(client, agent):
    return next(status for status in client.status().agents if status.id == agent)


def test_a_restart_by_hand_keeps_state_and_mailbox_and_is_not_counted(trio, guest):
    trio.runtime.ask("two", 5)
    trio.runtime.send("two", "wait")
    for n in (1, 2, 3):
        trio.runtime.send("two", n)
    guest.restart_agent("two")
    assert trio.runtime.ask("two", 0) == {"total": 11, "incarnation": 2}
    status = status_of(guest, "two")
    assert (status.incarnation, status.restarts, status.max_restarts) == (2, 0, 20)
    assert not trio.events("agent_gone", agent="two")
    assert not trio.events("message_buried", to="two")
    assert [trio.runtime.ask(name, 0)["incarnation"] for name in ("one", "three")] == [1, 1]


def test_agents_of_every_kind_are_restarted_by_hand(trio, guest):
    for restart in ("permanent", "transient", "temporary"):
        trio.runtime.start_agent(restart, Counter, restart=restart)
        guest.restart_agent(restart)
        assert trio.runtime.ask(restart, 1) == {"total": 1, "incarnation": 2}


def test_a_parked_agent_is_started_by_hand(story):
    story.runtime.start_agent("weak", lambda ctx, message: os.abort(), on_error="crash", park=True, max_deliveries=1000)
    story.runtime.send("weak", None)
    until(lambda: status_of(story.runtime, "weak").phase == "parked", limit_s=30)
    assert (status_of(story.runtime, "weak").parks, status_of(story.runtime, "weak").pid) == (True, None)
    assert "SIGABRT" in status_of(story.runtime, "weak").end
    story.runtime.restart_agent("weak")
    assert story.events("agent_up", agent="weak")[-1].incarnation > 20


def test_a_restart_whose_start_fails_for_good_is_told(trio, tmp_path):
    class Moody(scr.Agent):
        def on_start(self, ctx):
            if (tmp_path / "no").exists():
                raise RuntimeError("not today")

    trio.runtime.start_agent("moody", Moody, restart="temporary")
    (tmp_path / "no").touch()
    with pytest.raises(StartFailed, match="not today"):
        trio.runtime.restart_agent("moody")


def test_a_second_client_sees_the_same_as_the_owner(trio, guest):
    os.kill(trio.pid("two"), signal.SIGKILL)
    trio.until("agent_up", agent="two", count=2)

    def timeless(status):
        return {key: value for key, value in status if not (key.endswith("_s") and key != "within_s")}

    ours, theirs = trio.runtime.status(), guest.status()
    assert [timeless(one) for one in ours.agents] == [timeless(one) for one in theirs.agents]
    assert (ours.runtime, ours.pid, ours.crashes) == (theirs.runtime, theirs.pid, theirs.crashes)
    assert ours.crashes == 1
    assert trio.runtime.crashes() == guest.crashes()


def test_the_status_tells_everything_about_an_agent_at_work(trio, guest):
    trio.runtime.start_agent("sleeper", sleeps_here)
    message_id = trio.runtime.send("sleeper", 60)
    for _ in range(2):
        trio.runtime.send("sleeper", 60)
    trio.until("message_delivered", agent="sleeper")
    status = status_of(guest, "sleeper")
    assert (status.type, status.phase, status.supervisor, status.code) == ("agent", "up", "agents", "sleeps_here")
    assert (status.in_hand, status.in_hand_type, status.mailbox, status.deliveries) == (message_id, "task", 3, 1)
    assert 0 <= status.in_hand_s <= status.uptime_s
    assert 0 <= status.progress_s <= status.uptime_s
    assert (status.restarts, status.max_restarts, status.within_s) == (0, 20, 10.0)
    idle = status_of(guest, "one")
    assert (idle.in_hand, idle.in_hand_s, idle.mailbox, idle.deliveries) == (None, None, 0, 0)
    helpers = guest.status().helpers
    assert os.path.exists(f"/proc/{helpers['zygote']}")
    assert until(lambda: guest.status().helpers["standbys"] == 2)


def test_a_heartbeat_ages_while_a_process_is_stopped_and_is_fresh_again_when_it_goes_on(trio, guest):
    guest.signal_agent("two", signal.SIGSTOP)
    until(lambda: status_of(guest, "two").beat_s > 0.2 > status_of(guest, "one").beat_s)
    guest.signal_agent("two", signal.SIGCONT)
    until(lambda: status_of(guest, "two").beat_s < 0.2)
    assert trio.runtime.ask("two", 1)["incarnation"] == 1


def test_supervisors_come_before_those_below_them_with_their_own_limits(trio, guest):
    os.kill(trio.pid("two"), signal.SIGKILL)
    trio.until("agent_up", agent="two", count=2)
    agents = guest.status().agents
    assert [status.id for status in agents] == ["root", "memories", "table", "memory", "agents", "one", "two", "three"]
    limits = {status.id: (status.restarts, status.max_restarts) for status in agents}
    assert (limits["root"], limits["agents"], limits["table"]) == ((0, 20), (0, 20), (0, 20))
    assert (limits["one"], limits["two"]) == ((0, 20), (1, 20)), "an agent that parks has a limit of its own"


def test_the_stack_of_an_agent_shows_where_it_stands_and_it_goes_on(trio, guest):
    trio.runtime.start_agent("sleeper", sleeps_here)
    trio.runtime.send("sleeper", 60)
    trio.until("logged", agent="sleeper")
    for _ in range(2):
        stack = guest.stack("sleeper")
        assert stack.count("in sleeps_here") == 1
    assert "in next" in guest.stack("one") or "in receive" in guest.stack("one")
    assert trio.runtime.ask("one", 1)["incarnation"] == 1
    assert status_of(guest, "sleeper").incarnation == 1


def test_one_that_is_stopped_cannot_say_where_it_stands_and_what_to_do_is_told(trio, guest):
    guest.signal_agent("two", signal.SIGSTOP)
    with pytest.raises(AgentError, match=r"two is stopped.*--signal CONT"):
        guest.stack("two")
    guest.signal_agent("two", signal.SIGCONT)
    assert trio.runtime.ask("two", 1)["incarnation"] == 1


def test_what_is_unknown_or_has_no_process_is_told_by_name(trio, guest):
    for verb in (guest.stack, guest.restart_agent, lambda agent: guest.signal_agent(agent, signal.SIGCONT)):
        with pytest.raises(UnknownAgent, match="'nobody'"):
            verb("nobody")
    for verb in (guest.stack, lambda agent: guest.signal_agent(agent, signal.SIGCONT)):
        with pytest.raises(AgentError, match="'agents' is a supervisor and has no process"):
            verb("agents")


def test_who_subscribes_to_one_agent_hears_of_no_other(trio):
    heard, done = [], threading.Event()

    def hear(record):
        heard.append(record.event)
        if record.event.kind == "turn_committed":
            done.set()

    with connect(trio.runtime.id, hear) as guest:
        guest.subscribe(agent="two")
        for name in ("one", "two", "three"):
            guest.ask(name, 1)
        assert done.wait(20)
    assert {event.agent for event in heard} == {"two"}
    assert [event.kind for event in heard][:2] == ["agent_starting", "agent_up"]


def test_the_socket_is_for_its_user_alone(trio):
    path = scratch_root() / trio.runtime.id
    assert stat.S_IMODE((path / CONTROL).stat().st_mode) == 0o600
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_client_that_hangs_up_harms_nobody(trio):
    for _ in range(3):
        with connect(trio.runtime.id) as guest:
            guest.status()
    assert trio.runtime.ask("one", 1)["incarnation"] == 1
    with pytest.raises(RuntimeGone):
        guest.status()


def test_a_guest_may_stop_the_runtime_and_everybody_is_told(trio, guest):
    pids = [status.pid for status in guest.status().agents if status.pid]
    guest.shut_down("a guest wants it")
    assert guest.wait_end(20)
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
    with pytest.raises(RuntimeGone):
        trio.runtime.ask("one", 1)
    assert trio.until("runtime_down").reason == "a guest wants it"


def test_a_runtime_that_is_not_there_is_told_with_those_that_are(trio):
    with pytest.raises(InvalidInput, match=f"there is no runtime 'r-none'; running: .*{trio.runtime.id}"):
        connect("r-none")


def test_among_several_runtimes_one_must_be_chosen_and_none_is_told(monkeypatch, tmp_path_factory):
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(short := tmp_path_factory.mktemp("t")))
    assert len(str(short)) < 70, "the path of a Unix socket is short"
    with pytest.raises(InvalidInput, match="no runtime of yours is running"):
        connect()
    with scr.Runtime() as first:
        with connect() as guest:
            assert guest.status().runtime == first.id
        (scratch_root() / "r-left").mkdir()
        (scratch_root() / "r-left" / CONTROL).touch()
        with connect() as guest:
            assert guest.status().runtime == first.id
        with scr.Runtime() as second:
            with pytest.raises(InvalidInput, match=r"2 runtimes are running: .*choose one with --runtime") as caught:
                connect()
            assert first.id in str(caught.value)
            assert second.id in str(caught.value)
            with connect(second.id) as guest:
                assert guest.status().runtime == second.id


def test_every_refusal_is_an_error_of_scr(trio, guest):
    with pytest.raises(ScrError):
        guest.restart_agent("root")


def test_a_wrong_name_is_answered_with_the_name_that_may_be_meant(story):
    story.runtime.start_agent("worker", sleeps_here)
    verbs = [
        lambda name: story.runtime.ask(name, None),
        lambda name: story.runtime.signal_agent(name, signal.SIGCONT),
        story.runtime.stop_agent,
        story.runtime.restart_agent,
    ]
    for verb in verbs:
        with pytest.raises(UnknownAgent, match=r"there is no agent 'wroker'; did you mean 'worker'\? \(see `scr ps`\)"):
            verb("wroker")
