"""The runtime or the server that a command means; where one must be chosen, the error ends with the command to type."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from scr.client.client import RuntimeClient
from scr.client.connect import connect
from scr.client.connection import Listener
from scr.errors import InvalidInput
from scr.protocol.running import SeveralRunning
from scr.protocol.socket_dir import is_answered, scratches

SERVER = "s-"


@contextmanager
def reached(runtime: str | None, listener: Listener | None = None) -> Iterator[RuntimeClient]:
    """Connect to the runtime of that id; without one, to the only one.  Raises InvalidInput, which names servers."""
    with with_command(), _servers_named():
        client = connect(runtime, listener)
    with client:
        yield client


@contextmanager
def _servers_named() -> Iterator[None]:
    """Complete the error that no runtime, or none of several, is meant by the servers that are running."""
    try:
        yield
    except InvalidInput as error:
        running = [path.name for path in scratches() if path.name.startswith(SERVER) and is_answered(path)]
        if not running:
            raise
        sentence = f"{error}\nservers are no choice here: {', '.join(running)}; `scr queue drain` ends one"
        if isinstance(error, SeveralRunning):
            raise SeveralRunning(sentence, error.option, error.newest) from error
        raise type(error)(sentence) from error


@contextmanager
def with_command() -> Iterator[None]:
    """Complete the error that several are running by this command line, for the newest of them."""
    try:
        yield
    except SeveralRunning as error:
        typed = shlex.join(["scr", *sys.argv[1:], error.option, error.newest])
        raise SeveralRunning(f"{error}\nfor the newest: {typed}", error.option, error.newest) from error
