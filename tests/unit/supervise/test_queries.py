"""How much of a restart limit is used up."""

import pytest

from scr.errors import UnknownAgent
from scr.supervise.queries import Restarts, restarts_against, restarts_under


def test_siblings_share_their_supervisors_limit_and_who_parks_has_its_own(script):
    play = script.of(["a", "b", script.agent("c", park=True)], max_restarts=3, within_s=5.0)
    play.exit("a", at=1.0)
    play.exit("c", at=2.0)
    play.exit("a", at=3.0)
    assert restarts_under(play.tree, "root", 3.0) == Restarts(2, 3, 5.0)
    assert restarts_against(play.tree, "b", 3.0) == Restarts(2, 3, 5.0)
    assert restarts_against(play.tree, "c", 3.0) == Restarts(1, 3, 5.0)


def test_what_has_left_the_window_does_not_count_any_more(script):
    play = script.of("abc", max_restarts=3, within_s=5.0)
    play.exit("a", at=1.0)
    play.exit("b", at=4.0)
    assert [restarts_under(play.tree, "root", at).counted for at in (6.0, 6.1, 9.1)] == [2, 1, 0]


def test_the_root_counts_against_nothing_and_nobody_is_unknown(script):
    play = script.of("abc")
    assert restarts_against(play.tree, "root", 0.0) == Restarts()
    with pytest.raises(UnknownAgent, match="'nobody'"):
        restarts_against(play.tree, "nobody", 0.0)
    with pytest.raises(UnknownAgent, match="'a'"):
        restarts_under(play.tree, "a", 0.0)
