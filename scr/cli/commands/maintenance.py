"""The commands about whole runs and whole stores: `scr fork`, `scr export`, `scr import`, `scr gc`, `scr doctor`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from scr.apps.research.running.request import new_run_id
from scr.cli.options import AsJson, Run, SomeRun, Store
from scr.cli.output import guarded, say_found
from scr.cli.select_run import chosen
from scr.errors import InvalidInput, StoreError
from scr.exit_codes import ExitCode
from scr.store.archive.archive import open_archive
from scr.store.archive.doctor import Examination, examine
from scr.store.archive.findings import Finding, Severity
from scr.store.archive.fork import fork_run
from scr.store.archive.gc import SweepResult, sweep
from scr.store.archive.repair import Repaired, repair
from scr.store.archive.transfer import export_run, import_run
from scr.store.sql.address import database_of
from scr.store.url import DEFAULT_STORE
from scr.views.next_commands import command_line, place_of, resumed

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
LINES_MAX = 50
DAY_S = 86_400.0


def fork(
    run: Run,
    at: Annotated[int, typer.Option("--at", metavar="SEQ", help="After which event; see `scr show RUN --events`.")],
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Begin a new run that is an old one as it was after one of its events.  The old one stays as it is.

    [bold]Examples[/bold]

      scr fork 20260101-120000-a1b2c3 --at 57
    """

    def command() -> ExitCode:
        made = fork_run(database_of(store), _full(store, run), at, new_run_id(), created=time.time())
        with open_archive(store) as archive:
            again = resumed(archive.run(made.run))
        told = {"run_id": made.run, "parent": made.parent, "parent_seq": made.seq, "rows": made.rows}
        lines = (
            f"{made.run} is {made.parent} as it was after event {made.seq}: {made.rows} rows",
            f"go on with it: {again}",
        )
        return say_found(told, lines, as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def export(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that is not there yet.", show_default=False)],
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Write a run to a file, with everything that the store keeps of it, for another store or for safe keeping.

    [bold]Examples[/bold]

      scr export 20260101-120000-a1b2c3 run.scr
    """

    def command() -> ExitCode:
        made = export_run(database_of(store), _full(store, run), file, at=time.time())
        told = {"run_id": made.run, "file": str(file), "rows": made.rows, "bytes": made.size_bytes}
        read = command_line("import", str(file))
        lines = (f"{made.run} is in {file}: {made.rows} rows, {_size(made.size_bytes)}; `{read}` reads it",)
        return say_found(told, lines, as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `scr export` has written.", show_default=False)],
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="The name of the run here.", show_default="its own")
    ] = None,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Take a run from a file into the store.  It does not run until it is resumed: resume only what you trust.

    [bold]Examples[/bold]

      scr import run.scr

      scr import run.scr --as again --store sqlite:///other.sqlite
    """

    def command() -> ExitCode:
        if name is not None and not NAME.fullmatch(name):
            raise InvalidInput(f"{name!r} cannot be the name of a run: give 1 to 64 letters, digits, “_”, “-” and “.”")
        made = import_run(database_of(store), file, name=name)
        told = {"run_id": made.run, "file": str(file), "rows": made.rows, "bytes": made.size_bytes}
        look = command_line("show", made.run, place=place_of(store, database_of(store).shown))
        lines = (f"{made.run} is in the store: {made.rows} rows; `{look}` tells how it stands",)
        return say_found(told, lines, as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def gc(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs to delete by name.", show_default=False)
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="DAYS", help="Delete runs that ended longer ago than that.", show_default=False),
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=0, help="Keep the newest so many, however old.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Delete runs that have ended from the store, and give their space back.  What is in their folders stays.

    A run that may still be gone on with is deleted only by its name.

    Exit codes: 0 done; 3 a run that was named is kept, and others are deleted; 5 no run that was named is deleted.

    [bold]Examples[/bold]

      scr gc --older-than 30 --dry-run

      scr gc --keep 100

      scr gc 20260101-120000-a1b2c3
    """

    def command() -> ExitCode:
        if not runs and older_than is None and keep is None:
            raise InvalidInput("say which runs may go: give --older-than DAYS, --keep N, or the names of runs")
        names = [_full(store, run) for run in runs or ()]
        older_s = None if older_than is None else older_than * DAY_S
        swept = sweep(store, now=time.time(), older_than_s=older_s, keep=keep, names=names, dry_run=dry_run)
        spared = [{"run_id": run, "reason": reason} for run, reason in swept.spared]
        told = {"deleted": swept.deleted, "spared": spared, "dry_run": dry_run}
        told |= {"freed_bytes": swept.freed_bytes, "trouble": swept.trouble or None}
        left_out = 0 if older_than is None and keep is None else swept.unfinished
        lines = _swept(swept, "would be deleted" if dry_run else "deleted", left_out)
        code = _code_of(swept, names)
        return say_found(told | {"unfinished": left_out}, lines, as_json=as_json, code=code)

    raise typer.Exit(guarded(command, as_json=as_json))


def _code_of(swept: SweepResult, names: Collection[str]) -> ExitCode:
    """Tell a sweep that spared a run which was named from one that did what was asked."""
    if not any(run in names for run, _ in swept.spared):
        return ExitCode.DONE
    return ExitCode.PARTIAL if swept.deleted else ExitCode.FAILED


def _swept(swept: SweepResult, done: str, left_out: int) -> Iterator[str]:
    for run in swept.deleted[:LINES_MAX]:
        yield f"{run} {done}"
    for run, reason in swept.spared[:LINES_MAX]:
        yield f"{run} kept: {reason}"
    if left_out:
        yield f"{left_out} left out, as they have not ended: `scr gc RUN` deletes one by its name"
    freed = f"; {_size(swept.freed_bytes)} given back" if swept.freed_bytes else ""
    yield f"{len(swept.deleted)} runs {done}, {len(swept.spared)} of those that were meant kept{freed}"
    if swept.trouble:
        yield swept.trouble


def doctor(
    run: SomeRun = None,
    mend: Annotated[bool, typer.Option("--repair", help="Do what can be done; nothing is deleted.")] = False,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Examine a store: is it whole, is every row what was written, do the rows of each run fit together.

    A repair copies what can be read of a damaged file into a new one and keeps
    the damaged one beside it; a run that is damaged is marked as failed.

    [bold]Examples[/bold]

      scr doctor

      scr doctor 20260101-120000-a1b2c3 --json

      scr doctor --repair

    Exit codes: 0 sound; 1 something is wrong; 2 there is no such run; 5 there is no store, or it cannot be used.
    """

    def command() -> ExitCode:
        if not mend:
            found = examine(database_of(store), _full(store, run) if run else None)
            return say_found(_examined(found), _findings(found), as_json=as_json, code=_code(found))
        if run:
            raise InvalidInput("a repair is of the whole store: leave the run out")
        made = repair(store, stamp=time.strftime("%Y%m%d-%H%M%S"))
        return say_found(_repaired(made), _deeds(made), as_json=as_json, code=_code(made.after))

    raise typer.Exit(guarded(command, as_json=as_json))


def _full(store: str, run: str) -> str:
    """The whole name of a run.  In a damaged store only whole names can be given."""
    try:
        with open_archive(store) as archive:
            return chosen(archive, run).run
    except StoreError:
        return run


def _code(found: Examination) -> ExitCode:
    return ExitCode.DONE if found.is_well else ExitCode.UNSOUND


def _examined(found: Examination) -> dict[str, Any]:
    return {
        "store": found.shown,
        "runs": found.runs,
        "rows": found.rows,
        "findings": [
            {"severity": one.severity, "run_id": one.run or None, "table": one.table or None}
            | {"sentence": one.sentence, "remedy": one.remedy}
            for one in found.findings
        ],
    }


def _repaired(made: Repaired) -> dict[str, Any]:
    aside = str(made.aside) if made.aside else None
    return _examined(made.after) | {"before": _examined(made.before)["findings"], "done": made.done, "aside": aside}


def _findings(found: Examination) -> Iterator[str]:
    for one in found.findings[:LINES_MAX]:
        yield from _finding(one)
    if len(found.findings) > LINES_MAX:
        yield f"… and {len(found.findings) - LINES_MAX} more: scr doctor --json"
    wrong = sum(one.severity is not Severity.NOTICE for one in found.findings)
    counted = "1 thing is wrong" if wrong == 1 else f"{wrong} things are wrong"
    verdict = f"{counted}; `scr doctor --repair` does what can be done" if wrong else "sound"
    yield f"{found.shown}: {found.runs} runs, {found.rows} rows: {verdict}"


def _finding(one: Finding) -> Iterator[str]:
    where = " ".join(part for part in (one.run, one.table) if part)
    yield f"{one.severity}: {f'{where}: ' if where else ''}{one.sentence}"
    if one.remedy:
        yield f"    {one.remedy}"


def _deeds(made: Repaired) -> Iterator[str]:
    yield from made.done or ("there was nothing to repair",)
    yield from _findings(made.after)


def _size(count_bytes: int) -> str:
    return f"{count_bytes / 1000:.1f} kB" if count_bytes < 1_000_000 else f"{count_bytes / 1_000_000:.1f} MB"


COMMANDS: tuple[Callable[..., None], ...] = (fork, export, import_file, gc, doctor)
