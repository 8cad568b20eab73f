"""The programs in the README and in the reference pages do what is said of them."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README, *REFERENCE = [
    re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    for page in (ROOT / "README.md", *sorted((ROOT / "scr" / "docs" / "reference").glob("*.md")))
]
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


def part(words, *pages):
    """The one block of these pages that has these words in it."""
    (block,) = {block for page in pages for block in page if words in block}
    return block


def test_a_killed_counter_counts_on(tmp_path):
    said = run(part("class Counter", README), tmp_path)
    assert re.findall(r"'total': (\d)", said) == ["1", "2", "3"]
    first, second, third = re.findall(r"'pid': (\d+)", said)
    assert first != second == third


def test_a_handler_that_raises_is_tried_again(tmp_path):
    assert run(part("def fetch", *REFERENCE), tmp_path) == "fetched https://example.org at try 3\n"


def test_a_killed_program_goes_on_and_what_is_done_is_done(tmp_path):
    program = part("def add_up", README, *REFERENCE)
    noting = program.replace("time.sleep(0.2)", "time.sleep(0.2); open(f'step-{n}', 'a').write('x')")
    assert noting != program
    with subprocess.Popen([sys.executable, "-c", noting], cwd=tmp_path) as running:
        while not (tmp_path / "step-2").exists():
            assert running.poll() is None
        running.kill()
    assert run(noting, tmp_path) == "30\n"
    counts = [len((tmp_path / f"step-{n}").read_text()) for n in range(5)]
    assert counts.count(1) >= 4, "at most the step that was under way is run again"
    assert run(noting, tmp_path) == "30\n"
    assert [len((tmp_path / f"step-{n}").read_text()) for n in range(5)] == counts


def test_one_agent_asks_another_a_function_has_a_timer_and_a_payment_that_happened_is_found(tmp_path):
    often = part("def parse", *REFERENCE).replace("every_s=60", "every_s=0.1")
    program = f"{BEGIN}{often}{part('def look', *REFERENCE)}{BANK}assert ticked.wait(20)\nruntime.stop()"
    assert run(program, tmp_path) == "{'stored': ['one', 'two']}\n5 paid\n"
    assert (tmp_path / "order").read_text() == "5 paid"
