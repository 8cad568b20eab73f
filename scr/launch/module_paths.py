"""Where SCR's processes look for modules, and how such a process is started.

They run the program's agents, so they have its `sys.path`.  But the standard
library comes first: a `queue.py` beside the program, or in the folder where a
command is typed, is not what SCR imports.  Nothing is imported from the
working directory that the program would not import from there itself.  A
command finds agents there, after all that is installed.
"""

# ruff: noqa: PTH100, PTH110, PTH119, PTH120  the entries of sys.path are texts
from __future__ import annotations

import os
import sys
from collections.abc import Iterable

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STANDARD = os.path.dirname(os.path.abspath(os.__file__))
ARCHIVE = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
BUILT = "lib-dynload"


def module_path(path: Iterable[str] | None = None) -> list[str]:
    """Order a `sys.path` (this process's, if none is given) for SCR's processes.

    Entries are absolute, since those processes may change their directory; where SCR itself is comes last, if it is
    not there already.
    """
    found = [full for entry in (sys.path if path is None else path) if (full := _absolute(entry))]
    standard = [entry for entry in found if is_standard(entry)]
    return list(dict.fromkeys([*standard, *found, HOME]))


def command_path() -> list[str]:
    """Order this process's `sys.path` for a command, with the working directory last: it hides nothing installed."""
    return list(dict.fromkeys([*module_path(), *filter(None, [_absolute("")])]))


def is_standard(entry: str) -> bool:
    """Tell whether an entry holds the standard library, and nothing else."""
    return entry == STANDARD or os.path.basename(entry) in {ARCHIVE, BUILT}


def command(path: Iterable[str], module: str, *arguments: str) -> list[str]:
    """Make the command line of an interpreter that has this path before its first import, and calls `module.main`.

    `-P` keeps the working directory out of it meanwhile.
    """
    program = f"import sys\nsys.path[:] = {list(path)!r}\nfrom {module} import main\nmain(sys.argv[1:])"
    return [sys.executable, "-P", "-c", program, *arguments]


def _absolute(entry: object) -> str:
    """Make an entry absolute; empty for what is none, and for one below a directory that was removed.

    What names no file is for an import hook, and stays as it is.
    """
    if not isinstance(entry, str):
        return ""
    try:
        return os.path.abspath(entry) if not entry or os.path.exists(entry) else entry
    except FileNotFoundError:
        return ""
