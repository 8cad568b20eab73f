"""How a program finds the servers that run here, and talks to one of them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from scr.client.connection import opened
from scr.errors import ChannelError, InvalidInput, PeerGone, RuntimeGone
from scr.protocol.channel import BlockingChannel
from scr.protocol.control import Answered, Request
from scr.protocol.running import Running, read, refuse_several
from scr.protocol.server import ANSWERED, FRAME_BYTES, Cancel, Follow, Followed, ReadServer, ServerStatus, Steer, Submit
from scr.protocol.socket_dir import discard_scratch, find_scratches, reach_socket
from scr.values import complaint

SOCKET = "serve.sock"
ANSWER_S = 60.0
YOUNG_S = 5.0  # one that is just starting does not listen yet
START_ONE = "start one with `scr serve`, in a terminal or as a service"


class Client:
    """A connection to a server: one request at a time, from one thread.  Use it as a context manager.

    Every method blocks until it is answered, and raises RuntimeGone when the
    server ends meanwhile or does not answer in time.
    """

    def __init__(self, sock: socket.socket, about: Running | None = None) -> None:
        self._channel: BlockingChannel[Answered] = BlockingChannel(sock, ANSWERED, FRAME_BYTES)
        self._refs, self._pid = count(1), os.getpid()
        self._about = about or Running("")

    def __repr__(self) -> str:
        return f"<Client server={self._about.id} pid={self._about.pid}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def submit(self, **submission: Any) -> str:
        """Have the server take a run; its name.  Keywords are fields of `Submit`.  Raises QueueFull, InvalidInput."""
        return str(self._request(Submit, **submission))

    def follow(self, run: str, since: int, stands: str, wait_s: float) -> Followed:
        """What is new in a run, or where it stands now; waits for that, `wait_s` at most.  Raises UnknownRun."""
        answer = self._request(Follow, run=run, since=since, stands=stands, wait_s=wait_s)
        return Followed.model_validate(answer)

    def cancel(self, run: str) -> str:
        """End a run for good; how it stood.  Raises UnknownRun, InvalidInput when it is over."""
        return str(self._request(Cancel, run=run))

    def status(self) -> ServerStatus:
        """The server as it is now."""
        return ServerStatus.model_validate(self._request(ReadServer))

    def steer(self, to: str) -> ServerStatus:
        """Have it pause, unpause or drain."""
        return ServerStatus.model_validate(self._request(Steer, to=to))

    def _request(self, request: type[Request], /, **fields: Any) -> Any:
        if self._pid != os.getpid():
            raise RuntimeGone(f"this connection belongs to process {self._pid}, and this is a fork of it; connect anew")
        try:
            asked = request(ref=next(self._refs), **fields)
            with suppress(PeerGone):  # what it said before it hung up is still to be read
                self._channel.send(asked)
            answer = self._channel.receive(ANSWER_S)
        except ValidationError as error:
            raise InvalidInput(complaint("request", error)) from error
        except TimeoutError as error:
            raise RuntimeGone(
                f"the server did not answer within {ANSWER_S:g} s; `scr queue` tells how it is"
            ) from error
        except (OSError, ChannelError) as error:
            raise _gone() from error
        if answer is None:
            raise _gone()
        return opened(answer)


def _gone() -> RuntimeGone:
    return RuntimeGone(f"the server has ended; its runs are kept, and the next one goes on with them: {START_ONE}")


def connect(server: str | None = None) -> Client:
    """A client of a server that this user runs on this machine, by its id; without one, of the only one.

    Raises InvalidInput when there is none, or several to choose from.
    """
    paths = {path.name: path for path in find_servers()}
    reached = {name: sock for name, path in paths.items() if (sock := reach_socket(path / SOCKET))}
    try:
        name = _chosen(server, [paths[one] for one in reached])
        return Client(reached.pop(name), read(paths[name]))
    finally:
        for sock in reached.values():
            sock.close()


def find_servers() -> list[Path]:
    """The directories of the servers that seem to be running, oldest first."""
    return find_scratches(SOCKET)


def discard_dead() -> None:
    """Remove the directories of servers that were killed."""
    for path in find_servers():
        if sock := reach_socket(path / SOCKET):
            sock.close()
        elif time.time() - path.stat().st_mtime > YOUNG_S:
            discard_scratch(path.name)


def _chosen(server: str | None, running: Sequence[Path]) -> str:
    names = [path.name for path in running]
    if not running:
        raise InvalidInput(f"no server of yours is running here: {START_ONE}")
    if server is None and len(running) > 1:
        raise refuse_several("server", "--server", [read(path) for path in running])
    if server is not None and server not in names:
        raise InvalidInput(f"there is no server {server!r}; running: {', '.join(names)}")
    return server or names[0]
