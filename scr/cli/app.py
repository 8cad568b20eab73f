"""The command `scr`: its groups of commands, one file each, put together.

A command line that names its command is served by that command's file alone,
and one that names none by no file: nobody who lists agents or commands waits
for the imports of research.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

GROUPS: dict[str, dict[str, str]] = {
    "scr.cli.commands.run": {
        "demo": "See a planner, workers, a critic and a memory agent, each a process, answer a question from "
        "bundled documents.",
        "run": "Research a question in a folder of documents, and write a report whose every claim is cited "
        "and checked.",
    },
    "scr.cli.commands.runs": {
        "runs": "List the runs that are kept, the newest first.",
        "show": "Show what is kept of a run: in short, or its events, its agents or its messages.",
        "cancel": "End a run for good.  A runtime that works on it is stopped; what is kept of it stays.",
    },
    "scr.cli.commands.dead_letters": {
        "dead": "List dead letters: messages that could not be handled, and why.",
        "retry-dead": "Deliver a dead letter once more: to a run at work now, to any other when it is resumed.",
        "doubts": "List steps in doubt: each must run once, had begun, and nobody knows how it ended.  A person "
        "resolves it.",
        "resolve": "Say how a step in doubt ended; its message then goes on.",
    },
    "scr.cli.commands.resume": {
        "resume": "Go on with a run that was interrupted, stopped or never begun, as if nothing had happened.",
    },
    "scr.cli.commands.maintenance": {
        "fork": "Begin a new run that is an old one as it was after one of its events.  The old one stays as it is.",
        "export": "Write a run to a file, with everything that the store keeps of it, for another store or for "
        "safe keeping.",
        "import": "Take a run from a file into the store.  It does not run until it is resumed: resume only what "
        "you trust.",
        "gc": "Delete runs that have ended from the store, and give their space back.  What is in their folders stays.",
        "doctor": "Examine a store: is it whole, is every row what was written, do the rows of each run fit together.",
    },
    "scr.cli.commands.inspect": {
        "ps": "List the agents of a running system as a tree: state, process, restarts, mail, memory.",
        "top": "Watch the agents of a running system; kill or restart the one that is selected.",
        "stack": "Show where every thread of an agent stands now, even while it is blocked; it goes on undisturbed.",
        "logs": "Show what an agent printed and logged, and when its processes began and ended.",
        "crashes": "Show why agents died: an overview of all, or everything that is known of one agent's deaths.",
    },
    "scr.cli.commands.server": {
        "serve": "Take runs from many clients, and work on as many at once as there is room for.",
        "submit": "Hand a question to a server and print the name of the run.",
        "attach": "Follow a run of a server until it is done, then show its report.  Ctrl-C detaches; the run goes on.",
        "queue": "Show what a server works on and what waits for it; have it pause, go on, or finish and end.",
    },
    "scr.cli.commands.replay": {
        "replay": "Play the agents of a run again, from its recorded steps, and compare what comes of every turn.",
    },
    "scr.cli.commands.chaos": {
        "chaos": "Run your own agent undisturbed, then under kills, and compare: results, recorded steps, steps "
        "in doubt.",
    },
    "scr.cli.commands.control": {
        "kill": "Send a signal to an agent's process.  One that dies of it is restarted by its supervisor, as "
        "after any crash.",
        "restart": "Replace an agent's process by a fresh one, or start an agent that is down.",
        "reload": "Have an agent run the code that is on disk now, from its next message on.",
        "stop": "Stop a whole runtime: every agent in order, last started first, then itself.",
        "send": "Send a task to an agent and print its result.",
    },
    "scr.cli.commands.docs": {
        "docs": "Read the documentation: the list of topics, or one page.",
    },
}
"""The module of each command, and what the first line of its help says."""


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """The application, with the commands that this command line may mean."""
    app = typer.Typer(
        name="scr",
        add_completion=False,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(scr)
    named = [module for module, names in GROUPS.items() if arguments and arguments[0] in names]
    for module in named:
        for name, command in zip(GROUPS[module], import_module(module).COMMANDS, strict=True):
            app.command(name)(command)
    for name, summary in ((name, text) for names in GROUPS.values() for name, text in names.items() if not named):
        app.command(name, help=summary)(_unnamed)
    return app


def _unnamed() -> None:
    """In place of every command, where the line does not begin with one."""
    raise typer.BadParameter("begin with the command: `scr COMMAND …`")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"scr {import_module('scr').__version__}")
        raise typer.Exit


def scr(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """AI agents as supervised operating-system processes that do not lose work.

    Start with [bold]scr demo[/bold]; see what a crash does with [bold]scr demo --crash-test[/bold];
    look at a live system with [bold]scr top[/bold].
    """
