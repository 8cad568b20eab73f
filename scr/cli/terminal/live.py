"""Showing a run on the terminal that stderr is: a live view, drawn anew a few times a second."""

from __future__ import annotations

import sys
import time
from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

from scr.cli.streams import silence
from scr.cli.terminal.run_view import picture
from scr.telemetry.events import Record
from scr.views.event_lines import is_trouble, lines_of_event
from scr.views.run import RunView

LINES_MAX = 4
FRAME_S = 0.05
ROWS_MIN, ROWS_LESS = 3, 4


class LiveView:
    """Use it as a context manager.  `since` is monotonic.  The last picture stays on the screen."""

    def __init__(self, title: str, since: float) -> None:
        self._title, self._since = title, since
        self._view = RunView()
        self._news: deque[str] = deque(maxlen=LINES_MAX)
        self._troubles: deque[str] = deque(maxlen=LINES_MAX)
        self._drawn_at = 0.0
        self._live = Live(console=Console(stderr=True), auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        self._draw(time.monotonic())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draw(time.monotonic())
        self._live.stop()

    def show(self, before: RunView, view: RunView, record: Record) -> None:
        """Keep what is new; draw, unless that has just been done."""
        self._view = view
        (self._troubles if is_trouble(record) else self._news).extend(lines_of_event(before, record))
        self._draw_soon()

    def tick(self) -> None:
        """The clock goes on."""
        self._draw_soon()

    def _draw_soon(self) -> None:
        now = time.monotonic()
        if now - self._drawn_at >= FRAME_S:
            self._draw(now)

    def _draw(self, now: float) -> None:
        self._drawn_at = now
        height = self._live.console.size.height
        rows_max = min(len(self._view.agents), height)  # each takes a line at least, and each picture takes a while
        drawn = self._picture(now, rows_max)
        while rows_max > ROWS_MIN and self._lines(drawn) > height:
            rows_max = max(ROWS_MIN, rows_max - ROWS_LESS)
            drawn = self._picture(now, rows_max)
        try:
            self._live.update(drawn, refresh=True)
        except OSError:  # the terminal is gone; the run is not
            silence(sys.stderr)

    def _picture(self, now: float, rows_max: int) -> RenderableType:
        return picture(
            self._view,
            title=self._title,
            elapsed_s=now - self._since,
            news=tuple(self._news),
            troubles=tuple(self._troubles),
            width=self._live.console.size.width,
            rows_max=rows_max,
        )

    def _lines(self, drawn: RenderableType) -> int:
        return len(self._live.console.render_lines(drawn))
