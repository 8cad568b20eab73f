"""Do the tests of supervision have teeth?  Breaks the policy in one place at a time and sees who notices.

Works on a copy in a temporary folder.  Prints one line for every fault; ends
with 1 when a fault is noticed neither by the tables nor by the simulation, or
when a fault no longer fits the source.  Arguments: only faults whose names
contain one of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

HOUSE = Path(__file__).resolve().parents[1]
TABLES = ["tests/unit/supervise", "tests/unit/test_specs.py"]
SIMULATION = ["tests/simulation"]
HISTORIES = "600"
PATIENCE_S = 120.0  # a fault that loops for ever is noticed by that


# The file and the name; then what is there, once, and what it is broken into (nothing: it is taken out).
FAULTS = r"""
policy: stops in start order
-stop(draft, doomed[-1])
+stop(draft, doomed[0])

policy: starts over a stop
-    if stopping:
-        return

policy: starts while a sibling starts
-None if starting else next
+next

policy: starts in reverse
-next((child for child in unsettled if is_next
+next((child for child in reversed(unsettled) if is_next

policy: strangers wait for a pause
- and not waits_alone

policy: dependants do not wait for a pause
-waits_alone = team.spec.strategy is Strategy.ONE_FOR_ONE and child.id in draft.due
+waits_alone = child.id in draft.due

policy: a failed start is over at once
-if child.phase in ALIVE and child.up_since is None]
+if child.phase is Phase.STARTING]

policy: up before the children are
-and not any(is_booting(other) for other in below)

policy: down before the children are
-        if not any(other.alive for other in below):
-            went_down
+        if True:
+            went_down

policy: a failed boot is no failure
-failed=team.closing.failed
+failed=False

policy: a stale report is believed
- and child.incarnation == fact.incarnation

policy: a late ready is believed
-if is_starting and not child.killed:
+if is_starting:

policy: an early end is a normal one
-case Exited() if is_starting and child.goal is Goal.RUN:
+case Exited() if False:

policy: a deadline is one tick late
-for name, at in draft.due.items() if at <= draft.at]
+for name, at in draft.due.items() if at < draft.at]

endings: the last reason of a shutdown wins
-    if team.closing is not None:
-        return
-    draft.put_team
+    draft.put_team

policy: a longer budget replaces a shorter one
-= min(until, draft.due.get(root.id, until))
+= until

policy: the unkillable is never free again
-            draft.touch(released)
+            pass

policy: the queue waits for the next start
-        if draft.inbox:
-            draft.dirty.setdefault(name, {}).update(changed)
-        elif team and
+        if team and

endings: a bounce is counted
-            cause = Cause.CALL if child.spec.restart is Restart.TEMPORARY else Cause.RESTART
-            draft.put(child.changed(phase=Phase.RESTARTING, goal=Goal.RUN, cause=cause, up_since=None))
+            restart(draft, child, child.parent, end)

endings: a temporary child is recycled for ever
-cause = Cause.CALL if child.spec.restart is Restart.TEMPORARY else Cause.RESTART
+cause = Cause.RESTART

endings: a child is recycled as a call
-cause = Cause.CALL if child.spec.restart is Restart.TEMPORARY else Cause.RESTART
+cause = Cause.CALL

calls: a recycled child is terminated
-draft.put(child.changed(goal=Goal.BOUNCE, call=call))
+draft.put(child.changed(goal=Goal.STOP, call=call))

calls: a recycled child waits for its pause
-            draft.due.pop(child.id, None)

endings: who was to stop comes back
-        case Goal.BOUNCE:
+        case Goal.BOUNCE | Goal.STOP:

endings: everybody comes back
-case Goal.RUN if should_restart(child.spec.restart, end.reason):
+case Goal.RUN if child.spec.significant is False:

endings: a failed restart is given up
-        case Cause.RESTART:
-            restart(draft, child, parent, end)
+        case Cause.RESTART:
+            settle(draft, child)

endings: a failed boot is tried again
-        case Cause.BOOT:
-            draft.put(child)
+        case Cause.BOOT:
+            return restart(draft, child, parent, end)
+            draft.put(child)

endings: rest_for_one hits all
-return names[names.index(name) + 1 :]
+return tuple(other for other in names if other != name)

endings: one_for_one hits the rest
-            return ()
+            return names[names.index(name) + 1 :]

endings: one_for_all hits the rest
-return names[:place] + names[place + 1 :]
+return names[place + 1 :]

endings: a temporary bystander comes back
-child.aimed(stop if child.spec.restart is temporary else bounce)
+child.aimed(bounce)

endings: a sibling that was down stays down
-elif child.goal is stop and child.phase is Phase.DOWN:
+elif False:

endings: a parked sibling is revived
-elif child.goal is stop and child.phase is Phase.DOWN:
+elif child.goal is stop and not child.alive:

endings: restarts are not remembered
-        draft.put_team(team._replace(stamps=stamps))
+        pass

endings: who parks uses the limit of all
-child.stamps if child.spec.park else team.stamps
+team.stamps

endings: who parks takes its supervisor along
-return settle(draft, child, park=True) if child.spec.park else give_up
+return give_up

endings: stable children pause as long as ever
-failures = 1 if stable else child.failures + 1
+failures = child.failures + 1

limits: the pause never grows
-backoff.base_s * 2.0**doublings
+backoff.base_s

limits: the pause has no cap
-min(backoff.cap_s, backoff.base_s * 2.0**doublings)
+backoff.base_s * 2.0**doublings

limits: no limit
-return recent if len(recent) <= max_restarts else None
+return recent

limits: one restart too few
-len(recent) <= max_restarts
+len(recent) < max_restarts

limits: one restart too many
-len(recent) <= max_restarts
+len(recent) <= max_restarts + 1

limits: the window is open at its end
-at - stamp <= within_s
+at - stamp < within_s

limits: restarts are never forgotten
-for stamp in stamps if at - stamp <= within_s
+for stamp in stamps

endings: the causes are cut
-        f"{child.id!r}: {end}",
-        *end.causes,
-    )
-    draft.order
+        f"{child.id!r}: {end}",
+    )
+    draft.order

endings: any significant is all significant
-        case AutoShutdown.ANY_SIGNIFICANT:
-            ends = True
+        case AutoShutdown.ANY_SIGNIFICANT:
+            ends = not any(other.spec.significant and other.goal is not Goal.STOP for other in others)

endings: all significant is any significant
-ends = not any(other.spec.significant and other.goal is not Goal.STOP for other in others)
+ends = True

endings: everybody is significant
-            if child.spec.significant:
+            if True:

endings: a supervisor that goes down forgets what it lists
-is_lost = child.added if is_closing else not park
+is_lost = not park

endings: what was added survives its supervisor
-is_lost = child.added if is_closing else
+is_lost = False if is_closing else

endings: a temporary child is kept
- or child.spec.restart is Restart.TEMPORARY

endings: a dynamic child is kept
-return team.spec.dynamic or is_failed
+return is_failed

endings: a failed addition is kept
- or is_failed_addition

endings: gone is told too early
-    if is_lost or not is_closing:
+    if True:

draft: gone is told at every end
-elif child.gone is None or (fate is Fate.ENDED and child.gone is not Fate.ENDED):
+else:

endings: waiting calls are lost
-    draft.inbox.extend(child.queue)
-    phase
+    phase

endings: an open call is not answered
-    if call is not None:
-        draft.reply
+    if call is not None and not is_closing:
+        draft.reply

steps: an incarnation is used twice
-incarnation=child.incarnation + 1
+incarnation=max(1, child.incarnation)

steps: a start has no end
-            draft.due[child.id] = draft.at + spec.start_timeout_s

steps: a stop has no end
-            draft.due[child.id] = draft.at + budget_s

steps: infinity is short
-            draft.due.pop(child.id, None)
-        case budget_s:
+            draft.due[child.id] = draft.at
+        case budget_s:

steps: no time at all is some time
-    if spec.shutdown_s == 0:
-        kill(draft, child)

steps: sigkill is waited for without end
-    draft.due[child.id] = draft.at + UNKILLABLE_AFTER_S
+    draft.due.pop(child.id, None)

steps: two incarnations of the unkillable
-    draft.stuck = {**draft.stuck, child.id: child.incarnation}

steps: restarts go on after the budget
-        if name in draft.teams and draft.running(name):
+        if False:

steps: listed children are not brought back
-Team(spec, tuple(listed.id for listed in spec.children))
+Team(spec, tuple(name for name in draft.teams[spec.id].children))

steps: two answers to one call
-draft.put(child.changed(phase=Phase.UP, up_since=draft.at, call=None, queue=()))
+draft.put(child.changed(phase=Phase.UP, up_since=draft.at, queue=()))

calls: calls overtake each other
-return child.call is not None or (child.alive and child.goal is Goal.STOP)
+return False

calls: a full supervisor takes one more
-len(supervisor.children) >= most
+len(supervisor.children) > most

calls: an id may be taken twice
-if name in draft.children or draft.reserved
+if draft.reserved

calls: a reserved id is given away
- or draft.reserved.get(name, call.supervisor) != call.supervisor

calls: a restart by hand is counted as automatic
-goal=Goal.RUN, cause=Cause.CALL, call=call, failures=0
+goal=Goal.RUN, cause=Cause.RESTART, call=call, failures=0

calls: a record is never clean
-, failures=0, stamps=())
+)

calls: a deadlock is allowed
-    return child is not None
+    return False

calls: extra options win
-{**supervisor.extra_options, **spec.options}
+{**spec.options, **supervisor.extra_options}

exits: a kill that was ordered is from outside
-case Asked.KILL, Signals.SIGKILL, _, _:
+case Asked.KILL, Signals.SIGTERM, _, _:

exits: a stop that was obeyed is a crash
-Signals.SIGTERM, _, None
+Signals.SIGHUP, _, None

exits: silence is success
-return Exit(ExitReason.ERROR, "exit status 0 without
+return Exit(ExitReason.NORMAL, "exit status 0 without

exits: a lost status is success
-return Exit(ExitReason.ERROR, "its exit status was lost
+return Exit(ExitReason.NORMAL, "its exit status was lost

exits: every sigkill is for memory
-case _, Signals.SIGKILL, _, _ if oom_kill:
+case _, Signals.SIGKILL, _, _:

exits: killed is an end on purpose
-{ExitReason.NORMAL, ExitReason.SHUTDOWN}
-
-
-def classify
+{ExitReason.NORMAL, ExitReason.SHUTDOWN, ExitReason.KILLED}
+
+
+def classify

exits: a transient child comes back from normal
-(restart is Restart.TRANSIENT and is_abnormal(reason))
+restart is Restart.TRANSIENT

exits: a temporary child comes back
-return restart is Restart.PERMANENT or (restart is
+return restart is not Restart.TRANSIENT or (restart is
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One place in one file, and what it is broken into."""

    file: str
    name: str
    line: str
    broken: str

    @property
    def path(self) -> Path:
        """Where, from the top of the house."""
        return Path("scr/supervise") / f"{self.file}.py"

    @classmethod
    def of(cls, text: str) -> Fault:
        """From its lines in FAULTS."""
        title, *lines = text.splitlines()
        file, name = title.split(": ")
        kept, broken = ("\n".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
        return cls(file, name, kept, broken)


def place(fault: Fault) -> str:
    """The source that the fault is planted in.  Ends the script when its place is not there exactly once."""
    source = (HOUSE / fault.path).read_text(encoding="utf-8")
    if source.count(fault.line) != 1:
        sys.exit(f"{fault.name}: there {source.count(fault.line)} times in {fault.path}: {fault.line!r}")
    return source


def plant(fault: Fault, copy: Path) -> None:
    """Break the copy."""
    (copy / fault.path).write_text(place(fault).replace(fault.line, fault.broken), encoding="utf-8")


def heal(fault: Fault, copy: Path) -> None:
    """Put the file back."""
    shutil.copy(HOUSE / fault.path, copy / fault.path)


def fails(copy: Path, tests: list[str]) -> bool:
    """Whether these tests notice."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    command += ["--deselect", "tests/unit/supervise/test_rows.py"]
    home = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "SCR_HISTORIES": HISTORIES}
    try:
        done = subprocess.run(command, cwd=copy, env=home, capture_output=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def copy_house(copy: Path) -> None:
    """What the tests of supervision need, and nothing that starts a process."""
    skip = shutil.ignore_patterns("__pycache__")
    for part in ("scr", *TABLES, *SIMULATION):
        source, target = HOUSE / part, copy / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=skip)
        else:
            shutil.copy(source, target)
    shutil.copy(HOUSE / "pyproject.toml", copy)


def main(words: list[str]) -> int:
    """Plant every fault, print who noticed."""
    faults = [Fault.of(text) for text in FAULTS.strip().split("\n\n")]
    chosen = [fault for fault in faults if not words or any(word in fault.name for word in words)]
    for fault in faults:
        place(fault)
    survivors = []
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_house(copy)
        if fails(copy, TABLES) or fails(copy, SIMULATION):
            sys.exit("the tests fail without any fault; mend that first")
        for fault in chosen:
            plant(fault, copy)
            tables, simulation = fails(copy, TABLES), fails(copy, SIMULATION)
            heal(fault, copy)
            marks = ["noticed" if noticed else "   -   " for noticed in (tables, simulation)]
            print(f"{fault.name:52} tables {marks[0]}   simulation {marks[1]}", flush=True)
            if not (tables or simulation):
                survivors.append(fault.name)
    print(f"{len(chosen)} faults, {len(survivors)} survived: {', '.join(survivors) or 'none'}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
