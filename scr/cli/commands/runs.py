"""The commands about runs that are kept: `scr runs`, `scr show`, `scr cancel`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer

from scr.cli.options import AsJson, Last, Run, Store
from scr.cli.output import guarded, say_found, say_readable
from scr.cli.select_run import chosen, once_free, owner
from scr.errors import InvalidInput, RuntimeGone, StoreDamaged
from scr.exit_codes import ExitCode
from scr.protocol.status import RunState
from scr.store.archive.archive import Archive, open_archive
from scr.store.archive.counts import tallies
from scr.store.archive.summaries import ListedMessage, ListedRun
from scr.store.sql.address import database_of
from scr.store.sql.sqlite import SqliteDatabase
from scr.store.url import DEFAULT_STORE
from scr.views import stored_runs, timeline
from scr.views.columns import is_narrow, room
from scr.views.stored_runs import OVER, StoredRunRow

END_S = 20.0
BEGIN = 'begin with `scr demo`, or with `scr run "What do you want to know?"`'


def runs(last: Last = 20, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List the runs that are kept, the newest first.

    [bold]Examples[/bold]

      scr runs

      scr runs --last 100 --store postgresql://user@host/scr

      scr runs --json | python -m json.tool
    """

    def command() -> ExitCode:
        now, (rows, more, damaged) = time.time(), _rows(store, last)
        found = {"more": more, "runs": [stored_runs.as_object(row, now) for row in rows]}
        lines = _run_lines(rows, store, more=more) if rows or not damaged else ()
        return say_readable(found, lines, damaged, as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _rows(store: str, last: int) -> tuple[list[StoredRunRow], bool, Sequence[StoreDamaged]]:
    """The newest runs, the newest first, whether there are more, and why those are damaged that cannot be read.

    A file that is not there yet holds none.
    """
    database = database_of(store)
    if isinstance(database, SqliteDatabase) and not database.path.exists():
        return [], False, []
    with open_archive(store) as archive:
        listed, damaged = archive.runs(last + 1)[::-1], archive.damaged(last + 1)
    counted = tallies(database, (run.run for run in listed[:last]))
    rows = [StoredRunRow(run, counted[run.run]) for run in listed[:last] if run.run in counted]
    return rows, len(listed) + len(damaged) > last, damaged


def _run_lines(rows: list[StoredRunRow], store: str, *, more: bool) -> Iterator[str]:
    if not rows:
        yield f"no runs in {store}; {BEGIN}"
        return
    yield from stored_runs.run_table(rows, time.time(), room())
    if more:
        yield f"… older ones: scr runs --last {10 * len(rows)}"


def show(
    run: Run,
    events: Annotated[
        bool, typer.Option("--events", help="All that happened, each with the event that it came of.")
    ] = (False),
    agents: Annotated[bool, typer.Option("--agents", help="All agents that there ever were.")] = False,
    messages: Annotated[bool, typer.Option("--messages", help="All messages, and what has become of each.")] = False,
    last: Last = 50,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Show what is kept of a run: in short, or its events, its agents or its messages.

    [bold]Examples[/bold]

      scr show 20260101-120000-a1b2c3

      scr show 20260101 --events --last 200      as much of a name as no other run begins with

      scr show 20260101 --messages --json
    """

    def command() -> ExitCode:
        wanted = [
            look for look, is_wanted in ((_events, events), (_agents, agents), (_messages, messages)) if is_wanted
        ]
        if len(wanted) > 1:
            raise InvalidInput("give one of --events, --agents and --messages")
        with open_archive(store) as archive:
            found = chosen(archive, run)
            row = StoredRunRow(found, tallies(database_of(store), [found.run])[found.run])
            lines, told = (wanted[0] if wanted else _summary)(archive, row, last)
        return say_found({"run": stored_runs.as_object(row, time.time())} | told, lines, as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


Look = tuple[Sequence[str], dict[str, Any]]


def _summary(_archive: Archive, row: StoredRunRow, _last: int) -> Look:
    now = time.time()
    return tuple(stored_runs.summary(row, now)), {"next": list(stored_runs.next_steps(row))}


def _events(archive: Archive, row: StoredRunRow, last: int) -> Look:
    records = archive.events(row.run.run, max(0, row.run.seq - last), last)
    width = room()
    cut_to = None if is_narrow(width) else width
    lines = [timeline.line_of(record, row.tally.first, cut_to) for record in records]
    told = [record.as_dict() for record in records]
    return [*_earlier(row.run.seq - len(records), row, "--events"), *lines], {"events": told}


def _agents(archive: Archive, row: StoredRunRow, last: int) -> Look:
    found = archive.agents(row.run.run)
    lines = stored_runs.agent_table(found[-last:], room())
    return [*_earlier(len(found) - last, row, "--agents"), *lines], {
        "agents": list(map(stored_runs.agent_object, found[-last:]))
    }


def _messages(archive: Archive, row: StoredRunRow, last: int) -> Look:
    found = deque(_pages(archive, row.run.run), maxlen=last)
    lines = stored_runs.message_table(found, room())
    told = [stored_runs.message_object(one) for one in found]
    return [*_earlier(row.tally.messages - last, row, "--messages"), *lines], {"messages": told}


def _pages(archive: Archive, run: str) -> Iterator[ListedMessage]:
    page = archive.messages(run)
    while page:
        yield from page
        page = archive.messages(run, page[-1].n)


def _earlier(count: int, row: StoredRunRow, option: str) -> Iterator[str]:
    if count > 0:
        total = row.run.seq if option == "--events" else row.tally.messages
        yield f"… {count} earlier ones: scr show {row.run.run} {option} --last {max(total, count)}"


def cancel(run: Run, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """End a run for good.  A runtime that works on it is stopped; what is kept of it stays.

    [bold]Examples[/bold]

      scr cancel 20260101-120000-a1b2c3
    """

    def command() -> ExitCode:
        with open_archive(store) as archive:
            found = chosen(archive, run)
            if found.state in OVER:
                raise InvalidInput(f"the run {found.run} is {found.state} already; there is nothing to cancel")
            _end(found)
            state = archive.cancel(once_free(archive, archive.run(found.run)).run).state
        if state is not RunState.CANCELLED:
            raise InvalidInput(f"the run {found.run} was {state} before it could be cancelled")
        told = {"run_id": found.run, "state": state}
        return say_found(told, [f"the run {found.run} is cancelled"], as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _end(run: ListedRun) -> None:
    """Have the runtime that works on it give it up."""
    with owner(run) as client, suppress(RuntimeGone):
        if client is None:
            return
        client.cancel(run.first_id)
        client.shut_down("scr cancel")
        if not client.wait_end(END_S):
            stop = f"`scr stop --runtime {run.runtime}` ends it"
            raise InvalidInput(f"the runtime {run.runtime} has not ended within {END_S:g} s; {stop}")


COMMANDS: tuple[Callable[..., None], ...] = (runs, show, cancel)
