"""Logs, crashes and troubles in words."""

import re
import signal
import threading

import pytest

from scr.cli import event_queue as inbox_module
from scr.cli.commands.control import parsed, signal_number
from scr.cli.event_queue import Inbox
from scr.cli.output import guarded
from scr.errors import AgentGone, InvalidInput, RuntimeGone, StartFailed, UnknownAgent
from scr.exit_codes import ExitCode
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import (
    AgentExited,
    AgentUp,
    LinesDropped,
    Logged,
    MessageParked,
    Printed,
    Progressed,
    TurnCommitted,
)
from scr.telemetry.events import AgentGoneEvent as Gone
from scr.views.agent_log import line_of
from scr.views.crashes import overview, story
from tests.conftest import until

CRASH = CrashRecord(
    agent="worker-1",
    incarnation=2,
    pid=77,
    reason="crashed",
    signal="SIGSEGV",
    detail="SIGSEGV",
    stack="Current thread 0x01 (most recent call first):\n  File c.py",
    stdout="nearly there\n",
    stderr="careful\nCurrent thread 0x01 (most recent call first):\n  File c.py\n",
    memory_bytes=5 << 20,
    cpu_s=0.25,
    in_hand="m1",
    in_hand_type="task",
    deliveries=3,
    uptime_s=4.0,
    restarts=1,
    max_restarts=3,
    within_s=5.0,
    time=1.0e9,
)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Printed(agent="a", stream="stdout", text="hello"), "out | hello"),
        (Printed(agent="a", stream="stderr", text="oh"), "err | oh"),
        (Logged(agent="a", text="noted"), "log | noted"),
        (Progressed(agent="a", done=1000, total=2000, note="reading"), "log | reading 1,000 of 2,000"),
        (AgentUp(agent="a", incarnation=2, pid=7), "--- | incarnation 2 is up, pid 7"),
        (
            AgentExited(agent="a", incarnation=2, pid=7, reason="error", detail="ValueError: no\nmore"),
            "--- | incarnation 2 ended, pid 7: error: ValueError: no",
        ),
        (AgentExited(agent="a", incarnation=2, pid=7, reason="shutdown"), "--- | incarnation 2 ended, pid 7: shutdown"),
        (Gone(agent="a", reason="shutdown"), "--- | gone for good (shutdown)"),
        (
            MessageParked(message_id="m1", agent="a", step="pay", detail="the bank\nis silent"),
            "--- | step pay of m1 is in doubt, it waits for a person (scr doubts): the bank",
        ),
        (LinesDropped(agent="a", count=5), "--- | 5 more lines than it may print in a second were left out"),
    ],
)
def test_a_log_is_told_line_by_line_with_the_time_of_day(record, event, said):
    line = line_of(record(event))
    assert re.match(r"\d\d:\d\d:\d\d\.\d\d\d ", line)
    assert line[13:] == said


def test_what_is_no_matter_of_a_log_is_left_out(record):
    assert line_of(record(TurnCommitted(message_id="m", agent="a", incarnation=1))) is None


def test_crashes_are_told_in_a_line_each():
    lines = overview([CRASH, CRASH.model_copy(update={"agent": "b", "detail": "a\nb"})])
    assert [line.split()[1:] for line in lines] == [
        ["AGENT", "INC", "PID", "REASON", "UP", "WHY"],
        ["worker-1", "2", "77", "crashed", "4.0s", "SIGSEGV"],
        ["b", "2", "77", "crashed", "4.0s", "a"],
    ]


def test_one_crash_is_told_whole_and_its_stack_once():
    said = "\n".join(story(CRASH))
    for words in (
        "worker-1 #2 (pid 77)",
        "crashed: SIGSEGV",
        "asked      nothing",
        "task m1, delivery 3",
        "5.0M of memory at its peak, 0.25 s",
        "1 of 3 in 5 s",
        "    nearly there",
        "    careful",
    ):
        assert words in said
    assert said.count("File c.py") == 1
    assert "traceback" not in said


def test_a_once_step_that_a_crash_came_in_the_middle_of_is_named():
    lines = story(CRASH.model_copy(update={"begun": "pay"}))
    assert "  in hand    task m1, delivery 3, in the middle of step pay (once)" in lines


def test_one_without_a_message_in_hand_says_so():
    assert "  in hand    nothing" in list(story(CRASH.model_copy(update={"in_hand": None})))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("no"), 2),
        (UnknownAgent("no"), 2),
        (AgentGone("no"), 5),
        (RuntimeGone("no"), 5),
        (StartFailed("no"), 5),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_trouble_has_its_exit_code_and_its_sentence(capsys, error, code):
    def command():
        raise error

    assert guarded(command, as_json=False) == code
    assert capsys.readouterr().err == ("" if code == 130 else "scr: no\n")


def test_with_json_the_trouble_is_an_object_too(capsys):
    def command():
        raise AgentGone("no")

    assert guarded(command, as_json=True) is ExitCode.FAILED
    assert capsys.readouterr().out == '{"status": "failed", "error": "no"}\n'


def test_what_went_well_keeps_its_code():
    assert guarded(lambda: ExitCode.PARTIAL, as_json=False) is ExitCode.PARTIAL


@pytest.mark.parametrize("name", ["KILL", "sigkill", "SIGKILL", "9"])
def test_a_signal_is_known_by_any_of_its_names(name):
    assert signal_number(name) is signal.SIGKILL


@pytest.mark.parametrize("name", ["NOPE", "", "99", "-9"])
def test_what_is_no_signal_is_told_by_name(name):
    with pytest.raises(InvalidInput, match=f"no signal '{name}'"):
        signal_number(name)


def test_a_task_is_json_or_is_refused_with_its_place():
    assert parsed('{"n": [1]}') == {"n": [1]}
    with pytest.raises(InvalidInput, match="line 1 column 1"):
        parsed("hello")


def test_an_inbox_tells_what_is_past_from_what_comes(record, monkeypatch):
    monkeypatch.setattr(inbox_module, "TICK_S", 0.001)
    with Inbox() as inbox:
        for text in "ab":
            inbox.hear(record(Logged(agent="x", text=text)))
        inbox.hear(record(TurnCommitted(message_id="m", agent="x", incarnation=1)))
        inbox.mark()
        inbox.hear(record(Logged(agent="x", text="c")))
        assert [one.event.text for one in inbox.past()] == ["a", "b"]
        assert inbox.next().event.text == "c"
        assert inbox.next() is None


def test_a_full_inbox_makes_the_reader_wait_and_lets_it_go_when_nobody_reads_any_more(record, monkeypatch):
    monkeypatch.setattr(inbox_module, "TICK_S", 0.001)
    monkeypatch.setattr(inbox_module, "INBOX_MAX", 2)
    heard = []

    def read():
        for n in range(4):
            inbox.hear(record(Logged(agent="x", text=str(n))))
            heard.append(n)

    with Inbox() as inbox:
        reader = threading.Thread(target=read)
        reader.start()
        until(lambda: heard == [0, 1])
    reader.join(20)
    assert heard == [0, 1, 2, 3]
    assert [inbox.next().event.text, inbox.next().event.text, inbox.next()] == ["0", "1", None]
