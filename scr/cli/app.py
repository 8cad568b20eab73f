"""The command `scr`: its groups of commands, one file each, put together.

A command line that names its command is served by that command's file alone:
nobody who lists agents waits for the imports of research.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

GROUPS = {
    "scr.cli.research": ("demo", "run"),
    "scr.cli.keeping": ("runs", "show", "cancel"),
    "scr.cli.settling": ("dead", "retry-dead", "doubts", "resolve"),
    "scr.cli.resuming": ("resume",),
    "scr.cli.moving": ("fork", "export", "import", "gc", "doctor"),
    "scr.cli.seeing": ("ps", "top", "stack", "logs", "crashes"),
    "scr.cli.serving": ("serve", "submit", "attach", "queue"),
    "scr.cli.replaying": ("replay",),
    "scr.cli.chaos": ("chaos",),
    "scr.cli.steering": ("kill", "restart", "reload", "stop", "send"),
}


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
    for module in named or GROUPS:
        for name, command in zip(GROUPS[module], import_module(module).COMMANDS, strict=True):
            app.command(name)(command)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"scr {import_module('importlib.metadata').version('scr')}")
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
