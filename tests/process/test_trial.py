"""Agents of a user's own under kills: `scr chaos`, and the pytest plugin."""

import json
import os
import re
import subprocess
import sys
import textwrap

import pytest

PAID_AGAIN = r"gave 1 undisturbed, and [2-9] under kills"
AGENTS = textwrap.dedent("""
    import time
    from pathlib import Path

    import scr

    FILE = Path(__file__).parent / "effects"


    def times(message_id):
        return FILE.read_text().split().count(message_id) if FILE.exists() else 0


    def pay(message_id):
        with FILE.open("a") as file:
            file.write(message_id + "\\n")
        return times(message_id)


    def find_out(message_id):
        return scr.Done(times(message_id)) if times(message_id) else scr.NotDone()


    def right(ctx, message):
        paid = ctx.step_once("pay", pay, ctx.message.message_id, reconcile=find_out)
        time.sleep(0.02)  # its work
        ctx.reply(paid)


    def wrong(ctx, message):
        paid = pay(ctx.message.message_id)
        time.sleep(0.02)
        ctx.reply(paid)
""")
TESTS = textwrap.dedent("""
    import pytest
    from agents import right, wrong


    def worked(runtime, code):
        runtime.start_agent("cashier", code)
        asked = [runtime.submit("cashier", {"n": n}) for n in range(2)]
        return [one.result(20) for one in asked]


    BODIES = []


    @pytest.mark.scr_chaos(kills=3, seed=7)
    def test_right(scr_runtime):
        BODIES.append(scr_runtime.run)
        assert worked(scr_runtime, right) == [1, 1]


    def test_its_body_ran_with_two_runtimes():
        assert BODIES == ["undisturbed", "killed"]


    @pytest.mark.scr_chaos(kills=3, seed=7)
    def test_wrong(scr_runtime):
        worked(scr_runtime, wrong)


    @pytest.mark.scr_chaos
    def test_without_a_runtime():
        pass


    def test_undisturbed(scr_runtime):
        assert worked(scr_runtime, wrong) == [1, 1]
        assert all(one.incarnation == 1 for one in scr_runtime.status().agents if one.id == "cashier")
""")


@pytest.fixture
def place(tmp_path):
    """A project of somebody's."""
    (tmp_path / "agents.py").write_text(AGENTS)
    return tmp_path


@pytest.fixture
def run(place):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=place,
            capture_output=True,
            text=True,
            timeout=50,
            env=os.environ | {"COLUMNS": "200"},
            check=False,
        )

    return run


def until_known(trial):
    """On a busy machine too few kills may land to say anything, and that is said: then it is tried again."""
    for _ in range(5):
        said = trial()
        if "unknown" not in said.stdout:
            break
    return said


@pytest.mark.parametrize(
    ("code", "exit_code", "verdict", "reason"),
    [
        ("right", 0, "valid", ""),
        ("wrong", 1, "invalid", PAID_AGAIN),
    ],
)
def test_the_command_tells_who_survives_kills_and_who_does_not(run, place, code, exit_code, verdict, reason):
    for stranger in ("pydantic", "typer", "queue"):  # none of them is what SCR imports
        (place / f"{stranger}.py").write_text("raise SystemExit('a stranger')")
    words = ("scr", "chaos", f"agents:{code}", "--task", '{"n": 1}', "--tasks", "2", "--kills", "3", "--seed", "7")
    said = until_known(lambda: run(*words, "--targets", "agent,table", "--json"))
    assert said.returncode == exit_code, said.stdout + said.stderr
    told = json.loads(said.stdout)
    assert told["verdict"] == verdict
    assert re.search(reason, " ".join(told["reasons"]))
    assert told["kills"]["landed"]["agent"] >= 1
    assert told["kills"]["in_turns"] >= 1
    assert told["repeat"].startswith("""scr chaos agents:""" + code + """ --task '{"n": 1}' --tasks 2 --kills 3""")


def test_the_plugin_runs_a_marked_body_twice_and_compares(run, place):
    (place / "test_shop.py").write_text(TESTS)
    words = ("pytest", "-q", "-p", "no:cacheprovider", "--strict-markers", "-W", "error", "test_shop.py")
    said = until_known(lambda: run(*words))
    assert "2 failed, 3 passed" in said.stdout, said.stdout
    assert re.search(r"invalid under [23] kills \(seed 7\)", said.stdout), said.stdout
    assert re.search(PAID_AGAIN, said.stdout)
    assert "needs the fixture scr_runtime" in said.stdout
