"""What unit tests of several packages share."""

from itertools import count

import pytest

from scr.telemetry.events import Record


@pytest.fixture
def record():
    """Events in their places: a millisecond apart, unless told when."""
    seq = count(1)

    def place(event, at=None):
        n = next(seq)
        return Record(seq=n, at=n / 1000 if at is None else at, time=1.0e9 + n, event=event)

    return place
