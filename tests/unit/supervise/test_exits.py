"""Why a process ended: the table of `supervise.exits`, row by row."""

from signal import Signals

import pytest

from scr.launch.wait_status import WaitStatus
from scr.messages import ExitReason
from scr.protocol.frames import Exiting
from scr.supervise.exits import Asked, classify, signal_name

NORMAL, SHUTDOWN = Exiting(reason="normal"), Exiting(reason="shutdown", message="done for today")
ERROR = Exiting(reason="error", error_type="ValueError", message="no")
NOT_STARTED = Exiting(reason="start_failed", error_type="KeyError", message="'x'")
ASKED_TO_END = [Asked.STOP, Asked.KILL, Asked.HUNG]
KILL, TERM, SEGV = WaitStatus(signal=9), WaitStatus(signal=15), WaitStatus(signal=11)


def code(number):
    return WaitStatus(code=number)


@pytest.mark.parametrize(
    ("record", "status", "asked", "reason"),
    [
        (None, KILL, Asked.KILL, "killed"),
        (ERROR, KILL, Asked.KILL, "killed"),
        (None, KILL, Asked.HUNG, "hung"),
        (SHUTDOWN, code(0), Asked.STOP, "shutdown"),
        (SHUTDOWN, code(1), Asked.STOP, "shutdown"),
        (None, TERM, Asked.STOP, "shutdown"),
        (None, code(0), Asked.STOP, "shutdown"),
        (None, code(0), Asked.KILL, "shutdown"),
        (None, KILL, Asked.OPERATOR, "killed"),
        (SHUTDOWN, SEGV, Asked.OPERATOR, "crashed"),
        (None, TERM, Asked.HUNG, "shutdown"),
        (NORMAL, code(0), Asked.STOP, "normal"),
        (ERROR, code(1), Asked.STOP, "error"),
        (None, code(3), Asked.STOP, "error"),
        (None, SEGV, Asked.STOP, "crashed"),
        (None, KILL, Asked.STOP, "killed"),
        (NOT_STARTED, code(1), Asked.NOTHING, "start_failed"),
        (SHUTDOWN, code(0), Asked.NOTHING, "shutdown"),
        (NORMAL, code(0), Asked.NOTHING, "normal"),
        (None, code(0), Asked.NOTHING, "error"),
        (ERROR, code(1), Asked.NOTHING, "error"),
        (ERROR, code(0), Asked.NOTHING, "error"),
        (ERROR, SEGV, Asked.NOTHING, "error"),
        (None, code(1), Asked.NOTHING, "error"),
        (None, code(137), Asked.NOTHING, "error"),
        (NORMAL, code(3), Asked.NOTHING, "error"),
        (SHUTDOWN, code(3), Asked.NOTHING, "error"),
        (None, KILL, Asked.NOTHING, "killed"),
        (NORMAL, SEGV, Asked.NOTHING, "crashed"),
        (None, SEGV, Asked.NOTHING, "crashed"),
        (None, WaitStatus(signal=6), Asked.NOTHING, "crashed"),
        (None, TERM, Asked.NOTHING, "crashed"),
        (None, WaitStatus(signal=1), Asked.NOTHING, "crashed"),
        (None, WaitStatus(signal=2), Asked.NOTHING, "crashed"),
        (None, WaitStatus(signal=31), Asked.NOTHING, "crashed"),
        (None, WaitStatus(), Asked.NOTHING, "error"),
        (NORMAL, WaitStatus(), Asked.NOTHING, "error"),
        (None, WaitStatus(), Asked.KILL, "error"),
        (SHUTDOWN, WaitStatus(), Asked.STOP, "shutdown"),
    ],
)
def test_the_reason_is_decided_from_the_record_the_status_and_what_was_asked(record, status, asked, reason):
    assert classify(record, status, asked).reason == reason


def test_the_kernels_kill_for_memory_needs_the_kernels_own_word():
    assert classify(None, KILL, Asked.NOTHING, oom_kill=True).reason is ExitReason.OUT_OF_MEMORY
    assert classify(None, KILL, Asked.STOP, oom_kill=True).reason is ExitReason.OUT_OF_MEMORY
    assert classify(None, KILL, Asked.KILL, oom_kill=True).reason is ExitReason.KILLED
    assert classify(None, SEGV, Asked.NOTHING, oom_kill=True).reason is ExitReason.CRASHED


def test_only_an_end_on_purpose_is_not_abnormal():
    ends = [classify(record, code(0), Asked.NOTHING) for record in (NORMAL, SHUTDOWN, ERROR)]
    assert [end.abnormal for end in ends] == [False, False, True]


def test_the_detail_says_what_a_person_needs():
    assert classify(ERROR, code(1), Asked.NOTHING).detail == "ValueError: no"
    assert classify(NOT_STARTED, code(1), Asked.NOTHING).detail == "KeyError: 'x'"
    assert classify(SHUTDOWN, code(0), Asked.NOTHING).detail == "done for today"
    assert classify(None, SEGV, Asked.NOTHING).detail == "SIGSEGV"
    assert classify(None, code(7), Asked.NOTHING).detail == "exit status 7"
    assert "lost" in classify(None, WaitStatus(), Asked.NOTHING).detail
    assert "from outside" in classify(None, KILL, Asked.NOTHING).detail
    assert classify(None, KILL, Asked.OPERATOR).detail == "by an operator"
    assert classify(None, TERM, Asked.OPERATOR).detail == "SIGTERM, sent by an operator"
    assert "thread" in classify(None, code(0), Asked.NOTHING).detail
    assert len(classify(Exiting(reason="error", message="x" * 10**5), code(1), Asked.NOTHING).detail) == 1000


def test_a_signal_without_a_name_has_its_number():
    assert signal_name(Signals.SIGKILL) == "SIGKILL"
    assert signal_name(33) == "signal 33"


@pytest.mark.parametrize("asked", ASKED_TO_END)
def test_what_was_asked_to_end_and_ended_in_order_is_a_shutdown(asked):
    assert not classify(SHUTDOWN, code(0), asked).abnormal
    assert not classify(None, TERM, asked).abnormal
