import sqlite3

import pytest

from scr.charging import Charges
from scr.errors import StoreDamaged, UnknownRun
from scr.messages import CLIENT
from scr.protocol.frames import Commit, Entry, StartRequest, StepRecord, Timer
from scr.replay.recording import Recording
from scr.telemetry.events import Logged, MessageDelivered
from tests.unit.store.story import Story, opened, result, spec, story, task


class Tale(Story):
    """A story whose messages are delivered; it knows the frames that were committed."""

    def __init__(self):
        super().__init__()
        self.frames = {}

    def delivered(self, agent, message_id, deliveries=1, incarnation=1):
        told = {"agent": agent, "message_id": message_id, "deliveries": deliveries, "incarnation": incarnation}
        self.event(MessageDelivered(**told))
        return self.events

    def turn(self, agent, message_id, incarnation=1, answers=(), **fields):
        self.frames[message_id] = Commit(message_id=message_id, **fields)
        super().turn(agent, message_id, incarnation, answers, **fields)


def written(url, tale):
    store = opened(url)
    for call in tale.calls:
        call(store)
    store.close()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.sqlite"


def turns_of(url, agent):
    with Recording(url, "story") as recording:
        return list(recording.turns(agent))


def test_every_frame_that_was_committed_is_read_again_whole(url):
    tale = Tale()
    for agent in "ab":
        tale.admitted(agent)
    tale.accepted(task("m1", "a"))
    tale.delivered("a", "m1")
    tale.turn(
        "a",
        "m1",
        state={"turns": 1},
        sends=(task("s1", "b", "a"), result("r1", CLIENT, "a", "m1")),
        starts=(StartRequest(supervisor="root", spec=spec("d")), StartRequest(supervisor="root", spec=spec("e"))),
        stops=("b",),
        monitors=("b",),
        demonitors=("z",),
        entries=(Entry(key="sky", value="blue", version=1), Entry(key="grass", value=None, version=2)),
        timers=(Timer(message=task("t1", "a", "a"), due=900.0, after_s=3.0),),
        cancels=("t0",),
        ends=True,
    )
    tale.accepted(task("m2", "b"))
    tale.turn("b", "m2")
    written(url, tale)
    with Recording(url, "story") as recording:
        assert recording.agents() == {"a": 1, "b": 1}
        assert {turn.commit.message_id: turn.commit for agent in "ab" for turn in recording.turns(agent)} == tale.frames
        assert [turn.spec for turn in recording.turns("a")] == [spec("a")]


def test_a_turn_is_given_what_it_was_given_then(url):
    tale = Tale()
    tale.admitted("a")
    for n in (1, 2):
        tale.accepted(task(f"m{n}", "a"))
    tale.delivered("a", "m1")
    tale.add("record", "m1", StepRecord(name="look", value=[1]))
    tale.add("failed", "m1", 1, Charges(deaths=1), None)
    tale.admitted("a", 2)
    tale.delivered("a", "m1", deliveries=2, incarnation=2)
    tale.turn("a", "m1", incarnation=2, state={"n": 1})
    tale.delivered("a", "m2", incarnation=2)
    tale.turn("a", "m2", incarnation=2)
    written(url, tale)
    first, second = turns_of(url, "a")
    assert (first.delivery.message, first.delivery.deliveries) == (task("m1", "a"), 2)
    assert first.delivery.steps == (StepRecord(name="look", value=[1]),)
    assert first.delivery.replay
    assert (first.incarnation, first.state, second.state, second.delivery.deliveries) == (2, None, {"n": 1}, 1)


def test_another_life_of_an_agent_begins_with_nothing(url):
    tale = Tale()
    tale.admitted("a")
    for n in (1, 2, 3):
        tale.accepted(task(f"m{n}", "a"))
    tale.turn("a", "m1", state={"n": 1})
    tale.turn("a", "m2")
    tale.add("gone", "a")
    tale.event(Logged(agent="a", text="gone"))
    tale.admitted("a", 2)
    tale.turn("a", "m3", incarnation=2)
    written(url, tale)
    assert [(turn.life, turn.state) for turn in turns_of(url, "a")] == [(0, None), (0, {"n": 1}), (1, None)]


def test_a_turn_may_have_seen_what_was_remembered_between_its_delivery_and_its_commit(url):
    tale = Tale()
    for agent in "ab":
        tale.admitted(agent)
    for name, agent in (("b1", "b"), ("b2", "b"), ("b3", "b"), ("b4", "b"), ("a1", "a"), ("a2", "a")):
        tale.accepted(task(name, agent))

    def remembers(message_id):
        tale.turn("b", message_id, entries=(Entry(key="sky", value=message_id),))

    remembers("b1")
    tale.delivered("a", "a1")
    remembers("b2")
    remembers("b3")
    tale.turn("a", "a1", entries=(Entry(key="grass", value="green"),))
    tale.delivered("a", "a2")
    tale.turn("a", "a2")
    remembers("b4")
    written(url, tale)
    assert [(turn.delivery.entries_version, turn.until) for turn in turns_of(url, "a")] == [(1, 3), (4, 4)]
    with Recording(url, "story") as recording:
        assert [entry.version for entry in recording.entries(1, 3)] == [2, 3, 4]
        assert [(entry.key, entry.value) for entry in recording.entries_then(4, 0, 10)] == [
            ("sky", "b3"),
            ("grass", "green"),
        ]
        assert [entry.value for entry in recording.entries_then(2, 0, 10)] == ["b2"]


def test_whatever_happens_in_a_run_can_be_read_for_its_replay(url):
    written(url, story())
    with Recording(url, "story") as recording:
        counts = recording.agents()
        assert {agent: len(list(recording.turns(agent))) for agent in counts} == counts
        assert sum(counts.values()) == 8


def test_a_turn_whose_parts_are_missing_is_damage_and_says_which(url):
    tale = Tale()
    tale.admitted("a")
    tale.accepted(task("m1", "a"))
    tale.turn("a", "m1", starts=(StartRequest(supervisor="root", spec=spec("d")),))
    written(url, tale)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        database.execute("DELETE FROM effects")
    database.close()
    with pytest.raises(StoreDamaged, match="effect_id"):
        turns_of(url, "a")


def test_a_run_that_there_is_not_is_named(url):
    written(url, Tale())
    with pytest.raises(UnknownRun, match="'other'"):
        Recording(url, "other")
