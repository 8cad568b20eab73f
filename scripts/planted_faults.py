"""Do the tests of supervision and of turns have teeth?  Breaks one place at a time and sees which tests notice.

Works on a copy in a temporary folder.  Prints one line for every fault; ends
with 1 when a fault is noticed neither by the tables nor by the simulation, or
when a fault no longer fits the source.  Arguments: only faults whose names
contain one of them; the names of those of turns begin with "turns".
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
NEEDED = ["scr", "tests/__init__.py", "tests/simulation", "tests/unit/supervise", "tests/unit/turns"]
NEEDED += ["tests/unit/test_specs.py", "tests/unit/test_charging.py"]
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
+if child.phase is ChildPhase.STARTING]

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
-case ChildExited() if is_starting and child.goal is Goal.RUN:
+case ChildExited() if False:

policy: a deadline is one tick late
-for name, at in draft.due.items() if at <= draft.at]
+for name, at in draft.due.items() if at < draft.at]

restarts: the last reason of a shutdown wins
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

restarts: a bounce is counted
-            cause = Cause.CALL if child.spec.restart is Restart.TEMPORARY else Cause.RESTART
-            draft.put(child.changed(phase=ChildPhase.RESTARTING, goal=Goal.RUN, cause=cause, up_since=None))
+            restart(draft, child, child.parent, end)

restarts: a temporary child is recycled for ever
-cause = Cause.CALL if child.spec.restart is Restart.TEMPORARY else Cause.RESTART
+cause = Cause.RESTART

restarts: a child is recycled as a call
-cause = Cause.CALL if child.spec.restart is Restart.TEMPORARY else Cause.RESTART
+cause = Cause.CALL

calls: a recycled child is terminated
-draft.put(child.changed(goal=Goal.BOUNCE, call=call))
+draft.put(child.changed(goal=Goal.STOP, call=call))

calls: a recycled child waits for its pause
-            draft.due.pop(child.id, None)

restarts: who was to stop comes back
-        case Goal.BOUNCE:
+        case Goal.BOUNCE | Goal.STOP:

restarts: everybody comes back
-case Goal.RUN if should_restart(child.spec.restart, end.reason):
+case Goal.RUN if child.spec.significant is False:

restarts: a failed restart is given up
-        case Cause.RESTART:
-            restart(draft, _refuse_new_spec(draft, child, end), parent, end)
+        case Cause.RESTART:
+            settle(draft, child)

restarts: a failed boot is tried again
-        case Cause.BOOT:
-            draft.put(child)
+        case Cause.BOOT:
+            return restart(draft, child, parent, end)
+            draft.put(child)

restarts: rest_for_one hits all
-return names[names.index(name) + 1 :]
+return tuple(other for other in names if other != name)

restarts: one_for_one hits the rest
-            return ()
+            return names[names.index(name) + 1 :]

restarts: one_for_all hits the rest
-return names[:place] + names[place + 1 :]
+return names[place + 1 :]

restarts: a temporary bystander comes back
-child.aimed(stop if child.spec.restart is temporary else bounce)
+child.aimed(bounce)

restarts: a sibling that was down stays down
-elif child.goal is stop and child.phase is ChildPhase.DOWN:
+elif False:

restarts: a parked sibling is revived
-elif child.goal is stop and child.phase is ChildPhase.DOWN:
+elif child.goal is stop and not child.alive:

restarts: restarts are not remembered
-        draft.put_team(team._replace(stamps=stamps))
+        pass

restarts: who parks uses the limit of all
-child.stamps if child.spec.park else team.stamps
+team.stamps

restarts: who parks takes its supervisor along
-return settle(draft, child, park=True) if child.spec.park else give_up
+return give_up

restarts: stable children pause as long as ever
-failures = 1 if stable else child.failures + 1
+failures = child.failures + 1

intensity: the pause never grows
-backoff.base_s * 2.0**doublings
+backoff.base_s

intensity: the pause has no cap
-min(backoff.cap_s, backoff.base_s * 2.0**doublings)
+backoff.base_s * 2.0**doublings

intensity: no limit
-return recent if len(recent) <= max_restarts else None
+return recent

intensity: one restart too few
-len(recent) <= max_restarts
+len(recent) < max_restarts

intensity: one restart too many
-len(recent) <= max_restarts
+len(recent) <= max_restarts + 1

intensity: the window is open at its end
-at - stamp <= within_s
+at - stamp < within_s

intensity: restarts are never forgotten
-for stamp in stamps if at - stamp <= within_s
+for stamp in stamps

restarts: the causes are cut
-        f"{child.id!r}: {end}",
-        *end.causes,
-    )
-    draft.order
+        f"{child.id!r}: {end}",
+    )
+    draft.order

restarts: any significant is all significant
-        case AutoShutdown.ANY_SIGNIFICANT:
-            ends = True
+        case AutoShutdown.ANY_SIGNIFICANT:
+            ends = not any(other.spec.significant and other.goal is not Goal.STOP for other in others)

restarts: all significant is any significant
-ends = not any(other.spec.significant and other.goal is not Goal.STOP for other in others)
+ends = True

restarts: everybody is significant
-            if child.spec.significant:
+            if True:

restarts: a supervisor that goes down forgets what it lists
-is_lost = child.added if is_closing else not park
+is_lost = not park

restarts: what was added survives its supervisor
-is_lost = child.added if is_closing else
+is_lost = False if is_closing else

restarts: a temporary child is kept
- or child.spec.restart is Restart.TEMPORARY

restarts: a dynamic child is kept
-return team.spec.dynamic or is_failed
+return is_failed

restarts: a failed addition is kept
- or is_failed_addition

restarts: gone is told too early
-    if is_lost or not is_closing:
+    if True:

decision: gone is told at every end
-elif child.gone is None or (fate is Fate.ENDED and child.gone is not Fate.ENDED):
+else:

restarts: waiting calls are lost
-    draft.inbox.extend(child.queue)
-    phase
+    phase

restarts: an open call is not answered
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
-SupervisorState(spec, tuple(listed.id for listed in spec.children))
+SupervisorState(spec, tuple(name for name in draft.teams[spec.id].children))

steps: two answers to one call
-draft.put(child.changed(phase=ChildPhase.UP, up_since=draft.at, call=None, queue=()))
+draft.put(child.changed(phase=ChildPhase.UP, up_since=draft.at, queue=()))

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
- or draft.reserved.get(name, call.supervisor) not in owners

calls: a restart by hand is counted as automatic
-goal=Goal.RUN, cause=Cause.CALL, call=call)
+goal=Goal.RUN, cause=Cause.RESTART, call=call)

calls: a record is never clean
-failures=0, stamps=(), parking="")
+parking="")

calls: a deadlock is allowed
-    return child is not None
+    return False

calls: extra options win
-{**supervisor.extra_options, **spec.options}
+{**spec.options, **supervisor.extra_options}

exits: a kill that was ordered is from outside
-case EndRequest.KILL, Signals.SIGKILL, _, _:
+case EndRequest.KILL, Signals.SIGTERM, _, _:

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


# Those of turns: the file is named from the top of `scr`.
TURN_FAULTS = r"""
turns/steps: a step is answered twice
-    if write not in turn.writing:
-        return None
+    if write not in turn.writing:
+        return turn

turns/steps: the other step is answered
-turn.writing[:at] + turn.writing[at + 1 :]
+turn.writing[1:]

turns/steps: nothing is handed over when the step is kept
-    return (orders.HandOver(),) if turn.phase
+    return () if turn.phase

turns/steps: a dead handler is given its budget
-    has_it = turn.phase is IN_HAND and turn.incarnation == incarnation
+    has_it = turn.phase is IN_HAND

turns/steps: what is known not to have happened is given to the next try
-    return orders.DropStep(step.name) if step.state == "not done" else orders.SetStep(step)
+    return orders.SetStep(step)

turns/steps: chunks of an earlier delivery are passed on
- and event.frame.delivery == turn.deliveries
+

turns/machine: an older incarnation is distrusted
- or event.incarnation < turn.incarnation:
+:

turns/machine: what is not the next may be begun
-        if not event.is_next:
-            return distrust(turn, event)
+

turns/machine: a turn that was cancelled is committed
-in_hand=rule, ahead=begin(rule), withdrawn=leave)
+in_hand=rule, ahead=begin(rule), withdrawn=rule)

turns/machine: a message is kept twice
-    events.Kept: row(committing=release),
+    events.Kept: row(committing=release, over=release),

turns/failing: an older incarnation fails
-    if event.incarnation != turn.incarnation:
-        return turn, ()
-    charges, verdict = judge(turn, event.failing, event.standing)
+    charges, verdict = judge(turn, event.failing, event.standing)

turns/failing: a wanted end is charged
-    if not event.blamed:
+    if False:

turns/failing: a death is charged to none
-    charges, verdict = judge(turn, Died(), event.standing)
+    charges, verdict = turn.charges, TryAgain()

turns/failing: an agent is parked one dead letter late
-    if row < PARKED_AFTER or
+    if row <= PARKED_AFTER or

turns/failing: the row is not begun again
-(orders.CountRow(0), orders.Park(why)), True
+(orders.Park(why),), True

turns/failing: a question that is asked again counts
-row = standing.row if is_repeated else streak(standing.row, verdict)
+row = streak(standing.row, verdict)

turns/failing: retries are not bounded
-    if is_waiting and not standing.may_wait:
+    if False:

turns/failing: a dead letter does not say how often it was tried
-    error = error.model_copy(update={"attempts": charges.attempts, "deaths": charges.deaths})
+

turns/failing: charges are not kept
-    first = (orders.Emit(happened), orders.PersistCharges())
+    first = (orders.Emit(happened),)

turns/failing: what a message explains is counted
-    return has_it and event.blamed and event.standing.policy.retries
+    return False

turns/failing: what no message explains is not counted
-    return has_it and event.blamed and event.standing.policy.retries
+    return event.blamed and event.standing.policy.retries

turns/failing: later messages overtake
-    is_overtaken = isinstance(verdict, TryAgain) and event.ahead_in_lane
+    is_overtaken = False

turns/failing: a retry has no timer
-            return (orders.StartTimer(max(0.0, due - standing.at)),)
+            return ()

turns/failing: what waits behind a question is forgotten
-            return orders.WaitBehind(turn.question), orders.TellDoubt()
+            return (orders.TellDoubt(),)

turns/failing: a handler that waits is not told
-        orders.Tell(event.incarnation, answer),
+

turns/commits: what a cancelled turn has sent leaves
- if not (turn.is_cancelled and is_of(sent, turn))
+

turns/commits: an agent that has ended is handed the next
-    if frame.ends:
+    if False:

turns/commits: a turn does not end the row
-    if event.row and turn.message.sender != RUNTIME:
+    if False and turn.message.sender != RUNTIME:

turns/commits: a turn that no store keeps is under way for ever
-    after = turn._replace(phase=IN_HAND, frame=None, writing=writing)
+    after = turn._replace(writing=writing)

turns/commits: a forged turn is kept
-    if event.fault:
+    if False:

turns/commits: what a turn has sent stays
-    todo += (orders.Post(sent) for sent in frame.sends
+    todo += (orders.Post(sent) for sent in frame.sends[1:]

turns/commits: entries tell the memory agent nothing
- or frame.entries
+

turns/commits: a cancelled turn is a plain one
- or event.silent or turn.is_cancelled)
+ or event.silent)

turns/failing: what a failed try has asked is forgotten
-        orders.FailQuestions(event.is_put_off),
+

turns/deliveries: what was sent ahead is sent again
-        return after, (orders.BUSY, orders.Emit(happened))
+        return after, (orders.SEND, orders.BUSY, orders.Emit(happened))

turns/deliveries: a delivery is not counted
-event.incarnation, turn.deliveries + 1
+event.incarnation, turn.deliveries

turns/deliveries: a retry is due and stays
-due=None), (orders.PUT_FIRST,)
+due=None), ()

turns/doubts: what waits behind is not freed
-    return after, (orders.PUT_FIRST, orders.FREE_BEHIND, *absent(event.room))
+    return after, (orders.PUT_FIRST, *absent(event.room))

turns/doubts: a doubt is not kept
-        orders.PersistDoubt(event.doubt),
+

turns/doubts: a message in doubt holds up its agent
-        orders.TellDoubt(),
-        orders.SETTLE,
+        orders.TellDoubt(),

turns/endings: a cancelled message has no outcome
-    return over(turn), (orders.Cancel(turn.message), orders.END_QUESTIONS)
+    return over(turn), (orders.END_QUESTIONS,)

turns/endings: what a turn sends is cancelled twice
-    if turn.is_cancelled or turn.frame is None:
+    if turn.frame is None:

turns/endings: a process that has a cancelled message goes on
-, *then, orders.RECYCLE)
+, *then)

turns/endings: what is cancelled frees before all of it is cancelled
-    return over(turn), (orders.Cancel(turn.message), orders.END_QUESTIONS)
+    return over(turn), (orders.Cancel(turn.message), orders.END_QUESTIONS, orders.FREE_BEHIND)

turns/endings: what waits behind a cancelled message waits for ever
-    return turn, (orders.FREE_BEHIND,)
+    return turn, ()

turns/deliveries: what a replaced process says of what it had ahead counts
-turn.incarnation + event.is_over)
+turn.incarnation)

turns/endings: mail of an agent that has ended is left
-    return over(turn), (outcome, orders.FREE_BEHIND)
+    return over(turn), (orders.FREE_BEHIND,)

turns/arrivals: a full mailbox takes more
-    if event.room.posted is not Posted.ACCEPTED:
+    if event.room.posted is Posted.UNKNOWN_AGENT:

turns/arrivals: a retry of an earlier runtime is never due
-(orders.Hold(), orders.StartTimer(event.left_s))
+(orders.Hold(),)

turns/arrivals: what was cancelled on its way arrives
-    if turn.is_cancelled:
+    if False:

mail/mailbox: turns: a step on its way is not waited for
- or not queue or queue[0].turn.writing:
+ or not queue:

mail/mailbox: turns: nothing is handed over when a turn is over
-return self.in_hand is None or was_full or is_used
+return False

mail/mailbox: turns: the next waits until the turn before it is kept
-            self.in_hand = None
-            return True
+            self.in_hand = None
+            return False

mail/mailbox: turns: a redelivery waits behind the others
-        self._waiting.appendleft(pending)
+        self._waiting.append(pending)

mail/mailbox: turns: what was sent ahead comes back in reverse
-        self._waiting.extendleft(reversed(self._ahead))
+        self._waiting.extendleft(self._ahead)

mail/mailbox: turns: a lane is not held
-        is_behind = self._retrying.hold(pending, ordered=self._bounds.ordered and not is_alone)
+        is_behind = self._retrying.hold(pending, ordered=False)

mail/retry_queue: turns: a lane is never free again
-        released = self._behind.pop(lane, deque())
+        released = deque[Pending]()

mail/router: turns: an agent that was told to stop is handed more
-return None if address is None or address.paused or not
+return None if address is None or not

runtime/dispatch/mail: turns: what is begun with a step is not in hand
-        self._box(pending).begin()
+        self._box(pending).take()

runtime/dispatch/fold: turns: what is over is known for ever
-        if turn.phase is OVER:
+        if False:

runtime/dispatch/writing: turns: the state of a turn that is not kept stays
-            self.states[agent] = before
+            pass

runtime/dispatch/turns: turns: what was sent ahead of a death is forgotten
-        for pending in ahead:
-            self.fold.feed(pending, TAKEN_BACK)
+        pass
"""


@dataclass(frozen=True, slots=True)
class Suite:
    """Faults below one folder, and the tests that are to notice them, with so many random histories."""

    folder: str
    faults: str
    tables: tuple[str, ...]
    simulation: str
    histories: int


SUITES = (
    Suite(
        "scr/supervise",
        FAULTS,
        ("tests/unit/supervise", "tests/unit/test_specs.py"),
        "tests/simulation/test_supervision.py",
        600,
    ),
    Suite(
        "scr", TURN_FAULTS, ("tests/unit/turns", "tests/unit/test_charging.py"), "tests/simulation/test_turns.py", 400
    ),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One place in one file, and what it is broken into."""

    suite: Suite
    file: str
    name: str
    line: str
    broken: str

    @property
    def path(self) -> Path:
        """Where, from the top of the house."""
        return Path(self.suite.folder) / f"{self.file}.py"

    @classmethod
    def of(cls, suite: Suite, text: str) -> Fault:
        """From its lines in the faults of a suite."""
        title, *lines = text.splitlines()
        file, _, name = title.partition(": ")
        kept, broken = ("\n".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
        return cls(suite, file, name, kept, broken)


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


def fails(copy: Path, histories: int, *tests: str) -> bool:
    """Whether these tests notice."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    command += ["--deselect", "tests/unit/supervise/test_rows.py"]
    home = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "SCR_HISTORIES": str(histories)}
    try:
        done = subprocess.run(command, cwd=copy, env=home, capture_output=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def noticed(copy: Path, suite: Suite) -> tuple[bool, bool]:
    """Whether the tables notice, and whether the simulation does."""
    return fails(copy, suite.histories, *suite.tables), fails(copy, suite.histories, suite.simulation)


def copy_house(copy: Path) -> None:
    """What the tests need, and nothing that starts a process."""
    skip = shutil.ignore_patterns("__pycache__")
    for part in NEEDED:
        source, target = HOUSE / part, copy / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=skip)
        else:
            shutil.copy(source, target)
    shutil.copy(HOUSE / "pyproject.toml", copy)


def main(words: list[str]) -> int:
    """Plant every fault, print who noticed."""
    faults = [Fault.of(suite, text) for suite in SUITES for text in suite.faults.strip().split("\n\n")]
    titles = {fault: f"{fault.file}: {fault.name}" for fault in faults}
    chosen = [fault for fault in faults if not words or any(word in titles[fault] for word in words)]
    for fault in faults:
        place(fault)
    survivors = []
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_house(copy)
        if any(any(noticed(copy, suite)) for suite in {fault.suite for fault in chosen}):
            sys.exit("the tests fail without any fault; mend that first")
        for fault in chosen:
            plant(fault, copy)
            seen = noticed(copy, fault.suite)
            heal(fault, copy)
            tables, simulation = ("noticed" if is_noticed else "   -   " for is_noticed in seen)
            print(f"{titles[fault]:74} tables {tables}   simulation {simulation}", flush=True)
            if not any(seen):
                survivors.append(titles[fault])
    print(f"{len(chosen)} faults, {len(survivors)} survived: {', '.join(survivors) or 'none'}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
