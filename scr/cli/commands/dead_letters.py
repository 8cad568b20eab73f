"""The commands for what waits for a person: `scr dead`, `scr retry-dead`, `scr doubts`, `scr resolve`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any, TypeVar

import typer

from scr.bounds import counted
from scr.cli.options import AsJson, Last, Run, SomeRun, Store
from scr.cli.output import guarded, say_found, say_readable
from scr.cli.select_run import chosen, completed, owner
from scr.client.client import RuntimeClient
from scr.errors import InvalidInput, StoreDamaged
from scr.exit_codes import ExitCode
from scr.store.archive.archive import Archive, open_archive
from scr.store.archive.summaries import ListedRun
from scr.store.records import DeadLetter
from scr.store.url import DEFAULT_STORE
from scr.views import stored_runs
from scr.views.next_commands import place_of, resumed

T = TypeVar("T")
EVERY = 1 << 31


def dead(run: SomeRun = None, last: Last = 20, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List dead letters: messages that could not be handled, and why.

    [bold]Examples[/bold]

      scr dead

      scr dead 20260101-120000-a1b2c3 --json
    """

    def command() -> ExitCode:
        with open_archive(store) as archive:
            found, damaged = _throughout(archive, run, lambda name: archive.letters(name, last))
            place = place_of(store, archive.shown)
        found = found[-last:]
        told = {"dead_letters": [stored_runs.letter_object(name, letter) for name, letter in found]}
        lines = [line for name, letter in found for line in stored_runs.letter_lines(name, letter, place)]
        return say_readable(told, lines or ["no dead letters"], damaged, as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _throughout(
    archive: Archive, run: str | None, look: Callable[[str], Sequence[T]]
) -> tuple[list[tuple[str, T]], list[StoreDamaged]]:
    """What there is in the run that is named, or in all, the oldest first; and why there may be more."""
    if run:
        name = chosen(archive, run).run
        return [(name, one) for one in look(name)], []
    found, damaged = list[tuple[str, T]](), list(archive.damaged())
    for listed in archive.runs():
        try:
            found += [(listed.run, one) for one in look(listed.run)]
        except StoreDamaged as error:
            damaged.append(error)
    return found, damaged


def retry_dead(
    run: Run,
    message: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The message's id, or how it begins.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All dead letters of the run.")] = False,
    reason: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="With --all: only those whose reason has this text in it.", show_default=False
        ),
    ] = None,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Deliver a dead letter once more: to a run at work now, to any other when it is resumed.

    [bold]Examples[/bold]

      scr retry-dead 20260101-120000-a1b2c3 7f3a9c21

      scr retry-dead 20260101-120000-a1b2c3 --all --reason ConnectionError
    """

    def command() -> ExitCode:
        if (message is None) is not every or (reason is not None and not every):
            raise InvalidInput("give the ID of one dead letter, or --all, with --reason TEXT for some of them")
        if reason is not None and not reason.strip():
            raise InvalidInput("--reason is empty, and every reason has that in it; leave it out to mean all")
        with open_archive(store) as archive:
            found = chosen(archive, run)
            if message is not None:
                return _retried(archive, found, message, as_json=as_json)
            ids = [letter.message.message_id for letter in archive.letters(found.run, EVERY) if _has(letter, reason)]
            with owner(found) as client:
                done = list(_retry(archive, found, client, ids))
        told = {"run_id": found.run, "delivered": len(done), "dead_letters": done}
        return say_found(told, [_deliveries(found, len(done), reason)], as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _deliveries(run: ListedRun, count: int, reason: str | None) -> str:
    """Say how many dead letters are delivered once more, or that none has the reason."""
    if reason is not None and not count:
        return f"no dead letter of {run.run} has {reason!r} in its reason; `scr dead {run.run}` lists them"
    which = "" if reason is None else f" with {reason!r} in the reason"
    verb = "is" if count == 1 else "are"
    return f"{counted(count, 'dead letter')}{which} {verb} delivered once more{_when(run) if count else ''}"


def _retried(archive: Archive, run: ListedRun, message: str, *, as_json: bool) -> ExitCode:
    """Deliver the one dead letter that is meant."""
    ids = [letter.message.message_id for letter in archive.letters(run.run)]
    message_id = completed(message, ids, "dead letter", f"`scr dead {run.run}` lists them")
    with owner(run) as client:
        to = client.retry_dead(message_id) if client else archive.retry_dead(run.run, message_id).to
    told = {"run_id": run.run, "message_id": message_id, "to": to}
    return say_found(told, [f"{message_id} is delivered to {to} once more{_when(run)}"], as_json=as_json)


def _retry(
    archive: Archive, run: ListedRun, client: RuntimeClient | None, ids: Sequence[str]
) -> Iterator[dict[str, str]]:
    """Deliver these dead letters, the oldest first; one that another command has taken meanwhile is left out."""
    if client is None:
        with suppress(InvalidInput):
            yield from ({"message_id": one.message_id, "to": one.to} for one in archive.retry_all(run.run, ids))
        return
    for message_id in ids:
        with suppress(InvalidInput):
            yield {"message_id": message_id, "to": client.retry_dead(message_id)}


def _has(letter: DeadLetter, text: str | None) -> bool:
    """Tell whether the reason, its detail or the type of the error has the text in it, in letters of any case."""
    said = f"{letter.reason} {letter.detail} {letter.error.type if letter.error else ''}"
    return text is None or text.casefold() in said.casefold()


def _when(run: ListedRun) -> str:
    return "" if run.is_owned else f", when the run goes on: {resumed(run)}"


def doubts(run: SomeRun = None, store: Store = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List steps in doubt: each must run once, had begun, and nobody knows how it ended.  A person resolves it.

    [bold]Examples[/bold]

      scr doubts

      scr doubts 20260101-120000-a1b2c3 --json
    """

    def command() -> ExitCode:
        with open_archive(store) as archive:
            found, damaged = _throughout(archive, run, archive.doubts)
            place = place_of(store, archive.shown)
        told = {"doubts": [stored_runs.doubt_object(name, doubt) for name, doubt in found]}
        lines = [line for name, doubt in found for line in stored_runs.doubt_lines(name, doubt, place)]
        return say_readable(told, lines or ["nothing is in doubt"], damaged, as_json=as_json)

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

    def command() -> ExitCode:
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
        told = {"run_id": found.run, "message_id": message_id, "is_done": not not_done}
        ended = "was not done, and is run again" if not_done else "was done"
        return say_found(told, [f"noted: the step {ended}{_when(found)}"], as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _in_doubt(archive: Archive, run: ListedRun, which: str) -> str:
    """The message whose step is meant."""
    found = archive.doubts(run.run)
    named = [doubt.message.message_id for doubt in found if which in doubt.names - {doubt.message.message_id}]
    if len(named) > 1:
        raise InvalidInput(f"{len(named)} messages have a step {which!r} in doubt: give the id of one of {named}")
    ids = [doubt.message.message_id for doubt in found]
    return named[0] if named else completed(which, ids, "step in doubt", f"`scr doubts {run.run}` lists them")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"the result is not JSON ({error}); put text in quotes of its own, as in '\"text\"'"
        ) from error


COMMANDS: tuple[Callable[..., None], ...] = (dead, retry_dead, doubts, resolve)
