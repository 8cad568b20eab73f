"""`scr top`: look, draw, wait for a key; for ever."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from scr.cli.live_systems import Look, Systems
from scr.cli.output import say_json, say_trouble
from scr.cli.terminal.agents_table import table
from scr.cli.terminal.keys import Keys
from scr.cli.terminal.top_state import Choice, Deed
from scr.errors import RuntimeGone, ScrError
from scr.views.agents import AgentRow, ordered

HELP = "↑↓ select   s sort: {sort}   k kill   r restart   q quit"
OTHER_LINES = 6


def history(systems: Systems, interval_s: float) -> None:
    """One object for each look, until the runtime ends."""
    seen: Look | None = None
    try:
        while True:
            seen = systems.look(seen)
            say_json({"time": time.time(), **seen.described})
            systems.wait_end(interval_s)
    except RuntimeGone:
        say_trouble("the runtime has ended")


def watch(systems: Systems, interval_s: float) -> None:
    """Until somebody quits or the runtime ends.  The terminal is left as it was."""
    try:
        with Keys() as keys, Live(console=Console(), screen=True, auto_refresh=False) as live:
            Watching(systems, live, interval_s).run(keys)
    except RuntimeGone:
        say_trouble("the runtime has ended")


class Watching:
    """One person before one terminal.  Deeds are done in threads beside, and leave a note when they are done."""

    def __init__(self, systems: Systems, live: Live, interval_s: float) -> None:
        self._systems, self._live, self._interval_s = systems, live, interval_s
        self._seen = systems.look()
        self._choice = Choice()
        self._note = ""

    def run(self, keys: Keys) -> None:
        """Look and draw at each interval, and draw at each key."""
        while not self._choice.is_over:
            self._draw()
            due_s = self._seen.at + self._interval_s - time.monotonic()
            if due_s <= 0:
                self._seen = self._systems.look(self._seen)
            for key in keys.read(min(due_s, self._interval_s)):
                self._press(key)

    def _press(self, key: str) -> None:
        choice = self._choice.after(key, self._shown())
        self._choice = replace(choice, doing=None)
        row = self._selected()
        if choice.doing and row:
            self._note = f"{choice.doing} {row.status.id} …"
            threading.Thread(target=self._do, args=(choice.doing, row.runtime, row.status.id), daemon=True).start()

    def _do(self, deed: Deed, runtime: str, agent: str) -> None:
        """In a thread of its own: a restart takes as long as the message in hand."""
        try:
            client = self._systems.client(runtime)
            match deed:
                case Deed.KILL:
                    pid = client.signal_agent(agent, signal.SIGKILL)
                    self._note = f"{agent} (pid {pid}) was killed"
                case Deed.RESTART:
                    client.restart_agent(agent)
                    self._note = f"{agent} was restarted"
        except ScrError as error:
            self._note = str(error)

    def _rows(self) -> list[AgentRow]:
        return ordered(self._seen.rows, self._choice.sort)

    def _shown(self) -> list[str]:
        return [row.key for row in self._rows()]

    def _selected(self) -> AgentRow | None:
        return next((row for row in self._rows() if row.key == self._choice.selected), None)

    def _draw(self) -> None:
        rows, size = self._rows(), self._live.console.size
        self._choice = self._choice.seeing([row.key for row in rows])
        part = window(rows, self._choice.selected, max(1, size.height - OTHER_LINES))
        lines: list[RenderableType] = [
            _line(self._seen.summary, "bold"),
            Text(),
            table(part, width=size.width, selected=self._choice.selected),
            Text(),
            _line(self._news(), "bold yellow"),
            _line(HELP.format(sort=self._choice.sort), "dim"),
        ]
        self._live.update(Group(*lines), refresh=True)

    def _news(self) -> str:
        row = self._selected()
        if self._choice.asking and row:
            return f"{self._choice.asking} {row.status.id}?  y: yes, any other key: no"
        return self._note


def window(rows: Sequence[AgentRow], selected: str | None, height: int) -> Sequence[AgentRow]:
    """So many rows, the selected one among them, in the middle where it can be."""
    at = next((n for n, row in enumerate(rows) if row.key == selected), 0)
    first = max(0, min(at - height // 2, len(rows) - height))
    return rows[first : first + height]


def _line(text: str, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
