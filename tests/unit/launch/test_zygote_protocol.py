"""What runtime and zygote say to each other survives the wire."""

import os
import socket

import pytest

from scr.launch.zygote_protocol import (
    MESSAGE_BYTES_MAX,
    WHY_CHARACTERS_MAX,
    Born,
    ForkRefused,
    Unfit,
    Up,
    ZygotePlan,
    decode_reply,
    encode_reply,
    receive,
    send,
)


@pytest.fixture
def sockets():
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    yield ends
    for end in ends:
        end.close()


@pytest.mark.parametrize("reply", [Up(), Unfit("wh\u00fd\n"), Born(7, 4711), ForkRefused(2**62, "EAGAIN")])
def test_every_reply_comes_back_as_itself(reply):
    assert decode_reply(encode_reply(reply)) == reply


def test_a_plan_comes_back_as_itself():
    plan = ZygotePlan("a.b:c", ("json", "re"), "id", 12, "/tmp/x y", ("", "/lib"))
    assert ZygotePlan.decode(plan.encode()) == plan


def test_the_longest_reason_fits_into_one_message(sockets):
    ours, theirs = sockets
    reply = Unfit("\U0001f600" * WHY_CHARACTERS_MAX)
    send(theirs, encode_reply(reply))
    assert len(encode_reply(reply)) <= MESSAGE_BYTES_MAX
    assert decode_reply(receive(ours)[0]) == reply


def test_descriptors_come_along_in_order_and_are_not_inheritable(sockets):
    ours, theirs = sockets
    pipes = [os.pipe() for _ in range(3)]
    send(theirs, b"x", [write for _, write in pipes])
    data, descriptors = receive(ours)
    assert data == b"x"
    assert not any(map(os.get_inheritable, descriptors))
    for number, descriptor in enumerate(descriptors):
        os.write(descriptor, bytes([number]))
    assert [os.read(read, 1) for read, _ in pipes] == [b"\0", b"\1", b"\2"]
    for descriptor in (*descriptors, *(end for pipe in pipes for end in pipe)):
        os.close(descriptor)


def test_the_end_of_the_file_is_no_bytes(sockets):
    ours, theirs = sockets
    theirs.close()
    assert receive(ours) == (b"", [])
