"""The end of a session: whoever stops the runtime wakes who waits, and is held up by nobody."""

import threading
from queue import Queue

import pytest

from scr.cli.session import Session


class Stopped:
    def stop(self):
        """It is over at once."""


@pytest.mark.parametrize("waiting", [0, 1], ids=["somebody waits at the inbox", "the inbox is full and nobody reads"])
def test_the_stopper_ends(waiting):
    session = Session.__new__(Session)
    session._runtime, session._inbox = Stopped(), Queue(1)
    for n in range(waiting):
        session._inbox.put(n)
    stopper = threading.Thread(target=session._stop_runtime, daemon=True)
    stopper.start()
    stopper.join(10)
    assert not stopper.is_alive()
    assert session._inbox.get_nowait() == (0 if waiting else None)
