"""Whose a failure is: tables, and random histories in virtual time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scr.charging import (
    LATER_MIN_S,
    PARKED_AFTER,
    Behind,
    BuryMessage,
    Charges,
    Died,
    PutOff,
    Raised,
    TryAgain,
    Wait,
    charge,
    class_names,
    is_doubt,
    is_retryable,
    left_s,
    pause_s,
    put_off_s,
    streak,
)
from scr.errors import (
    AgentParked,
    AskTimedOut,
    Fatal,
    InvalidInput,
    InvalidMessage,
    InvalidSpec,
    StepInDoubt,
    TaskFailed,
    TryLater,
)
from scr.retry import Retry

PLAIN = Retry(attempts=3, base_s=1.0, cap_s=4.0, jitter="none")
ERROR = Raised(class_names(ConnectionError("away")))


def after(*failings, retry=PLAIN, max_deliveries=3, at=100.0):
    charges, verdict = Charges(), None
    for failing in failings:
        charges, verdict = charge(charges, failing, retry, max_deliveries, at=at, seed="m")
    return charges, verdict


def test_an_exception_costs_an_attempt_and_the_next_try_comes_after_a_pause():
    assert after(ERROR) == (Charges(attempts=1), TryAgain(101.0))
    assert after(ERROR, ERROR) == (Charges(attempts=2), TryAgain(102.0))


def test_the_last_attempt_is_the_end_and_counts_against_the_agent():
    charges, verdict = after(ERROR, ERROR, ERROR)
    assert (charges.attempts, verdict) == (3, BuryMessage("failed", "it was tried 3 times", is_agents=True))


def test_one_try_and_one_death_are_counted_in_the_singular():
    assert after(ERROR, retry=Retry(attempts=1))[1].why == "it was tried 1 time"
    assert after(Died(), max_deliveries=1)[1].why == "the process ended 1 time with it in hand"


def test_a_death_is_tried_again_at_once_and_has_a_limit_of_its_own():
    assert after(Died(), Died()) == (Charges(deaths=2), TryAgain())
    _, verdict = after(Died(), ERROR, Died(), Died())
    assert isinstance(verdict, BuryMessage)
    assert (verdict.reason, verdict.is_agents) == ("quarantined", True)


def test_either_limit_ends_the_message_and_neither_counts_for_the_other():
    charges, verdict = after(Died(), ERROR, Died(), ERROR)
    assert (charges, verdict) == (Charges(attempts=2, deaths=2), TryAgain(102.0))


@pytest.mark.parametrize("error", [Fatal("no"), InvalidMessage("no json"), InvalidSpec("no spec")])
def test_what_can_never_succeed_is_not_tried_again_and_is_not_the_agents_fault(error):
    charges, verdict = after(Raised(class_names(error)))
    assert (charges.attempts, isinstance(verdict, BuryMessage), verdict.is_agents) == (1, True, False)


@pytest.mark.parametrize(
    ("on", "never_on", "error", "again"),
    [
        ((), (), ValueError(), True),
        ((ConnectionError,), (), ConnectionResetError(), True),  # a subclass
        ((ConnectionError,), (), ValueError(), False),
        ((), (ValueError,), UnicodeError(), False),
        (("OSError",), ("FileNotFoundError",), FileNotFoundError(), False),
        (("OSError",), ("FileNotFoundError",), PermissionError(), True),
        (("scr.errors.StoreError",), (), TryLater(1), False),
        (("builtins.OSError",), (), ConnectionError(), True),
        (("json.decoder.JSONDecodeError",), (), ValueError(), False),
    ],
)
def test_which_exceptions_are_worth_another_try(on, never_on, error, again):
    assert is_retryable(Retry(on=on, never_on=never_on), class_names(error)) is again


def test_a_group_is_what_it_holds():
    fatal = BaseExceptionGroup("several", [ValueError(), ExceptionGroup("inner", [Fatal("no")])])
    away = ExceptionGroup("several", [TryLater(2.0), TryLater(5.0)])
    assert not is_retryable(Retry(), class_names(fatal))
    assert not is_retryable(Retry(never_on=KeyError), class_names(ExceptionGroup("one", [KeyError()])))
    assert is_retryable(Retry(on=KeyError), class_names(ExceptionGroup("one", [KeyError()])))
    assert (put_off_s(away), put_off_s(fatal), put_off_s(TryLater(1.0)), put_off_s(ValueError())) == (
        5.0,
        None,
        1.0,
        None,
    )


def test_another_agents_failure_is_no_mark_against_the_one_that_asked():
    for error in (TaskFailed("it failed"), AgentParked("it is down"), AskTimedOut("too slow"), StepInDoubt("unpaid")):
        _, verdict = after(*[Raised(class_names(error))] * 3)
        assert (isinstance(verdict, BuryMessage), verdict.is_agents) == (True, False)


def test_an_outage_costs_no_attempt_and_no_death():
    assert after(PutOff(5.0)) == (Charges(outage_since=100.0), TryAgain(105.0))


def test_a_doubt_of_what_was_asked_costs_nothing_and_waits_for_no_time():
    assert after(ERROR, PutOff(5.0), Behind()) == (Charges(attempts=1, outage_since=100.0), Wait())
    doubt = StepInDoubt("unpaid")
    several = [ExceptionGroup("several", errors) for errors in ([doubt, doubt], [doubt, ValueError()])]
    assert [is_doubt(error) for error in (doubt, *several, ValueError())] == [True, True, False, False]


def test_an_outage_is_not_looked_at_without_a_pause():
    _, verdict = after(PutOff(0.0), at=100.0)
    assert verdict == TryAgain(100.0 + LATER_MIN_S)


def test_an_outage_of_a_year_ends_when_the_message_may_not_be_put_off_for_longer():
    retry = Retry(outage_s=3600.0)
    charges, verdict = charge(Charges(), PutOff(31_536_000.0), retry, 3, at=100.0, seed="m")
    assert verdict == TryAgain(3700.0)
    assert charge(charges, PutOff(1.0), retry, 3, at=3700.0, seed="m")[1] == BuryMessage(
        "failed", "it was put off for 3600 s, and may not be for longer"
    )


def test_an_error_after_an_outage_ends_the_outage():
    charges, _ = after(PutOff(1.0), ERROR)
    assert charges == Charges(attempts=1)


@pytest.mark.parametrize("after_s", [-1, float("nan"), float("inf"), 10**400, "5", None, True])
def test_an_outage_without_a_length_is_refused_where_it_is_raised(after_s):
    with pytest.raises(InvalidInput, match="give the seconds until the next try"):
        TryLater(after_s)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"attempts": 0}, "attempts"),
        ({"base_s": 5, "cap_s": 1}, "cap_s 1 is below base_s 5"),
        ({"factor": 0.5}, "factor"),
        ({"base_s": float("nan")}, "base_s"),
        ({"jitter": "some"}, "jitter"),
        ({"on": ValueError, "never_on": "ValueError"}, "ValueError stands in on and in never_on"),
        ({"on": (KeyError, OSError), "never_on": LookupError}, "KeyError in on is a LookupError"),
        ({"on": int}, "is no exception"),
        ({"pause": 3}, "pause"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused_with_what_is_wrong(fields, named):
    with pytest.raises(InvalidSpec, match=named):
        Retry(**fields)


def test_a_factor_beyond_all_numbers_ends_at_the_cap():
    for factor, failures in ((1e200, 3), (1e6, 60)):
        steep = Retry(attempts=100, base_s=0.01, cap_s=0.02, factor=factor, jitter="none")
        assert pause_s(steep, failures, "m") == 0.02
        assert pause_s(steep.model_copy(update={"base_s": 0.0}), failures, "m") == 0.0


class Away(TryLater):
    def __init__(self, after_s=None):
        if after_s is not None:
            self.after_s = after_s


@pytest.mark.parametrize(
    ("after_s", "asked_s"), [(None, 1.0), (3, 3), (float("nan"), 1.0), (-1, 1.0), ("5", 1.0), (10**400, 1.0)]
)
def test_an_outage_of_a_class_of_the_users_is_one_whatever_it_holds(after_s, asked_s):
    assert put_off_s(Away(after_s)) == asked_s


def test_a_policy_of_sets_is_the_same_in_every_process():
    assert Retry(on={"b", "a", "c"}).on == ("a", "b", "c")


def test_pauses_grow_to_the_cap_and_jitter_draws_below_them():
    retry = Retry(base_s=0.1, cap_s=30.0)
    ceilings = [pause_s(retry.model_copy(update={"jitter": "none"}), n, "m") for n in (1, 2, 3, 12, 10_000)]
    assert ceilings == [0.1, 0.2, 0.4, 30.0, 30.0]
    drawn = {pause_s(retry, 3, f"m{n}") for n in range(100)}
    assert len(drawn) == 100
    assert all(0 <= pause <= 0.4 for pause in drawn)
    assert pause_s(retry, 3, "m1") == pause_s(retry, 3, "m1")


def test_a_clock_that_was_set_back_makes_no_retry_wait_longer_than_it_could_have():
    retry = Retry(cap_s=30.0, outage_s=60.0)
    assert [left_s(1000.0, retry, at=at) for at in (990.0, 2000.0, 0.0)] == [10.0, 0.0, 60.0]


def test_dead_letters_in_a_row_add_up_until_a_turn_commits():
    count = 0
    for verdict in [BuryMessage("failed", "", is_agents=True)] * 4 + [BuryMessage("failed", ""), TryAgain(1.0)]:
        count = streak(count, verdict)
    assert (count, streak(count, BuryMessage("quarantined", "", is_agents=True)), streak(count, None)) == (
        4,
        PARKED_AFTER,
        0,
    )


FAILINGS = st.one_of(
    st.just(Died()),
    st.builds(PutOff, st.floats(0, 1e9)),
    st.sampled_from([ValueError(), KeyError(), Fatal(), OSError()]).map(lambda error: Raised(class_names(error))),
)
RETRIES = st.builds(
    Retry,
    attempts=st.integers(1, 6),
    base_s=st.floats(0, 10),
    cap_s=st.floats(10, 100),
    jitter=st.sampled_from(["full", "none"]),
    never_on=st.sampled_from([(), ("KeyError",)]),
    outage_s=st.floats(1, 1e6),
)


@given(st.lists(FAILINGS, max_size=40), RETRIES, st.integers(1, 5))
def test_in_every_history_the_limits_hold_and_every_try_has_a_time(failings, retry, max_deliveries):
    charges, at, first_outage = Charges(), 1000.0, None
    for failing in failings:
        charges, verdict = charge(charges, failing, retry, max_deliveries, at=at, seed="m")
        assert charges.attempts <= retry.attempts
        assert charges.deaths <= max_deliveries
        if isinstance(failing, PutOff):
            first_outage = at if first_outage is None else first_outage
        elif isinstance(failing, Raised):
            first_outage = None
        if isinstance(verdict, BuryMessage):
            return
        due = at if verdict.due is None else verdict.due
        assert at <= due
        if isinstance(failing, PutOff):
            assert due <= first_outage + retry.outage_s
        else:
            assert due <= at + retry.cap_s
        at = due
