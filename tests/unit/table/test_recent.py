"""What has been read once need not travel again, for whoever may be told something that old."""

from __future__ import annotations

import pytest

from scr.errors import TableUnavailable
from scr.protocol.frames import Entry, ServiceAddress
from scr.table import read_cache, table
from scr.table.read_cache import FRESH_S, Recent
from scr.table.table import VERSION, TableClient, row_key


def test_a_read_serves_whoever_must_see_no_later_version():
    reads = Recent()
    reads.add("key", 7, {"value": [1]}, at=1.0)
    assert reads.find("key", 7, 1.0) == reads.find("key", 3, 1.01) == (1.0, 7, '{"value": [1]}')
    assert reads.find("key", 8, 1.0) is None
    assert reads.find("other", 0, 1.0) is None


def test_a_read_serves_only_for_a_moment():
    reads = Recent()
    reads.add("key", 7, 1, at=1.0)
    assert reads.find("key", 7, 1.0 + FRESH_S / 2)
    assert reads.find("key", 7, 1.0 + FRESH_S * 2) is None


def test_that_there_was_nothing_is_known_too():
    reads = Recent()
    reads.add("key", 7, None, at=1.0)
    assert reads.find("key", 7, 1.0) == (1.0, 7, None)


def test_what_was_not_asked_for_longest_is_forgotten_when_there_is_too_much():
    reads = Recent(limit_bytes=100)
    for name in ("a", "b", "c"):
        reads.add(name, 1, "x" * 30, at=1.0)
    assert reads.find("a", 1, 1.0)
    reads.add("d", 1, "x" * 30, at=1.0)
    assert [name for name in "abcd" if reads.find(name, 1, 1.0)] == ["a", "c", "d"]
    reads.add("e", 1, "x" * 1000, at=1.0)
    assert [name for name in "abcde" if reads.find(name, 1, 1.0)] == []


def test_a_newer_read_takes_the_room_of_the_older_one():
    reads = Recent(limit_bytes=50)
    for version in range(20):
        reads.add("key", version, "x" * 30, at=1.0)
    assert reads.find("key", 19, 1.0)


class Server(dict):
    """What the proxy answers for, and how often it was asked.  When it is `dead`, it says so once."""

    asked = 0
    dead = False

    def get(self, key, default=None):
        self.asked += 1
        if self.dead:
            raise EOFError
        return super().get(key, default)


def holding(version: int, **entries: object) -> Server:
    return Server(
        {VERSION: version} | {row_key(key): Entry(key=key, value=v).model_dump() for key, v in entries.items()}
    )


@pytest.fixture
def reach(monkeypatch):
    """A client of these servers, each in its turn."""

    def reach(*servers):
        found = iter(servers)
        client = TableClient(ServiceAddress(path="", authkey=""))
        monkeypatch.setattr(client, "_connect", lambda: next(found))
        return client

    return reach


def test_a_key_is_read_once_until_something_newer_must_be_seen(reach, monkeypatch):
    monkeypatch.setattr(read_cache, "FRESH_S", 60.0)
    server = holding(3, key=["old"])
    client = reach(server)
    assert client.recall("key", at_least=3) == ["old"]
    client.recall("key", at_least=3).append("not for the next reader")
    assert client.recall("key", at_least=2) == ["old"]
    assert client.recall("none", "default", at_least=3) == client.recall("none", "default", at_least=3) == "default"
    assert server.asked == 3  # the version, and each key once
    server |= holding(4, key=["new"])
    assert client.recall("key", at_least=4) == ["new"]


def test_who_need_see_nothing_is_told_what_there_is_now(reach):
    server = holding(3, key="old")
    client = reach(server)
    assert client.recall("key", at_least=0) == "old"
    server |= holding(3, key="new")
    assert client.recall("key", at_least=0) == "new"


def test_a_server_that_was_replaced_is_asked_how_far_it_is(reach, monkeypatch):
    monkeypatch.setattr(table, "PATIENCE_S", 0.0)
    server, empty = holding(3, key="value"), Server()
    client = reach(server, empty)
    assert client.get("key", at_least=3) == "value"
    server.dead = True
    with pytest.raises(TableUnavailable):
        client.get("key", at_least=3)
    with pytest.raises(TableUnavailable, match="did not reach version 3"):
        client.get("key", at_least=3)
    empty |= holding(3, key="value")
    assert client.get("key", at_least=3) == "value"


def test_a_read_is_of_the_version_that_was_there_before_it_whatever_another_thread_sees_meanwhile(reach, monkeypatch):
    monkeypatch.setattr(read_cache, "FRESH_S", 60.0)
    server = holding(3, key="old")
    client = reach(server)
    really = server.get

    def while_another_sees_more(key, default=None):
        found = really(key, default)
        if key == row_key("key"):
            monkeypatch.setattr(server, "get", really)
            server.update(holding(4, key="new"))
            client.get("other", at_least=4)
        return found

    monkeypatch.setattr(server, "get", while_another_sees_more)
    assert client.recall("key", at_least=3) == "old"
    assert client.recall("key", at_least=4) == "new"
