"""How much there is in a run is the same in a file and in a server."""

from dataclasses import replace

import pytest

from scr.messages import CLIENT
from scr.store.archive.archive import open_archive
from scr.store.archive.counts import tallies
from scr.store.sql.address import database_of
from tests.unit.store.story import told


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/file.db?durability=process"
    return request.getfixturevalue("postgres").url()


def is_from_outside(one):
    return one.message.sender == CLIENT or bool(one.parked)


def test_what_is_counted_is_what_is_there(url):
    for number, calls in enumerate((4, 40, None)):
        run = f"counted-{number}"
        told(url, run, calls)
        tally = tallies(database_of(url), [run, "nobody's"])[run]
        with open_archive(url) as archive:
            messages, events = archive.messages(run), archive.events(run)
            seen = [one for one in messages if one.seq is not None]
            found = replace(
                tally,
                agents=len({life.spec.id for life in archive.agents(run)}),
                turns=len(archive.turns(run)),
                messages=len(seen),
                open_messages=sum(one.outcome is None for one in seen),
                from_outside=sum(one.outcome is None and is_from_outside(one) for one in seen),
                in_doubt=len(archive.doubts(run)),
                dead_letters=len(archive.letters(run)),
                crashes=len(archive.crashes(run)),
                first=events[0].time,
                last=events[-1].time,
            )
        assert tally == found
