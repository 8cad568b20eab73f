"""A command run to its end: its time, the processor time of all its processes, and the most memory they had."""

from __future__ import annotations

import resource
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmark.clock import pss_bytes
from benchmark.contest import descendants

LOOK_S = 0.1


class Usage:
    """What a command took.  `answer` is what it printed."""

    def __init__(self, command: Sequence[str], place: Path) -> None:
        before = processor_s()
        began = time.perf_counter()
        with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            self.peak_bytes = 0.0
            looking = threading.Thread(target=self._look, args=(process,))
            looking.start()
            assert process.stdout is not None
            self.answer = process.stdout.read()
            process.wait()
            self.wall_s = time.perf_counter() - began
            looking.join()
        self.code = process.returncode
        self.cpu_s = processor_s() - before

    def _look(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            pids = (process.pid, *descendants(process.pid))
            self.peak_bytes = max(self.peak_bytes, sum(map(pss_bytes, pids)))
            time.sleep(LOOK_S)


def processor_s() -> float:
    """Of all children that have ended, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
