"""Decide which differences are only an order that OTP and SCR may each choose.

An end while other children start is counted at once by SCR and after the start by OTP, and supervisors of OTP work
beside each other (the table in `scr/supervise/__init__.py`).  So where several workers end at once, what happens next
depends on the order in which their ends are heard.  Such a difference is explained when the policy gives the same
answers and states after every operation, if only it hears of the ends in another order.

A difference that does not come again when OTP lives through the history alone is explained too: the policy does the
same each time, so OTP did not, on a machine that was too slow for a deadline.  Nothing else is explained.
"""

from __future__ import annotations

from random import Random

from otp.history import Behave, History, Together
from otp.model import live_through
from otp.story import Difference, Story, compare

SCHEDULES = 400
SAME_ELSEWHERE = "the policy does exactly this when it hears of ends that happened at once in another order"
SAME_RESULT = "every answer and every state is the same; starts and stops differ by the order of ends at once"
NOT_REPEATED = "OTP did as SCR when it lived through this history again, alone"


def explain(history: History, theirs: Story, found: Difference) -> str | None:
    """Give the reason for a difference that is a matter of schedules; None for every other."""
    if not ends_at_once(history, found.at):
        return None
    is_same_result = False
    for n in range(SCHEDULES):
        ours = live_through(history, Random(n))
        if compare(history, theirs, ours) is None:
            return SAME_ELSEWHERE
        is_same_result = is_same_result or compare(history, theirs, ours, traces=False) is None
    return SAME_RESULT if is_same_result else None


def ends_at_once(history: History, at: int) -> bool:
    """Tell whether several workers may have ended at once in the segment with this index."""
    operations = history.operations[:at]
    if operations and isinstance(operations[-1], Together) and len(operations[-1].exits) > 1:
        return True
    changes = (*history.setup, *operations)
    return any(isinstance(change, Behave) and change.victim != "none" for change in changes)
