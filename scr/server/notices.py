"""What happens to a server, for whoever runs it.

Pure.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from scr.values import Frozen

What: TypeAlias = Literal[
    "serving",
    "accepted",
    "started",
    "resumed",
    "restarted",
    "done",
    "failed",
    "cancelled",
    "elsewhere",
    "aside",
    "left",
    "trouble",
    "mended",
    "paused",
    "unpaused",
    "draining",
    "ended",
]
WORDS: dict[What, str] = {
    "serving": "serving",
    "accepted": "accepted",
    "started": "started",
    "resumed": "goes on where it was left",
    "restarted": "its runtime died and was started again",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "elsewhere": "is worked on elsewhere",
    "aside": "set aside",
    "left": "stopped with the server, to be gone on with",
    "trouble": "trouble",
    "mended": "the store can be used again",
    "paused": "paused: nothing more is started",
    "unpaused": "goes on",
    "draining": "draining: what is under way is finished, nothing more is started",
    "ended": "ended",
}


class Notice(Frozen):
    """One thing that happened, to the server or to one run; `time` is wall clock."""

    what: What
    time: float
    run: str = ""
    detail: str = ""

    @property
    def is_quiet(self) -> bool:
        """Whether people need not read it: another server was faster to take a run."""
        return self.what == "elsewhere" and not self.detail

    def sentence(self) -> str:
        """For people, on one line."""
        said = f"{self.run} {WORDS[self.what]}".strip()
        return f"{said}: {' '.join(self.detail.split())}" if self.detail else said
