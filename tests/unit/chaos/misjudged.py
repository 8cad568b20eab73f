"""Runs in which tries, starts and deploys fail, as they must not go on."""

import json

from tests.unit.chaos.failing import (
    OTHER,
    THIRD,
    TRIED,
    both_asked,
    buried,
    delivered,
    died,
    exited,
    failed,
    many_deaths_that_messages_explain,
    parked,
    parked_and_taken_up,
    raised,
    refused,
    sent,
    starting,
    tried_as_often_as_it_may_be,
    tried_until_it_works,
    unstartable,
    up,
)


def one_attempt_too_many(of):
    sent(of, "r-1")
    for attempts in (1, 2, 3, 4):
        raised(of, "r-1", attempts, 0.1)
    buried(of, "r-1", "failed")


def one_death_too_many(of):
    sent(of, "r-1")
    for deaths in (1, 2, 3, 4):
        died(of, "r-1", deaths)
    buried(of, "r-1", "quarantined")


def a_charge_is_forgotten(of):
    sent(of, "r-1")
    raised(of, "r-1", attempts=1, pause_s=0.1)
    raised(of, "r-1", attempts=0, pause_s=None)
    buried(of, "r-1", "failed")


def charged_twice(of):
    row = sent(of, "r-1")
    raised(of, "r-1", attempts=2, pause_s=0.1)
    delivered(of, "r-1")
    of.turn(row, TRIED, 0)


def tried_after_its_end(of):
    tried_as_often_as_it_may_be(of)
    delivered(of, "r-1")


def given_up_too_early(of):
    sent(of, "r-1")
    raised(of, "r-1", attempts=1, pause_s=None)
    buried(of, "r-1", "failed")


def quarantined_for_exceptions(of):
    sent(of, "r-1")
    raised(of, "r-1", attempts=1, pause_s=None)
    buried(of, "r-1", "quarantined")


def mail_of_one_that_is_parked_is_buried(of):
    parked_and_taken_up(of)
    sent(of, "r-1")
    buried(of, "r-1", "agent_gone")


def before_its_time(of):
    row = sent(of, "r-1")
    raised(of, "r-1", attempts=1, pause_s=2.0)
    delivered(of, "r-1")
    of.turn(row, TRIED, 0)


def a_later_one_goes_first(of):
    row, later = sent(of, "r-1"), sent(of, "r-2")
    raised(of, "r-1", attempts=1, pause_s=0.1)
    of.turn(later, TRIED, 0)
    of.turn(row, TRIED, 0)


def keyed_tasks_overtake_each_other(of):
    first, second = (sent(of, key, sender="client", order_key="k") for key in ("c-1", "c-2"))
    both_asked(of)
    of.turn(second, TRIED, 0)
    of.turn(first, TRIED, 0)


def parked_by_deaths_that_messages_explain(of):
    many_deaths_that_messages_explain(of)
    parked(of)


def restarted_too_often_for_want_of_a_process(of):
    exited(of, THIRD)
    for _ in range(5):
        starting(of, THIRD)
    up(of, THIRD)


def parked_by_another(of):
    unstartable(of, 2)
    parked(of, THIRD)


def parked_though_it_does_not(of):
    unstartable(of, 5, OTHER)
    parked(of, OTHER)


def parked_by_letters_between_turns(of):
    for n in range(6):
        row = sent(of, f"r-{n}", retry={"attempts": 1})
        if n == 3:
            of.turn(row, TRIED, n)
        else:
            failed(of, f"r-{n}", attempts=1)
            buried(of, f"r-{n}", "failed")
    parked(of)


def gave_up_for_what_messages_explain(of):
    many_deaths_that_messages_explain(of)
    of.event("supervisor_gave_up", supervisor="team", causes=["x"])


def a_bystander_is_restarted(of):
    unstartable(of, 1)
    exited(of, THIRD, asked="stop")
    starting(of, THIRD)


def mail_and_state_are_ended(of):
    parked_and_taken_up(of)
    next(row for row in of.rows["agents"] if row["agent"] == TRIED)["gone_seq"] = of.seq


def state_begins_anew(of):
    tried_until_it_works(of)
    of.rows["turns"][-1]["state"] = json.dumps({"handled": 1})


def accepted(of):
    refused(of, "")


def refused_by_something_else(of):
    refused(of, "AgentError")


BROKEN = {
    "a message was tried too often": ("tries", one_attempt_too_many),
    "a message has ended too many processes": ("tries", one_death_too_many),
    "a message's attempts were forgotten": ("tries", a_charge_is_forgotten),
    "one try was charged twice": ("tries", charged_twice),
    "a message was tried after its end": ("tries", tried_after_its_end),
    "a message was not tried often enough": ("dead letters", given_up_too_early),
    "exceptions counted as deaths": ("dead letters", quarantined_for_exceptions),
    "mail of a parked agent was buried": ("dead letters", mail_of_one_that_is_parked_is_buried),
    "a message was tried before its time": ("due times", before_its_time),
    "a message overtook one that waits for its next try": ("order", a_later_one_goes_first),
    "tasks with one key overtook each other": ("order", keyed_tasks_overtake_each_other),
    "deaths that messages explain parked their agent": ("parked", parked_by_deaths_that_messages_explain),
    "an agent was started too often that had no process": (
        "restart limits",
        restarted_too_often_for_want_of_a_process,
    ),
    "an agent was parked for another's failures": ("parked", parked_by_another),
    "an agent was parked that does not park": ("parked", parked_though_it_does_not),
    "an agent was parked by letters that are not in a row": ("parked", parked_by_letters_between_turns),
    "a supervisor gave up for what messages explain": ("restart limits", gave_up_for_what_messages_explain),
    "an agent was restarted that had not failed": ("siblings", a_bystander_is_restarted),
    "an agent's mail and state were ended": ("kept", mail_and_state_are_ended),
    "an agent's state began anew": ("whole turns", state_begins_anew),
    "a deploy that does not fit was accepted": ("deploys", accepted),
    "a deploy was refused with the wrong error": ("deploys", refused_by_something_else),
}
