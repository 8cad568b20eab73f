"""Whether what happened in one run is in one order: its events, and the dates of everything else.

Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from pydantic_core import from_json

from scr.store.archive.row_index import READS, History

DATED = ("agents", "turns", "monitors", "asks", "effects", "letters", "crashes")
PROVES = {"message_accepted": "messages", "turn_committed": "turns", "step_recorded": "steps"}


def events_are_contiguous(of: History) -> Iterator[str]:
    """From 1 to the last that the run says."""
    last = 0
    for event in of.rows["events"]:
        if event["seq"] != last + 1:
            yield f"after event {last} comes event {event['seq']}"
        last = event["seq"]
    if last != of.run["seq"]:
        yield f"the run says that it has {of.run['seq']} events, and the last one is {last}"


def causes_come_before(of: History) -> Iterator[str]:
    """What led to an event was before it."""
    for event in of.rows["events"]:
        if not 0 <= event["cause"] < event["seq"]:
            yield f"event {event['seq']} names event {event['cause']} as its cause"


def epochs_ascend(of: History) -> Iterator[str]:
    """Every owner of the run had a higher epoch than the one before."""
    last = 0
    for event in of.rows["events"]:
        if event["kind"] == "runtime_up":
            epoch = from_json(event["body"]).get("epoch", 1)
            if epoch <= last:
                yield f"at event {event['seq']} an owner of epoch {epoch} came after one of epoch {last}"
            last = epoch
    if last > of.run["epoch"]:
        yield f"the run says that it has had {of.run['epoch']} owners, and there was one of epoch {last}"


def events_tell_of_what_is_there(of: History) -> Iterator[str]:
    """They are written after what they tell of."""
    steps = {(row["message_id"], row["name"]) for row in of.rows["steps"]}
    for event in of.rows["events"]:
        if event["kind"] not in PROVES:
            continue
        body = from_json(event["body"])
        message_id = body["message_id"]
        match event["kind"]:
            case "message_accepted":
                is_there = message_id in of.messages
            case "turn_committed":
                is_there = message_id in of.turns
            case _:
                is_there = (message_id, body.get("record") or body["step"]) in steps
        if not is_there:
            where = f"event {event['seq']} ({event['kind']})"
            yield f"{where} tells of message {message_id!r}, and {PROVES[event['kind']]} has nothing of it"


def writes_are_numbered_once(of: History) -> Iterator[str]:
    """No number is given twice in a table, and none is above the run's last."""
    for table in (name for name, columns in READS.items() if "n" in columns):
        for n, times in Counter(row["n"] for row in of.rows[table]).items():
            if times > 1:
                yield f"{times} rows of {table} have the number {n}"
            if n > of.run["n"]:
                yield f"a row of {table} has the number {n}, and the run says that its last is {of.run['n']}"


def dates_are_in_the_run(of: History) -> Iterator[str]:
    """Nothing is of after the last event."""
    for table, names in READS.items():
        for row in () if table == "events" else of.rows[table]:
            dates = [row[name] for name in names if name.endswith("seq") and row[name] is not None]
            if dates and max(dates) > of.run["seq"]:
                yield f"a row of {table} is of after event {max(dates)}, and the last one is {of.run['seq']}"


def nothing_ends_before_it_begins(of: History) -> Iterator[str]:
    """An end is not before its beginning."""
    for table, names in READS.items():
        for row in of.rows[table]:
            begin = row["begun_seq"] if table == "steps" else row["seq"]
            end = next((row[name] for name in ("end_seq", "gone_seq") if name in names), None)
            end = row["seq"] if table == "steps" else end
            if begin is not None and end is not None and end < begin:
                yield f"a row of {table} began after event {begin} and ended after event {end}"


def dates_follow_numbers(of: History) -> Iterator[str]:
    """A later write has no earlier date.  Messages and steps are written more than once."""
    dated = sorted((row["n"], row["seq"], table) for table in DATED for row in of.rows[table])
    for (_, before, _), (n, seq, table) in pairwise(dated):
        if seq < before:
            yield f"write {n}, in {table}, is of after event {seq}, and an earlier one of after event {before}"
