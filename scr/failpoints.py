"""Named points in SCR's own code at which a process can be made to end: how its recovery is tested at exact moments.

`SCR_FAILPOINT=NAME:NTH[:ACTION[:FLAG]]` in the environment of a program has the first process that comes to the
point for the NTH time do the ACTION: `kill` (SIGKILL itself, the default), `stop` (SIGSTOP itself) or `exit`
(leave at once, with status 70).  FLAG is a path: the file is made by the process that does it, and where it is
there already nobody does it again.  Without the variable a point costs one comparison.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from scr.errors import InvalidInput

VARIABLE = "SCR_FAILPOINT"
EXIT = 70
POINTS = {
    "agent.started": "an agent is about to say that it is ready",
    "agent.before_handle": "an agent has a message, and has not begun with it",
    "agent.before_step_is_kept": "a step has run, and its result has not left the process",
    "agent.after_step_is_kept": "a step's result, or that it begins, is in the store",
    "agent.before_commit": "a handler has returned, and its turn has not left the process",
    "agent.after_commit": "a turn has left the process, and may not be in the store",
    "table.bound": "the table listens, holds nothing, and is not said to be ready",
    "memory.published": "what was remembered is in the table, and the memory agent's turn is not committed",
    "runtime.opened": "the run is owned, and nothing has been started",
    "runtime.restored": "what an earlier runtime has left is back in its places",
    "runtime.commit_heard": "a turn has been heard, and the store has not been given it",
    "runtime.before_release": "a turn is in the store, and nothing that it caused has left",
    "runtime.after_release": "what a turn has caused has left",
    "runtime.before_accept": "a message of a client's has been heard, and the store has not been given it",
    "runtime.exit_seen": "a process has ended, and nobody has been told",
    "store.before_commit": "rows are written, and not committed",
    "store.after_commit": "rows are committed, and nobody has been told",
    "zygote.before_fork": "the zygote has been asked for a process",
    "keeper.spawned": "a runtime's process is there, and its keeper has not told it what to be",
    "keeper.told": "a runtime has been told what to be, and its keeper has asked nothing of it",
    "keeper.answered": "an answer has come to the keeper, and nobody has been told",
}
ACTIONS = ("kill", "stop", "exit")


@dataclass(slots=True)
class Armed:
    """The point that is looked out for, and how often it has still to be come to."""

    name: str
    left: int
    action: str
    flag: str


class _Process:
    """What this process looks out for."""

    armed: Armed | None = None


def arm(*kinds: str) -> None:
    """From now on this process looks out for the point that the environment names, if it is of these kinds.

    What it had looked out for before, it does not any more.  Raises InvalidInput.
    """
    said = os.environ.get(VARIABLE)
    armed = parsed(said) if said else None
    _Process.armed = armed if armed and armed.name.partition(".")[0] in kinds else None


def reach(name: str) -> None:
    """This process is at that point."""
    if _Process.armed is not None and _Process.armed.name == name:
        _count(_Process.armed)


def parsed(said: str) -> Armed:
    """What the variable says.  Raises InvalidInput."""
    name, nth, action, flag = (*said.split(":", 3), "", "", "")[:4]
    if name not in POINTS or not nth.isdecimal() or int(nth) < 1 or (action or "kill") not in ACTIONS:
        raise InvalidInput(
            f"{VARIABLE}={said!r} must be NAME:NTH[:{'|'.join(ACTIONS)}[:FLAG]]; `scr chaos --list-points` names them"
        )
    return Armed(name, int(nth), action or "kill", flag)


def _count(armed: Armed) -> None:
    armed.left -= 1
    if armed.left > 0:
        return
    _Process.armed = None
    if not armed.flag or _is_first(armed.flag):
        _do(armed.action)


def _is_first(flag: str) -> bool:
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True


def _do(action: str) -> None:
    match action:
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "exit":
            os._exit(EXIT)
        case _:
            os.kill(os.getpid(), signal.SIGKILL)
