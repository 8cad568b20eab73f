"""Lines that agents print are bounded by the second, and what is left out is told."""

import pytest

from scr.runtime.health.output import Output
from scr.telemetry.events import LinesDropped, Printed
from scr.telemetry.sinks import EventLog


@pytest.fixture
def told():
    return []


@pytest.fixture
def output(told):
    events = EventLog(lambda: (0.0, 0.0), kept=100, keep=lambda _: None)
    events.listen(lambda record: told.append(record.event))
    return Output(events, lines_per_s=2)


def line(agent, text):
    return Printed(agent=agent, stream="stdout", text=text)


def test_so_many_lines_of_each_agent_are_told_in_a_second(output, told):
    for n in range(4):
        for agent in ("a", "b", "c"):
            output.printed(agent, "stdout", str(n), 5.0 + n / 10)
    assert told == [line(agent, n) for n in "01" for agent in "abc"]


def test_what_was_left_out_is_counted_when_the_next_second_begins_or_the_process_ends(output, told):
    for n in range(5):
        output.printed("a", "stdout", str(n), 5.0)
    output.printed("a", "stdout", "later", 6.0)
    assert told[2:] == [LinesDropped(agent="a", count=3), line("a", "later")]
    output.ended("a")
    output.ended("a")
    assert len(told) == 4
    for n in range(3):
        output.printed("a", "stdout", str(n), 6.0)
    output.ended("a")
    assert told[-1] == LinesDropped(agent="a", count=1)
