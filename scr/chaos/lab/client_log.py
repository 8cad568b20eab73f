"""The file in which the client keeps what it says: written by one process, read by any."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from scr.chaos.judge.client_history import Said, parse
from scr.chaos.plan.fault_orders import note

FILE = "client.jsonl"


def say(folder: Path, said: Said) -> None:
    """Add to the log, whole."""
    note(folder / FILE, json.dumps(asdict(said)))


def read(folder: Path) -> list[Said]:
    """The log as it is now; empty before anybody has said anything."""
    path = folder / FILE
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return list(parse(file))
