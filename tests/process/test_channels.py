"""Agents that die in the middle of what they say, over either kind of channel: that stops nothing else."""

import contextlib
import os
import random
import signal
import threading
import time

import pytest

from scr.protocol.frames import Log
from scr.protocol.framing import pack
from tests.process.conftest import Story

FRAME = pack(Log(text="x" * 2000).model_dump_json().encode(), 1 << 20)


@pytest.fixture(params=["socket", "queue"])
def story(request):
    told = Story(channel=request.param)
    with told.runtime:
        yield told


def end_of(ctx):
    """The agent's own end of its channel, for agents that misuse it."""
    return ctx._link._channel._end


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def cut(size):
    def death(ctx):
        end_of(ctx).write_all(FRAME[:size])
        die()

    return death


def with_the_lock(ctx):
    """A thread that writes holds the lock of its queue, or of its socket, and has written a part."""
    end = end_of(ctx)
    with end._lock if hasattr(end, "_lock") else end._sends._wlock:
        end.write(FRAME[:100])
        die()


def at_random(ctx):
    threading.Thread(target=lambda: (time.sleep(random.random() / 100), die())).start()
    while True:
        ctx.log("x" * 8000)


class Pickled:
    def __reduce__(self):
        return os._exit, (1,)


def puts(ctx):
    """What a queue's `put` sends is a pickle; over a socket it is garbage that is framed as well."""
    end = end_of(ctx)
    end._sends.put(Pickled()) if hasattr(end, "_sends") else end.write_all(pack(b"\x80\x04.", 100))
    time.sleep(60)


DEATHS = (cut(3), cut(len(FRAME) - 1), with_the_lock, puts, at_random, at_random)


def mortal(ctx, message):
    """Dies in another way each time that it is given the message, and answers in the end."""
    if ctx.deliveries <= len(DEATHS):
        DEATHS[ctx.deliveries - 1](ctx)
    return ctx.deliveries


def test_whatever_an_agent_dies_of_in_a_frame_it_is_replaced_and_its_sibling_and_the_runtime_go_on(story):
    pid = story.runtime.pid
    story.runtime.start_agent("mortal", mortal, max_deliveries=len(DEATHS) + 1)
    story.runtime.start_agent("sibling", lambda ctx, message: os.getpid())
    sibling = story.runtime.ask("sibling", None)
    assert story.runtime.ask("mortal", None) == len(DEATHS) + 1
    assert story.runtime.ask("sibling", None) == sibling
    assert story.runtime.pid == pid
    broken = [end for end in story.events("agent_exited", agent="mortal") if "not a valid frame" in end.detail]
    assert len(broken) == 1  # the pickle; what was cut short is no frame, and no fault of the protocol


def open_streams():
    """The sockets and the pipes that this process has beside its stdio."""
    links = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the descriptor that looked
            links += [os.readlink(f"/proc/self/fd/{name}")] if int(name) > 2 else []
    return [link for link in links if link.startswith(("pipe:", "socket:"))]


def test_an_agent_has_no_end_of_the_channel_of_another(story):
    for name in ("one", "two"):
        story.runtime.start_agent(name, lambda ctx, message: open_streams())
    one, two = (set(story.runtime.ask(name, None)) for name in ("one", "two"))
    assert one
    assert not one & two
