"""What becomes of what a command prints where it cannot be printed."""

import io
import json
import subprocess
import sys
from contextlib import contextmanager

import pytest

from scr.cli import streams
from scr.cli.output import say_json
from scr.cli.terminal.plain import EVERY_S, Lines
from scr.cli.watch_run import located
from scr.telemetry.events import Progressed
from scr.views.columns import room
from scr.views.run import RunView

START = "import sys; from scr.cli.main import main; sys.argv[0] = 'scr'; main()"
QUOTED = "\N{LEFT DOUBLE QUOTATION MARK}caf\xe9\N{RIGHT DOUBLE QUOTATION MARK}"


def shell(line, **more):
    """A command line of the shell, in which $SCR is the command."""
    command = f"{sys.executable} -c '{START.replace(chr(39), chr(34))}'"
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("$SCR", command)], capture_output=True, text=True, check=False, **more
    )


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("$SCR runs > /dev/full", 5, "the output is incomplete, stdout cannot be written (No space left on device)"),
        ("$SCR --help > /dev/full", 5, "No space left on device"),
        ("$SCR runs >&- 2>&- <&-", 0, ""),
    ],
)
def test_a_stream_that_is_full_or_closed_is_no_traceback(tmp_path, line, code, words):
    said = shell(line, cwd=tmp_path)
    assert said.returncode == code
    assert words in said.stderr
    assert said.stderr.count("\n") == bool(words)


@contextmanager
def ascii_stdout(monkeypatch):
    """Standard output that knows ASCII alone, and what was written to it."""
    streams.codecs.register_error(streams.ERRORS, streams.replaced)
    with (
        io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors=streams.ERRORS) as stdout,
        monkeypatch.context() as own,
    ):
        own.setattr(sys, "stdout", stdout)
        yield stdout.buffer


def test_an_ascii_terminal_gets_characters_that_look_alike_or_their_numbers(monkeypatch):
    with ascii_stdout(monkeypatch) as written:
        print(QUOTED, flush=True)
        assert written.getvalue() == b'"caf\\xe9"\n'


def test_an_object_for_programs_is_whole_in_ascii_too(monkeypatch):
    with ascii_stdout(monkeypatch) as written:
        say_json({"report": QUOTED})
        assert json.loads(written.getvalue()) == {"report": QUOTED}


def test_a_status_that_cannot_be_written_costs_nothing_but_its_words(monkeypatch):
    full = io.TextIOWrapper(io.BufferedWriter(streams.StandardOutput("/dev/full", "w")), line_buffering=True)
    monkeypatch.setattr(sys, "stderr", full)
    streams.say_status("still here")
    streams.say_status("and here")
    assert streams.trouble_of(full) is None, "what is printed later goes to the null device"
    full.close()


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (None, ["report: {cwd}/runs/a/report.md"]),
        (400, ["report: {cwd}/runs/a/report.md"]),
        (30, ["report: runs/a/report.md"]),
        (20, ["report:", "runs/a/report.md"]),
    ],
)
def test_a_path_is_never_broken_in_two(tmp_path, monkeypatch, width, lines):
    monkeypatch.chdir(tmp_path)
    assert located("report:", tmp_path / "runs" / "a" / "report.md", width) == [
        line.format(cwd=tmp_path) for line in lines
    ]


def test_where_there_is_no_terminal_there_is_room_for_all():
    assert room(io.StringIO()) is None


def test_how_far_the_reading_is_is_told_every_few_seconds(record, capsys):
    lines, view = Lines(0.0), RunView()
    for n in range(60):
        now = record(Progressed(agent="planner", done=n, total=60, note="reading documents"), at=n / 10)
        after = view.after(now)
        lines.show(view, after, now)
        view = after
    told = capsys.readouterr().err.splitlines()
    assert told == ["  2.00 s  reading documents 20 of 60", "  4.00 s  reading documents 40 of 60"]
    assert EVERY_S == 2.0
