"""A store with runs in it, and a trade that notes what it is asked."""

from dataclasses import replace
from functools import partial

import pytest

from scr.config import Limits
from scr.errors import InvalidInput
from scr.messages import CLIENT, Result, ResultPayload, Task, TaskPayload, origin
from scr.runtime.tree import AGENTS_TREE
from scr.store.archive.archive import open_archive
from scr.store.records import Opening
from scr.store.sql.lease import this_process
from scr.store.sql.opening import open_store
from scr.telemetry.events import Record, RuntimeDown


class NotedTrade:
    """A trade without a world: what it is told to do is in its lists."""

    kind, tree, to, preload = "noted", AGENTS_TREE, "agent", ()

    def __init__(self):
        self.begun, self.abandoned, self.finished, self.left_over = [], [], [], []

    def name(self):
        return f"run-{len(self.begun)}"

    def title(self, asked):
        return str(asked)

    def begin(self, run, asked):
        if asked == "nonsense":
            raise InvalidInput("that is nonsense")
        self.begun.append(run)
        return {"agents": asked if isinstance(asked, int) else 1}

    def abandon(self, run):
        self.abandoned.append(run)

    def agents(self, given):
        return given["agents"]

    def why(self, output):
        return str(output)

    def finish(self, given, output, records):
        self.finished.append((output, len(list(records))))
        return "noted"

    def folder(self, given):
        return "nowhere"

    def unfinished(self):
        return self.left_over


@pytest.fixture
def trade():
    return NotedTrade()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.sqlite?durability=process"


@pytest.fixture
def archive(url):
    with open_archive(url, create=True) as opened:
        yield opened


@pytest.fixture
def elsewhere(url, archive):
    """The archive as another machine sees it, whose processes cannot be seen from here."""
    with open_archive(url, create=True) as opened:
        opened._me = replace(this_process(), namespace="another", pid=1)
        yield opened


def begin(archive, run, kind="noted"):
    """A queued run, as a server keeps it."""
    envelope = origin(message_id=run, sender=CLIENT, to="agent", at=1.0, run_id=run)
    task = Task(payload=TaskPayload(task_id=run, kind=kind, input={"agents": 1}), **envelope)
    archive.create(run, AGENTS_TREE, task, title=f"the {run}")


def work(url, run, *, stopped="", answer=None, failure=None, after=(), ticket=""):
    """What a runtime leaves that has worked on the run: an answer, or why it was stopped, and what came after that."""
    opening = Opening(run=run, runtime="r-1", owner=str(this_process()), tree=AGENTS_TREE, ticket=ticket)
    store = open_store(
        url, opening, call=lambda then: then(), lost=_ignored, changed=_ignored, limits=Limits(stop_s=5.0)
    )
    if answer is not None or failure is not None:
        envelope = origin(message_id=f"answer-{run}", sender="agent", to=CLIENT, at=1.0, run_id=run)
        payload = ResultPayload(task_id=run, output=answer or failure, failed=failure is not None)
        store.accept(Result(payload=payload, **envelope | {"in_reply_to": run}))
    for n, event in enumerate((RuntimeDown(reason=stopped), *after), store.image.seq + 1):
        store.append(Record(seq=n, at=1.0, time=1.0, event=event))
    store.close()


def _ignored(_):
    """Nobody is told."""


@pytest.fixture
def worked(url):
    return partial(work, url)
