"""Settings as the environment says them, or the defaults."""

from __future__ import annotations

import os
from importlib import import_module

from scr.config import PREFIX, Settings


def from_environment() -> Settings:
    """The settings that the environment says (`SCR_STANDBYS=4`, `SCR_LIMITS__STOP_S=5`), the defaults for the rest.

    Raises InvalidInput naming the variable that does not fit.  What reads them
    is loaded only where there is something to read: it takes as long as a
    runtime takes to start its first agent.
    """
    if not any(name.startswith(PREFIX) for name in os.environ):
        return Settings()
    found: Settings = import_module("scr.environment_settings").read()
    return found
