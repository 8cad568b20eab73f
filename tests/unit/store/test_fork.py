"""A fork is the run as it was: compared with a run that was told only so far."""

from dataclasses import replace

import pytest

from scr.errors import InvalidInput, StoreDamaged, UnknownRun
from scr.store.archive.fork import PastMarks, as_of, fork_run
from scr.store.sql.address import database_of
from scr.store.sql.statements import Statement
from tests.unit.store.story import image_of, story, told

STORY = story()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db?durability=process"


def dated(image):
    """What a fork promises: without what no row dates; what was dead and lives again stands at the end."""
    mail = [replace(kept, deliveries=0, deaths=0, parked="") for kept in image.mail]
    mail.sort(key=lambda kept: kept.message.message_id == "s2")
    agents = (replace(kept, incarnation=0) for kept in image.agents)
    return replace(image, epoch=0, past={}, mail=tuple(mail), agents=tuple(agents))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('whole')}/store.db?durability=process"
    told(url)
    return url


@pytest.mark.parametrize(("calls", "seq"), list(STORY.cuts())[::2], ids=str)
def test_it_is_what_the_run_was_at_the_event(whole, url, calls, seq):
    told(url, calls=calls)
    fork_run(database_of(whole), "story", seq, f"fork-{seq}", created=5.0)
    assert dated(image_of(whole, f"fork-{seq}")) == dated(image_of(url, "story"))


def test_it_knows_its_parent_and_leaves_it_as_it_was(whole):
    before = image_of(whole, "story")
    forked = fork_run(database_of(whole), "story", 9, "child", created=5.0)
    assert (forked.run, forked.parent, forked.seq) == ("child", "story", 9)
    session = database_of(whole).connect(read_only=True)
    columns = "state, owner, parent_run, parent_seq, seq, root"
    row = session.rows(Statement(f"SELECT {columns} FROM runs WHERE run = 'child'"))[0]
    session.close()
    assert row == ("stopped", None, "story", 9, 9, "story")
    assert replace(image_of(whole, "story"), epoch=0) == replace(before, epoch=0)


@pytest.mark.parametrize("seq", [-1, 0, STORY.events + 1])
def test_there_is_no_fork_at_an_event_that_there_is_not(whole, seq):
    with pytest.raises(InvalidInput, match=f"no event {seq}: give one from 1 to {STORY.events}"):
        fork_run(database_of(whole), "story", seq, "never", created=5.0)
    with pytest.raises(UnknownRun):
        fork_run(database_of(whole), "never", 1, "other", created=5.0)


def test_a_name_that_is_taken_is_refused_and_nothing_is_written(whole):
    with pytest.raises(InvalidInput, match="there is a run 'story'"):
        fork_run(database_of(whole), "story", 3, "story", created=5.0)


@pytest.mark.parametrize(
    ("damage", "table"),
    [
        ("UPDATE messages SET payload = replace(payload, 'work', 'wort') WHERE message_id = 's1'", "messages"),
        ("UPDATE steps SET digest = 'd' WHERE message_id = 's1'", "steps"),
    ],
)
def test_a_damaged_row_is_not_copied(url, damage, table):
    told(url)
    session = database_of(url).connect()
    session.script(damage)
    session.close()
    with pytest.raises(StoreDamaged, match=table):
        fork_run(database_of(url), "story", 20, "child", created=5.0)
    with pytest.raises(UnknownRun):
        fork_run(database_of(url), "child", 1, "grandchild", created=5.0)


def test_what_came_later_was_not_there_and_what_ended_later_had_not_ended():
    row = {"n": 1, "seq": 4, "end_seq": 8}
    assert as_of("asks", row, PastMarks(3)) is None
    assert as_of("asks", row, PastMarks(7)) == {**row, "end_seq": None}
    assert as_of("asks", row, PastMarks(8)) == row
