"""Measure what the fold of a message's way costs: microseconds an event, of a plain message and of random histories.

python scripts/fold_figures.py [--messages 50000]

Four events make the way of a plain message: the store has it, it is handed over, its turn comes, the turn is kept.
A random history feeds events as they are drawn to one message after the other.  The fold alone is measured: no order
is carried out, and what other processes do meanwhile does not count.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from itertools import repeat
from random import Random

from scr.charging import Raised
from scr.mail.pending import Doubt, MessageTurn
from scr.messages import CLIENT, Status, StatusPayload, Task, TaskPayload, follow, origin
from scr.protocol.frames import Commit, ReadSteps, StepRecord
from scr.retry import ErrorInfo
from scr.store.records import CommittedTurn
from scr.turns import events
from scr.turns.machine import decide
from scr.turns.timing import Change

MOST_US = 10.0
MESSAGE = Task(payload=TaskPayload(task_id="t"), **origin(message_id="m", sender=CLIENT, to="worker", at=0.0))
SENT = Status(payload=StatusPayload(state="on"), **follow(MESSAGE, 0, sender="worker", to="other", at=0.0))
TURN = CommittedTurn("worker", 1, Commit(message_id="m", sends=(SENT,)))
UNTIMED, STEP, ERROR = Change((), (), {}), StepRecord(name="s", value=1), ErrorInfo(type="ValueError")
STANDING = events.Standing(at=0.0)
PLAIN: Sequence[events.Event] = (
    events.Accepted(),
    events.Handed(1),
    events.Commits(1, TURN, UNTIMED),
    events.Kept(TURN, UNTIMED),
)
DRAWN: Sequence[events.Event] = (
    *PLAIN,
    events.SentAhead(1),
    events.TakenBack(),
    events.Records(1, STEP, 1),
    events.Recorded(1, STEP, 1),
    events.Fails(1, 2, Raised(("ValueError",)), ERROR, STANDING),
    events.Due(),
    events.Reads(1, ReadSteps(ref=3, message_id="m", after=0)),
    events.Doubts(1, Doubt("s")),
    events.Settled(STEP),
    events.Resolved(),
    events.Exited(1, True, ERROR, STANDING),
    events.Cancelled(),
)


def plain_us(messages: int) -> dict[str, float]:
    """Return the microseconds of each event of a plain message."""
    turn, spent = MessageTurn(MESSAGE), {}
    for event in PLAIN:
        began = time.process_time()
        for _ in repeat(None, messages):
            decide(turn, event)
        spent[type(event).__name__] = (time.process_time() - began) / messages * 1e6
        turn, _ = decide(turn, event)
    return spent


def random_us(messages: int, seed: int) -> float:
    """Return the mean of all events of as many histories, of 20 events each."""
    drawn = [Random(seed + n).choices(DRAWN, k=16) for n in range(100)]
    began = time.process_time()
    for n in range(messages):
        turn = MessageTurn(MESSAGE)
        for event in (*PLAIN[:2], *drawn[n % 100], *PLAIN[2:]):
            turn, _ = decide(turn, event)
    return (time.process_time() - began) / (messages * 20) * 1e6


def main() -> int:
    """Print the figures; 1 when one is above what an event may cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=50_000, help="how often each is measured (50000)")
    parser.add_argument("--seed", type=int, default=1, help="of the random histories (1)")
    given = parser.parse_args()
    spent = plain_us(given.messages)
    spent["a random history, mean"] = random_us(given.messages // 10, given.seed)
    for name, us in spent.items():
        print(f"{name:24} {us:6.2f} µs")
    return int(max(spent.values()) > MOST_US)


if __name__ == "__main__":
    sys.exit(main())
