"""Runs that outlive their runtime and their program, with processes that are really killed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import BaseModel

import scr
from scr.errors import RunOwned, RuntimeGone, StoreForeign
from tests.conftest import marked, until
from tests.process.conftest import Story


class Counter(scr.Agent):
    class State(BaseModel):
        total: int = 0

    def on_task(self, ctx, message):
        self.state.total += message.payload.input
        ctx.reply({"total": self.state.total, "incarnation": ctx.incarnation, "deliveries": ctx.deliveries})


def slow(ctx, message):
    """Two steps, each counted in a file outside; the second waits until it may end."""
    folder = Path(message.payload.input)

    def count(name):
        with (folder / name).open("a") as file:
            file.write("x")
        return name

    ctx.step("first", count, "first")
    ctx.progress()
    (folder / "at-second").touch()
    until((folder / "go").exists)
    ctx.step("second", count, "second")
    return {"deliveries": ctx.deliveries}


def asks_slow(ctx, message):
    return {"slow": ctx.ask("slow", message.payload.input), "deliveries": ctx.deliveries}


class Watcher(scr.Agent):
    class State(BaseModel):
        heard: list[str] = []

    def on_task(self, ctx, message):
        match message.payload.input:
            case "watch":
                ctx.monitor("mortal")
                ctx.send_after(0.2, "ring", to=ctx.agent)
                ctx.reply("watching")
            case "heard":
                ctx.reply(self.state.heard)
            case said:
                self.state.heard.append(said)

    def on_message(self, ctx, message):
        self.state.heard.append(f"{message.payload.agent} {message.type}")


class Parent(scr.Agent):
    def on_task(self, ctx, message):
        ctx.start_agent("child", Counter, under="agents")
        ctx.reply("started")


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.sqlite"


@pytest.fixture
def kept(url):
    told = Story(store=url)
    with told.runtime:
        yield told


def kill_runtime(story):
    """SIGKILL it, and wait until the next one runs."""
    before = len(story.events("runtime_up"))
    os.kill(story.runtime.pid, signal.SIGKILL)
    story.until("runtime_up", count=before + 1)
    story.runtime.wait_ready()


def in_background(call, *args, **kwargs):
    """Its result, some day."""
    told = []
    threading.Thread(target=lambda: told.append(call(*args, **kwargs)), daemon=True).start()
    return told


def refused(runtime, *question):
    """The name of the error that an ask ends with."""
    with pytest.raises(scr.ScrError) as error:
        runtime.ask(*question)
    return type(error.value).__name__


def test_the_keeper_starts_a_killed_runtime_again_and_who_asked_gets_the_answer(kept, tmp_path):
    kept.runtime.start_agent("slow", slow)
    for n in range(3):
        kept.runtime.start_agent(f"counter-{n}", Counter)
        assert kept.runtime.ask(f"counter-{n}", n)["total"] == n
    answer = in_background(kept.runtime.ask, "slow", str(tmp_path))
    until((tmp_path / "at-second").exists)
    kill_runtime(kept)
    (tmp_path / "go").touch()
    until(lambda: answer)
    assert answer == [{"deliveries": 2}]
    assert [(tmp_path / name).read_text() for name in ("first", "second")] == ["x", "x"]
    totals = [kept.runtime.ask(f"counter-{n}", 10) for n in range(3)]
    assert [total["total"] for total in totals] == [10, 11, 12]
    assert [total["incarnation"] for total in totals] == [2, 2, 2]
    assert kept.runtime.status().store.state == "ok"


def test_an_answer_that_comes_after_the_runtime_was_lost_is_a_step_of_who_had_asked(kept, tmp_path):
    kept.runtime.start_agent("slow", slow)
    kept.runtime.start_agent("asks", asks_slow)
    answer = in_background(kept.runtime.ask, "asks", str(tmp_path))
    until((tmp_path / "at-second").exists)
    kill_runtime(kept)
    (tmp_path / "go").touch()
    until(lambda: answer)
    assert answer == [{"slow": {"deliveries": 2}, "deliveries": 2}]
    assert (tmp_path / "first").read_text() == "x"


def test_monitors_timers_and_agents_that_agents_started_outlive_the_runtime(kept):
    kept.runtime.start_agent("watcher", Watcher)
    kept.runtime.start_agent("mortal", Counter)
    kept.runtime.start_agent("parent", Parent)
    assert kept.runtime.ask("parent", "go") == "started"
    assert kept.runtime.ask("child", 5)["total"] == 5
    assert kept.runtime.ask("watcher", "watch") == "watching"
    kill_runtime(kept)
    assert kept.runtime.ask("child", 1)["total"] == 6
    kept.runtime.stop_agent("mortal")
    until(lambda: sorted(kept.runtime.ask("watcher", "heard")) == ["mortal down", "ring"])


def test_a_runtime_that_dies_again_and_again_is_given_up_and_its_run_is_kept(kept, url):
    kept.runtime.start_agent("counter", Counter)
    assert kept.runtime.ask("counter", 7)["total"] == 7
    for _ in range(3):
        kill_runtime(kept)
    os.kill(kept.runtime.pid, signal.SIGKILL)
    assert kept.runtime.wait_end(20)
    with pytest.raises(RuntimeGone, match="died 4 times"):
        kept.runtime.ask("counter", 1)
    with scr.Runtime(store=url, run=kept.runtime.run) as again:
        assert again.ask("counter", 1)["total"] == 8


PROGRAM = """
import sys, scr
from tests.process.test_durability import slow
url, folder = sys.argv[1:]
with scr.Runtime(store=url, run="r1") as runtime:
    runtime.start_agent("slow", slow)
    print(runtime.ask("slow", folder, key="one"), flush=True)
"""


def test_a_killed_program_leaves_no_process_and_the_next_one_goes_on(url, tmp_path):
    program = [sys.executable, "-c", PROGRAM, url, str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as first:
        until((tmp_path / "at-second").exists)
        first.kill()
    until(lambda: not marked())
    (tmp_path / "go").touch()
    second = subprocess.run(program, stdout=subprocess.PIPE, check=True, timeout=60)
    assert second.stdout == b"{'deliveries': 2}\n"
    third = subprocess.run(program, stdout=subprocess.PIPE, check=True, timeout=60)
    assert third.stdout == second.stdout, "an answer that is kept is given again"
    assert [(tmp_path / name).read_text() for name in ("first", "second")] == ["x", "x"]


class Polite(scr.Agent):
    class State(BaseModel):
        greeted: int = 0

    def on_start(self, ctx):
        until(Path(self.options["gate"]).exists)

    def on_task(self, ctx, message):
        self.state.greeted += 1
        ctx.reply([self.options["word"], self.state.greeted, ctx.incarnation])


def test_an_agent_is_as_the_program_that_goes_on_specifies_it_with_the_state_that_it_had(url, tmp_path):
    gate, said = tmp_path / "gate", []
    for word, is_up_first in (("hello", True), ("salve", True), ("ciao", False), ("ciao", True)):
        gate.touch()
        if not is_up_first:
            gate.unlink()
        with scr.Runtime(store=url, run="polite") as runtime:
            if is_up_first and said:
                until(
                    lambda runtime=runtime: any(a.id == "polite" and a.phase == "up" for a in runtime.status().agents)
                )
            started = in_background(
                runtime.start_agent, "polite", Polite, options={"word": word, "gate": str(gate)}, deadline_s=9.0
            )
            if not is_up_first:
                until(lambda runtime=runtime: any(a.phase == "starting" for a in runtime.status().agents))
                gate.touch()
            until(lambda started=started: started)
            said.append(runtime.ask("polite", None))
    assert said == [["hello", 1, 1], ["salve", 2, 3], ["ciao", 3, 5], ["ciao", 4, 6]], "none is replaced without need"


def test_two_runtimes_never_work_on_one_run(kept, url):
    owner = rf"the runtime '{kept.runtime.id}' \(pid {kept.runtime.pid}\) works on the run"
    with pytest.raises(RunOwned, match=owner), scr.Runtime(store=url, run=kept.runtime.run):
        pass
    assert kept.runtime.status().run == kept.runtime.run


def test_an_owner_that_was_frozen_beyond_its_lease_writes_nothing_and_ends_itself(url, tmp_path):
    frozen = Story(store=url, lease_s=0.5)
    with frozen.runtime as first:
        first.start_agent("slow", slow)
        answer = in_background(refused, first, "slow", str(tmp_path))
        until((tmp_path / "at-second").exists)
        os.kill(first.pid, signal.SIGSTOP)
        (tmp_path / "go").touch()

        def taken():
            try:
                with scr.Runtime(store=url, run=first.run) as second:
                    return second.ask("slow", str(tmp_path), key="again")
            except RunOwned:
                return None

        until(taken)
        os.kill(first.pid, signal.SIGCONT)
        until(lambda: answer)
    assert answer == ["LeaseLost"]


def test_a_file_of_another_program_is_refused_with_a_sentence_and_left_alone(tmp_path):
    other = tmp_path / "other.sqlite"
    other.write_bytes(b"not a database, but somebody's work" * 100)
    with pytest.raises(StoreForeign, match=r"other\.sqlite"), scr.Runtime(store=f"sqlite:///{other}"):
        pass
    assert other.read_bytes() == b"not a database, but somebody's work" * 100


class Fragile(Counter):
    """Counts, until it finds the file that says that it cannot."""

    def on_task(self, ctx, message):
        assert not Path(self.options["broken"]).exists()
        super().on_task(ctx, message)


def test_a_tree_that_gives_up_leaves_a_run_that_goes_on_with_every_state_and_all_mail(url, tmp_path):
    broken = tmp_path / "broken"
    code = scr.Code(reference="tests.process.test_durability:Fragile")
    agents = [
        scr.AgentSpec(id=f"fragile-{n}", code=code, options={"broken": str(broken)}, max_deliveries=99)
        for n in (1, 2, 3)
    ]
    tree = scr.SupervisorSpec(id="root", strategy="one_for_one", max_restarts=2, within_s=60, children=agents)
    with scr.Runtime(tree, store=url, run="fragile") as runtime:
        assert [runtime.ask(f"fragile-{n}", n)["total"] for n in (1, 2, 3)] == [1, 2, 3]
        broken.touch()
        runtime.submit("fragile-1", 10, key="held")
        assert runtime.wait_end(20)
    broken.unlink()
    with scr.Runtime(tree, store=url, run="fragile") as runtime:
        assert runtime.attach("held").result(20)["total"] == 11
        assert [runtime.ask(f"fragile-{n}", 0)["total"] for n in (2, 3)] == [2, 3]


class Unlucky(Counter):
    """Is killed in its start, once for each time that somebody has put the file there."""

    def on_start(self, ctx):
        if Path(self.options["unlucky"]).exists():
            Path(self.options["unlucky"]).unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_runtime_that_is_started_again_and_loses_a_process_in_its_start_is_started_once_more(url, tmp_path):
    unlucky = tmp_path / "unlucky"
    code = scr.Code(reference="tests.process.test_durability:Unlucky")
    agents = [scr.AgentSpec(id=f"unlucky-{n}", code=code, options={"unlucky": str(unlucky)}) for n in (1, 2, 3)]
    story = Story(scr.SupervisorSpec(id="root", strategy="one_for_one", children=agents), store=url)
    with story.runtime as runtime:
        assert [runtime.ask(f"unlucky-{n}", n)["total"] for n in (1, 2, 3)] == [1, 2, 3]
        unlucky.touch()
        os.kill(runtime.pid, signal.SIGKILL)
        story.until("runtime_up", count=3)
        assert [runtime.ask(f"unlucky-{n}", 10)["total"] for n in (1, 2, 3)] == [11, 12, 13]
    assert story.events("runtime_down")[0].reason == "start_failed"
