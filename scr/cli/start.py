"""The command line, carried out: the runtime's process first, then the command's own imports, then the command."""

from __future__ import annotations

from importlib import import_module

from scr.apps.research.preload import RESEARCH
from scr.apps.research.running.interrupts import STOPPING
from scr.cli.streams import lost_output, lost_status, prepare
from scr.exit_codes import ExitCode

STARTING = {"demo", "resume", "run"}
TAKING_OVER = {"chaos", "serve"}
ASKING = {"-h", "--help"}


def start(arguments: list[str]) -> int:
    """Carry out the command; its exit code.

    The runtime's process is told what to be only when the input has been
    checked; if it fails the check, that process is ended.  The commands in
    `TAKING_OVER` handle the signals themselves, once they have begun.
    """
    prepare()
    spawned = import_module("scr.client.spawn").spawn(RESEARCH) if is_starting(arguments) else None
    try:
        application = import_module("scr.cli.app").app_for(arguments)
        if not spawned and not TAKING_OVER & set(arguments[:1]):
            STOPPING.release()
        application(arguments, obj=spawned)
    except SystemExit as end:
        return lost_output() or (end.code if isinstance(end.code, int) else ExitCode.DONE)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except OSError as error:
        lost = lost_output(error)
        if lost is None and not lost_status():
            raise
        return lost or ExitCode.FAILED
    finally:
        if spawned:
            spawned.discard()
        lost_status()
    return ExitCode.DONE


def is_starting(arguments: list[str]) -> bool:
    """Whether this command line will need a runtime, as far as can be told at a glance."""
    return bool(arguments) and arguments[0] in STARTING and not ASKING & set(arguments)
