"""Runs that have ended in every way, as an SCR with stores of version 3 has left them: no row said how."""

from scr.messages import CLIENT, Failure, FailurePayload, Result, ResultPayload, origin
from scr.store.sql import schema, statements
from scr.store.sql.address import database_of
from scr.store.sql.schema import Migration
from scr.store.sql.statements import Statement
from tests.contract.store_harness import Bench, task

LATER = (("messages", "doubt"), ("agents", "parked"))
"""Columns of version 4 that what writes here wants to find."""
STANDS = {"open": "stopped", "done": "done", "failed": "failed", "cancelled": "cancelled"}


def end_of(run):
    """The answer to the message that began the run."""
    envelope = origin(message_id=f"end of {run}", sender="b", to=CLIENT, at=2.0) | {"in_reply_to": run}
    if run == "done":
        return Result(payload=ResultPayload(task_id=run, output=1), **envelope)
    reason = "cancelled" if run == "cancelled" else "quarantined"
    return Failure(payload=FailurePayload(message_id=run, agent="b", reason=reason), **envelope)


def make(url, monkeypatch):
    """A store of version 3, with the runs of STANDS."""
    with monkeypatch.context() as patch:
        added = tuple(f"ALTER TABLE {table} ADD COLUMN {name} TEXT NOT NULL DEFAULT ''" for table, name in LATER)
        third = schema.MIGRATIONS[2]
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:2], Migration(both=third.both + added)))
        patch.setattr(statements, "OVER", Statement("UPDATE runs SET n = n WHERE state = :state AND id = :run", 13))
        for run in STANDS:
            bench = Bench(url, run)
            bench.told(bench.store.accept, task(run, sender=CLIENT))
            if run != "open":
                bench.told(bench.store.accept, end_of(run))
            bench.close()
        session = database_of(url).connect()
        for table, name in LATER:
            session.script(f"ALTER TABLE {table} DROP COLUMN {name}")
        session.close()
