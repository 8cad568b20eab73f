"""The runtime or the server that a command means; where one must be chosen, the error ends with the command to type."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from scr.runtime.client import Client
from scr.runtime.connect import connect
from scr.runtime.connection import Listener
from scr.runtime.running import SeveralRunning


@contextmanager
def reached(runtime: str | None, listener: Listener | None = None) -> Iterator[Client]:
    """Connect to the runtime of that id; without one, to the only one.  Raises InvalidInput."""
    with with_command():
        client = connect(runtime, listener)
    with client:
        yield client


@contextmanager
def with_command() -> Iterator[None]:
    """Complete the error that several are running by this command line, for the newest of them."""
    try:
        yield
    except SeveralRunning as error:
        typed = shlex.join(["scr", *sys.argv[1:], error.option, error.newest])
        raise SeveralRunning(f"{error}\nfor the newest: {typed}", error.option, error.newest) from error
