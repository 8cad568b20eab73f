"""What is told of agents that are down to stay."""

import asyncio
from types import SimpleNamespace

import pytest

from scr.messages import ExitReason
from scr.runtime.departures import Departures
from scr.store.memory import MemoryStore
from scr.supervise.orders import Fate
from scr.telemetry.events import Record
from scr.telemetry.log_lines import line_of
from tests.unit.runtime.test_no_answer import Stand
from tests.unit.runtime.test_turn_machine import TREE


@pytest.fixture
def told():
    """The events that departures tell, of agents a and b under one supervisor."""
    loop = asyncio.new_event_loop()
    one, events = Stand(loop, MemoryStore()), []
    departures = Departures(one.turns, one.store, SimpleNamespace(emit=events.append))
    for spec in TREE.children:
        departures.started(spec, "root")
    yield one.turns, departures, events
    loop.close()


ENDS = [
    lambda departures: departures.depart("a", ExitReason.KILLED, "by its supervisor", Fate.FORGOTTEN),
    lambda departures: departures.lose("a", "'agents' is going down"),
]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("stops", "fate"), [(False, "forgotten"), (True, "stopped")])
def test_an_agent_that_goes_down_with_the_runtime_is_stopped_and_no_warning(told, end, stops, fate):
    turns, departures, events = told
    if stops:
        turns.end()
    end(departures)
    (gone,) = events
    line = line_of(Record(seq=1, at=0.0, time=0.0, event=gone))
    assert (gone.fate, line is None) == (fate, stops)
