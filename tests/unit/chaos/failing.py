"""Runs in which tries, starts and deploys fail, as they should go on."""

from scr.chaos.inject.fault_result import Landed
from scr.chaos.judge.evidence import Deploy
from tests.unit.chaos.history import AGENTS

TRIED, OTHER, THIRD = AGENTS
"""The first and the third are parked when they fail too often, the second is not."""


def sent(of, key, agent=TRIED, sender=OTHER, **payload):
    row = of.message(key, sender, agent, "task", {"task_id": key, "input": 0, **payload})
    of.event("message_accepted", message_id=key)
    return row


def delivered(of, key, agent=TRIED):
    of.event("message_delivered", message_id=key, agent=agent, incarnation=of.incarnations[agent])


def failed(of, key, agent=TRIED, pause_s=None, cause=0, **fields):
    """One failed try; the next is due after `pause_s`."""
    due = None if pause_s is None else 1e9 + (of.seq + 1) / 10 + pause_s
    told = {"error": "OSError: no", "attempts": 0, "deaths": 0, "due": due, **fields}
    of.event("turn_failed", cause=cause, message_id=key, agent=agent, incarnation=of.incarnations[agent], **told)


def exited(of, agent=TRIED, asked="nothing"):
    of.event("agent_exited", agent=agent, incarnation=of.incarnations[agent], pid=1, reason="error", asked=asked)


def starting(of, agent=TRIED):
    of.incarnations[agent] += 1
    of.event("agent_starting", agent=agent, incarnation=of.incarnations[agent], supervisor="team")


def up(of, agent=TRIED):
    of.event("agent_up", agent=agent, incarnation=of.incarnations[agent], pid=1)


def raised(of, key, attempts, pause_s):
    """A try raises, and the next has a fresh process."""
    delivered(of, key)
    failed(of, key, attempts=attempts, pause_s=pause_s)
    exited(of, asked="stop")
    starting(of)
    up(of)


def died(of, key, deaths=1, agent=TRIED):
    """The process ends with the message in hand."""
    delivered(of, key, agent)
    exited(of, agent)
    failed(of, key, agent, cause=of.seq, deaths=deaths)
    starting(of, agent)
    up(of, agent)


def buried(of, key, reason, agent=TRIED):
    of.event("message_buried", message_id=key, type="task", to=agent, reason=reason)
    row = next(row for row in of.rows["messages"] if row["message_id"] == key)
    row.update(end_seq=of.seq, outcome="dead")
    letter = {"n": of.number(), "seq": of.seq, "end_seq": None, "message_id": key, "reason": reason}
    of.rows["letters"].append(letter | {"detail": "", "deliveries": 1})


def parked(of, agent=TRIED):
    of.event("agent_parked", agent=agent, reason="start_failed", detail="")


def tried_until_it_works(of):
    row = sent(of, "r-1")
    raised(of, "r-1", attempts=1, pause_s=0.3)
    raised(of, "r-1", attempts=2, pause_s=0.4)
    delivered(of, "r-1")
    of.turn(row, TRIED, 0)


def tried_as_often_as_it_may_be(of):
    sent(of, "r-1")
    for attempts, pause_s in ((1, 0.1), (2, 0.1), (3, None)):
        raised(of, "r-1", attempts, pause_s)
    buried(of, "r-1", "failed")


def tried_as_often_as_it_says_itself(of):
    sent(of, "r-1", retry={"attempts": 1})
    raised(of, "r-1", attempts=1, pause_s=None)
    buried(of, "r-1", "failed")


def died_as_often_as_it_may(of):
    sent(of, "r-1")
    for deaths in (1, 2, 3):
        died(of, "r-1", deaths)
    buried(of, "r-1", "quarantined")


def fatal(of):
    sent(of, "r-1")
    delivered(of, "r-1")
    failed(of, "r-1", error="Fatal: never", attempts=1)
    buried(of, "r-1", "failed")


def many_deaths_that_messages_explain(of):
    for n in range(8):
        row = sent(of, f"r-{n}")
        died(of, f"r-{n}")
        delivered(of, f"r-{n}")
        of.turn(row, TRIED, n)


def early_by_a_clock_that_jumped(of):
    row = sent(of, "r-1")
    raised(of, "r-1", attempts=1, pause_s=500.0)
    at = of.seq / 10
    of.landed.append(Landed(9, "clock_jump", "runtime", "runtime", 1, at - 0.2, at))
    of.event("turn_committed", message_id="t-0", agent=OTHER, incarnation=1)
    delivered(of, "r-1")
    of.turn(row, TRIED, 0)


def clients_that_overtake_each_other(of):
    first, second = sent(of, "c-1", sender="client"), sent(of, "c-2", sender="client", order_key="k")
    both_asked(of)
    of.turn(second, TRIED, 0)
    of.turn(first, TRIED, 0)


def parked_by_its_own_ends(of):
    unstartable(of, 3, THIRD)
    exited(of, THIRD)
    parked(of, THIRD)


def parked_and_taken_up(of):
    parked_by_its_own_ends(of)
    starting(of, THIRD)
    up(of, THIRD)
    unstartable(of, 2, THIRD)


def taken_up_in_vain(of):
    parked_by_its_own_ends(of)
    starting(of, THIRD)
    exited(of, THIRD)
    parked(of, THIRD)


def parked_for_want_of_a_process(of):
    exited(of, THIRD)
    for _ in range(3):
        starting(of, THIRD)
    parked(of, THIRD)


def parked_by_its_own_letters(of):
    for n in range(5):
        sent(of, f"r-{n}", retry={"attempts": 1})
        failed(of, f"r-{n}", attempts=1)
        buried(of, f"r-{n}", "failed")
    parked(of)


def refused(of, outcome="StartFailed"):
    of.deploys.append(Deploy(1, TRIED, "m:Misfit", of.seq / 10, of.seq / 10 + 1, outcome))
    exited(of, asked="stop")
    starting(of)
    up(of)


def both_asked(of):
    for key in ("c-1", "c-2"):
        of.asked[key] = of.asked["t-0"].__class__(key, expected=0, acked=True, answers=(0,))


def unstartable(of, times, agent=TRIED):
    for _ in range(times):
        exited(of, agent)
        starting(of, agent)
    up(of, agent)


HOLDS = (
    tried_until_it_works,
    tried_as_often_as_it_may_be,
    tried_as_often_as_it_says_itself,
    died_as_often_as_it_may,
    fatal,
    many_deaths_that_messages_explain,
    early_by_a_clock_that_jumped,
    clients_that_overtake_each_other,
    parked_and_taken_up,
    taken_up_in_vain,
    parked_for_want_of_a_process,
    parked_by_its_own_letters,
    refused,
)
