"""Write what campaigns of fault injection have come to into scr/docs/survival.md.

python scripts/survived.py [FOLDER ...]

Each FOLDER is one that `fault_injection.py --report` has filled; its figures are kept in `survived.json`, one report
for each kind of store.  Without a folder the section is written from those that are kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scr.chaos.plan.kinds import HELPERS, KEEPING, KINDS

KEPT = Path(__file__).parent / "survived.json"
PAGE = Path(__file__).parent.parent / "scr" / "docs" / "survival.md"
BEGIN, END = "<!-- survived -->", "<!-- /survived -->"
STORES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
COLUMNS = ("injected", "recovered", "lost", "doubled", "p50 ms", "p99 ms", "max ms")
WORDS = {
    "kill": "SIGKILL",
    "stop": "SIGSTOP, for good",
    "stop_cont": "SIGSTOP, then SIGCONT",
    "fds": "no descriptors left",
    "segv": "a segfault in native code",
    "abort": "SIGABRT",
    "exit0": "exit 0 in the middle of a task",
    "exit1": "exit 1",
    "thread": "an exception in a thread",
    "gil": "a handler that holds the interpreter",
    "block": "a handler that hangs",
    "memory_hog": "memory beyond the limit",
    "fork_bomb": "a small fork bomb",
    "setsid": "a grandchild that escapes",
    "close_channel": "the channel closed",
    "half_frame": "half a frame, then silence",
    "huge_frame": "a frame of 4 GB announced",
    "garbage": "a frame of garbage",
    "raises": "an exception in a handler, one to three times",
    "try_later": "a handler that puts its message off",
    "fails": "a handler that raises as often as it may",
    "fatal": "an error that no retry can mend",
    "start_fails": "a start that fails, one to three times",
    "never_starts": "starts that fail beyond the limit",
    "misfit": "new code that does not fit the state, or does not start",
    "poison": "a message that kills every process that has it",
    "flood": "150 tasks at once",
    "slow_reader": "a client that reads nothing",
    "store_locked": "the store locked",
    "store_slow": "the store slow",
    "store_full": "the disk full",
    "store_read_only": "the store read-only",
    "store_eio": "EIO from fsync",
    "fork_refused": "fork refused",
    "clock_jump": "the wall clock jumps",
}
"""What each kind of fault is, for people."""
TARGETS = {name: name for name in (*HELPERS, *KEEPING)} | {"tree": "all of them at once"}
"""Types of process that are none of the workload's agents."""


def section(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """What stands between the marks: a line for each store, its tables, what was not tested in it."""
    there = [(name, reports[store]) for store, name in STORES.items() if store in reports]
    lines = [f"- **{name}: {report['verdict']}.** {_told(report)}" for name, report in there]
    for at, (name, report) in enumerate(there):
        faults, targets = _faults(report), _targets(report)
        lines += ["", *faults] if at == 0 else ["", *_folded(f"{name}, by fault", faults)]
        lines += ["", *_folded(f"{name}, by process", targets)]
    for name, report in there:
        lines += ["", f"Not tested here with {name}:", "", *_untested(report)]
    return "\n".join(lines)


def _told(report: Mapping[str, Any]) -> str:
    """All that is counted once for a campaign."""
    of = {name: f"{value:,}" for name, value in report.items() if isinstance(value, int)}
    done = sum(row["injected"] for row in report["faults"].values())
    wrong = f" What did not hold: {', '.join(report['violated'])}." if report["violated"] else ""
    return (
        f"Seed {report['seed']}, commit `{report['commit']}`, {report['date']}: {of['kills']} times a process was ended"
        f" on purpose, by one of {done:,} faults; runs: {of['runs']}, runtimes that their keeper started again:"
        f" {of['restarts']}. Of {of['accepted']} accepted tasks {of['completed']} were completed, {of['dead_lettered']}"
        f" ended as dead letters, {of['lost']} were lost and {of['duplicated']} done twice; {of['effects_doubled']}"
        f" effects doubled, {of['orphans']} orphans, {of['leaks']} leaks.{wrong} Recovery, p50 / p99 / max:"
        f" {_spread(report['recovery_ms'], ' / ')} ms. On {report['machine']}."
    )


def _folded(title: str, lines: Iterable[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]


def _faults(report: Mapping[str, Any]) -> Iterator[str]:
    return _table("fault", {WORDS.get(name, name): row for name, row in report["faults"].items() if row["injected"]})


def _targets(report: Mapping[str, Any]) -> Iterator[str]:
    return _table("process", {TARGETS.get(name, f"agents: {name}"): row for name, row in report["targets"].items()})


def _table(what: str, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield f"| {' | '.join((what, *COLUMNS))} |"
    yield f"|---|{'---:|' * len(COLUMNS)}"
    for name, row in sorted(rows.items(), key=lambda pair: -pair[1]["injected"]):
        counts = " | ".join(f"{row[column]:,}" for column in COLUMNS[:4])
        yield f"| {name} | {counts} | {_spread(row['recovery_ms'], ' | ')} |"


def _untested(report: Mapping[str, Any]) -> Iterator[str]:
    reasons = {name: report["faults"].get(name, {}).get("not_tested") for name in KINDS}
    drawn = {name for name, row in report["faults"].items() if row["injected"]}
    grouped: dict[str, list[str]] = {}
    for name in KINDS:
        if name not in drawn:
            grouped.setdefault(reasons[name] or "this seed never drew it", []).append(WORDS.get(name, name))
    yield from (f"- {', '.join(names)}: {why}." for why, names in grouped.items())
    if not grouped:
        yield "- nothing was left out."


def _spread(found: Mapping[str, float], between: str) -> str:
    """Tenths of a millisecond say nothing about what takes longer than a hundred."""
    return between.join(f"{value:,.0f}" if value >= 100 else f"{value:.1f}" for value in found.values())


def replaced(page: str, told: str) -> str:
    """The text with another section.  Ends the script when it has no place for one."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{PAGE.name} has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{told}\n{END}{after}"


def main(folders: list[str]) -> None:
    """Keep the figures of the reports, write the section."""
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for folder in folders:
        report = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
        kept[report["store"]] = report
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), section(kept)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
