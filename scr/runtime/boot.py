"""The first thing that a runtime's process does: start its zygote, then import everything else.

Started by `spawn`, with the arguments FD RUNTIME LAUNCHER PRELOAD...
The imports of zygote and runtime overlap, which is why the runtime proper is
imported by name, and late.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from scr.errors import ScrError
from scr.launch.zygote_process import ZygoteProcess
from scr.launch.zygote_protocol import ZygotePlan
from scr.protocol.socket_dir import discard_scratch, make_scratch
from scr.runtime.preload import ENTRY


def main(arguments: list[str]) -> NoReturn:
    """Be the runtime of that id until its end.

    Everything is closed then, and somebody waits: the interpreter is not taken apart, which takes it 40 ms.
    """
    descriptor, runtime, launcher, *preload = arguments
    os.set_inheritable(int(descriptor), False)  # what inherits it would be the owner too
    owner = socket.socket(fileno=int(descriptor))
    try:
        scratch = make_scratch(runtime)
    except ScrError as error:
        import_module("scr.runtime.process").refuse(owner, error)
        os._exit(0)
    try:
        zygote = None
        if launcher == "zygote":
            plan = ZygotePlan(ENTRY, tuple(preload), runtime, os.getpid(), str(scratch), tuple(sys.path))
            zygote = ZygoteProcess.start(plan)
        status = import_module("scr.runtime.process").main(owner, scratch, tuple(preload), zygote)
    finally:
        discard_scratch(runtime)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(status)
