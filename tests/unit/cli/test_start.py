"""Which commands keep the first handler of signals, which says what is kept and ends the process."""

from unittest.mock import Mock

import pytest

from scr.apps.research.running.interrupts import STOPPING
from scr.cli import app, start


@pytest.mark.parametrize(("command", "is_released"), [("ps", True), ("serve", False), ("chaos", False)])
def test_a_command_that_takes_the_signals_over_is_never_without_a_handler(monkeypatch, command, is_released):
    release = Mock()
    monkeypatch.setattr(STOPPING, "release", release)
    monkeypatch.setattr(start, "prepare", Mock())
    monkeypatch.setattr(app, "app_for", Mock())
    start.start([command])
    assert release.called is is_released
