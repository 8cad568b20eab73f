"""What the runtime and its zygote say to each other, over a socket that keeps messages apart (SOCK_SEQPACKET).

The runtime sends a ticket with three descriptors: the new process's channel,
stdout and stderr.  The zygote answers each ticket once, a birth with the pidfd.
A pid with its pidfd alone is a process that the runtime has started by itself.
End of file means that the runtime is gone, or wants to be rid of everything.
"""

from __future__ import annotations

import array
import json
import socket
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self, TypeAlias

TICKET = struct.Struct("<q")
WARDEN = "scr.launch.zygote_main:main"  # the entry of a zygote that forks nothing: any name that can be imported
MESSAGE_BYTES_MAX = 32_768
WHY_CHARACTERS_MAX = 2_000  # one character takes up to twelve bytes in JSON
DESCRIPTOR_BYTES = array.array("i").itemsize


@dataclass(frozen=True, slots=True)
class ZygotePlan:
    """All that a zygote has to know, as one argument of its command line."""

    entry: str
    preload: tuple[str, ...]
    runtime_id: str
    runtime_pid: int
    scratch: str
    path: tuple[str, ...]

    def encode(self) -> str:
        """The wire form."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Self:
        """From the wire form."""
        fields = json.loads(text)
        return cls(**fields | {"preload": tuple(fields["preload"]), "path": tuple(fields["path"])})


@dataclass(frozen=True, slots=True)
class Up:
    """Everything is imported; tickets are answered from now on."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """The zygote cannot do its work and ends: an import failed, or one has started a thread."""

    why: str


@dataclass(frozen=True, slots=True)
class Born:
    """The process for this ticket exists and is the runtime's child.  Its pidfd comes along."""

    ticket: int
    pid: int


@dataclass(frozen=True, slots=True)
class ForkRefused:
    """The kernel would not make a process for this ticket."""

    ticket: int
    why: str


Reply: TypeAlias = Up | Unfit | Born | ForkRefused
REPLIES: dict[str, type[Reply]] = {kind.__name__: kind for kind in (Up, Unfit, Born, ForkRefused)}


def encode_reply(reply: Reply) -> bytes:
    """The wire form; JSON in ASCII, so that a cut `why` stays valid."""
    return json.dumps([type(reply).__name__, asdict(reply)]).encode()


def decode_reply(data: bytes) -> Reply:
    """From the wire form."""
    kind, fields = json.loads(data)
    return REPLIES[kind](**fields)


def send(to: socket.socket, data: bytes, descriptors: Sequence[int] = ()) -> None:
    """One message with the descriptors that it hands over."""
    socket.send_fds(to, [data], list(descriptors))


def receive(of: socket.socket) -> tuple[bytes, list[int]]:
    """One message and its descriptors, not inheritable; no bytes at the end of file.

    `socket.recv_fds` would leave the descriptors open for whatever this process executes.
    """
    room = socket.CMSG_SPACE(3 * DESCRIPTOR_BYTES)
    data, ancillary, _, _ = of.recvmsg(MESSAGE_BYTES_MAX, room, socket.MSG_CMSG_CLOEXEC)
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(content[: len(content) - len(content) % DESCRIPTOR_BYTES])
    return data, descriptors.tolist()
