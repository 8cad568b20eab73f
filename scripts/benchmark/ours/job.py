"""`scr demo` and `scr run` as a user runs them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmark import papers
from benchmark.clock import Samples
from benchmark.usage import Usage
from scr.apps.research.text.index import Index

SCR = str(Path(sys.executable).with_name("scr"))
PASSAGES = 10_000
DONE = {0, 3}  # 3: done, but claims were dropped


def job(sizes: list[int], workers: int, folder: str, **_: object) -> Samples:
    """The demo, then folders of more and more documents."""
    found = demo(Path(folder))
    for size in sizes:
        docs = papers.write(Path(folder, f"docs-{size}"), size)
        command = [SCR, "run", papers.QUESTION, "--docs", str(docs), "--workers", str(workers), "--json"]
        used = Usage(command, Path(folder))
        assert used.code in DONE, f"scr run ended with {used.code}: {used.answer!r:.500}"
        found |= {f"wall_{size}": [used.wall_s], f"cpu_{size}": [used.cpu_s], f"peak_{size}": [used.peak_bytes]}
    return found | {"index": [index_s(PASSAGES)]}


def demo(place: Path) -> Samples:
    """To its first line about an agent, and to its end."""
    began = time.perf_counter()
    with subprocess.Popen([SCR, "demo"], cwd=place, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = next((time.perf_counter() - began for line in process.stdout if "table up, pid" in line), None)
        process.stdout.read()
    assert process.returncode == 0, f"scr demo ended with {process.returncode}"
    return {"demo": [time.perf_counter() - began], "demo_first": [] if first is None else [first]}


def index_s(passages: int) -> float:
    """The time to index a folder of so many passages, fifty in each document."""
    with tempfile.TemporaryDirectory() as place:
        docs = papers.write(Path(place, "docs"), passages // 50, passages=50)
        began = time.perf_counter()
        Index.open_or_build(docs, Path(place, "index.sqlite"))
        return time.perf_counter() - began
