"""Measure SCR, what the kernel allows, and its peers, in one run on this machine: `make bench`.

python scripts/bench.py [--case recovery] [--quick] [--rounds 3] [--peers ray,dask] [--json]

Every measurement is a process of its own, and the sides take turns.  A peer that is not installed
(`make bench-peers` does that), that cannot do a case or that wedges is a dash, with the reason.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmark.bars import svg
from benchmark.case import FLOOR, OURS, Case
from benchmark.cases import CASES
from benchmark.contest import PEERS, Outcome, contest, end_descendants, sides
from benchmark.machine import machine, versions
from benchmark.report import digest, markdown

from scr.launch.kernel.prctl import set_child_subreaper

PICTURE = Path(__file__).parent / "bench.svg"
PAGE = Path(__file__).parent.parent / "scr" / "docs" / "benchmarks.md"
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, action="append", help="only this one; may be given again")
    parser.add_argument("--quick", action="store_true", help="one round, with less of everything")
    parser.add_argument("--rounds", type=int, default=3, help="how often the sides take turns")
    parser.add_argument("--peer-rounds", type=int, default=9, help="the peers in at most so many of them")
    parser.add_argument("--peers", default=",".join(PEERS), help="which of them, by name, with commas; none: ''")
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--picture", type=Path, help=f"where to draw the bars; of all cases in {PICTURE.name}")
    parser.add_argument("--page", action="store_true", help=f"write the figures that have an aim into {PAGE.name}")
    return parser.parse_args()


def measure(case: Case, given: argparse.Namespace, folder: Path) -> dict[str, Outcome]:
    """One case, all sides."""
    wanted = {FLOOR, OURS, *filter(None, given.peers.split(","))}
    taking_part = [side for side in sides(case) if side.name in wanted]
    rounds = 1 if given.quick else min(given.rounds, case.rounds)
    parameters = case.quick if given.quick and case.quick else case.full
    return contest(case, taking_part, parameters, rounds, given.peer_rounds, folder)


def main() -> None:
    """Measure, print, draw."""
    given = options()
    set_child_subreaper(on=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended: nothing of it is left running"))
    found: dict[str, dict[str, Outcome]] = {}
    try:
        with tempfile.TemporaryDirectory(dir=given.folder, prefix="scr-bench-") as place:
            on = machine(Path(place))
            for name in given.case or [name for name, case in CASES.items() if case.quick or not given.quick]:
                found[name] = measure(CASES[name], given, Path(place))
                if not given.json:
                    print(markdown(CASES[name], found[name]), flush=True)
    finally:
        end_descendants()
    tell(given, found, on)


def tell(given: argparse.Namespace, found: dict[str, dict[str, Outcome]], on: str) -> None:
    """Give the figures out in the ways that were asked for: as JSON, as a picture, on the page."""
    used = versions(found)
    named = ", ".join(f"{name} {number}" for name, number in used.items())
    head = f"Measured in one run on {on}; {named}. Medians of the rounds, and what they lie between.\n"
    if given.json:
        cases = {name: {side: asdict(outcome) for side, outcome in found[name].items()} for name in found}
        print(json.dumps({"machine": on, "versions": used, "cases": cases}))
    else:
        print(head)
    if not given.case or given.picture:
        picture = given.picture or PICTURE
        picture.write_text(svg(found, CASES, on), encoding="utf-8")
        print(f"drawn: {picture}", file=sys.stderr)
    if given.page:
        told = f"{head}\n{digest(found, CASES)}"
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), told), encoding="utf-8")


def replaced(page: str, told: str) -> str:
    """Return the page with other tables.  Ends the script for a page without a place for them."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        sys.exit(f"{PAGE.name} has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{told}{END}{after}"


if __name__ == "__main__":
    main()
