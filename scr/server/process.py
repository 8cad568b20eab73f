"""A server from its first moment to its last, in a process of its own."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable, Mapping

from setproctitle import setproctitle

from scr.client.server import SOCKET, discard_dead
from scr.errors import InvalidInput
from scr.launch.kernel.signals import heeded
from scr.protocol import running
from scr.protocol.socket_dir import discard_scratch, make_scratch
from scr.server.application import Trade
from scr.server.control import listen
from scr.server.notices import Notice
from scr.server.schedule import ServerBounds
from scr.server.server import Server
from scr.store.url import MEMORY, store_url

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(store: str, trades: Mapping[str, Trade], bounds: ServerBounds, tell: Callable[[Notice], None]) -> None:
    """`serve`, on a loop of its own."""
    asyncio.run(serve(store, trades, bounds, tell))


async def serve(store: str, trades: Mapping[str, Trade], bounds: ServerBounds, tell: Callable[[Notice], None]) -> None:
    """Serve until it is drained, or a signal asks for the end.

    Raises InvalidInput for a store that does not outlive its runtimes, StoreError when it cannot be used.
    """
    store = store_url(store)
    if store == MEMORY:
        raise InvalidInput("a server needs a store that outlives it; give --store sqlite:///path or postgresql://...")
    name = f"s-{secrets.token_hex(4)}"
    setproctitle(f"scr: server {name}")
    loop, server = asyncio.get_running_loop(), Server(name, store, trades, bounds, tell)
    for number in heeded(SIGNALS):
        loop.add_signal_handler(number, server.stop)
    await server.settle()
    discard_dead()
    scratch = make_scratch(name)
    running.tell(scratch, running.this_process(name, title="scr serve"))
    try:
        door = listen(loop, scratch / SOCKET, server.answer)
        try:
            await server.run()
        finally:
            door.close()
    finally:
        discard_scratch(name)
