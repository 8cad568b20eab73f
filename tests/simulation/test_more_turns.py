"""The other half of the histories of `test_turns`, in a file of its own: files are shared out among processors."""

import pytest

from tests.simulation.test_turns import FIRST, HISTORIES, live_through


@pytest.mark.timeout(max(60, HISTORIES // 50))
def test_turns_keep_their_promises_in_more_hostile_worlds(wall):
    assert live_through(range(FIRST + 1, max(HISTORIES, FIRST + 100), 2), wall)
