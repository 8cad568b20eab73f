"""The command `scr`: its groups of commands, one file each, put together."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from scr.cli import research

app = typer.Typer(
    name="scr",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(research.demo)
app.command()(research.run)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"scr {version('scr')}")
        raise typer.Exit


@app.callback()
def scr(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """AI agents as supervised operating-system processes that do not lose work.

    Start with [bold]scr demo[/bold]; see what a crash does with [bold]scr demo --crash-test[/bold].
    """
