"""Why a process ended: the table of `supervise.exits`, row by row."""

from signal import Signals

import pytest

from scr.launch.wait_status import WaitStatus
from scr.messages import ExitReason
from scr.protocol.frames import Exiting
from scr.supervise.exits import EndRequest, classify, signal_name

NORMAL, SHUTDOWN = Exiting(reason="normal"), Exiting(reason="shutdown", message="done for today")
ERROR = Exiting(reason="error", error_type="ValueError", message="no")
NOT_STARTED = Exiting(reason="start_failed", error_type="KeyError", message="'x'")
ASKED_TO_END = [EndRequest.STOP, EndRequest.KILL, EndRequest.HUNG]
KILL, TERM, SEGV = WaitStatus(signal=9), WaitStatus(signal=15), WaitStatus(signal=11)


def code(number):
    return WaitStatus(code=number)


@pytest.mark.parametrize(
    ("record", "status", "asked", "reason"),
    [
        (None, KILL, EndRequest.KILL, "killed"),
        (ERROR, KILL, EndRequest.KILL, "killed"),
        (None, KILL, EndRequest.HUNG, "hung"),
        (SHUTDOWN, code(0), EndRequest.STOP, "shutdown"),
        (SHUTDOWN, code(1), EndRequest.STOP, "shutdown"),
        (None, TERM, EndRequest.STOP, "shutdown"),
        (None, code(0), EndRequest.STOP, "shutdown"),
        (None, code(0), EndRequest.KILL, "shutdown"),
        (None, KILL, EndRequest.OPERATOR, "killed"),
        (SHUTDOWN, SEGV, EndRequest.OPERATOR, "crashed"),
        (None, TERM, EndRequest.HUNG, "shutdown"),
        (NORMAL, code(0), EndRequest.STOP, "normal"),
        (ERROR, code(1), EndRequest.STOP, "error"),
        (None, code(3), EndRequest.STOP, "error"),
        (None, SEGV, EndRequest.STOP, "crashed"),
        (None, KILL, EndRequest.STOP, "killed"),
        (NOT_STARTED, code(1), EndRequest.NOTHING, "start_failed"),
        (SHUTDOWN, code(0), EndRequest.NOTHING, "shutdown"),
        (NORMAL, code(0), EndRequest.NOTHING, "normal"),
        (None, code(0), EndRequest.NOTHING, "error"),
        (ERROR, code(1), EndRequest.NOTHING, "error"),
        (ERROR, code(0), EndRequest.NOTHING, "error"),
        (ERROR, SEGV, EndRequest.NOTHING, "error"),
        (None, code(1), EndRequest.NOTHING, "error"),
        (None, code(137), EndRequest.NOTHING, "error"),
        (NORMAL, code(3), EndRequest.NOTHING, "error"),
        (SHUTDOWN, code(3), EndRequest.NOTHING, "error"),
        (None, KILL, EndRequest.NOTHING, "killed"),
        (NORMAL, SEGV, EndRequest.NOTHING, "crashed"),
        (None, SEGV, EndRequest.NOTHING, "crashed"),
        (None, WaitStatus(signal=6), EndRequest.NOTHING, "crashed"),
        (None, TERM, EndRequest.NOTHING, "crashed"),
        (None, WaitStatus(signal=1), EndRequest.NOTHING, "crashed"),
        (None, WaitStatus(signal=2), EndRequest.NOTHING, "crashed"),
        (None, WaitStatus(signal=31), EndRequest.NOTHING, "crashed"),
        (None, WaitStatus(), EndRequest.NOTHING, "error"),
        (NORMAL, WaitStatus(), EndRequest.NOTHING, "error"),
        (None, WaitStatus(), EndRequest.KILL, "error"),
        (SHUTDOWN, WaitStatus(), EndRequest.STOP, "shutdown"),
    ],
)
def test_the_reason_is_decided_from_the_record_the_status_and_what_was_asked(record, status, asked, reason):
    assert classify(record, status, asked).reason == reason


def test_the_kernels_kill_for_memory_needs_the_kernels_own_word():
    assert classify(None, KILL, EndRequest.NOTHING, oom_kill=True).reason is ExitReason.OUT_OF_MEMORY
    assert classify(None, KILL, EndRequest.STOP, oom_kill=True).reason is ExitReason.OUT_OF_MEMORY
    assert classify(None, KILL, EndRequest.KILL, oom_kill=True).reason is ExitReason.KILLED
    assert classify(None, SEGV, EndRequest.NOTHING, oom_kill=True).reason is ExitReason.CRASHED


def test_only_an_end_on_purpose_is_not_abnormal():
    ends = [classify(record, code(0), EndRequest.NOTHING) for record in (NORMAL, SHUTDOWN, ERROR)]
    assert [end.abnormal for end in ends] == [False, False, True]


def test_the_detail_says_what_a_person_needs():
    assert classify(ERROR, code(1), EndRequest.NOTHING).detail == "ValueError: no"
    assert classify(NOT_STARTED, code(1), EndRequest.NOTHING).detail == "KeyError: 'x'"
    assert classify(SHUTDOWN, code(0), EndRequest.NOTHING).detail == "done for today"
    assert classify(None, SEGV, EndRequest.NOTHING).detail == "SIGSEGV"
    assert classify(None, code(7), EndRequest.NOTHING).detail == "exit status 7"
    assert "lost" in classify(None, WaitStatus(), EndRequest.NOTHING).detail
    assert "from outside" in classify(None, KILL, EndRequest.NOTHING).detail
    assert classify(None, KILL, EndRequest.OPERATOR).detail == "by an operator"
    assert classify(None, TERM, EndRequest.OPERATOR).detail == "SIGTERM, sent by an operator"
    assert "thread" in classify(None, code(0), EndRequest.NOTHING).detail
    assert len(classify(Exiting(reason="error", message="x" * 10**5), code(1), EndRequest.NOTHING).detail) == 1000


def test_a_signal_without_a_name_has_its_number():
    assert signal_name(Signals.SIGKILL) == "SIGKILL"
    assert signal_name(33) == "signal 33"


@pytest.mark.parametrize("asked", ASKED_TO_END)
def test_what_was_asked_to_end_and_ended_in_order_is_a_shutdown(asked):
    assert not classify(SHUTDOWN, code(0), asked).abnormal
    assert not classify(None, TERM, asked).abnormal
