"""The runtime process, once everything is imported.

One event loop, and the thread that writes to the store.  It ends when its owner asks, when its owner's end
of the socket closes (the owner is gone), or when its tree is down; and nothing
that it started outlives it (I5).
"""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import socket
import sys
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

from setproctitle import setproctitle

from scr.errors import ChannelError, LaunchFailed, ScrError, StoreError
from scr.failpoints import arm, reach
from scr.launch.launcher import Launcher
from scr.launch.reaper import become_subreaper
from scr.launch.standby import StandbyPool
from scr.launch.zygote_launcher import ZygoteLauncher
from scr.launch.zygote_process import ZygoteProcess
from scr.protocol.boot import Boot
from scr.protocol.framing import FRAME_MAX, read_first
from scr.protocol.running import tell, this_process
from scr.protocol.status import StoreStatus
from scr.runtime.composition import Parts, compose, start
from scr.runtime.preload import ENTRY
from scr.runtime.store_watch import Watcher, opened_store, tell_owner
from scr.telemetry.events import StoreChanged
from scr.telemetry.sinks import EventLog

BOOT_S = 10.0
ORPHANED_S = 0.3
YOUNG_OBJECTS = 20_000
SWITCH_S = 0.0001
SPAWNED = "scr.launch.spawn_launcher"


def main(owner: socket.socket, scratch: Path, preload: tuple[str, ...], zygote: ZygoteProcess | None) -> int:
    """Be the runtime that the first frame from the owner describes; its exit status.  `boot` cleans up after it."""
    try:
        boot = Boot.model_validate_json(read_first(owner, FRAME_MAX, BOOT_S))
    except ChannelError:
        return 1  # the owner is gone, or has found that it needs no runtime
    setproctitle(f"scr: runtime {boot.runtime}")
    tell(scratch, this_process(boot.runtime, run=boot.run, title=boot.title))
    raise_descriptor_limit()
    suit_interpreter()
    arm("runtime", "store")
    return asyncio.run(run(boot, owner, scratch, preload, zygote))


async def run(
    boot: Boot, owner: socket.socket, scratch: Path, preload: tuple[str, ...], zygote: ZygoteProcess | None
) -> int:
    """Open the store, start the tree, and serve until nothing lives any more.  The exit status: 0, on purpose."""
    loop, settings = asyncio.get_running_loop(), boot.settings
    over, watcher = asyncio.Event(), Watcher()
    try:
        store = opened_store(loop, boot, watcher, boot.first, boot.ticket)
    except ScrError as error:
        tell_owner(owner, error)
        return 0
    reach("runtime.opened")
    inner = launcher_of(loop, boot, scratch, preload, zygote)
    launcher = StandbyPool(inner, settings.standbys)
    fresh, helpers = partial(spawning, loop, boot), partial(helpers_of, inner, launcher)
    parts = compose(loop, boot, scratch, store, launcher, fresh=fresh, helpers=helpers, over=over.set)
    shut_down, control = parts.operations.shut_down, parts.control
    control.own(owner, lambda: shut_down("its owner is gone", ORPHANED_S))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, shut_down, signal.Signals(number).name)
    watcher.tell_lost, watcher.tell_changed = partial(lose, parts), partial(tell_changed, parts.events)
    start(loop, boot, store, parts)
    watcher.watch(loop, store, settings.limits.store_patience_s)
    parts.fence.watch()
    await over.wait()
    await parts.reloads.close()
    await launcher.close()
    control.close()
    store.close()
    return 1 if parts.lifecycle.is_cut_short else 0


def refuse(owner: socket.socket, error: ScrError) -> None:
    """Tell the owner why there is no runtime.  What it has said by now is read first, or the answer would be lost."""
    with suppress(ChannelError):
        read_first(owner, FRAME_MAX, BOOT_S)
    tell_owner(owner, error)


def lose(parts: Parts, error: StoreError) -> None:
    """Tell the owner why nothing more can be kept, and stop everything: nothing more may happen."""
    parts.control.tell_owner(error)
    parts.operations.shut_down(f"the store is lost: {error}", ORPHANED_S)


def tell_changed(events: EventLog, status: StoreStatus) -> None:
    """Tell that there is trouble with the store, or that it is over."""
    events.emit(StoreChanged(state=status.state, detail=status.detail))


def launcher_of(
    loop: asyncio.AbstractEventLoop, boot: Boot, scratch: Path, preload: tuple[str, ...], zygote: ZygoteProcess | None
) -> Launcher:
    """The launcher that the settings name."""
    if boot.settings.launcher == "spawn":
        with suppress(LaunchFailed):  # where the kernel lets no process adopt orphans, theirs is another parent
            become_subreaper()
        return spawning(loop, boot, scratch)
    return ZygoteLauncher(loop, entry=ENTRY, runtime_id=boot.runtime, scratch=scratch, preload=preload, zygote=zygote)


def spawning(loop: asyncio.AbstractEventLoop, boot: Boot, scratch: Path | None = None) -> Launcher:
    """One that starts a fresh interpreter for each process; `multiprocess`, which it takes, is loaded with it.

    Without a `scratch` directory it has no warden: beside a zygote it needs none.
    """
    launcher: Launcher = import_module(SPAWNED).SpawnLauncher(
        loop, entry=ENTRY, runtime_id=boot.runtime, channel=boot.settings.channel, scratch=scratch
    )
    return launcher


def helpers_of(inner: Launcher, pool: StandbyPool) -> dict[str, int]:
    """The zygote's pid, while there is one, and how many processes stand by."""
    zygote = inner.zygote_pid if isinstance(inner, ZygoteLauncher) else None
    return {"standbys": pool.idle} | ({"zygote": zygote} if zygote else {})


def suit_interpreter() -> None:
    """Make the interpreter fit for this process.

    The values of a message live until its turn is kept: the collector's usual
    700 objects are all alive when it looks, and looking took a fifth of the
    time of a message.  What was imported stays, and is not looked at.

    The writer's thread leaves the interpreter for each statement.  To come
    back beside a busy loop takes it the switch interval: 5 ms as Python has it.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    sys.setswitchinterval(SWITCH_S)


def raise_descriptor_limit() -> None:
    """Each agent takes four descriptors here: use as many as this user may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
