"""A program that was started to outlive its terminal does, and hears the other signals."""

import signal

import pytest

from scr.apps.research.running.session import Signals
from scr.launch.kernel.signals import heeded


@pytest.fixture
def handler():
    """The hangup's, put back after the test."""
    before = signal.getsignal(signal.SIGHUP)
    yield lambda wanted: signal.signal(signal.SIGHUP, wanted)
    signal.signal(signal.SIGHUP, before)


ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def test_a_hangup_that_is_ignored_stays_ignored(handler):
    handler(signal.SIG_IGN)
    assert heeded(ALL) == (signal.SIGINT, signal.SIGTERM)
    with Signals().noted() as noted:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
    assert noted.received is signal.SIGTERM
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_hangup_that_is_not_ignored_is_heeded(handler):
    handler(signal.SIG_DFL)
    assert heeded(ALL) == ALL
    with Signals().noted() as noted:
        signal.raise_signal(signal.SIGHUP)
    assert noted.received is signal.SIGHUP
