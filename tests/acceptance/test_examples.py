"""Each program of `scr/examples` prints what it says, run as a user runs it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCR = Path(__file__).parents[2] / "scr"
EXAMPLES = SCR / "examples"
SHOWN = {
    name: shown.splitlines()
    for page in (SCR / "docs" / "guides").glob("*.md")
    for name, shown in re.findall(r"\$ python -m scr\.examples\.(\w+)\n(.*?)```", page.read_text(), re.DOTALL)
}
TUTORIAL = re.findall(r"```python\n(.*?)```", (SCR / "docs" / "tutorial.md").read_text(), re.DOTALL)
PRINTED = {
    "counter": ["total 1, from process 1", "total 2, from process 2", "total 3, from process 2"],
    "monitors": ["fragile is down: killed"],
    "parking": [
        *["failed: KeyError"] * 5,
        (
            "parked: greeter is parked (5 messages in a row became dead letters; the last error: KeyError: 'fr'); its "
            "mail waits; `scr restart greeter`, Runtime.restart_agent or new code takes it up"
        ),
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


def run(program, folder):
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE, text=True, check=True, timeout=50
    ).stdout.splitlines()


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


@pytest.mark.parametrize("name", SHOWN)
def test_a_guide_shows_what_its_example_prints(name):
    on_stdout = [
        line for line in SHOWN[name] if not re.match(r"(agent|task) .*(died|failed in|is a dead letter)", line)
    ]
    assert on_stdout == PRINTED[name]


def test_most_guides_have_an_example():
    assert set(SHOWN) >= {"retries", "payments", "pool", "timers", "streaming", "upgrade"}


def test_the_tutorials_function_and_counter_answer(tmp_path):
    hello, counter, _ = TUTORIAL
    greeting, own = run(hello, tmp_path)
    assert re.fullmatch(r"hello Ada from process \d+", greeting)
    assert greeting.split()[-1] != own.split()[-1]
    answers = [line.split(", from process ") for line in run(counter, tmp_path)]
    assert [total for total, _ in answers] == ["1", "2", "3"]
    assert answers[0][1] != answers[1][1] == answers[2][1]


def test_the_tutorials_killed_program_continues_and_repeats_no_recorded_step(tmp_path):
    program = TUTORIAL[2].replace("time.sleep(1)", "time.sleep(0.1); open(f'step-{n}', 'a').write('x')")
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as first:
        while first.stdout.readline() != "3 squared, 14 so far\n":
            assert first.poll() is None
        first.kill()
    assert run(program, tmp_path)[-1] == "the sum is 140"
    assert run(program, tmp_path) == ["the sum is 140"]
    assert [len((tmp_path / f"step-{n}").read_text()) for n in range(4)] == [1] * 4
