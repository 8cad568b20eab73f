import pytest

from scr.protocol.frames import Entry, Ready
from scr.replay.outcome import Over
from scr.replay.sandbox_runtime import _no_past
from scr.table.history import Past
from scr.table.table import VERSION, row_key


def past(*entries):
    made = Past()
    for version, (key, value) in enumerate(entries, 1):
        made.add(Entry(key=key, value=value, version=version))
    return made


def values(made, *keys):
    rows = [made.get(row_key(key)) for key in keys]
    return [row and row["value"] for row in rows]


def test_a_past_is_as_at_the_version_that_it_was_turned_to_earlier_or_later():
    made = past(("a", 1), ("b", 2), ("a", 3))
    assert values(made, "a", "b") == [None, None]
    made.turn(2)
    assert values(made, "a", "b") == [1, 2]
    made.turn(3)
    assert values(made, "a", "b") == [3, 2]
    made.turn(1)
    assert values(made, "a", "b") == [1, None]
    assert made.get(VERSION) == 1


def test_later_versions_count_only_for_keys_that_were_read_since_it_turned():
    made = past(("a", 1), ("b", 2), ("a", 3), ("c", 4), ("a", 5))
    made.turn(1)
    assert made.later(5) == []
    values(made, "a", "c")
    assert made.later(5) == [3, 4, 5]
    assert made.later(4) == [3, 4]
    made.turn(2)
    assert made.later(5) == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (Over("error: exit status 1"), "error: exit status 1"),
        (Over("killed: SIGKILL", "one\ntwo"), "killed: SIGKILL; the last that its process printed: two"),
        (Ready(), "its process answered with Ready"),
    ],
)
def test_a_past_that_cannot_be_served_is_told_in_words(said, told):
    assert str(_no_past(said)) == f"what the agents of the run remembered cannot be served to the replay: {told}"
