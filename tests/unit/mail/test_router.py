"""The router: whose mailbox has room, which agent may be handed messages, and whom an end is told to."""

import pytest

from scr.mail.mailbox import Mailbox
from scr.mail.pending import MessageTurn, Pending, Phase
from scr.mail.router import Absence, Posted, Router
from scr.messages import Down, DownPayload, ExitReason, Ping, origin
from scr.specs import AgentSpec, Code

GONE = Absence("StartFailed", "a did not start", "start_failed")


def spec(agent="a", **fields):
    return AgentSpec(id=agent, code=Code(reference="m:A"), **fields)


def ping(n=1, to="a"):
    return Ping(**origin(message_id=f"m{n}", sender="c", to=to, at=0.0))


def down_of(agent, to):
    payload = DownPayload(agent=agent, reason=ExitReason.NORMAL)
    return Down(payload=payload, **origin(message_id=f"down of {agent}", sender="runtime", to=to, at=0.0))


def put(router, message, phase=Phase.WAITING):
    pending = Pending(MessageTurn(message, phase))
    router.add(pending)
    router.mailbox(message.to).append(pending)
    return pending


@pytest.fixture
def router():
    made = Router()
    made.open(spec("a", mailbox_size=2))
    made.open(spec("b"))
    return made


def test_a_message_has_room_in_the_mailbox_of_an_agent_that_exists_until_that_is_full(router):
    assert router.room(ping(to="nobody")).posted is Posted.UNKNOWN_AGENT
    for n in range(2):
        assert router.room(ping(n)).posted is Posted.ACCEPTED
        put(router, ping(n))
    assert router.room(ping(2)).posted is Posted.MAILBOX_FULL
    assert (router.depth("a"), router.depth("b")) == (2, 0)


def test_an_agent_that_is_opened_again_keeps_its_mail_and_has_the_new_bounds(router):
    put(router, ping(0))
    put(router, ping(1))
    router.open(spec("a", mailbox_size=3))
    assert router.depth("a") == 2
    assert router.room(ping(2)).posted is Posted.ACCEPTED


def test_messages_are_for_an_incarnation_that_is_up_and_not_paused(router):
    steps = (
        (lambda: None, False),
        (lambda: router.up("a", 1), True),
        (lambda: router.pause("a"), False),
        (lambda: router.resume("a"), True),
        (router.shut, False),
        (router.reopen, True),
        (lambda: router.down("a", 1), False),
        (lambda: router.up("a", 2), True),
    )
    for step, is_ready in steps:
        step()
        assert (router.ready("a") is not None) is is_ready


def test_an_end_of_an_incarnation_that_was_given_up_changes_nothing_of_the_next(router):
    router.up("a", 1)
    router.up("a", 2)
    assert router.down("a", 1) == (None, [])
    assert router.ready("a")


def test_what_an_incarnation_had_in_hand_and_ahead_is_returned_with_its_end(router):
    first, second = put(router, ping(0)), put(router, ping(1))
    router.up("a", 1)
    mailbox = router.ready("a").mailbox
    assert isinstance(mailbox, Mailbox)
    assert mailbox.take() is first
    mailbox.next_ahead()
    mailbox.send_ahead()
    assert router.in_hand("a") is first
    assert router.in_hand("a", "another") is None
    assert router.down("a", 1) == (first, [second])


def test_an_agent_that_is_down_to_stay_keeps_its_mail_and_says_why(router):
    waiting = put(router, ping(0))
    assert router.monitor("b", "a")
    assert router.leave("a", GONE) == ["b"]
    assert router.room(ping(1)).absence == GONE
    assert router.absence_of(waiting.message_id) == GONE
    router.open(spec("a"))
    assert router.room(ping(1)).absence is None
    assert router.absence_of(waiting.message_id) is None


def test_an_agent_that_is_gone_gives_its_mail_and_its_monitors_back_and_its_name_is_free(router):
    waiting = put(router, ping(0))
    router.monitor("b", "a")
    assert router.close("a") == ([waiting], ["b"])
    assert "a" not in router
    assert router.names() == ["b"]
    assert router.close("a") == ([], [])
    assert router.leave("a", GONE) == []


def test_a_monitor_that_is_taken_back_takes_the_news_with_it_that_waits(router):
    assert not router.monitor("b", "nobody")
    router.monitor("b", "a")
    news = put(router, down_of("a", to="b"))
    other = put(router, ping(1, to="b"))
    assert router.demonitor("b", "a") == [news]
    assert router.held("b") == [other.message]
    assert router.close("a") == ([], [])


def test_a_message_is_known_until_it_is_forgotten_and_found_until_it_is_done_with(router):
    pending = put(router, ping(0))
    assert router.get("m0") is router.find("a", "m0") is pending
    assert router.find("b", "m0") is None
    pending.turn = pending.turn._replace(phase=Phase.COMMITTING)
    assert router.find("a", "m0") is None
    router.forget(Pending(MessageTurn(ping(0))))
    assert router.open_messages() == [pending], "another of the same id is not that one"
    router.forget(pending)
    router.forget(pending)
    assert router.get("m0") is None


def test_what_is_not_wanted_any_more_is_dropped_from_all_mailboxes(router):
    unwanted = [put(router, ping(0, to="a")), put(router, ping(1, to="b"))]
    kept = put(router, ping(2, to="b"))
    assert router.drop(lambda message: message.message_id != "m2") == unwanted
    assert (router.held("a"), router.held("b")) == ([], [kept.message])


def test_an_agent_was_up_once_a_process_of_it_was_ready(router):
    assert not router.was_up("a")
    router.up("a", 1)
    router.down("a", 1)
    assert router.was_up("a")
    assert not router.was_up("nobody")
