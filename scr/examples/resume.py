"""A run that continues after kill -9 of the whole program: what was recorded is not done again.

Without an argument it starts itself with a store in a temporary folder, kills that program, and starts it again.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import scr


@scr.step
def square(number: int, log: str) -> int:
    """Square a number, and note that it was done."""
    with Path(log).open("a", encoding="utf-8") as lines:
        lines.write(f"{number}\n")
    return number * number


def add_up(ctx: scr.Context, message: scr.Task) -> int:
    """Add up the squares of 0 to 4, and stream each sum."""
    total = 0
    for number in range(5):
        total += square(number, str(message.payload.input))
        ctx.stream(total)
    return total


def work(folder: Path) -> None:
    """Do the task with the key `sum`, or continue it; print the sums as they come."""
    with scr.Runtime(store=folder / "work.db", run="sums") as runtime:
        runtime.start_agent("adder", add_up)
        submitted = runtime.submit("adder", str(folder / "log"), key="sum")
        for chunk in submitted.stream():
            print(chunk.data, flush=True)
        print("result", submitted.result(), flush=True)


def main() -> None:
    """Kill the program after its third sum, start it again, and count how often each step was done."""
    if len(sys.argv) > 1:
        work(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        again = [sys.executable, "-m", "scr.examples.resume", folder]
        with subprocess.Popen(again, stdout=subprocess.PIPE, text=True) as first:
            for line in first.stdout or ():
                if line == "1\n":
                    first.kill()
        print(subprocess.run(again, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
        print("done:", " ".join((Path(folder) / "log").read_text(encoding="utf-8").split()))


if __name__ == "__main__":
    main()
