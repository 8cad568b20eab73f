"""The runtime process: `python -m scr.runtime.process FD`, started by whoever owns it.

One event loop, no threads.  It ends when its owner asks, when its owner's end
of the socket closes (the owner is gone), or when its tree is down; and nothing
that it started outlives it (I5).
"""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
import socket
import sys
from pathlib import Path

from setproctitle import setproctitle

from scr.errors import ChannelError
from scr.launch.launcher import Launcher
from scr.launch.spawned import SpawnLauncher
from scr.launch.standby import StandbyPool
from scr.launch.zygote import ZygoteLauncher
from scr.mail.channel import read_first
from scr.runtime.control import Control
from scr.runtime.requests import Boot
from scr.runtime.scratch import CONTROL, make_scratch
from scr.runtime.system import System

ENTRY = "scr.behaviour.child:main"
BOOT_S = 10.0
BOOT_BYTES = 16 << 20
ORPHANED_S = 0.3


def main() -> None:
    """Boot from the first frame on the descriptor that the owner left open."""
    owner = socket.socket(fileno=int(sys.argv[1]))
    try:
        boot = Boot.model_validate_json(read_first(owner, BOOT_BYTES, BOOT_S))
    except ChannelError:
        sys.exit(1)  # the owner is gone, or has found that it needs no runtime
    setproctitle(f"scr: runtime {boot.runtime}")
    raise_descriptor_limit()
    scratch = make_scratch(boot.runtime)
    try:
        asyncio.run(run(boot, owner, scratch))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


async def run(boot: Boot, owner: socket.socket, scratch: Path) -> None:
    """The composition: launcher, system, control, from the first process to the last."""
    loop, limits = asyncio.get_running_loop(), boot.settings.limits
    over = asyncio.Event()
    launcher = launcher_of(loop, boot, scratch)
    system = System(loop, boot, scratch, launcher, over.set)
    control = Control(loop, system, path=scratch / CONTROL, frame_bytes=limits.frame_bytes, stop_s=limits.stop_s)
    control.own(owner, lambda: system.stop("its owner is gone", ORPHANED_S))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, system.stop, signal.Signals(number).name, limits.stop_s)
    system.start()
    await over.wait()
    await launcher.close()
    control.close()


def launcher_of(loop: asyncio.AbstractEventLoop, boot: Boot, scratch: Path) -> Launcher:
    """The launcher that the settings name, with its standbys."""
    settings = boot.settings
    launcher: Launcher
    if settings.launcher == "spawn":
        launcher = SpawnLauncher(loop, entry=ENTRY, runtime_id=boot.runtime)
    else:
        launcher = ZygoteLauncher(loop, entry=ENTRY, runtime_id=boot.runtime, scratch=scratch, preload=settings.preload)
    return StandbyPool(launcher, settings.standbys)


def raise_descriptor_limit() -> None:
    """Each agent takes four descriptors here: use as many as this user may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
