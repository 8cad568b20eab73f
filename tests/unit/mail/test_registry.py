"""Names and monitors."""

import pytest

from scr.mail.registry import Registry


def three():
    registry = Registry()
    for name in ("a", "b", "c"):
        registry.add(name, name.upper())
    return registry


def test_a_name_stands_for_one_thing_until_it_is_removed():
    registry = three()
    with pytest.raises(AssertionError, match="taken"):
        registry.add("b", "other")
    assert registry.get("b") == "B"
    registry.remove("b")
    assert registry.get("b") is None
    registry.add("b", "new")
    assert [name for name, _ in registry.items()] == ["a", "c", "b"]


def test_each_who_monitors_is_told_once_however_often_they_asked():
    registry = three()
    for watcher in ("a", "b", "a"):
        assert registry.monitor(watcher, "c")
    assert registry.remove("c") == ["a", "b"]
    assert registry.remove("c") == []


def test_monitoring_nobody_is_told_at_once_and_leaves_nothing_behind():
    registry = three()
    assert not registry.monitor("a", "nobody")
    registry.add("nobody", "N")
    assert registry.remove("nobody") == []


def test_the_end_of_who_monitors_does_nothing_to_the_monitored_and_nobody_is_told_of_more():
    registry = three()
    registry.monitor("a", "c")
    registry.monitor("b", "c")
    registry.remove("a")
    assert "c" in registry
    assert registry.remove("c") == ["b"]


def test_a_monitor_that_was_taken_back_is_not_told_and_the_others_are():
    registry = three()
    registry.add("d", "D")
    for watcher in ("a", "b", "d"):
        registry.monitor(watcher, "c")
    for _ in range(2):
        registry.demonitor("b", "c")
    registry.demonitor("b", "nobody")
    assert registry.remove("c") == ["a", "d"]
