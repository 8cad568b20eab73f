"""One order of events."""

from scr.telemetry.events import RECORD, Logged, Record
from scr.telemetry.sinks import EventLog


def log(kept=5):
    return EventLog(lambda: (1.0, 2.0), kept)


def said(n):
    return Logged(agent="a", text=str(n))


def test_events_have_contiguous_places_and_both_clocks():
    events, heard = log(), []
    events.listen(heard.append)
    for n in range(3):
        events.emit(said(n))
    assert [(record.seq, record.at, record.time, record.event.text) for record in heard] == [
        (1, 1.0, 2.0, "0"),
        (2, 1.0, 2.0, "1"),
        (3, 1.0, 2.0, "2"),
    ]


def test_a_late_listener_hears_what_is_kept_and_no_more_after_it_leaves():
    events, heard = log(kept=3), []
    for n in range(9):
        events.emit(said(n))
    leave = events.listen(heard.append, since=7)
    events.emit(said(9))
    leave()
    events.emit(said(10))
    assert [record.seq for record in heard] == [8, 9, 10]


def test_a_record_reads_back_as_it_was_written():
    record = Record(seq=1, at=0.5, time=1.5, event=said(1))
    assert RECORD.validate_json(record.model_dump_json()) == record
