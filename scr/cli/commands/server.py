"""The commands about a server: `scr serve`, `scr submit`, `scr attach`, `scr queue`."""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from scr.apps.research.running.request import CORPUS
from scr.cli.options import AsJson, Run, Store
from scr.cli.output import guarded, say_json, say_trouble
from scr.cli.select_runtime import with_command
from scr.client.server import Client, connect
from scr.exit_codes import ExitCode
from scr.protocol.status import Priority
from scr.server.notices import Notice
from scr.store.url import DEFAULT_STORE
from scr.views.columns import room
from scr.views.server_queue import lines_of

AGENTS, RUNS, QUEUE, WORKERS = 64, 4, 100, 4

Server = Annotated[
    str | None, typer.Option("--server", metavar="ID", help="Which server, where several run.", show_default=False)
]
Events = Annotated[
    bool, typer.Option("--json", help="Print one JSON object for each event, and the result as the last.")
]


class Wish(StrEnum):
    """What a person may want of a queue."""

    SHOW = "show"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    DRAIN = "drain"


def serve(
    store: Store = DEFAULT_STORE,
    agents: Annotated[int, typer.Option(min=1, help="How many agents there may be at once, of all runs.")] = AGENTS,
    runs: Annotated[int, typer.Option(min=1, max=1000, help="How many runs are worked on at once.")] = RUNS,
    queue: Annotated[int, typer.Option(min=1, max=10_000, help="How many runs may wait.")] = QUEUE,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each thing that happens.")] = False,
) -> None:
    """Take runs from many clients, and work on as many at once as there is room for.

    Runs in the store that were interrupted are gone on with; so are those of a
    server that was killed. Ctrl-C stops in order; what is under way then goes
    on with the next server.

    [bold]Examples[/bold]

      scr serve

      scr serve --runs 8 --agents 100 --store postgresql://user@host/scr

      scr queue drain        end when what is under way is done
    """

    def command() -> ExitCode:
        trade = import_module("scr.apps.research.running.server_app").ResearchTrade()
        bounds = import_module("scr.server.schedule").ServerBounds(agents=agents, runs=runs, queue=queue)
        tell = _tell_json if as_json else _tell
        import_module("scr.server.process").main(store, {trade.kind: trade}, bounds, tell)
        return ExitCode.DONE

    raise typer.Exit(guarded(command, as_json=as_json))


def _tell(happening: Notice) -> None:
    if happening.is_quiet:
        return
    moment = datetime.fromtimestamp(happening.time).astimezone()
    _print(f"{moment:%H:%M:%S}  {happening.sentence()}")
    if happening.what == "serving":
        _print(f'{moment:%H:%M:%S}  submit to it: scr submit "What do you want to know?"')


def _tell_json(happening: Notice) -> None:
    _print(happening.model_dump_json())


def _print(line: str) -> None:
    """A server whose reader has gone away, or whose disk is full, serves on, in silence."""
    try:
        print(line, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def served(server: str | None) -> Client:
    """Connect to the server of that id; without one, to the only one.  Raises InvalidInput."""
    with with_command():
        return connect(server)


def submit(
    question: Annotated[str, typer.Argument(help="What you want to know, in words.", show_default=False)],
    docs: Annotated[Path, typer.Option(help="A folder of .md, .txt, .rst or .html files.", show_default="bundled")] = (
        CORPUS
    ),
    workers: Annotated[int, typer.Option(help="How many workers research at the same time.")] = WORKERS,
    priority: Annotated[Priority, typer.Option(help="High goes before normal before low.")] = Priority.NORMAL,
    label: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="NAME", help="Whose run it is: names take turns.", show_default="this terminal session"
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until it is done, as `scr attach` does.")] = False,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Hand a question to a server and print the name of the run.

    [bold]Examples[/bold]

      scr submit "How does Temporal recover a workflow?"

      scr submit "Which settings limit memory?" --docs ./docs --workers 8 --priority high --wait
    """

    def command() -> ExitCode:
        asked = {"question": question, "docs": str(docs.resolve()), "workers": workers}
        submitter = label or f"session {os.getsid(0)}"
        with served(server) as client:
            run = client.submit(kind="research", input=asked, priority=priority, submitter=submitter)
            if wait:
                if not as_json:
                    say_trouble(f"submitted as {run}")
                return _attached(client, run, as_json=as_json, with_events=False)
        if as_json:
            say_json({"status": "done", "run_id": run})
        else:
            print(run, flush=True)
        return ExitCode.DONE

    raise typer.Exit(guarded(command, as_json=as_json))


def attach(
    run: Run,
    server: Server = None,
    as_json: Events = False,
) -> None:
    """Follow a run of a server until it is done, then show its report.  Ctrl-C detaches; the run goes on.

    [bold]Examples[/bold]

      scr attach 20260101-120000-a1b2c3

      scr attach 20260101-120000-a1b2c3 --json | tail -1
    """

    def command() -> ExitCode:
        with served(server) as client:
            return _attached(client, run, as_json=as_json, with_events=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _attached(client: Client, run: str, *, as_json: bool, with_events: bool) -> ExitCode:
    """What shows a run knows of research, which only this needs."""
    code: ExitCode = import_module("scr.cli.follow_run").attend(client, run, as_json=as_json, with_events=with_events)
    return code


def queue(
    wish: Annotated[Wish, typer.Argument(help="What to do with it.")] = Wish.SHOW,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Show what a server works on and what waits for it; have it pause, go on, or finish and end.

    [bold]Examples[/bold]

      scr queue

      scr queue pause        what is under way goes on, nothing more is started

      scr queue drain        and then the server ends
    """

    def command() -> ExitCode:
        with served(server) as client:
            status = client.status() if wish is Wish.SHOW else client.steer(wish)
        if as_json:
            say_json({"status": "done"} | status.model_dump(mode="json"))
        else:
            for line in lines_of(status, time.time(), room()):
                print(line)
        return ExitCode.DONE

    raise typer.Exit(guarded(command, as_json=as_json))


COMMANDS = (serve, submit, attach, queue)
