"""A run as its events tell it, from the first to the last.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from scr.telemetry.events import Record
from scr.views.run import RunView


@dataclass(frozen=True, slots=True)
class Retold:
    """`first` and `last` are the wall clock of the first event and of the last, `seq` the place of the last.

    All are 0 when there was none.
    """

    view: RunView = field(default_factory=RunView)
    first: float = 0.0
    last: float = 0.0
    seq: int = 0

    @property
    def duration_s(self) -> float:
        """How long it took, pauses between two runtimes included."""
        return max(0.0, self.last - self.first)

    def after(self, record: Record) -> Retold:
        """What is known once this has been told."""
        first = self.first or record.time
        return replace(self, view=self.view.after(record), first=first, last=record.time, seq=record.seq)
