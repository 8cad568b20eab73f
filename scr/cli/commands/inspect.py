"""The commands that look at a live system: `scr ps`, `scr top`, `scr stack`, `scr logs`, `scr crashes`."""

from __future__ import annotations

import sys
import threading
from collections import deque
from importlib import import_module
from typing import Annotated

import typer

from scr.cli.event_queue import Inbox
from scr.cli.live_systems import Systems
from scr.cli.options import Agent, AsJson, Chosen
from scr.cli.output import guarded, say_json
from scr.cli.select_runtime import reached
from scr.client.client import RuntimeClient
from scr.errors import InvalidInput, UnknownAgent
from scr.exit_codes import ExitCode
from scr.mail.suggestions import unknown
from scr.telemetry.events import Record
from scr.views.agent_log import line_of
from scr.views.agents import AgentRow, plain
from scr.views.crashes import overview, story


def ps(runtime: Chosen = None, as_json: AsJson = False) -> None:
    """List the agents of a running system as a tree: state, process, restarts, mail, memory.

    Of a server it is all its runs; --runtime takes a server's id, too.

    [bold]Examples[/bold]

      scr ps

      scr ps --json | python -m json.tool
    """

    def command() -> ExitCode:
        with Systems.find(runtime) as systems:
            seen = systems.look()
        if as_json:
            say_json(seen.described)
        else:
            _show(seen.rows, seen.summary)
        return ExitCode.DONE

    raise typer.Exit(guarded(command, as_json=as_json))


def _show(rows: list[AgentRow], last: str) -> None:
    if sys.stdout.isatty():
        import_module("scr.cli.terminal.agents_table").draw(rows, last)
        return
    for line in plain(rows):
        print(line)
    print(last)


def top(
    interval_s: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", min=0.1, help="How often to look.")
    ] = 1.0,
    runtime: Chosen = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at each look, for ever.")] = False,
) -> None:
    """Watch the agents of a running system; kill or restart the one that is selected.

    Arrows select, [bold]s[/bold] sorts, [bold]k[/bold] kills, [bold]r[/bold] restarts, [bold]q[/bold] quits.

    [bold]Examples[/bold]

      scr top

      scr top --interval 5 --json >> history.jsonl
    """

    def command() -> ExitCode:
        shown = import_module("scr.cli.terminal.top")
        with Systems.find(runtime) as systems:
            if as_json:
                shown.history(systems, interval_s)
            elif sys.stdin.isatty() and sys.stdout.isatty():
                shown.watch(systems, interval_s)
            else:
                raise InvalidInput("scr top needs a terminal; `scr ps` looks once, `scr top --json` again and again")
        return ExitCode.DONE

    raise typer.Exit(guarded(command, as_json=as_json))


def stack(agent: Agent, runtime: Chosen = None, as_json: AsJson = False) -> None:
    """Show where every thread of an agent stands now, even while it is blocked; it goes on undisturbed.

    [bold]Examples[/bold]

      scr stack worker-1
    """

    def command() -> ExitCode:
        with reached(runtime) as client:
            found = client.stack(agent)
        if as_json:
            say_json({"status": "done", "agent": agent, "stack": found})
        else:
            print(found)
        return ExitCode.DONE

    raise typer.Exit(guarded(command, as_json=as_json))


def logs(
    agent: Agent,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more comes, until Ctrl-C.")] = False,
    lines: Annotated[
        int | None,
        typer.Option("--lines", "-n", min=1, help="Only the last so many.", show_default="all that are kept"),
    ] = None,
    runtime: Chosen = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each line.")] = False,
) -> None:
    """Show what an agent printed and logged, and when its processes began and ended.

    [bold]Examples[/bold]

      scr logs worker-1

      scr logs worker-1 -n 20 -f
    """
    raise typer.Exit(guarded(lambda: _logs(agent, runtime, lines, follow=follow, as_json=as_json), as_json=as_json))


def _logs(agent: str, runtime: str | None, lines: int | None, *, follow: bool, as_json: bool) -> ExitCode:
    with Inbox() as inbox, reached(runtime, inbox.hear) as client:
        is_known = any(one.id == agent for one in client.status().agents)
        client.subscribe(agent=agent)
        threading.Thread(target=_mark, args=(client, inbox), daemon=True).start()
        past = deque(inbox.past(), maxlen=lines)
        if not is_known and not past:
            raise UnknownAgent(unknown("agent", agent, (one.id for one in client.status().agents)))
        for record in past:
            _say_line(record, as_json=as_json)
        while follow:
            if news := inbox.next():
                _say_line(news, as_json=as_json)
            elif client.wait_end(0):
                break
    return ExitCode.DONE


def _mark(client: RuntimeClient, inbox: Inbox) -> None:
    """Any answer comes after all that is kept was told."""
    try:
        client.status()
    finally:
        inbox.mark()


def _say_line(record: Record, *, as_json: bool) -> None:
    if as_json:
        say_json({"time": record.time, **record.as_dict()["event"]})
    else:
        print(line_of(record), flush=True)


def crashes(
    agent: Annotated[
        str | None, typer.Argument(metavar="[AGENT]", help="Tell everything of this agent's.", show_default=False)
    ] = None,
    last: Annotated[int, typer.Option("--last", "-n", min=1, help="Only the last so many.")] = 20,
    runtime: Chosen = None,
    as_json: AsJson = False,
) -> None:
    """Show why agents died: an overview of all, or everything that is known of one agent's deaths.

    [bold]Examples[/bold]

      scr crashes

      scr crashes worker-1 --last 1
    """

    def command() -> ExitCode:
        with reached(runtime) as client:
            records = client.crashes(agent, last=last)
            names = [one.id for one in client.status().agents] if agent and not records else []
            if agent and not records and agent not in names:
                raise UnknownAgent(f"{unknown('agent', agent, names)}, and none of that name has crashed")
        if as_json:
            say_json({"status": "done", "crashes": [record.model_dump(mode="json") for record in records]})
        elif not records:
            print(f"no crash of {agent or 'any agent'} is known")
        elif agent:
            print("\n\n".join("\n".join(story(record)) for record in records))
        else:
            print("\n".join(overview(records)))
        return ExitCode.DONE

    raise typer.Exit(guarded(command, as_json=as_json))


COMMANDS = (ps, top, stack, logs, crashes)
