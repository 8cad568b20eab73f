"""A running system and its story, for tests with real processes."""

import threading

import pytest

from scr.client.runtime import Runtime
from scr.config import Settings
from scr.runtime.tree import AGENTS_TREE


class Story:
    """A runtime and everything that happened in it."""

    def __init__(self, tree=AGENTS_TREE, **settings):
        self.records = []
        self._news = threading.Condition()
        self.runtime = Runtime(tree, settings=Settings(**settings), listener=self._hear)

    def _hear(self, record):
        with self._news:
            self.records.append(record)
            self._news.notify_all()

    def events(self, kind, **fields):
        """What happened of this kind, so far."""
        return [
            record.event
            for record in tuple(self.records)
            if record.event.kind == kind and all(getattr(record.event, key) == value for key, value in fields.items())
        ]

    def until(self, kind, count=1, limit_s=20.0, **fields):
        """Wait until so many of this kind have happened; returns the last."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.events(kind, **fields)) >= count, limit_s), (
                f"no {kind} {fields} within {limit_s} s; there was: "
                + "\n".join(str(record.event) for record in self.records[-30:])
            )
        return self.events(kind, **fields)[count - 1]

    def pid(self, agent):
        """The pid of the live incarnation."""
        return next(status.pid for status in self.runtime.status().agents if status.id == agent)


@pytest.fixture
def story():
    """An ordinary runtime, up."""
    told = Story()
    with told.runtime:
        yield told
