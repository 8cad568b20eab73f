"""What the tests of the launchers share: a runtime in small, and an entry that does as it is told.

Imported by the launched processes too.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from multiprocess import get_context, resource_tracker

from scr.errors import LaunchFailed
from scr.launch.kernel.prctl import set_child_subreaper
from scr.launch.launcher import BLANK, Process
from scr.launch.orphan_sweep import doomed, look_around
from scr.launch.reaper import Reaper
from scr.launch.spawn_launcher import SpawnLauncher
from scr.launch.standby import StandbyPool
from scr.launch.wait_status import WaitStatus
from scr.launch.zygote_launcher import ZygoteLauncher

LIMIT_S = 20.0
QUEUES = "over queues"
KINDS = ("zygote", "spawn", "sentinel over queues", "zygote with standby", "spawn over queues with standby")


def obey(channel):
    """The entry: each line is an order with its arguments, and is answered with what came of it."""
    data = b""
    while portion := channel.read(65536):
        *lines, data = (data + portion).split(b"\n")
        for line in lines:
            order, *arguments = json.loads(line)
            channel.write_all(json.dumps(ORDERS[order](*arguments)).encode() + b"\n")


def ignore(_channel):
    """An entry that breaks the rule: it does not end with its channel."""
    time.sleep(600)


def start_tool(*, session=False, bare=False, group=False):
    """A process of the agent's own, which inherits its stdout and would outlive it; ready when this returns."""
    tool = subprocess.Popen(
        [sys.executable, "-SEc", "import sys, time; sys.stderr.write('up'); sys.stderr.flush(); time.sleep(600)"],
        env={} if bare else None,
        stderr=subprocess.PIPE,
        start_new_session=session,
        process_group=0 if group else None,
    )
    assert tool.stderr.read(2) == b"up"
    return tool.pid


def speak(out, err):
    sys.stdout.write(f"{out}\n")
    sys.stderr.write(f"{err}\n")


def descriptors():
    """What is open, and what it is, without the descriptor that looks."""
    return {path.name: link for path in list(Path("/proc/self/fd").iterdir()) if (link := _link(path))}


def _link(path):
    with contextlib.suppress(OSError):
        return str(path.readlink())


def spoiled_by_multiprocess():
    """How many bytes a lock of `multiprocess` writes into files that are none of its business."""
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(30)]
        get_context("spawn").Lock()
        return sum(os.fstat(file.fileno()).st_size for file in files)


def blocked_in_c():
    time.sleep(600)


ORDERS = {
    "pid": os.getpid,
    "parent": os.getppid,
    "session": lambda: os.getsid(0),
    "group": os.getpgrp,
    "descriptors": descriptors,
    "die": lambda number: os.kill(os.getpid(), number),
    "exit": sys.exit,
    "fail": lambda text: (_ for _ in ()).throw(RuntimeError(text)),
    "speak": speak,
    "plain tool": start_tool,
    "tool in a session": lambda: start_tool(session=True),
    "tool without environment": lambda: start_tool(bare=True),
    "tool in a group without environment": lambda: start_tool(bare=True, group=True),
    "multiprocess": spoiled_by_multiprocess,
    "hang": blocked_in_c,
    "random": random.random,
    "environment": os.environ.get,
    "fresh": lambda: {
        "gc": gc.isenabled(),
        "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "hangup": signal.getsignal(signal.SIGHUP) == signal.SIG_DFL,
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    },
    "value": lambda module, name: getattr(sys.modules[module], name),
}


class Bench:
    """A runtime in small: one loop, one reaper, one launcher; ends all in `close`."""

    def __init__(self, kind="zygote", *, entry=f"{__name__}:obey", runtime_id=None, standby=2, **options):
        self.kind = kind
        self.runtime_id = runtime_id or uuid.uuid4().hex
        self.loop = asyncio.new_event_loop()
        self.scratch = Path(tempfile.mkdtemp(prefix="scr-test-"))
        self.processes = []
        self.reaper = Reaper(self.loop)
        common = {"entry": entry, "runtime_id": self.runtime_id}
        if "zygote" in kind:
            self.inner = ZygoteLauncher(self.loop, scratch=self.scratch, **common, **options)
        else:
            channel = "queue" if QUEUES in kind else "socket"
            pidfds = "sentinel" not in kind
            self.inner = SpawnLauncher(self.loop, pidfds=pidfds, channel=channel, scratch=self.scratch, **common)
        self.launcher = self.inner
        if "standby" in kind:
            self.run(self._stand_by(standby))

    async def _stand_by(self, size):
        self.launcher = StandbyPool(self.inner, size)

    def run(self, awaitable):
        return self.loop.run_until_complete(asyncio.wait_for(awaitable, LIMIT_S))

    def ask_for(self, count):
        """The outcomes of so many launches, asked for at once: processes and LaunchFailed, in order of asking."""

        async def all_of_them():
            futures = [self.loop.create_future() for _ in range(count)]
            for future in futures:
                self.launcher.launch(BLANK, future.set_result)  # a second answer would raise
            return await asyncio.gather(*futures)

        outcomes = self.run(all_of_them())
        self.processes += [outcome for outcome in outcomes if isinstance(outcome, Process)]
        return outcomes

    def start(self, count):
        """So many processes."""
        outcomes = self.ask_for(count)
        failures = [outcome for outcome in outcomes if isinstance(outcome, LaunchFailed)]
        assert not failures
        return outcomes

    def refusal(self):
        """The sentence with which a launch is refused."""
        (outcome,) = self.ask_for(1)
        assert isinstance(outcome, LaunchFailed)
        return str(outcome)

    def tell(self, process, *order):
        """Give an order that will not be answered."""
        line = json.dumps(order).encode() + b"\n"
        assert process.channel.write(line) == len(line)

    def ask(self, process, *order):
        """Give an order; its outcome."""
        self.tell(process, *order)

        async def line():
            data = b""
            while not data.endswith(b"\n"):
                chunk = await self.portion(process.channel)
                assert chunk, f"process {process.pid} ended instead of answering {order}"
                data += chunk
            return json.loads(data)

        return self.run(line())

    async def portion(self, channel):
        """What came over a channel, once something has; nothing at its end."""
        readable = asyncio.Event()
        self.loop.add_reader(channel.reader, readable.set)
        await readable.wait()
        self.loop.remove_reader(channel.reader)
        return channel.read(65536)

    def watch(self, process):
        future = self.loop.create_future()
        self.reaper.watch(process.pid, process.pidfd, future.set_result)
        return future

    def end_of(self, process) -> WaitStatus:
        return self.run(self.watch(process))

    def until(self, fact: Callable[[], object], limit_s=LIMIT_S):
        """Run the loop until the fact holds; what it said."""

        async def wait():
            while not (seen := fact()):  # noqa: ASYNC110  the facts are the kernel's, who sets no Event
                await asyncio.sleep(0.005)
            return seen

        return self.loop.run_until_complete(asyncio.wait_for(wait(), limit_s))

    def left(self):
        """The pids of all that bears this runtime's mark."""
        return [one.pid for one in doomed(look_around(self.runtime_id), frozenset(), {os.getpid()})]

    def close(self):
        try:
            self.run(self.launcher.close())
            assert not self.left()
        finally:
            self.reaper.close()
            for process in self.processes:
                process.close()
            with contextlib.suppress(OSError):
                set_child_subreaper(on=False)
            if "zygote" not in self.kind:
                resource_tracker._resource_tracker._stop()  # it would stay until this process ends
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            with contextlib.suppress(OSError):
                self.scratch.rmdir()


def is_gone(pid):
    """Whether a process has ended, be it reaped or not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


def is_reaped(pid):
    """Whether nothing is left of a process, not even a zombie."""
    return not Path(f"/proc/{pid}").exists()


def children_of(pid):
    """The pids of a process's children."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def until(fact, limit_s=LIMIT_S):
    """Wait for a fact without a loop; what it said."""
    deadline = time.monotonic() + limit_s
    while not (seen := fact()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)
    return seen


def runtime_of_three(kind, *orders):
    """The program of a runtime with three agents that each follow the orders and then hang."""
    return f"from {__name__} import act_as_runtime; act_as_runtime({kind!r}, {orders!r})"


def act_as_runtime(kind, orders):
    """Be that runtime: tell the pids of all, and wait to be killed."""
    bench = Bench(kind)
    pids = []
    for process in bench.start(3):
        pids += [bench.ask(process, "pid"), *(bench.ask(process, *order) for order in orders)]
        bench.tell(process, "hang")
    told = {"pids": [pid for pid in pids if pid], "scratch": str(bench.scratch)}
    if keeper := bench.inner.zygote_pid if "zygote" in kind else bench.inner.warden_pid:
        told["pids"].append(keeper)
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    bench.loop.run_forever()


@contextlib.contextmanager
def runtime_process(code):
    """A program in a process of its own, and what it told in its first line; it is killed in the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )
    told = {}
    try:
        told |= json.loads(process.stdout.readline())
        yield process, told
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        if told:
            shutil.rmtree(told["scratch"], ignore_errors=True)  # without a warden nothing removes it
