"""Where the command `scr` begins: with what a signal does, before anything large is imported."""

from __future__ import annotations

import sys
from importlib import import_module

from scr.apps.research.running.interrupts import STOPPING


def main() -> None:
    """The console command.  Ends the process with its exit code."""
    STOPPING.heed()
    code = import_module("scr.cli.start").start(sys.argv[1:])
    STOPPING.ignore()
    sys.exit(code)


if __name__ == "__main__":
    main()
