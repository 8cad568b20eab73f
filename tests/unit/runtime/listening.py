"""A socket that something listens at."""

import socket
from contextlib import contextmanager


@contextmanager
def listening_at(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        yield sock
