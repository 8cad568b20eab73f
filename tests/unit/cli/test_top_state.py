"""What keys do in `scr top`."""

import pytest

from scr.cli.terminal.keys import keys_in
from scr.cli.terminal.top_state import Choice, Deed
from scr.views.agents import Sort

SHOWN = ["a", "b", "c"]


def pressed(*keys, shown=SHOWN, choice=None):
    choice = choice or Choice()
    for key in keys:
        choice = choice.after(key, shown)
    return choice


@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        ([], None),
        (["x"], "a"),
        (["down"], "b"),
        (["down", "down", "down", "down"], "c"),
        (["down", "up", "up"], "a"),
        (["end"], "c"),
        (["end", "home"], "a"),
        (["page down", "up"], "b"),
    ],
)
def test_arrows_select_within_what_is_shown(keys, selected):
    assert pressed(*keys).selected == selected


@pytest.mark.parametrize(("key", "deed"), [("k", Deed.KILL), ("r", Deed.RESTART)])
def test_a_deed_wants_a_yes_and_is_done_once(key, deed):
    asked = pressed("down", key)
    assert (asked.asking, asked.doing) == (deed, None)
    done = asked.after("y", SHOWN)
    assert (done.asking, done.doing, done.selected) == (None, deed, "b")
    assert done.after("down", SHOWN).doing is None


@pytest.mark.parametrize("key", ["n", "q", "k", "down", "\x1b"])
def test_any_other_key_is_a_no_and_nothing_else(key):
    refused = pressed("k", key)
    assert (refused.asking, refused.doing, refused.selected, refused.is_over) == (None, None, "a", False)


def test_who_has_gone_is_not_asked_about_any_more():
    asked = pressed("down", "k")
    assert asked.seeing(["a", "c"]) == Choice(selected="a")
    assert asked.after("y", ["a", "c"]).doing is None


def test_nothing_can_be_done_to_nobody():
    assert pressed("k", "y", "down", shown=[]) == Choice()


def test_sorting_goes_round_and_back():
    assert pressed("s").sort is Sort.NAME
    assert pressed("S").sort is Sort.UPTIME
    assert pressed(*"sssssss").sort is Sort.TREE


@pytest.mark.parametrize("key", ["q", "Q", "\x1b"])
def test_it_ends_when_asked_to(key):
    assert pressed(key).is_over


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", []),
        ("kq", ["k", "q"]),
        ("\x1b[A\x1b[Bk", ["up", "down", "k"]),
        ("\x1bOA", ["up"]),
        ("\x1b[5~\x1b[6~", ["page up", "page down"]),
        ("\x1b[H\x1b[F", ["home", "end"]),
        ("\x1b", ["\x1b"]),
        ("\x1b[1;5Cq", ["q"]),
        ("\x1b[99", []),
        ("ü", ["ü"]),
    ],
)
def test_keys_are_known_by_what_a_terminal_sends(text, keys):
    assert list(keys_in(text)) == keys
