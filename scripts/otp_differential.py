"""Compare SCR's supervision with the supervisors of Erlang/OTP, in random histories.

python scripts/otp_differential.py [--mode plain] [--from 0] [--to 1000] [--json]

Each history is a tree of supervisors, what its workers do, and operations: workers end, are killed, fail to start,
are deaf; children are added, terminated, restarted, deleted. Both sides live through it, and every answer, every start
and stop and every state of the tree is compared. Exit code 0: nothing differs, or what differs is explained by an
order that OTP and SCR may each choose; 1: something differs; 2: bad usage; 3: Erlang or Elixir is missing or fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from otp.check import Verdict, check_policy
from otp.erlang import MissingTools, Otp, OtpFailed
from otp.generate import MODES
from otp.real import check_runtime


def main() -> int:
    """Compare and tell."""
    options = arguments()
    seeds = range(options.first, options.end)
    try:
        with tempfile.TemporaryDirectory() as folder:
            otp = Otp(Path(folder))
            verdict = check_runtime(otp, seeds) if options.mode == "real" else check_policy(otp, options.mode, seeds)
    except (MissingTools, OtpFailed) as error:
        print(f"otp_differential: {error}", file=sys.stderr)
        return 3
    print(json.dumps(verdict.as_json(), indent=1) if options.json else text(verdict))
    return int(verdict.differences > 0)


def arguments() -> argparse.Namespace:
    """Read the command line.  Ends the script with 2 when it makes no sense."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=MODES, default="plain", help="the kind of histories (default: plain)")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="N", help="the first history (default: 0)")
    parser.add_argument("--to", type=int, default=1000, dest="end", metavar="M", help="the one to end before (1000)")
    parser.add_argument("--json", action="store_true", help="write one JSON object")
    options = parser.parse_args()
    if not 0 <= options.first < options.end:
        parser.error(f"--from {options.first} --to {options.end}: give 0 <= N < M")
    return options


def text(verdict: Verdict) -> str:
    """Write a verdict for people: the counts, each difference, how many are explained and by what."""
    counts = f"{verdict.histories} histories, {verdict.operations} operations, {verdict.differences} differences"
    lines = [f"mode {verdict.mode}: {counts}"]
    for case in verdict.cases:
        if case.explained is None:
            lines += [f"history {case.history}, {case.operation}:", f"  {case.difference}"]
    for reason, number in Counter(case.explained for case in verdict.cases if case.explained).items():
        lines.append(f"and {number} that are explained: {reason}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
