"""Who belongs to a dead runtime, and who does not."""

import pytest

from scr.launch.orphan_sweep import LiveProcess, doomed, parse_stat

MARK = b"SCR_RUNTIME_ID=abc"
STAT = "7 ({name}) {state} 1 70 71 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 424242 1 1\n"


def seen(pid, session=1, *, is_marked=False):
    return LiveProcess(pid=pid, session=session, started=0, is_marked=is_marked)


@pytest.mark.parametrize(
    ("one", "is_doomed"),
    [
        (seen(10, is_marked=True), True),
        (seen(11, session=500), True),
        (seen(12, session=500, is_marked=True), True),
        (seen(13), False),
        (seen(14, session=501), False),
        (seen(99, session=500, is_marked=True), False),
    ],
    ids=["marked", "in a session of ours", "both", "neither", "in a session of others", "spared"],
)
def test_the_marked_and_the_members_of_our_sessions_are_doomed_except_the_spared(one, is_doomed):
    assert doomed([one], {500}, {99}) == ([one] if is_doomed else [])


@pytest.mark.parametrize("name", ["python", "a b", "x) R 9 9 9 (y", "(((", ")"])
def test_a_process_is_read_whatever_its_name(name):
    assert parse_stat(7, STAT.format(name=name, state="S"), MARK, MARK) == LiveProcess(7, 71, 424242, is_marked=True)


@pytest.mark.parametrize(
    ("state", "is_dead"), [("R", False), ("S", False), ("T", False), ("D", False), ("Z", True), ("X", True)]
)
def test_whoever_is_only_not_reaped_is_dead(state, is_dead):
    assert (parse_stat(7, STAT.format(name="x", state=state), MARK, MARK) is None) == is_dead


@pytest.mark.parametrize(
    ("environ", "is_marked"),
    [
        (b"PATH=/bin\0SCR_RUNTIME_ID=abc\0HOME=/\0", True),
        (b"SCR_RUNTIME_ID=abc", True),
        (b"SCR_RUNTIME_ID=abcd\0", False),
        (b"OLD_SCR_RUNTIME_ID=abc\0", False),
        (b"NOTE=has SCR_RUNTIME_ID=abc in it\0", False),
        (b"", False),
    ],
)
def test_only_the_whole_variable_is_a_mark(environ, is_marked):
    assert parse_stat(7, STAT.format(name="x", state="S"), environ, MARK).is_marked == is_marked
