"""The options that the commands about a live system share."""

from __future__ import annotations

from typing import Annotated

import typer

DEFAULT_STORE = "sqlite:///.scr/store.sqlite"
Store = Annotated[
    str,
    typer.Option("--store", metavar="URL", envvar="SCR_STORE", help="Where runs are kept: sqlite:/// or postgresql://"),
]
Chosen = Annotated[
    str | None, typer.Option("--runtime", metavar="ID", help="Which runtime, where several run.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Agent = Annotated[str, typer.Argument(metavar="AGENT", help="The agent's id.", show_default=False)]
