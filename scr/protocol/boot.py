"""What a runtime is told to be.

Pure.  Apart from the requests, so that who only asks something of a runtime
need not load what settings are made of.
"""

from __future__ import annotations

from scr.config import Settings
from scr.messages import AgentId, Message
from scr.specs import SupervisorSpec
from scr.values import Frozen


class Boot(Frozen):
    """The first frame from the owner, before any request: what to run, and how.

    `first` is the message that begins the run; it is in the store with the run itself, or neither is.
    `ticket` is the owner that holds the run for this runtime, where one does.
    """

    runtime: str
    run: str
    title: str = ""
    tree: SupervisorSpec
    settings: Settings
    memory: AgentId | None = None
    first: Message | None = None
    ticket: str = ""
