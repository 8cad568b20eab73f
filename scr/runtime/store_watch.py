"""The runtime's store: opened and owned before anything is started, watched while it lasts.

Lives in the runtime.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from scr.errors import ChannelError, RunOwned, ScrError, StoreError, StoreUnavailable
from scr.messages import Message
from scr.protocol.boot import Boot
from scr.protocol.channel import BlockingChannel
from scr.protocol.control import Answered
from scr.protocol.frames import FROM_RUNTIME
from scr.protocol.status import StoreStatus
from scr.store.records import Opening
from scr.store.sql.lease import this_process
from scr.store.sql.opening import open_store
from scr.store.store import Store

LAST_TURNS_S = 1.0
HANDOVER_S, PAUSE_S = 1.5, 0.02
LOOK_S = 1.0


@dataclass(eq=False, slots=True)
class Watcher:
    """Who is told how the store does.  The store is opened before there is anybody to tell.

    What the store's thread finds out it tells itself; that it waits for a disk
    or a server that answers nothing, neither yes nor no, it cannot.
    """

    tell_lost: Callable[[StoreError], None] | None = None
    tell_changed: Callable[[StoreStatus], None] | None = None
    _state: str = "ok"
    _silent: int = 0

    def lost(self, error: StoreError) -> None:
        """Nothing more will be kept.  Told once."""
        tell, self.tell_lost = self.tell_lost, None
        if tell:
            tell(error)

    def changed(self, status: StoreStatus) -> None:
        """It is slow, or there is trouble, or it is over."""
        self._state = status.state
        if self.tell_changed:
            self.tell_changed(status)

    def watch(self, loop: asyncio.AbstractEventLoop, store: Store, patience_s: float) -> None:
        """Look at it from now on, until it is lost: at the latest when the same write has waited that long.

        Looks are counted, not seconds: a runtime that was stopped has not waited.
        A look may come before the news that the store's thread has sent: of a
        store that is lost, the thread says why.
        """
        status = store.status()
        if status.state == "lost":
            return
        if status.state != self._state:
            self.changed(status)
        self._silent = self._silent + 1 if status.behind_s > self._silent * LOOK_S else 0
        if (self._silent - 1) * LOOK_S < patience_s:
            loop.call_later(LOOK_S, self.watch, loop, store, patience_s)
            return
        silence = f"the store {status.url} answers nothing, a write has waited for {status.behind_s:.0f} s"
        self.lost(StoreUnavailable(status.detail or f"{silence}; see what has stopped its disk or its server"))


def opened_store(
    loop: asyncio.AbstractEventLoop, boot: Boot, watcher: Watcher, first: Message | None = None, ticket: str = ""
) -> Store:
    """The run, owned by this process; a new one begins with `first`; `ticket` is who holds it for this process.

    Blocks; raises what `open_store` does.

    A runtime whose keeper was killed ends within a second: a program that is
    started again at once waits for that.
    """
    until = time.monotonic() + HANDOVER_S
    while True:
        try:
            return _open_store(loop, boot, watcher, first, ticket)
        except RunOwned:
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE_S)


def _open_store(
    loop: asyncio.AbstractEventLoop, boot: Boot, watcher: Watcher, first: Message | None, ticket: str
) -> Store:
    opening = Opening(
        run=boot.run,
        runtime=boot.runtime,
        owner=str(this_process()),
        tree=boot.tree,
        title=boot.title,
        lease_s=boot.settings.lease_s,
        first=first,
        ticket=ticket,
    )
    return open_store(
        boot.settings.store,
        opening,
        call=partial(_on_loop, loop),
        lost=watcher.lost,
        changed=watcher.changed,
        limits=boot.settings.limits,
    )


def _on_loop(loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(then)


def when_told(loop: asyncio.AbstractEventLoop, store: Store, say: Callable[[], None]) -> None:
    """Say the last word when the store has told of all that it was given; soon, if it does not."""
    told: list[bool] = []

    def once() -> None:
        if not told:
            told.append(True)
            say()

    loop.call_later(LAST_TURNS_S, once)
    if store.status().state == "lost":
        once()
    else:
        store.sync(once)


def tell_owner(owner: socket.socket, error: ScrError) -> None:
    """There is no runtime without its store: the owner hears why before the socket closes."""
    answer = Answered(ref=0, error=type(error).__name__, detail=str(error))
    with suppress(ChannelError):
        BlockingChannel(owner, FROM_RUNTIME).send(answer)
