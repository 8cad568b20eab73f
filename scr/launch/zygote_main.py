"""The zygote's own program: import everything once, fork on request, and clean up behind a dead runtime.

Single-threaded.  Executed, never forked, by the runtime, so that it has
nothing of the runtime's memory.  A new process is forked twice: its first
parent ends at once, and the runtime, being a child subreaper, becomes its
parent and learns its true wait status.  The zygote's own end harms nobody.

It is also the warden: when the runtime is gone, by whatever cause, it ends all
that the runtime has started, removes the scratch directory and ends itself.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from types import FrameType
from typing import NoReturn

from setproctitle import setproctitle

from scr.failpoints import arm, reach
from scr.launch.channel_ends import SocketEnd
from scr.launch.child_setup import DESCRIPTORS_MAX, Entry, die_with, find_entry, settle
from scr.launch.kernel.memory_group import home
from scr.launch.kernel.prctl import set_death_signal
from scr.launch.orphan_sweep import Sessions, end_all
from scr.launch.zygote_protocol import (
    TICKET,
    WARDEN,
    WHY_CHARACTERS_MAX,
    Born,
    ForkRefused,
    Reply,
    Unfit,
    Up,
    ZygotePlan,
    encode_reply,
    receive,
    send,
)

CONTROL = 3
SETTLE_S = 1.0
BIRTH_FAILED = 255


def main(arguments: list[str]) -> None:
    """Be a zygote, and in every process that it forks, run the entry.  The one argument is an encoded ZygotePlan."""
    os.closerange(CONTROL + 1, DESCRIPTORS_MAX)
    gc.disable()
    (text,) = arguments
    plan = ZygotePlan.decode(text)
    zygote = Zygote(plan, socket.socket(fileno=CONTROL))
    zygote.outlive_terminal()
    entry = zygote.rear()
    channel, stdout, stderr = zygote.serve()
    settle((channel,), stdout, stderr)
    die_with(plan.runtime_pid, first_parent=zygote.first_parent)
    entry(SocketEnd(socket.socket(fileno=channel)))


class Zygote:
    """The process that all agents are forked from."""

    def __init__(self, plan: ZygotePlan, control: socket.socket) -> None:
        self.plan = plan
        self.pid = os.getpid()
        self.first_parent = self.pid
        self.control = control
        self.births, self.midwife = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.births.setblocking(False)
        self.sessions = Sessions()
        self.settle_at = 0.0
        self.epoll = select.epoll()
        self.epoll.register(control, select.EPOLLIN)

    def outlive_terminal(self) -> None:
        """Be deaf to Ctrl-C, and hear of the runtime's end even in the middle of an import.

        SIGCONT, because it also wakes a zygote that somebody has stopped.
        """
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCONT, self.on_runtime_death)
        set_death_signal(signal.SIGCONT)
        self.on_runtime_death()

    def on_runtime_death(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Clean up if it is true: anybody may send a signal, and a fork has this handler until it is settled."""
        if os.getpid() == self.pid and os.getppid() != self.plan.runtime_pid:
            self.end()

    def rear(self) -> Entry:
        """Import everything, and keep the garbage collector from ever touching the pages that all forks share."""
        try:
            for module in self.plan.preload:
                importlib.import_module(module)
            entry = find_entry(self.plan.entry)
        except (Exception, SystemExit):  # noqa: BLE001  an import may raise anything; all of it is told
            self.give_up(f"the zygote cannot import what agents need:\n{traceback.format_exc()}")
        if threading.active_count() > 1:
            names = ", ".join(thread.name for thread in threading.enumerate())
            self.give_up(f"a preloaded module has started a thread, and a fork would copy its locks: {names}")
        setproctitle("scr: warden" if self.plan.entry == WARDEN else "scr: zygote")
        sys.stdout.flush()
        gc.collect()
        gc.freeze()
        arm("zygote")
        self.reply(Up())
        return entry

    def give_up(self, why: str) -> NoReturn:
        """Tell the runtime why, and end."""
        self.reply(Unfit(why[-WHY_CHARACTERS_MAX:]))
        sys.exit(1)

    def serve(self) -> tuple[int, int, int]:
        """Answer tickets for ever.  Returns only in a new process, with its channel, stdout and stderr."""
        while True:
            for descriptor, _ in self.epoll.poll(SETTLE_S if self.sessions.leaderless else None):
                if descriptor != CONTROL:
                    self.epoll.unregister(descriptor)
                    self.sessions.bereave(descriptor)
                elif (mine := self.answer()) is not None:
                    return mine
            if self.sessions.leaderless and time.monotonic() >= self.settle_at:
                self.sessions.settle()
                self.settle_at = time.monotonic() + SETTLE_S

    def answer(self) -> tuple[int, int, int] | None:
        """Answer one ticket.  None, except in the new process: its descriptors."""
        request, descriptors = self.hear()
        if not request:
            self.end()
        (ticket,) = TICKET.unpack(request)
        if self.note(request, descriptors):
            return None
        try:
            channel, stdout, stderr = descriptors
            reach("zygote.before_fork")
            birth = self.fork()
        except (OSError, ValueError) as error:  # ValueError: no room for the descriptors in this process
            self.reply(ForkRefused(ticket, f"the zygote cannot make a process: {error}"))
        else:
            if birth is None:
                self.epoll.close()
                self.control.close()
                self.births.close()
                self.midwife.close()
                return channel, stdout, stderr
            pid, pidfd = birth
            self.adopt(pid, pidfd)
            self.reply(Born(ticket, pid), pidfd)
        for descriptor in descriptors:
            os.close(descriptor)
        return None

    def note(self, request: bytes, descriptors: list[int]) -> bool:
        """Adopt the process that a request tells of, if it is no ticket; whether that was so."""
        if len(descriptors) == 1:
            self.adopt(*TICKET.unpack(request), *descriptors)
        return len(descriptors) == 1

    def adopt(self, pid: int, pidfd: int) -> None:
        """Look after the session that this process leads."""
        self.sessions.adopt(pid, pidfd)
        self.epoll.register(pidfd, select.EPOLLIN)

    def hear(self) -> tuple[bytes, list[int]]:
        """The next ticket; none when the runtime has closed, be it with replies unread, which is a reset."""
        try:
            return receive(self.control)
        except ConnectionResetError:
            return b"", []

    def fork(self) -> tuple[int, int] | None:
        """The pid and pidfd of a new process whose parent is the runtime; None in that process itself.

        Returns when the first parent is reaped: the runtime is the parent by then.
        Raises OSError when the kernel refuses.
        """
        first = os.fork()
        if first == 0:
            self.bear()
            return None
        _, ended = os.waitpid(first, 0)
        status = os.waitstatus_to_exitcode(ended)
        if status != 0:
            self.forget_birth()
            raise OSError(status, os.strerror(status) if status > 0 else f"killed by signal {-status}")
        data, (pidfd,) = receive(self.births)
        return TICKET.unpack(data)[0], pidfd

    def bear(self) -> None:
        """In the first parent: fork, hand over the pidfd and exit.  Returns only in the new process.

        The pidfd is opened here, because only while this process lives nobody can
        reap the new one.
        """
        pid, status = -1, BIRTH_FAILED
        self.first_parent = os.getpid()
        try:
            pid = os.fork()
            if pid > 0:
                send(self.midwife, TICKET.pack(pid), [os.pidfd_open(pid)])
                status = 0
        except OSError as error:
            status = error.errno or BIRTH_FAILED
        finally:
            if pid != 0:
                os._exit(status)

    def forget_birth(self) -> None:
        """A first parent was killed after it had handed over: what it left must not be taken for the next birth."""
        with contextlib.suppress(BlockingIOError):
            for pidfd in receive(self.births)[1]:
                os.close(pidfd)

    def reply(self, reply: Reply, *descriptors: int) -> None:
        """Tell the runtime, if there is one."""
        try:
            send(self.control, encode_reply(reply), descriptors)
        except ConnectionError:
            self.end()

    def end(self) -> NoReturn:
        """Be the warden: nothing of the runtime's is left when this process exits."""
        while (last := self.hear())[0]:
            self.note(*last)
        runtime = {self.plan.runtime_pid} if os.getppid() == self.plan.runtime_pid else set()
        if not end_all(self.plan.runtime_id, self.sessions.all(), {self.pid} | runtime):
            with contextlib.suppress(OSError):
                sys.stderr.write(f"scr: some processes of runtime {self.plan.runtime_id} would not die\n")
        if groups := home():
            groups.sweep(lambda runtime: runtime == self.plan.runtime_pid)
        shutil.rmtree(self.plan.scratch, ignore_errors=True)
        os._exit(0)
