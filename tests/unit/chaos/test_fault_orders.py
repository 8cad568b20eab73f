"""How agents of a campaign are told to fail: as often as that is ordered, and not oftener."""

import pytest

from scr.chaos.plan.fault_orders import Order, give, hinder, is_hindered, prepare, relieve, take, taken

POINT = 2


@pytest.fixture
def folder(tmp_path):
    prepare(tmp_path)
    return tmp_path


def raising(n, times):
    return Order(n, "raises", POINT, 0.0, times)


def obeyed(folder, message_id, tries=5):
    """In which of some tries of a message its handler is told to do something, by the number of the order."""
    found = []
    for _ in range(tries):
        orders = [take(folder, "guest-1", message_id, point) for point in range(4)]
        found.append(next((order.n for order in orders if order), None))
    return found


def test_an_order_to_raise_is_obeyed_by_one_message_as_often_as_it_says(folder):
    give(folder, "guest-1", raising(7, times=3))
    assert obeyed(folder, "m-1") == [7, 7, 7, None, None]
    assert obeyed(folder, "m-2") == [None] * 5
    assert set(taken(folder)) == {7}


def test_a_message_that_has_raised_leaves_the_next_such_order_to_another_one(folder):
    give(folder, "guest-1", raising(7, times=1))
    assert obeyed(folder, "m-1", tries=1) == [7]
    give(folder, "guest-1", raising(8, times=1))
    assert obeyed(folder, "m-1") == [None] * 5
    assert obeyed(folder, "m-2") == [8, None, None, None, None]


def test_a_message_that_has_raised_still_obeys_orders_to_die(folder):
    give(folder, "guest-1", raising(7, times=1))
    obeyed(folder, "m-1")
    give(folder, "guest-1", Order(8, "segv", POINT, 0.0))
    assert obeyed(folder, "m-1", tries=2) == [8, None]


def test_as_many_starts_fail_as_are_ordered_and_none_of_another_agent(folder):
    hinder(folder, "guest-1", 2)
    assert not is_hindered(folder, "guest-2")
    assert [is_hindered(folder, "guest-1") for _ in range(4)] == [True, True, False, False]


def test_after_a_campaign_no_start_fails_any_more(folder):
    hinder(folder, "guest-1", 9)
    hinder(folder, "ring-1", 9)
    relieve(folder)
    assert not any(is_hindered(folder, agent) for agent in ("guest-1", "ring-1"))
