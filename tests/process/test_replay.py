"""Runs that have really happened, played again: by their own code, by changed code, and by code that does not end."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from scr.client.runtime import Runtime
from scr.config import Settings
from scr.errors import UnknownAgent, UnknownRun
from scr.replay.replay import replay
from scr.specs import Code
from tests.conftest import marked, until

TEAM = """
import os, signal, time
from pathlib import Path
from pydantic import BaseModel
import scr


def fetch(path):
    with Path(path).open("a") as file:
        file.write("fetched\\n")
    return {"price": 7}


async def fetch_slowly(path):
    return fetch(path)


async def seen(ctx, wanted):
    while ctx.recall("best") != wanted:
        time.sleep(0.005)


class Counter(scr.Agent):
    class State(BaseModel):
        total: int = 0

    def on_task(self, ctx, message):
        if message.payload.input == "die" and ctx.deliveries == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        self.state.total += 1
        ctx.monitor("keeper")
        ctx.reply({"total": self.state.total, "incarnation": ctx.incarnation, "deliveries": ctx.deliveries})


class Asker(scr.Agent):
    async def on_task(self, ctx, message):
        price = await ctx.step_async("fetch", fetch_slowly, message.payload.input)
        total = await ctx.ask_async("counter", "count")
        before = await ctx.ask_async("keeper", total)
        await ctx.step_async("see", seen, ctx, total)
        ctx.reply([price, total, before, ctx.recall("best")])


class Keeper(scr.Agent):
    def on_task(self, ctx, message):
        before = ctx.recall("best", "none")
        ctx.remember("best", message.payload.input)
        ctx.send_after(600, "later", to="keeper")
        ctx.reply(before)


def hangs(ctx, message):
    time.sleep(600)
"""
CHANGED = {
    "self.state.total += 1": "self.state.total += 2",
    'total = await ctx.ask_async("counter", "count")': 'total = await ctx.ask_async("counter", "count"); '
    'await ctx.step_async("again", fetch_slowly, message.payload.input)',
}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A run of three agents, one of which was killed in between; where it is, and what was really fetched."""
    folder = tmp_path_factory.mktemp("played")
    (folder / "replayed_team.py").write_text(TEAM)
    fetched = folder / "fetched"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        with Runtime(run="nightly", settings=Settings(store=f"sqlite:///{folder}/store.sqlite", standbys=1)) as runtime:
            for name in ("counter", "keeper", "asker"):
                code = Code(reference=f"replayed_team:{name.capitalize()}")
                runtime.start_agent(name, code)
            answers = [runtime.ask("asker", str(fetched)), runtime.ask("counter", "die")]
            answers.append(runtime.ask("asker", str(fetched)))
        first, second, third = (
            {"total": n, "incarnation": i, "deliveries": d} for n, i, d in ((1, 1, 1), (2, 2, 2), (3, 2, 1))
        )
        price = {"price": 7}
        assert answers == [[price, first, "none", first], second, [price, third, first, third]]
        yield folder
        assert fetched.read_text() == "fetched\nfetched\n"


def store_of(folder):
    return f"sqlite:///{folder}/store.sqlite"


def rows_of(folder):
    """All that is in the store."""
    with sqlite3.connect(folder / "store.sqlite") as database:
        rows = list(database.iterdump())
    database.close()
    return rows


def scr(folder, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "scr", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"SCR_STORE": store_of(folder)},
    )


def test_a_run_that_is_played_again_goes_as_it_went_and_leaves_the_store_as_it_was(played):
    before = rows_of(played)
    heard = []
    found = replay(store_of(played), "nightly", told=heard.append)
    assert found.is_same, found
    assert [(part.agent, part.turns, part.played) for part in found.parts] == [
        ("counter", 3, 3),
        ("keeper", 2, 2),
        ("asker", 2, 2),
    ]
    assert (found.turns, found.left_out) == (7, ("memory", "table"))
    assert [part.played for part in heard] == [1, 2, 3, 1, 2, 1, 2]
    assert rows_of(played) == before


def test_modules_beside_a_program_with_names_of_the_standard_librarys_are_not_played(played, tmp_path, monkeypatch):
    for name in ("queue", "random", "token", "typing", "logging", "asyncio"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write({name!r})")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    before = os.environ.get("PYTHONSAFEPATH"), list(sys.path)
    assert replay(store_of(played), "nightly", agent="counter").is_same
    assert (os.environ.get("PYTHONSAFEPATH"), sys.path) == before
    assert not (tmp_path / "executed").exists()


def test_code_that_has_changed_is_found_where_it_diverges_and_one_divergence_hides_no_other(played, tmp_path):
    changed = TEAM
    for old, new in CHANGED.items():
        assert old in changed
        changed = changed.replace(old, new)
    (tmp_path / "replayed_team.py").write_text(changed)
    process = scr(tmp_path, "replay", "night", "--store", store_of(played), "--json")
    out, err = process.communicate(timeout=50)
    assert (process.returncode, err) == (3, "")
    found = json.loads(out)
    assert (found["status"], found["is_same"], found["turns"]) == ("partial", False, 7)
    agents = {part["agent"]: part for part in found["agents"]}
    assert [part["is_same"] for part in agents.values()] == [False, True, False]
    totals = [
        {difference["field"]: (difference["recorded"], difference["replayed"]) for difference in turn["differences"]}
        for turn in agents["counter"]["divergences"]
    ]
    assert totals == [
        {"state.total": (str(n), str(n + 1)), "sends[0].payload.output.total": (str(n), str(n + 1))} for n in (1, 2, 3)
    ]
    assert len(agents["asker"]["divergences"]) == 2
    assert all("came to step 'again'" in turn["why"] for turn in agents["asker"]["divergences"])


def test_a_step_that_is_called_with_something_else_is_told_as_that(played, tmp_path):
    changed = TEAM.replace("fetch_slowly, message.payload.input)", "fetch_slowly, message.payload.input + '-other')")
    (tmp_path / "replayed_team.py").write_text(changed)
    process = scr(tmp_path, "replay", "night", "--agent", "asker", "--store", store_of(played))
    out, err = process.communicate(timeout=50)
    assert (process.returncode, err) == (3, "")
    assert "came to step 'fetch', with other arguments than the run had recorded" in out


def test_a_turn_that_does_not_end_is_given_up_and_told_in_words(played):
    process = scr(
        played, "replay", "night", "--agent", "keeper", "--code", "keeper=replayed_team:hangs", "--turn", "0.3"
    )
    out, err = process.communicate(timeout=50)
    assert (process.returncode, err) == (3, "")
    assert "keeper: 2 turns, 2 diverged" in out
    assert "nothing came of it within 0.3 s" in out
    assert out.splitlines()[-1] == "2 turns of 1 agent replayed, 2 otherwise than the run has it"


def test_ctrl_c_ends_a_replay_and_all_that_it_started(played):
    before = set(marked())
    process = scr(played, "replay", "night", "--agent", "keeper", "--code", "keeper=replayed_team:hangs")
    until(lambda: any("scr: keeper" in title for pid, title in marked().items() if pid not in before))
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=50)
    assert (process.returncode, out) == (130, "")
    until(lambda: not set(marked()) - before)


def test_what_there_is_not_is_named(played):
    with pytest.raises(UnknownRun, match="no run 'other'"):
        replay(store_of(played), "other")
    with pytest.raises(UnknownAgent, match="'conter' that can be replayed; did you mean 'counter'"):
        replay(store_of(played), "nightly", agent="conter")
    with pytest.raises(UnknownAgent, match="'memory'"):
        replay(store_of(played), "nightly", agent="memory")


def test_a_run_of_research_is_played_again_as_it_went(tmp_path):
    process = scr(tmp_path, "demo", "--workers", "2", "--json")
    out, _ = process.communicate(timeout=50)
    found = replay(store_of(tmp_path), json.loads(out)["run_id"])
    assert found.is_same, found
    assert {part.agent for part in found.parts} >= {"planner", "critic", "worker-1"}
    assert found.left_out == ("memory", "table")
    assert not list(Path(tmp_path, ".scr").rglob("index.sqlite"))
