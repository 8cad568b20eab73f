"""The programs in the README do what it says of them."""

import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PROGRAMS = [block for block in BLOCKS if "with scr.Runtime" in block]
BEGIN = """
import logging, os, pathlib, signal, threading
import scr
ticked = threading.Event()
logging.getLogger("scr").setLevel("INFO")
log = logging.Handler()
log.emit = lambda record: "tidy: time to tidy up" in record.getMessage() and ticked.set()
logging.getLogger("scr").addHandler(log)
runtime = scr.Runtime(settings=scr.Settings(standbys=0))
runtime.start()
"""
BANK = """
class bank:
    receipt_of = staticmethod(lambda order: pathlib.Path(order).exists() and pathlib.Path(order).read_text())
def charge(order, amount):
    with open(order, "a") as book:
        book.write(f"{amount} paid")
    os.kill(os.getpid(), signal.SIGKILL)
runtime.start_agent("pay", pay)
print(runtime.ask("pay", ["order", 5]))
"""


def run(program, folder):
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE, text=True, check=True, timeout=50
    ).stdout


def test_a_killed_counter_counts_on(tmp_path):
    said = run(PROGRAMS[0], tmp_path)
    assert re.findall(r"'total': (\d)", said) == ["1", "2", "3"]
    first, second, third = re.findall(r"'pid': (\d+)", said)
    assert first != second == third


def test_a_handler_that_raises_is_tried_again(tmp_path):
    assert run(PROGRAMS[1], tmp_path) == "fetched https://example.org at try 3\n"


def test_a_killed_program_goes_on_and_what_is_done_is_done(tmp_path):
    noting = PROGRAMS[2].replace("time.sleep(0.2)", "time.sleep(0.2); open(f'step-{n}', 'a').write('x')")
    assert noting != PROGRAMS[2]
    with subprocess.Popen([sys.executable, "-c", noting], cwd=tmp_path) as program:
        while not (tmp_path / "step-2").exists():
            assert program.poll() is None
        program.kill()
    assert run(noting, tmp_path) == "30\n"
    counts = [len((tmp_path / f"step-{n}").read_text()) for n in range(5)]
    assert counts.count(1) >= 4, "at most the step that was under way is run again"
    assert run(noting, tmp_path) == "30\n"
    assert [len((tmp_path / f"step-{n}").read_text()) for n in range(5)] == counts


def part(words):
    """The one block that has these words in it."""
    (block,) = (block for block in BLOCKS if words in block)
    return block


def test_one_agent_asks_another_a_function_has_a_timer_and_a_payment_that_happened_is_found(tmp_path):
    often = part("def parse").replace("every_s=60", "every_s=0.1")
    program = f"{BEGIN}{often}{part('def look')}{BANK}assert ticked.wait(20)\nruntime.stop()"
    assert run(program, tmp_path) == "{'stored': ['one', 'two']}\n5 paid\n"
    assert (tmp_path / "order").read_text() == "5 paid"
