"""One runtime, put together: the one place that makes its parts and tells them of each other, in order.

Lives in the runtime, on its loop.  A part is whole when the next one gets it.  Two parts are told later of parts that
are made of them: the turns' way to the supervisor of starts and departures (`begin`), and the supervisor of what it
tells (`start`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scr.failpoints import reach
from scr.launch.launcher import Launcher
from scr.launch.reaper import Reaper
from scr.protocol.boot import Boot
from scr.protocol.socket_dir import CONTROL, TABLE
from scr.runtime.control import Control
from scr.runtime.departures import Departures
from scr.runtime.dispatch.turns import Turns
from scr.runtime.fence import Fence
from scr.runtime.health.crash_log import CrashLog
from scr.runtime.health.health import Care
from scr.runtime.health.output import Output
from scr.runtime.lifecycle import Lifecycle, service_address
from scr.runtime.operations import Operations
from scr.runtime.pending_starts import Starts
from scr.runtime.readiness import Readiness
from scr.runtime.recovery import announce, carry_on, restore
from scr.runtime.reload import Reloads
from scr.runtime.status import Overview
from scr.runtime.supervision import Supervision
from scr.store.store import Store
from scr.supervise.supervisor import Supervisor
from scr.supervise.tree import Tree
from scr.table import TABLE_SERVICE
from scr.telemetry.events import RuntimeUp
from scr.telemetry.sinks import EventLog


@dataclass(frozen=True, slots=True)
class Parts:
    """What the process of a runtime starts, watches and closes."""

    events: EventLog
    supervisor: Supervisor
    turns: Turns
    departures: Departures
    starts: Starts
    reloads: Reloads
    lifecycle: Lifecycle
    operations: Operations
    control: Control
    fence: Fence


def compose(
    loop: asyncio.AbstractEventLoop,
    boot: Boot,
    scratch: Path,
    store: Store,
    launcher: Launcher,
    *,
    fresh: Callable[[], Launcher],
    helpers: Callable[[], dict[str, int]],
    over: Callable[[], None],
) -> Parts:
    """Make all parts of a runtime whose store is open.  `over` is called once, when nothing lives any more."""
    limits, past = boot.settings.limits, store.image
    events = EventLog(_clocks, limits.events_kept, store.append, past.seq)
    reloads = Reloads(launcher, fresh, events)
    tree = Tree.of(boot.tree, past=past.incarnations)
    supervisor = Supervisor(
        loop, tree, launch=reloads.launch, frame_bytes=limits.frame_bytes, tail_bytes=limits.tail_bytes
    )
    care = Care(loop, scratch, supervisor, store.held_up)
    crashes = CrashLog(supervisor, store)
    children = Supervision(supervisor, crashes, reloads)
    turns = Turns(loop, store, events, children, care, memory=boot.memory, frame_bytes=limits.frame_bytes, run=boot.run)
    departures = Departures(turns, store, events)
    starts = Starts(loop, supervisor, turns, departures)
    children.begin(starts, departures)
    readiness = Readiness(supervisor, boot.tree.id)
    lifecycle = Lifecycle(
        loop,
        boot,
        store,
        events,
        supervisor,
        care,
        crashes,
        turns,
        departures,
        reloads,
        starts,
        readiness,
        output=Output(events, limits.output_lines_per_s),
        services={TABLE_SERVICE: service_address(str(scratch / TABLE))} if boot.memory else {},
        over=over,
    )
    operations = Operations(
        loop,
        limits,
        store=store,
        events=events,
        supervisor=supervisor,
        turns=turns,
        departures=departures,
        reloads=reloads,
        starts=starts,
        readiness=readiness,
        overview=Overview(boot, supervisor, turns.router, care, departures, store, helpers),
    )
    control = Control(loop, operations, limits, scratch / CONTROL)
    fence = Fence(loop, store, boot.settings.lease_s, turns, reloads, supervisor)
    return Parts(events, supervisor, turns, departures, starts, reloads, lifecycle, operations, control, fence)


def start(loop: asyncio.AbstractEventLoop, boot: Boot, store: Store, parts: Parts) -> None:
    """Start the tree, and carry on with what an earlier runtime of the run has left."""
    past, turns, events = store.image, parts.turns, parts.events
    events.emit(RuntimeUp(runtime=boot.runtime, pid=os.getpid(), run=boot.run, epoch=past.epoch, resumed=past.resumed))
    added = restore(past, turns, parts.departures, boot.tree, announce(past, events))
    reach("runtime.restored")
    parts.supervisor.start(parts.lifecycle, turns, Reaper(loop, parts.lifecycle.halted))
    for kept in added:
        parts.starts.bring_back(kept)
    carry_on(past, turns)


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.time()
