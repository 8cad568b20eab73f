"""What an agent does when it is ordered to: everything that a bad handler, a bad library or a hostile peer can do.

Lives in the agent's process.  Everything is bounded in size and in time.
"""

from __future__ import annotations

import ctypes
import os
import socket
import stat
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NoReturn

from scr.errors import Fatal, TryLater

STDERR = 2
LONG_S = 30.0  # far beyond every deadline of the workloads
FORKS = 12
LEFT_S = 600.0
LATER_S = 0.15
CHUNK_BYTES = 16 << 20
HOG_BYTES = 448 << 20
HOG_S = 5.0
MUTEX_BYTES = 64  # more than `sizeof(pthread_mutex_t)`, 40 on x86-64 and 48 on arm64
GARBAGE = b"\x00\xff{]not a frame\x80" * 4
INTERPRETER = ctypes.PyDLL(None)  # a call through it keeps the interpreter to itself


def fail() -> NoReturn:
    """An ordinary exception."""
    raise OSError("ordered to fail")


def put_off() -> NoReturn:
    """Something outside is away."""
    raise TryLater(LATER_S, "ordered to try later")


def fail_for_good() -> NoReturn:
    """An error that no later try can mend."""
    raise Fatal("ordered to fail for good")


def segfault() -> None:
    """A real one, in native code."""
    ctypes.string_at(0)


def die_in_a_thread() -> None:
    """An exception that ends a thread."""
    thread = threading.Thread(target=_fail)
    thread.start()
    thread.join()
    time.sleep(LONG_S)


def _fail() -> None:
    raise RuntimeError("ordered to fail in a thread")


def hold_the_interpreter() -> None:
    """A call that never lets another thread of the interpreter run, and that no signal cuts short."""
    mutex = ctypes.create_string_buffer(MUTEX_BYTES)  # zeros: a mutex that nothing holds (glibc, musl)
    until = struct.pack("@ll", int(time.time() + LONG_S), 0)
    INTERPRETER.pthread_mutex_lock(mutex)
    INTERPRETER.pthread_mutex_timedlock(mutex, until)


def hog_memory() -> None:
    """Take memory far past the limit, and wait for the consequences."""
    kept: list[bytes] = []
    end = time.monotonic() + HOG_S
    while len(kept) * CHUNK_BYTES < HOG_BYTES:
        kept.append(b"\x01" * CHUNK_BYTES)
    while time.monotonic() < end:
        time.sleep(0.05)


def bomb() -> None:
    """A small fork bomb: what it leaves sleeps, and must be gone when the runtime is."""
    for _ in range(FORKS):
        if os.fork() == 0:
            time.sleep(LEFT_S)
            os._exit(0)


def escape() -> None:
    """A grandchild in a session of its own."""
    subprocess.Popen(["/bin/sleep", str(LEFT_S)], start_new_session=True, stdin=subprocess.DEVNULL)


def channels() -> Iterator[int]:
    """The channel to the runtime, as code that was never told of it finds it: a stream without a name, or pipes."""
    for number in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208  these are numbers, not paths
        with suppress(OSError):
            if number > STDERR and (stat.S_ISFIFO(os.fstat(number).st_mode) or is_nameless(number)):
                yield number


def is_nameless(descriptor: int) -> bool:
    """Whether it is an end of a socket pair.  Raises OSError where it is no socket."""
    with socket.socket(fileno=os.dup(descriptor)) as sock:
        return sock.family == socket.AF_UNIX and not sock.getpeername() and not sock.getsockname()


def close_channel() -> None:
    """Hang up, and go on."""
    for number in tuple(channels()):
        os.close(number)


def say(data: bytes, *, then_silent: bool = True) -> None:
    """Write bytes to the channel that are no frame."""
    for number in tuple(channels()):
        with suppress(OSError):  # of two pipes, one is for reading
            os.write(number, data)
    if then_silent:
        time.sleep(LONG_S)


DEEDS: dict[str, Callable[[], object]] = {
    "segv": segfault,
    "abort": os.abort,
    "exit0": lambda: os._exit(0),
    "exit1": lambda: os._exit(1),
    "thread": die_in_a_thread,
    "gil": hold_the_interpreter,
    "block": lambda: time.sleep(LONG_S),
    "memory_hog": hog_memory,
    "fork_bomb": bomb,
    "setsid": escape,
    "raises": fail,
    "fails": fail,
    "try_later": put_off,
    "fatal": fail_for_good,
    "close_channel": close_channel,
    "half_frame": lambda: say(struct.pack("!I", 1000) + b'{"kind":"com'),
    "huge_frame": lambda: say(b"\xff\xff\xff\xff"),
    "garbage": lambda: say(struct.pack("!I", len(GARBAGE)) + GARBAGE),
}
"""By the name of the kind of fault."""
