"""The commands about runs that are kept: `scr runs`, `show`, `cancel`, `dead`, `retry-dead`, `doubts`, `resolve`."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer

from scr.cli import kept, timeline
from scr.cli.chosen import chosen, completed, once_free, owner
from scr.cli.codes import Code
from scr.cli.columns import room
from scr.cli.kept import OVER, Row
from scr.cli.options import DEFAULT_STORE, AsJson, Run, SomeRun, Store
from scr.cli.say import guarded, say_json
from scr.errors import InvalidInput, RuntimeGone
from scr.store.address import database_of
from scr.store.archive import Archive, open_archive
from scr.store.listed import ListedMessage, ListedRun
from scr.store.records import RunState
from scr.store.sqlite import SqliteDatabase
from scr.store.tally import tallies

END_S = 20.0
BEGIN = 'begin with `scr demo`, or with `scr run "What do you want to know?"`'

Last = Annotated[int, typer.Option("--last", "-n", min=1, help="Only the last so many.")]


def runs(last: Last = 20, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List the runs that are kept, the newest first.

    [bold]Examples[/bold]

      scr runs

      scr runs --last 100 --store postgresql://user@host/scr

      scr runs --json | python -m json.tool
    """

    def command() -> Code:
        rows, more = _rows(store, last)
        if as_json:
            now = time.time()
            say_json({"status": "done", "more": more, "runs": [kept.as_object(row, now) for row in rows]})
        else:
            _print(_run_lines(rows, store, more=more))
        return Code.DONE

    raise typer.Exit(guarded(command, as_json=as_json))


def _rows(store: str, last: int) -> tuple[list[Row], bool]:
    """The newest runs, the newest first, and whether there are more.  A file that is not there yet holds none."""
    database = database_of(store)
    if isinstance(database, SqliteDatabase) and not database.path.exists():
        return [], False
    with open_archive(store) as archive:
        listed = archive.runs(last + 1)[::-1]
    counted = tallies(database, (run.run for run in listed[:last]))
    return [Row(run, counted[run.run]) for run in listed[:last] if run.run in counted], len(listed) > last


def _run_lines(rows: list[Row], store: str, *, more: bool) -> Iterator[str]:
    if not rows:
        yield f"no runs in {store}; {BEGIN}"
        return
    yield from kept.run_table(rows, time.time(), room())
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

    def command() -> Code:
        wanted = [
            look for look, is_wanted in ((_events, events), (_agents, agents), (_messages, messages)) if is_wanted
        ]
        if len(wanted) > 1:
            raise InvalidInput("give one of --events, --agents and --messages")
        with open_archive(store) as archive:
            found = chosen(archive, run)
            row = Row(found, tallies(database_of(store), [found.run])[found.run])
            lines, told = (wanted[0] if wanted else _summary)(archive, row, last)
        if as_json:
            say_json({"status": "done"} | kept.as_object(row, time.time()) | told)
        else:
            _print(lines)
        return Code.DONE

    raise typer.Exit(guarded(command, as_json=as_json))


Look = tuple[Sequence[str], dict[str, Any]]


def _summary(_archive: Archive, row: Row, _last: int) -> Look:
    now = time.time()
    return tuple(kept.summary(row, now)), {"next": list(kept.next_steps(row))}


def _events(archive: Archive, row: Row, last: int) -> Look:
    records = archive.events(row.run.run, max(0, row.run.seq - last), last)
    lines = [timeline.line_of(record, row.tally.first, room()) for record in records]
    told = [record.model_dump(mode="json") for record in records]
    return [*_earlier(row.run.seq - len(records), row, "--events"), *lines], {"records": told}


def _agents(archive: Archive, row: Row, last: int) -> Look:
    found = archive.agents(row.run.run)
    lines = kept.agent_table(found[-last:], room())
    return [*_earlier(len(found) - last, row, "--agents"), *lines], {
        "lives": list(map(kept.agent_object, found[-last:]))
    }


def _messages(archive: Archive, row: Row, last: int) -> Look:
    found = deque(_pages(archive, row.run.run), maxlen=last)
    lines = kept.message_table(found, room())
    told = [kept.message_object(one) for one in found]
    return [*_earlier(row.tally.messages - last, row, "--messages"), *lines], {"mail": told}


def _pages(archive: Archive, run: str) -> Iterator[ListedMessage]:
    page = archive.messages(run)
    while page:
        yield from page
        page = archive.messages(run, page[-1].n)


def _earlier(count: int, row: Row, option: str) -> Iterator[str]:
    if count > 0:
        total = row.run.seq if option == "--events" else row.tally.messages
        yield f"… {count} earlier ones: scr show {row.run.run} {option} --last {max(total, count)}"


def cancel(run: Run, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """End a run for good.  A runtime that works on it is stopped; what is kept of it stays.

    [bold]Examples[/bold]

      scr cancel 20260101-120000-a1b2c3
    """

    def command() -> Code:
        with open_archive(store) as archive:
            found = chosen(archive, run)
            if found.state in OVER:
                raise InvalidInput(f"the run {found.run} is {found.state} already; there is nothing to cancel")
            _end(found)
            state = archive.cancel(once_free(archive, archive.run(found.run)).run).state
        if state is not RunState.CANCELLED:
            raise InvalidInput(f"the run {found.run} was {state} before it could be cancelled")
        told = {"status": "done", "run_id": found.run, "state": state}
        return _say(told, [f"the run {found.run} is cancelled"], as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _end(run: ListedRun) -> None:
    """Have the runtime that works on it give it up."""
    with owner(run) as client, suppress(RuntimeGone):
        if client is None:
            return
        client.cancel(run.first_id)
        client.shut_down("scr cancel")
        if not client.wait_end(END_S):
            raise InvalidInput(f"the runtime {run.runtime} has not ended within {END_S:g} s; `scr stop` ends it")


def dead(run: SomeRun = None, last: Last = 20, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List dead letters: messages that could not be handled, and why.

    [bold]Examples[/bold]

      scr dead

      scr dead 20260101-120000-a1b2c3 --json
    """

    def command() -> Code:
        with open_archive(store) as archive:
            found = [(name, letter) for name in _meant(archive, run) for letter in archive.letters(name, last)][-last:]
        told = {"status": "done", "dead_letters": [kept.letter_object(name, letter) for name, letter in found]}
        lines = [line for name, letter in found for line in kept.letter_lines(name, letter)]
        return _say(told, lines or ["no dead letters"], as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _meant(archive: Archive, run: str | None) -> list[str]:
    """The one that is named, or all, the oldest first."""
    return [chosen(archive, run).run] if run else [listed.run for listed in archive.runs()]


def retry_dead(
    run: Run,
    message: Annotated[
        str, typer.Argument(metavar="ID", help="The message's id, or how it begins.", show_default=False)
    ],
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Deliver a dead letter once more: to a run at work now, to any other when it is resumed.

    [bold]Examples[/bold]

      scr retry-dead 20260101-120000-a1b2c3 7f3a9c21
    """

    def command() -> Code:
        with open_archive(store) as archive:
            found = chosen(archive, run)
            ids = [letter.message.message_id for letter in archive.letters(found.run)]
            message_id = completed(message, ids, "dead letter", f"`scr dead {found.run}` lists them")
            with owner(found) as client:
                to = client.retry_dead(message_id) if client else archive.retry_dead(found.run, message_id).to
        told = {"status": "done", "run_id": found.run, "message_id": message_id, "to": to}
        return _say(told, [f"{message_id} is delivered to {to} once more{_when(found)}"], as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _when(run: ListedRun) -> str:
    return "" if run.is_owned else f", when the run goes on: scr resume {run.run}"


def doubts(run: SomeRun = None, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List steps in doubt: each must run once, had begun, and nobody knows how it ended.  A person resolves it.

    [bold]Examples[/bold]

      scr doubts

      scr doubts 20260101-120000-a1b2c3 --json
    """

    def command() -> Code:
        with open_archive(store) as archive:
            found = [(name, doubt) for name in _meant(archive, run) for doubt in archive.doubts(name)]
        told = {"status": "done", "doubts": [kept.doubt_object(name, doubt) for name, doubt in found]}
        lines = [line for name, doubt in found for line in kept.doubt_lines(name, doubt)]
        return _say(told, lines or ["nothing is in doubt"], as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def resolve(
    run: Run,
    which: Annotated[
        str, typer.Argument(metavar="STEP", help="The step's name, or how its message's id begins.", show_default=False)
    ],
    done: Annotated[
        str | None, typer.Option("--done", metavar="JSON", help="It was done; this is its result.", show_default=False)
    ] = None,
    not_done: Annotated[bool, typer.Option("--not-done", help="It was not done: it is run again.")] = False,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Say how a step in doubt ended; its message then goes on.

    [bold]Examples[/bold]

      scr resolve 20260101-120000-a1b2c3 charge --done '{"receipt": 17}'

      scr resolve 20260101-120000-a1b2c3 charge --not-done
    """

    def command() -> Code:
        if (done is None) is not not_done:
            raise InvalidInput("give either --done JSON, with the step's result (null for none), or --not-done")
        value = None if done is None else _parsed(done)
        with open_archive(store) as archive:
            found = chosen(archive, run)
            message_id = _in_doubt(archive, found, which)
            with owner(found) as client:
                if client:
                    client.resolve(message_id, is_done=not not_done, value=value)
                else:
                    archive.resolve(found.run, message_id, is_done=not not_done, value=value)
        told = {"status": "done", "run_id": found.run, "message_id": message_id, "is_done": not not_done}
        ended = "was not done, and is run again" if not_done else "was done"
        return _say(told, [f"noted: the step {ended}{_when(found)}"], as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _in_doubt(archive: Archive, run: ListedRun, which: str) -> str:
    """The message whose step is meant."""
    found = archive.doubts(run.run)
    named = [doubt.message.message_id for doubt in found if doubt.step == which]
    if len(named) > 1:
        raise InvalidInput(f"{len(named)} messages have a step {which!r} in doubt: give the id of one of {named}")
    ids = [doubt.message.message_id for doubt in found]
    return named[0] if named else completed(which, ids, "step in doubt", f"`scr doubts {run.run}` lists them")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput(
            f"the result is not JSON ({error}); put text in quotes of its own, as in '\"text\"'"
        ) from error


def _say(told: dict[str, Any], lines: Sequence[str], *, as_json: bool) -> Code:
    if as_json:
        say_json(told)
    else:
        _print(lines)
    return Code.DONE


def _print(lines: Sequence[str] | Iterator[str]) -> None:
    for line in lines:
        print(line)


COMMANDS: tuple[Callable[..., None], ...] = (runs, show, cancel, dead, retry_dead, doubts, resolve)
