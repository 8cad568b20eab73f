"""What a misbehaving agent can do to the runtime and to its siblings: nothing."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

import scr
from scr.errors import MailboxFull, TaskFailed
from tests.conftest import until


def channel(ctx):
    """The agent's own end of its channel, for agents that misuse it."""
    return ctx._link._channel._end._socket


def garbage(ctx, message):
    channel(ctx).sendall(struct.pack("!I", 7) + b"garbage")
    time.sleep(60)


def huge(ctx, message):
    channel(ctx).sendall(b"\xff\xff\xff\xff")
    time.sleep(60)


def half_then_dead(ctx, message):
    channel(ctx).sendall(struct.pack("!I", 1000) + b'{"kind":')
    os.kill(os.getpid(), signal.SIGKILL)


def not_its_turn(ctx, message):
    channel(ctx).sendall(framed(b'{"kind":"commit","message_id":"of-somebody-else"}'))
    time.sleep(60)


def in_anothers_name(ctx, message):
    ctx._turn.sends.append(
        message.model_copy(update={"sender": "witness-1", "to": "witness-2", "message_id": "forged"})
    )


def closes_its_channel(ctx, message):
    channel(ctx).shutdown(socket.SHUT_RDWR)
    time.sleep(60)


def crashes_in_a_thread(ctx, message):
    threading.Thread(target=lambda: 1 / 0).start()
    time.sleep(60)


def says_what_json_cannot(ctx, message):
    return object()


def says_too_much(ctx, message):
    return "x" * (20 << 20)


def sends_too_many(ctx, message):
    for n in range(2000):
        ctx.send(n, to="witness-1")


def raises_system_exit(ctx, message):
    sys.exit(0)


def segfaults(ctx, message):
    os.kill(os.getpid(), signal.SIGSEGV)


def framed(body):
    return struct.pack("!I", len(body)) + body


HAZARDS = {
    garbage: "not a valid frame",
    huge: "4294967295 bytes was announced",
    half_then_dead: "SIGKILL",
    not_its_turn: "did not have in hand",
    in_anothers_name: "in the name of 'witness-1'",
    crashes_in_a_thread: "ZeroDivisionError",
    says_what_json_cannot: "object",
    says_too_much: "can be handed on",
    sends_too_many: "one turn may send 1000 messages",
    raises_system_exit: "SystemExit",
    segfaults: "SIGSEGV",
}


@pytest.mark.parametrize(("hazard", "told"), HAZARDS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_misbehaving_incarnation_ends_with_its_reason_and_its_siblings_notice_nothing(story, hazard, told):
    for name in ("witness-1", "witness-2", "witness-3"):
        story.runtime.start_agent(name, lambda ctx, message: ["seen", message.payload.input])
    story.runtime.start_agent("hazard", hazard, max_deliveries=1, on_error="crash")
    with pytest.raises(TaskFailed, match=told):
        story.runtime.ask("hazard", None, timeout_s=20)
    assert story.until("agent_exited", agent="hazard").reason in {"error", "killed", "crashed"}
    assert [story.runtime.ask(f"witness-{n}", n) for n in (1, 2, 3)] == [["seen", 1], ["seen", 2], ["seen", 3]]
    assert {status.incarnation for status in story.runtime.status().agents if "witness" in status.id} == {1}
    assert not story.events("message_accepted", sender="hazard")


def test_a_send_to_an_unknown_agent_is_told_to_the_sender(story):
    class Hopeful(scr.Agent):
        def on_task(self, ctx, message):
            ctx.send("hello", to="nobody")

        def on_message(self, ctx, message):
            ctx.log(f"{message.type} {message.payload.agent} {message.payload.reason}")

    story.runtime.start_agent("hopeful", Hopeful)
    story.runtime.send("hopeful", None)
    assert story.until("logged", agent="hopeful").text == "failure nobody unknown_agent"


def test_a_full_mailbox_is_a_clear_error_and_what_was_accepted_is_handled(story):
    story.runtime.start_agent("busy", lambda ctx, message: time.sleep(0.05), mailbox_size=3)
    for n in range(4):
        story.runtime.send("busy", n)
    with pytest.raises(MailboxFull, match="'busy' is full"):
        for n in range(10):
            story.runtime.ask("busy", n, timeout_s=0.001 if n < 9 else 5)
            story.runtime.send("busy", n)
    story.until("turn_committed", count=4, agent="busy")


def test_a_flood_of_output_is_cut_and_counted_and_stalls_nobody(story):
    def floods(ctx, message):
        for n in range(20_000):
            print("line", n)
        return "done"

    story.runtime.start_agent("flood", floods)
    story.runtime.start_agent("calm", lambda ctx, message: "calm")
    asked = threading.Thread(target=story.runtime.ask, args=("flood", None))
    asked.start()
    assert story.runtime.ask("calm", None) == "calm"
    asked.join(30)
    os.kill(story.pid("flood"), signal.SIGKILL)
    assert story.until("lines_dropped", agent="flood").count > 0
    assert len(story.events("printed", agent="flood")) < 20_000


def test_grandchildren_end_with_their_agent_even_when_they_hold_its_pipes(story):
    def leaves_a_child(ctx, message):
        child = subprocess.Popen(["sleep", "300"])
        ctx.log(str(child.pid))
        os.kill(os.getpid(), signal.SIGKILL)

    story.runtime.start_agent("parent", leaves_a_child, max_deliveries=1, restart="temporary")
    with pytest.raises(TaskFailed):
        story.runtime.ask("parent", None)
    child = int(story.until("logged", agent="parent").text)
    until(lambda: not os.path.exists(f"/proc/{child}"))


@pytest.mark.parametrize("victim", ["zygote", "standby"])
def test_killing_a_process_that_is_no_agent_harms_nobody(story, victim):
    for name in ("a", "b", "c"):
        story.runtime.start_agent(name, lambda ctx, message: os.getpid())
    before = [story.runtime.ask(name, None) for name in ("a", "b", "c")]
    pid = until(lambda: titled(f"scr: {victim}", story.runtime.pid))
    os.kill(pid, signal.SIGKILL)
    story.runtime.start_agent("d", lambda ctx, message: os.getpid())
    assert [story.runtime.ask(name, None) for name in ("a", "b", "c")] == before
    assert story.runtime.ask("d", None)
    os.kill(before[0], signal.SIGKILL)
    assert story.runtime.ask("a", None) != before[0]


def titled(title, parent):
    """The pid of a child of `parent` that goes by this title."""
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline") as cmdline, open(f"/proc/{entry}/stat") as stat:
                if cmdline.read().startswith(title) and int(stat.read().rpartition(")")[2].split()[1]) == parent:
                    return int(entry)
        except (OSError, ValueError):
            continue
    return None
