"""Draw the picture of the live view for the README: a real run, recorded, at the moment after a kill.

python scripts/picture.py            runs `scr demo --crash-test` and draws scripts/live-view.svg
python scripts/picture.py EVENTS     draws from the events.jsonl of a run that was disturbed
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from scr.cli.commands.run import QUESTION
from scr.cli.terminal.run_view import picture
from scr.telemetry.events import RECORD, MessageDelivered, Record
from scr.views.event_lines import is_trouble, lines_of_event
from scr.views.run import RunView

TARGET = Path(__file__).parent / "live-view.svg"
WIDTH = 100
RUN_S = 120.0
NEWS, TROUBLES = 3, 3
AFTERWARDS = 45  # events after the takeover, so that its siblings are seen at work
FOREIGN = re.compile(r"@font-face \{\{.*?\}\}\s*|<!--.*?-->\s*", re.DOTALL)


def recorded() -> Path:
    """The events of a fresh crash test's second run, which is kept in a temporary folder."""
    place = tempfile.mkdtemp(prefix="scr-picture-")
    command = [sys.executable, "-m", "scr", "demo", "--crash-test", "--json"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True, timeout=RUN_S)
    return Path(json.loads(done.stdout)["folder"]) / "events.jsonl"


def moment(records: list[Record]) -> int:
    """The place of the event to stop at: shortly after the killed agent's task is in hand again."""
    again = [n for n, r in enumerate(records) if isinstance(r.event, MessageDelivered) and r.event.deliveries > 1]
    if not again:
        sys.exit("nothing was killed in this run: take the events of a crash test's second part")
    return again[0] + AFTERWARDS


def draw(records: list[Record]) -> str:
    """The view after these events, as SVG that fetches nothing."""
    view = RunView()
    news: list[str] = []
    troubles: list[str] = []
    for record in records:
        (troubles if is_trouble(record) else news).extend(lines_of_event(view, record))
        view = view.after(record)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    elapsed_s = records[-1].at - records[0].at
    console.print(
        picture(
            view,
            title=f"scr: {QUESTION}",
            elapsed_s=elapsed_s,
            news=news[-NEWS:],
            troubles=troubles[-TROUBLES:],
            width=WIDTH,
        )
    )
    return console.export_svg(title="scr demo --crash-test", code_format=FOREIGN.sub("", CONSOLE_SVG_FORMAT))


def main() -> None:
    """Record if need be, and draw."""
    events = Path(sys.argv[1]) if len(sys.argv) > 1 else recorded()
    records = [RECORD.validate_json(line) for line in events.read_text(encoding="utf-8").splitlines()]
    TARGET.write_text(draw(records[: moment(records) + 1]), encoding="utf-8")
    print(f"drawn from {events}: {TARGET}")


if __name__ == "__main__":
    main()
