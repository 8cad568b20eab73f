"""Does fault injection have teeth?  Breaks SCR in one place at a time, and sees whether a short campaign notices.

Works on a copy in a temporary folder.  Prints one line for every broken build; ends with 1 when one is not noticed,
when a break no longer fits the source, or when a campaign finds fault with what is not broken.  Arguments: only builds
whose names contain one of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

HOUSE = Path(__file__).resolve().parents[1]
PATIENCE_S = 240.0
USUAL = "--kills 60 --faults kill,segv,exit1 --targets ring,lead,hand,victim"
RAISING = "--kills 120 --faults raises,try_later,flood --targets ring,lead,hand,guest,runtime"
DYING = "--kills 60 --faults segv,abort,exit1 --targets guest"
KEEPER = "--kills 25 --faults kill,exit1 --targets ring,lead,hand,runtime,tree"
VALID, INVALID, UNKNOWN = 0, 1, 4


# The file, the name and the campaign (`usual`, `raising`, `dying`, `keeper`, or options); then what is there, once, and
# what it becomes.
BREAKS = r"""
scr/turns/failing.py: a death loses the message in hand: usual
-            return turn._replace(phase=Phase.WAITING, charges=charges), orders.PutFirst()
+            return turn._replace(phase=Phase.WAITING, charges=charges), orders.Settle()

scr/mail/mailbox.py: the last message is handled first: --kills 60 --faults start_fails,flood --targets ring,runtime
-        else:
-            self._waiting.append(pending)
+        else:
+            self._waiting.appendleft(pending)

scr/charging.py: the first death quarantines: usual
-            is_over = charges.deaths >= max_deliveries
+            is_over = True

scr/charging.py: an exception costs two attempts: raising
-attempts=charges.attempts + 1
+attempts=charges.attempts + 2

scr/mail/retry_queue.py: a message that waits for its next try holds no lane: raising
-        lane = lane_of(pending.turn.message) if ordered else None
+        lane = None

scr/turns/failing.py: a retry forgets its due time: raising
-            return (orders.StartTimer(max(0.0, due - standing.at)),)
+            return (orders.StartTimer(0.0),)

scr/turns/failing.py: a death that a message explains counts as a restart: dying
-    return has_it and event.blamed and event.standing.policy.retries
+    return False

scr/runtime/reload.py: code that did not start is told to run: --kills 8 --faults misfit --targets guest --gap 2
-        if why is not None:
+        if False:

scr/runtime/dispatch/sending.py: recorded steps are forgotten when a message is delivered again: usual
-            steps=steps,
+            steps=(),

scr/runtime/dispatch/writing.py: the next incarnation begins from the state of the first: usual
-            self.states[agent] = turn.frame.state
+            self.states.setdefault(agent, turn.frame.state)

scr/runtime/dispatch/facts.py: an answer is no step of who had asked: keeper
-        turn = CommittedTurn(agent, incarnation, frame, answers, timed.ended, failure)
+        turn = CommittedTurn(agent, incarnation, frame, (), timed.ended, failure)

scr/turns/commits.py: a turn is not acknowledged: usual
-    todo.append(SETTLE)
-    return over(turn), tuple(todo)
+    return turn._replace(phase=Phase.IN_HAND), tuple(todo)

scr/agent/steps/steps.py: the store is not told that a step begins: usual
-    await _send_record(step.record("begun"), turn, hands)
+    turn.claims.keep(step.record("begun"))

scr/agent/steps/steps.py: doubt is settled by doing it again: usual
-        if isinstance(verdict, Done):
+        if False:

scr/runtime/recovery.py: mail is forgotten by the next runtime: keeper
-    _mail(image, turns, causes)
-    for watcher
+    for watcher

scr/runtime/recovery.py: states are forgotten by the next runtime: keeper
-        turns.open_agent(listed.get(kept.spec.id, kept.spec), kept.state)
+        turns.open_agent(listed.get(kept.spec.id, kept.spec))

scr/supervise/steps.py: an incarnation is used twice: usual
-incarnation=child.incarnation + 1
+incarnation=max(1, child.incarnation)

scr/launch/launcher.py: descriptors of the dead stay open: usual
-        if not self.is_open:
+        if self.channel.reader == -1:

scr/launch/orphan_sweep.py: what a dead runtime has left lives on: --kills 8 --faults setsid --targets ring,hand
-        found = doomed(look_around(runtime_id), sessions, spared)
+        found = []

scr/runtime/system.py: an event tells the environment: usual
-            AgentStarting(agent=spec.id, incarnation=incarnation, supervisor=parent, code=named(spec.code))
+            AgentStarting(agent=spec.id, incarnation=incarnation, supervisor=parent, code=str(dict(os.environ)))
"""


@dataclass(frozen=True, slots=True)
class Break:
    """One place in one file, what it is broken into, and the campaign that must notice."""

    path: Path
    name: str
    options: str
    line: str
    broken: str

    @classmethod
    def of(cls, text: str) -> Break:
        """From its lines in BREAKS."""
        title, *lines = text.splitlines()
        path, name, campaign = title.split(": ", 2)
        kept, broken = ("\n".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
        options = {"usual": USUAL, "raising": RAISING, "dying": DYING, "keeper": KEEPER}.get(campaign, campaign)
        return cls(Path(path), name, options, kept, broken)

    def plant(self, house: Path) -> str:
        """Break the copy; returns what was there.  Ends the script when its place is not there exactly once."""
        source = (house / self.path).read_text(encoding="utf-8")
        if source.count(self.line) != 1:
            sys.exit(f"{self.name}: there {source.count(self.line)} times in {self.path}: {self.line!r}")
        (house / self.path).write_text(source.replace(self.line, self.broken), encoding="utf-8")
        return source


def noticed(copy: Path, options: str) -> str:
    """By which invariants a campaign in the copy notices; empty when it does not."""
    folder = copy / "report"
    shutil.rmtree(folder, ignore_errors=True)
    words = f"--seed 3 --shrink 0 --patience 20 --report {folder} --json {options}".split()
    command = [sys.executable, str(copy / "scripts" / "fault_injection.py"), *words]
    home = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=copy, env=home, capture_output=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return "it does not end"
    if done.returncode == INVALID:
        return ", ".join(json.loads((folder / "report.json").read_text())["violated"])
    if done.returncode in {VALID, UNKNOWN}:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()[-1][:200]
    if not said.startswith("RunFailed"):
        sys.exit(f"the campaign {options!r} was not done: {said}")
    return said


def main(words: list[str]) -> int:
    """Plant every break, print who noticed."""
    breaks = [Break.of(text) for text in BREAKS.strip().split("\n\n")]
    chosen = [one for one in breaks if not words or any(word in one.name for word in words)]
    survivors = []
    with TemporaryDirectory(prefix="scr-broken-") as folder:
        copy = Path(folder)
        for part in ("scr", "scripts"):
            shutil.copytree(HOUSE / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        for one in breaks:
            (copy / one.path).write_text(one.plant(copy), encoding="utf-8")
        for options in dict.fromkeys(one.options for one in chosen):
            if found := noticed(copy, options):
                sys.exit(f"the campaign {options!r} finds fault with what is whole: {found}")
        for one in chosen:
            began, source = time.monotonic(), one.plant(copy)
            found = noticed(copy, one.options)
            (copy / one.path).write_text(source, encoding="utf-8")
            took_s = time.monotonic() - began
            print(f"{one.name:72} {took_s:4.0f} s  {found or 'NOT NOTICED'}", flush=True)
            survivors += [] if found else [one.name]
    print(f"{len(chosen)} broken builds, {len(survivors)} not noticed: {', '.join(survivors) or 'none'}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
