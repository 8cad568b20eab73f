"""Frames as bytes: four bytes of length, big endian, and that many bytes of JSON."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from time import monotonic

from scr.errors import BrokenFrame, ChannelError, FrameTooLarge
from scr.messages import to_json
from scr.values import Frozen

LENGTH = struct.Struct("!I")
FRAME_MAX = (1 << 31) - 1  # what a length can say that may be signed, as that of a queue is
FIRST_BYTES = 1 << 20


def pack(body: bytes, limit_bytes: int, kind: str = "frame") -> bytes:
    """A frame ready to be written.  Raises FrameTooLarge."""
    if len(body) > limit_bytes:
        raise FrameTooLarge(f"a {kind} of {len(body)} bytes is above the limit of {limit_bytes}; send less at once")
    return LENGTH.pack(len(body)) + body


def packed(frame: Frozen, limit_bytes: int) -> bytes:
    """The frame as it is written.  Raises FrameTooLarge, BrokenFrame for what JSON cannot say."""
    kind = type(frame).__name__
    try:
        body = to_json(frame)
    except ValueError as error:
        raise BrokenFrame(f"a frame ({kind}) cannot be written as JSON: {error}") from error
    return pack(body, limit_bytes, f"frame ({kind})")


class Unpacker:
    """Bytes in any portions in, whole frames out.  Pure."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are now complete.  Raises FrameTooLarge as soon as a length says so."""
        self._buffer += data
        while len(self._buffer) >= LENGTH.size:
            (size,) = LENGTH.unpack_from(self._buffer)
            if size > self._limit_bytes:
                raise FrameTooLarge(f"a frame of {size} bytes was announced, above the limit of {self._limit_bytes}")
            if len(self._buffer) < LENGTH.size + size:
                return
            body = bytes(self._buffer[LENGTH.size : LENGTH.size + size])
            del self._buffer[: LENGTH.size + size]
            yield body


def read_first(sock: socket.socket, limit_bytes: int, timeout_s: float) -> bytes:
    """The first frame on a blocking socket, and not a byte more: what follows is for the channel that is made next.

    Raises ChannelError when the peer closes or says nothing in time.
    """
    until = monotonic() + timeout_s
    try:
        (size,) = LENGTH.unpack(_read_whole(sock, LENGTH.size, until))
        if size > limit_bytes:
            raise FrameTooLarge(f"a first frame of {size} bytes was announced, above the limit of {limit_bytes}")
        return _read_whole(sock, size, until)
    except OSError as error:
        raise ChannelError(f"no first frame: {error}") from error


def _read_whole(sock: socket.socket, size: int, until: float) -> bytes:
    """So many bytes: a socket with a timeout gives what is there, whatever it is asked for.  Raises OSError."""
    data = bytearray()
    while len(data) < size:
        sock.settimeout(max(0.001, until - monotonic()))
        portion = sock.recv(min(size - len(data), FIRST_BYTES))
        if not portion:
            raise ConnectionError(f"the peer has closed it after {len(data)} of {size} bytes")
        data += portion
    return bytes(data)
