"""Where the command `scr` begins.

Imports next to nothing: a command that needs a runtime starts its process
first of all, so that the imports of the two overlap.  The process is told what
to be only when the input has been checked; if it fails the check, it is ended.
"""

from __future__ import annotations

import sys
from importlib import import_module

from scr.cli.codes import Code
from scr.runtime import preload
from scr.runtime.spawn import spawn

STARTING = {"demo", "resume", "run"}
ASKING = {"-h", "--help"}


def main() -> None:
    """The console command.  Ends the process with its exit code."""
    spawned = spawn(preload.RESEARCH) if is_starting(sys.argv[1:]) else None
    try:
        import_module("scr.cli.app").app_for(sys.argv[1:])(obj=spawned)
    except KeyboardInterrupt:
        sys.exit(Code.INTERRUPTED)
    finally:
        if spawned:
            spawned.discard()


def is_starting(arguments: list[str]) -> bool:
    """Whether this command line will need a runtime, as far as can be told at a glance."""
    return bool(arguments) and arguments[0] in STARTING and not ASKING & set(arguments)


if __name__ == "__main__":
    main()
