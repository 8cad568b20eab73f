"""What a server knows of one kind of run, as a protocol: the server itself knows nothing of research."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from pydantic import JsonValue

from scr.specs import SupervisorSpec
from scr.telemetry.events import Record


class Trade(Protocol):
    """One kind of run.  `kind` is that of its first task, which agent `to` of the `tree` gets.

    `begin`, `finish` and `abandon` may block: the server calls them beside its
    loop.  `asked` is what a client has submitted, `given` the input of the
    first task: what `begin` has made of it.
    """

    kind: str
    tree: SupervisorSpec
    to: str
    preload: tuple[str, ...]

    def name(self) -> str:
        """A name for a new run, which is never given twice."""

    def title(self, asked: JsonValue) -> str:
        """What the run is about, for people.  Raises InvalidInput."""

    def begin(self, run: str, asked: JsonValue) -> JsonValue:
        """Check it, and make what the run needs beside the store.  Raises InvalidInput, InvalidDocuments."""

    def abandon(self, run: str) -> None:
        """The run that was begun could not be accepted: remove what was made for it."""

    def agents(self, given: JsonValue) -> int:
        """How many agents the run has at once.  Raises InvalidInput when it is not what this trade has given."""

    def why(self, output: JsonValue) -> str:
        """Why the run has failed whose answer says so, with this output."""

    def finish(self, given: JsonValue, output: JsonValue, records: Iterable[Record]) -> str:
        """The run is over, with this output, or None: leave what it leaves; a sentence about that.

        Called again when the server dies in it, until it has returned.
        """

    def folder(self, given: JsonValue) -> str:
        """Where that is left, as a path."""

    def unfinished(self) -> Sequence[str]:
        """The runs that may be over and were not finished, as far as can be told without the store."""
