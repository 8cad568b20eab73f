"""The rows of one run, indexed, for whoever checks them.

Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]

READS = {
    "agents": ("n", "seq", "agent", "incarnation", "gone_seq"),
    "messages": ("n", "message_id", "recipient", "in_reply_to", "seq", "end_seq", "outcome"),
    "turns": ("n", "seq", "message_id", "agent", "incarnation", "sends"),
    "steps": ("n", "message_id", "name", "state", "begun_seq", "seq"),
    "entries": ("version", "seq", "key"),
    "monitors": ("n", "seq", "end_seq", "watcher", "target"),
    "asks": ("n", "seq", "end_seq", "message_id", "agent", "asked_in"),
    "timers": ("n", "seq", "end_seq", "timer_id"),
    "effects": ("n", "seq", "end_seq", "effect_id", "agent", "message_id"),
    "letters": ("n", "seq", "end_seq", "message_id"),
    "crashes": ("n", "seq"),
    "events": ("seq", "cause", "kind", "body"),
}
"""What is looked at, of the facts that the rows of each table tell (`tables.facts`)."""


class History:
    """The rows of one run, and how to find them.  `run` is its row in `runs`."""

    def __init__(self, run: Row, rows: Mapping[str, Iterable[Row]]) -> None:
        self.run = run
        self.rows: dict[str, Sequence[Row]] = {name: tuple(rows.get(name, ())) for name in READS}
        self.messages = {row["message_id"]: row for row in self.rows["messages"]}
        self.turns = {row["message_id"]: row for row in self.rows["turns"]}
        self.letters = {row["message_id"]: row for row in self.rows["letters"] if row["end_seq"] is None}
        self.timers = {row["timer_id"]: row for row in self.rows["timers"]}
        self.lives: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.rows["agents"]:
            self.lives[row["agent"]].append(row)
