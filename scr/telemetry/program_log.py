"""Events as records of the program's own `logging`: of the logger `scr`, and of `scr.agents.NAME` for each agent.

Lives in any program.  Handlers of the program run in a thread of this log:
slow ones hold up neither answers nor agents.
"""

from __future__ import annotations

import logging
import threading
from collections import deque

from scr.telemetry.events import AgentExited, Record
from scr.telemetry.log_lines import Line, line_of

OUTPUT_MAX, LINES_MAX = 1000, 2000
END_S = 2.0
LEVELS = {"INFO": logging.INFO, "WARNING": logging.WARNING, "ERROR": logging.ERROR}


class ProgramLog:
    """Takes events from one thread.  At most `LINES_MAX` lines wait, `OUTPUT_MAX` with output; the rest is counted."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()
        self._news = threading.Condition()
        self._dropped = self._last_exit = 0
        self._is_closed = False
        self._writer: threading.Thread | None = None

    def hear(self, record: Record) -> None:
        """Have the line of an event written, if it has one that is wanted."""
        if line := line_of(record, self._last_exit):
            self.tell(line)
        if isinstance(record.event, AgentExited):
            self._last_exit = record.seq

    def tell(self, line: Line) -> None:
        """Have a line written soon, if its level is wanted."""
        if not logging.getLogger(line.logger).isEnabledFor(LEVELS[line.level]):
            return
        with self._news:
            if len(self._lines) >= (OUTPUT_MAX if line.level == "INFO" else LINES_MAX):
                self._dropped += 1
                return
            self._lines.append(line)
            if self._writer is None:
                self._is_closed = False
                self._writer = threading.Thread(target=self._write, name="scr-log", daemon=True)
                self._writer.start()
            self._news.notify()

    def close(self) -> None:
        """Write what waits, for at most `END_S`, and end the thread.  Idempotent."""
        with self._news:
            writer, self._writer, self._is_closed = self._writer, None, True
            self._news.notify()
        if writer and writer is not threading.current_thread():
            writer.join(END_S)

    def _write(self) -> None:
        while line := self._next():
            try:
                logging.getLogger(line.logger).log(LEVELS[line.level], "%s", line.text, extra={"agent": line.agent})
            except Exception:  # noqa: BLE001, S112  a filter of the program's own must not end the log
                continue

    def _next(self) -> Line | None:
        """The next line; of what was dropped when all before it is written; None at the end."""
        with self._news:
            self._news.wait_for(lambda: self._lines or self._dropped or self._is_closed)
            if self._lines:
                return self._lines.popleft()
            dropped, self._dropped = self._dropped, 0
        text = f"{dropped} records were left out: the program's log handlers were slower than what there was to log"
        return Line("WARNING", text) if dropped else None
