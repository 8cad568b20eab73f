"""JSON as the serializer of a `multiprocess` manager, in place of pickle.

A process that is killed, or that misbehaves, can then say nothing on the
table's socket that would be executed by anybody (I8).  Every wait for an
answer is bounded (I6).
"""

from __future__ import annotations

import json
from typing import Any

from multiprocess import connection, managers

SERIALIZER = "json"
ANSWER_S = 2.0


class JsonConnection:
    """A connection of `multiprocess` that speaks JSON."""

    def __init__(self, raw: Any, answer_s: float | None) -> None:
        self._raw, self._answer_s = raw, answer_s
        self.fileno, self.close = raw.fileno, raw.close
        self.send_bytes, self.recv_bytes = raw.send_bytes, raw.recv_bytes

    def send(self, value: Any) -> None:
        """Write one value.  Raises TypeError or ValueError for what JSON cannot say."""
        self._raw.send_bytes(json.dumps(value, default=list).encode())

    def recv(self) -> Any:
        """Read one value.  Raises TimeoutError, EOFError, OSError."""
        if self._answer_s is not None and not self._raw.poll(self._answer_s):
            raise TimeoutError(f"no answer within {self._answer_s} s")
        return json.loads(self._raw.recv_bytes())


class JsonListener(connection.Listener):  # type: ignore[misc]  # multiprocess has no types
    """The server's end: waits for requests as long as it serves."""

    def accept(self) -> JsonConnection:
        """The next connection, not yet authenticated: the manager's server does that."""
        return JsonConnection(super().accept(), None)


def json_client(address: str, authkey: bytes) -> JsonConnection:
    """The client's end, authenticated both ways.  Raises OSError, EOFError, AuthenticationError."""
    return JsonConnection(connection.Client(address, authkey=authkey), ANSWER_S)


managers.listener_client[SERIALIZER] = (JsonListener, json_client)
