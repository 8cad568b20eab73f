"""Inject faults into runs of agents, and see what they survive.

    python scripts/fault_injection.py --kills 300 --seed 7
    python scripts/fault_injection.py --faults kill,stop,segv --targets worker,planner,runtime --workload research
    python scripts/fault_injection.py --workload mypackage.agents:MyAgent --task '{"n": 1}' --kills 50

Exit codes: 0 valid, everything held; 1 invalid; 4 unknown, too little was done to say so.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import store_figures
from benchmark.machine import machine

from scr.chaos.judge.figures import Figures, Verdict
from scr.chaos.judge.report import terminal_lines, wrong
from scr.chaos.lab.campaign import PER_ROUND, CampaignPlan, campaign, report, shrunk
from scr.chaos.lab.round import RoundProgress
from scr.chaos.plan.faults import Fault
from scr.chaos.plan.kinds import KINDS
from scr.errors import ScrError

CODES = {Verdict.VALID: 0, Verdict.INVALID: 1, Verdict.UNKNOWN: 4}
BAD_INPUT = 2
BAR = 24
POSTGRES = "postgres"


@dataclass
class Screen:
    """Progress on one line of the standard error output, or on one line now and then where that is no terminal."""

    kills: int
    began: float
    told_at: float = 0.0

    def tell(self, place: int, now: RoundProgress) -> None:
        """How far it is."""
        is_live = sys.stderr.isatty()
        if not is_live and time.monotonic() - self.told_at < 15:
            return
        self.told_at = time.monotonic()
        filled = BAR * now.done // max(1, now.planned)
        line = (
            f"run {place + 1} [{'#' * filled}{'.' * (BAR - filled)}] {now.done}/{now.planned} faults,"
            f" {now.landed} done, {now.answered} answers, {now.restarts} keepers replaced, {now.phase},"
            f" {time.monotonic() - self.began:.0f} s"
        )
        print(f"\r{line}\x1b[K" if is_live else line, end="" if is_live else "\n", file=sys.stderr, flush=True)


def options_of(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", default="all", help="kinds of fault, by commas; see --list")
    parser.add_argument("--targets", default="all", help="types of process: agents, table, memory, zygote, ...")
    parser.add_argument("--kills", type=int, default=100, help="how many faults that end a process")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after this long, whatever was done")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workload", default="mixed", help="mixed, ring, fan, research, or package.module:Class")
    parser.add_argument("--task", default="null", help="the task for agents of your own, as JSON")
    parser.add_argument("--agents", type=int, default=6)
    parser.add_argument(
        "--store", default="", help="a URL, or the word postgres: a server of its own; a file each run without"
    )
    parser.add_argument(
        "--channel", choices=["socket", "queue"], default="socket", help="what agents and the runtime talk over"
    )
    parser.add_argument("--gap", type=float, default=0.15, help="seconds between two faults")
    parser.add_argument("--patience", type=float, default=90.0, help="seconds in which all that was accepted must end")
    parser.add_argument("--per-run", type=int, default=PER_ROUND, help="kills in one run")
    parser.add_argument("--only", default="", help="places of the faults of the schedule that are done, by commas")
    parser.add_argument("--shrink", type=int, default=12, help="tries to find the fewest faults that still fail")
    parser.add_argument("--report", type=Path, default=None, help="a folder for report.md, history.jsonl and pictures")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--list", action="store_true", help="list the kinds of fault and what they hit")
    return parser.parse_args(words)


@contextmanager
def store_of(word: str) -> Iterator[str]:
    """The URL of the store; of a PostgreSQL that is there for as long as it is needed, as durable as it comes."""
    if word != POSTGRES:
        yield word
        return
    with store_figures.store(POSTGRES, Path()) as (url, _):
        yield url


def plan_of(options: argparse.Namespace, store: str) -> CampaignPlan:
    """What is asked for."""
    folder = options.report or Path(".scr") / f"chaos-{time.strftime('%Y%m%d-%H%M%S')}"
    return CampaignPlan(
        seed=secrets.randbelow(1 << 31) if options.seed is None else options.seed,
        folder=folder.resolve(),
        kills=options.kills,
        minutes=options.minutes,
        kinds=tuple(KINDS) if options.faults == "all" else tuple(options.faults.split(",")),
        targets=tuple(options.targets.split(",")),
        workload=options.workload,
        agents=options.agents,
        store=store,
        channel=options.channel,
        gap_s=options.gap,
        per_round=options.per_run,
        patience_s=options.patience,
        given=json.loads(options.task),
        only=tuple(int(n) for n in options.only.split(",") if n),
    )


def repeat_of(words: list[str], seed: int, fewest: list[Fault]) -> str:
    """The command that does the same again, or only the fewest faults that still fail."""
    others = without(words, ("--seed", "--only", "--shrink", "--report") if fewest else ("--seed",))
    only = ["--only", ",".join(str(fault.n) for fault in fewest), "--shrink", "0"] if fewest else []
    return shlex.join(["python", "scripts/fault_injection.py", *others, "--seed", str(seed), *only])


def without(words: list[str], options: tuple[str, ...]) -> list[str]:
    """The words but for these options, each of which has a value, and but for `--json`."""
    kept, left = [], iter(words)
    for word in left:
        if word in options:
            next(left)
        elif word != "--json" and word.partition("=")[0] not in options:
            kept.append(word)
    return kept


def run(words: list[str]) -> int:
    """The campaign, told."""
    options = options_of(words)
    if options.list:
        for kind in KINDS.values():
            print(f"{kind.name:16} {kind.way:7} {'ends it ' if kind.ends else '        '} {', '.join(kind.targets)}")
        return 0
    with store_of(options.store) as store:
        return perform(words, plan_of(options, store), options)


def perform(words: list[str], plan: CampaignPlan, options: argparse.Namespace) -> int:
    """The faults, the fewest of them that fail, the report."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    about = {"date": datetime.now(UTC).date().isoformat(), "machine": machine(plan.folder)}
    screen = Screen(plan.kills, time.monotonic())
    figures, failed = campaign(plan, screen.tell)
    repeat, fewest = repeat_of(words, plan.seed, []), list[Fault]()
    print(file=sys.stderr)
    if failed and options.shrink:
        report(plan, figures, repeat, fewest, about)  # for whoever does not wait for the search
        note = partial(print, file=sys.stderr, flush=True)
        note(*wrong(figures), f"which of its faults does it take? {options.shrink} more runs at most tell", sep="\n")
        fewest = shrunk(plan, figures.rounds[-1], options.shrink, note)
        repeat = repeat_of(words, figures.rounds[-1].seed, fewest)
    report(plan, figures, repeat, fewest, about)
    tell(figures, plan, repeat, as_json=options.json)
    return CODES[figures.verdict]


def tell(figures: Figures, plan: CampaignPlan, repeat: str, *, as_json: bool) -> None:
    """The end of it."""
    if as_json:
        print(json.dumps(figures.as_json()))
        return
    for line in terminal_lines(figures, repeat):
        print(line)
    print(f"report:  {plan.folder}/report.md")


def main() -> int:
    """Run, and say what cannot be run in a sentence."""
    try:
        return run(sys.argv[1:])
    except (ScrError, json.JSONDecodeError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
