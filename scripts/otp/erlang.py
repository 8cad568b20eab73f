"""The other side: Erlang and Elixir, which live through histories on the supervisors of OTP."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from otp.history import History, term
from otp.story import Event, Segment, Story

SOURCE = Path(__file__).with_name("otp_world.erl")
TOOLS = ("erl", "erlc", "elixir")
INSTALL = "install Erlang and Elixir (Debian and Ubuntu: apt-get install --no-install-recommends erlang-base elixir)"
SILENT_MAX_S = 120.0
COMPILE_MAX_S = 60.0
END_MAX_S = 10.0  # from its last word until it has ended


class MissingTools(Exception):
    """Erlang or Elixir is not installed."""


class OtpFailed(Exception):
    """Erlang did not compile, ended early, or said nothing for too long."""


class Otp:
    """The compiled Erlang module in a folder, which must exist as long as this is used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
            raise MissingTools(f"{' and '.join(missing)} not found: {INSTALL}")
        _output("erlc", "-o", str(folder), str(SOURCE))
        libraries = _output("elixir", "-e", "IO.puts(:code.lib_dir(:elixir))")
        self._paths = ("-pa", str(folder), "-pa", str(Path(libraries.strip()) / "ebin"))

    def stories(self, histories: Iterable[History], at_once: int) -> Iterator[Story]:
        """Live through histories, so many at the same time; yield each story when it is over.

        Raises OtpFailed.  A history that OTP could not live through has one segment, with the error for an answer.
        """
        source = self._folder / "histories"
        source.write_text("".join(f"{term(history)}.\n" for history in histories), encoding="ascii")
        command = ("erl", "-noshell", *self._paths, "-run", "otp_world", "main", str(source), str(at_once))
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                yield from map(story_of, _lines(process.stdout))
                process.wait(END_MAX_S)
            finally:
                process.kill()
        if process.returncode > 0:
            raise OtpFailed(f"erl ended with exit code {process.returncode}")


def story_of(line: bytes) -> Story:
    """Read one line of `otp_world.erl`."""
    seed, segments = json.loads(line)
    if isinstance(segments, str):
        return Story(seed, (Segment(f"error: {segments}", (), "unknown"),))
    return Story(seed, tuple(_segment(*fields) for fields in segments))


def _segment(answer: Any, events: list[list[str]], state: Any) -> Segment:
    return Segment(answer, tuple(Event(*event) for event in events), state)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield whole lines as they come.  Raises OtpFailed when none comes for too long."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while selector.select(SILENT_MAX_S):
            if not (read := os.read(stream.fileno(), 1 << 16)):
                return
            *whole, rest = (rest + read).split(b"\n")
            yield from whole
    raise OtpFailed(f"erl said nothing for {SILENT_MAX_S:g} s")


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_MAX_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise OtpFailed(f"{command[0]} was not done within {COMPILE_MAX_S:g} s") from error
    if done.returncode:
        raise OtpFailed(f"{command[0]} ended with exit code {done.returncode}: {done.stdout}{done.stderr}".strip())
    return done.stdout
