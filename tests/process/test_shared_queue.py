"""Why every agent has a channel of its own: a shared `multiprocess.Queue` does not survive what SCR's mail does.

A pair of queues that one agent and the runtime have for themselves does, as a socket pair does.
"""

import os
import queue
import signal

import multiprocess
import pytest

import scr
from tests.conftest import until
from tests.process.conftest import Story

CONTEXT = multiprocess.get_context("spawn")


def reads(inbox, outbox):
    while True:
        outbox.put((os.getpid(), inbox.get()))


def waits_in_get(pid):
    """Whether the reader sleeps in the kernel, with nothing to do but wait for the queue."""
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "S"


def test_a_shared_queue_starves_the_replacement_of_a_reader_that_was_killed_in_get():
    inbox, outbox = CONTEXT.Queue(), CONTEXT.Queue()
    first = CONTEXT.Process(target=reads, args=(inbox, outbox), daemon=True)
    first.start()
    inbox.put("one")
    assert outbox.get(timeout=20)[1] == "one"
    until(lambda: waits_in_get(first.pid))
    os.kill(first.pid, signal.SIGKILL)
    first.join(5)
    second = CONTEXT.Process(target=reads, args=(inbox, outbox), daemon=True)
    second.start()
    inbox.put("two")
    try:
        outbox.get(timeout=3)
        wedged = False
    except queue.Empty:
        wedged = True
    second.kill()
    second.join(5)
    for each in (inbox, outbox):
        each.cancel_join_thread()
        each.close()
    assert wedged


@pytest.fixture(params=["socket", "queue"])
def story(request):
    """A runtime whose agents have channels of this kind, up."""
    told = Story(channel=request.param)
    with told.runtime:
        yield told


def test_an_agent_that_is_killed_while_it_waits_for_mail_is_replaced_and_gets_its_mail(story):
    story.runtime.start_agent("reader", lambda ctx, message: [os.getpid(), message.payload.input])
    first, said = story.runtime.ask("reader", "one")
    assert said == "one"
    until(lambda: waits_in_get(first))
    os.kill(first, signal.SIGKILL)
    second, said = story.runtime.ask("reader", "two")
    assert said == "two"
    assert second != first


def test_writers_that_are_killed_in_the_middle_of_a_frame_stop_nobody(story):
    class Sender(scr.Agent):
        def on_task(self, ctx, message):
            for _ in range(message.payload.input):
                ctx.send("x" * 10_000, to="sink")
            os.kill(os.getpid(), signal.SIGKILL) if ctx.deliveries == 1 else ctx.reply("sent")

    story.runtime.start_agent("sink", lambda ctx, message: None, mailbox_size=1000)
    for name in ("one", "two", "three"):
        story.runtime.start_agent(name, Sender)
    assert [story.runtime.ask(name, 100) for name in ("one", "two", "three")] == ["sent"] * 3
    story.until("turn_committed", count=300, agent="sink")
