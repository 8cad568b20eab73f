"""One order of events."""

from scr.telemetry.events import RECORD, Logged, Record
from scr.telemetry.sinks import EventLog


def log(kept=5, keep=lambda _: None, seq=0):
    return EventLog(lambda: (1.0, 2.0), kept, keep, seq)


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


def test_events_go_on_from_where_an_earlier_runtime_ended_and_each_is_kept_with_its_cause():
    kept = []
    events = log(kept=1, keep=kept.append, seq=41)
    assert events.emit(said(0)) == 42
    assert events.emit(said(1), cause=42) == 43
    assert [(record.seq, record.cause) for record in kept] == [(42, 0), (43, 42)]


def test_a_record_reads_back_as_it_was_written():
    record = Record(seq=1, at=0.5, time=1.5, event=said(1))
    assert RECORD.validate_json(record.to_json()) == record
