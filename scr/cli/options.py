"""The options that commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Store = Annotated[
    str,
    typer.Option("--store", metavar="URL", envvar="SCR_STORE", help="Where runs are kept: sqlite:/// or postgresql://"),
]
Chosen = Annotated[
    str | None, typer.Option("--runtime", metavar="ID", help="Which runtime, where several run.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Agent = Annotated[str, typer.Argument(metavar="AGENT", help="The agent's id.", show_default=False)]
Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's name, or how it begins.", show_default=False)]
SomeRun = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]", help="The run's name, or how it begins; all runs, if left out.", show_default=False
    ),
]
Last = Annotated[int, typer.Option("--last", "-n", min=1, help="Only the last so many.")]
