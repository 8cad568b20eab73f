"""Interrupt `scr run` at many moments and look what it says, how it ends, and what it leaves running.

python scripts/interrupts.py                        Ctrl-C at 40 moments between 0 and 2 s
python scripts/interrupts.py --signal HUP --twice   another signal, and twice in a row

A moment counts from when the command has taken the signals over, which is the
first thing that it does: what comes before is the start of Python itself, and
its length is printed.  Exit code 0: every moment was right.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

QUESTION = "How are crashed agents restarted?"
START_S, END_S, LEFT_S = 20.0, 60.0, 3.0
KEPT, NOTHING = "the run is kept: scr resume", "nothing had been started"


@dataclass(frozen=True, slots=True)
class Interrupted:
    """What came of one interruption."""

    moment_s: float
    deaf_s: float
    code: int
    said: str
    left: int

    @property
    def outcome(self) -> str:
        """What it said, in a word; a run that was over before the signal came has its report."""
        if "Traceback" in self.said:
            return "traceback"
        if KEPT in self.said:
            return "kept"
        if NOTHING in self.said:
            return "nothing started"
        return "done" if "\nreport: " in self.said else "silent"

    @property
    def is_right(self) -> bool:
        """Whether it says what is kept, with the exit code for that, and leaves no process."""
        wanted = {"kept": {130}, "nothing started": {130}, "done": {0, 3}}.get(self.outcome, set())
        return self.code in wanted and not self.left


def interrupt(moment_s: float, number: signal.Signals, *, twice: bool, folder: Path) -> Interrupted:
    """Start a run, signal it at the moment, and wait for its end."""
    began = time.monotonic()
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("scr")), "run", QUESTION],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while not takes_signals(process.pid) and process.poll() is None and time.monotonic() - began < START_S:
            time.sleep(0.001)
        heard = time.monotonic()
        time.sleep(moment_s)
        for _ in range(1 + twice):
            process.send_signal(number)
        try:
            _, said = process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            _, said = process.communicate()
    return Interrupted(moment_s, heard - began, process.returncode, said, left_in(folder))


def takes_signals(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM, which Python alone has not."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def left_in(folder: Path) -> int:
    """How many processes still work in the folder once those that are about to end had time for it."""
    end = time.monotonic() + LEFT_S
    while (left := sum(works_in(folder, process) for process in Path("/proc").iterdir())) and time.monotonic() < end:
        time.sleep(0.01)
    return left


def works_in(folder: Path, process: Path) -> bool:
    """Whether this is a process that has not ended and whose working directory the folder is."""
    try:
        return process.name.isdigit() and (process / "cwd").readlink() == folder
    except OSError:
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Interrupt at every moment and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=40, help="how many, evenly spread")
    parser.add_argument("--within", type=float, default=2.0, metavar="S", help="the last of them")
    parser.add_argument("--signal", default="INT", help="INT, TERM or HUP")
    parser.add_argument("--twice", action="store_true", help="send it twice in a row")
    options = parser.parse_args(arguments)
    number = signal.Signals[f"SIG{options.signal}"]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # where a shell has it ignored, runs would inherit that
    found = []
    print("moment   deaf     code  left  said")
    for n in range(options.moments):
        moment_s = options.within * n / max(1, options.moments - 1)
        with tempfile.TemporaryDirectory() as folder:
            one = interrupt(moment_s, number, twice=options.twice, folder=Path(folder).resolve())
        found.append(one)
        last = one.said.strip().splitlines()[-1:] or ["nothing"]
        mark = "" if one.is_right else "  WRONG"
        print(
            f"{one.moment_s:5.2f} s  {one.deaf_s * 1000:4.0f} ms  {one.code:4}  {one.left:4}  {last[0][:90]}{mark}",
            flush=True,
        )
    counts = Counter(one.outcome for one in found)
    right = sum(one.is_right for one in found)
    print(
        f"{right} of {len(found)} right: {', '.join(f'{count} {outcome}' for outcome, count in sorted(counts.items()))}"
    )
    return int(right != len(found))


if __name__ == "__main__":
    sys.exit(main())
