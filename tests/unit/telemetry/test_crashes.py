"""Stacks found in what a process wrote last."""

import pytest

from scr.telemetry.crashes import last_dump, without_dumps

POOL = 'Thread 0x00007f01 (most recent call first):\n  File "pool.py", line 3 in wait\n'
MAIN = 'Current thread 0x00007f02 (most recent call first):\n  File "agent.py", line {} in on_task\n  ...'
FATAL = 'Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f02 (most recent call first):\n  File "c.py"'


def dump(line):
    return f"{POOL}\n{MAIN.format(line)}"


@pytest.mark.parametrize(
    ("stderr", "found"),
    [
        ("", ""),
        ("nothing to see\nhere", ""),
        (dump(7), dump(7)),
        (f"before\n{dump(7)}\nafter", dump(7)),
        (f"{dump(7)}\n{dump(8)}\n", dump(8)),
        (f"{dump(7)}\nbetween\n{dump(8)}", dump(8)),
        (f"{MAIN.format(7)}\n{MAIN.format(8)}", MAIN.format(8)),
        (f"{dump(7)}\n{FATAL}\n\nExtension modules: a, b (total: 2)", FATAL),
        ('Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: no', ""),
        ('cut off at the front\n  File "a.py", line 1 in f', ""),
    ],
)
def test_the_last_stacks_are_found_and_nothing_else_is_taken_for_them(stderr, found):
    assert last_dump(stderr) == found


def test_the_thread_of_the_heartbeat_is_left_out():
    heartbeat = 'Thread 0x00007f03 (most recent call first):\n  File "/x/scr/launch/heartbeat.py", line 9 in _answer\n'
    assert last_dump(f"{heartbeat}\n{dump(7)}") == dump(7)
    assert last_dump(f"Fatal Python error: Aborted\n\n{heartbeat}\n{MAIN.format(7)}", fatal=True) == (
        f"Fatal Python error: Aborted\n\n{MAIN.format(7)}"
    )


def test_a_stack_that_somebody_had_asked_for_is_not_the_stack_of_a_crash():
    assert last_dump(f"{dump(7)}\n", fatal=True) == ""
    assert last_dump(f"{FATAL}\n", fatal=True) == FATAL


def test_what_a_process_wrote_itself_is_told_from_the_dumps():
    assert without_dumps(f"before\n{dump(7)}\nbetween\n{dump(8)}\n{FATAL}\n\nafter") == "before\nbetween\nafter"
    traceback = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: no'
    assert without_dumps(traceback) == traceback
