"""Each program of `scr/examples` prints what it says, run as a user runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "scr" / "examples"
PRINTED = {
    "counter": ["total 1, from process 1", "total 2, from process 2", "total 3, from process 2"],
    "monitors": ["fragile is down: killed"],
    "parking": [
        *["failed: KeyError"] * 5,
        "parked: greeter is parked (5 messages in a row became dead letters; the last error: KeyError: 'fr'); its mail "
        "waits; `scr restart greeter`, Runtime.restart_agent or new code takes it up",
        "hello Ada",
    ],
    "payments": ["receipt: order-7: 25 paid", "payments in the book: 1"],
    "pipeline": ["is 2, lost 2, no 2, turn 1, where 1, work 1"],
    "pool": ["[1, 4, 9, 16, 25]"],
    "resume": ["result 30", "done: 0 1 2 3 4"],
    "retries": ["fetched https://example.org at try 3", "ValueError after 1 try: no address was given"],
    "streaming": [
        *(f"delivery 1: {text}" for text in ("agents", "agents that", "agents that do")),
        *(f"delivery 2: {text}" for text in ("agents", "agents that", "agents that do", "agents that do not")),
        *(f"delivery 2: agents that do not lose{rest}" for rest in ("", " work")),
        "6 words",
    ],
    "timers": [
        "tick 1, seen by process 1",
        *(f"tick {number}, seen by process 2" for number in (2, 3, 4)),
    ],
    "upgrade": ["3 euros", "450 cents"],
}


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_what_it_says(name, tmp_path):
    command = [sys.executable, "-m", f"scr.examples.{name}"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)
    assert (ended.stdout.splitlines(), ended.returncode) == (PRINTED[name], 0), ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_every_example_is_run():
    assert {path.stem for path in EXAMPLES.glob("[!_]*.py")} == set(PRINTED)


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_fits_on_a_screen(name):
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) <= 60
