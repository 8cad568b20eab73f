"""Importing this module plays one life: what it makes for the first time, a zygote then has for all that it forks."""

from __future__ import annotations

from scr.agent.warm_up import rehearse

rehearse()
