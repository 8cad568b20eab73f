"""What a person may write for a store: a URL is made of it at once, or it is refused with the one to write."""

from pathlib import Path

import pytest

import scr
from scr.errors import InvalidInput, StoreUnavailable
from scr.store import url as urls
from scr.store.url import file_of, sqlite_url, store_url


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("sqlite:///work.db", "work.db"),
        ("sqlite:///deep/er/work", "deep/er/work"),
        ("work.db", "work.db"),
        ("./a/work.sqlite", "a/work.sqlite"),
        (Path("work.any"), "work.any"),
        ("sqlite:///~/x.db", "home/x.db"),
        ("~/x.db", "home/x.db"),
        (Path("~/x.db"), "home/x.db"),
        ("sqlite:///two words.db", "two words.db"),
        ("sqlite:///two%20words.db", "two words.db"),
        ("two%20words.db", "two%20words.db"),
        ("sqlite:///one#two.db", "one#two.db"),
        ("why?.db", "why?.db"),
        ("sqlite:///why%3F.db", "why?.db"),
        ("sqlite:///tab\there.db", "tab\there.db"),
    ],
)
def test_a_file_is_the_one_that_was_meant_wherever_the_program_goes_later(here, given, name, monkeypatch):
    url = store_url(given)
    monkeypatch.chdir("/")
    assert file_of(url) == (here / name, True)
    assert store_url(url) == url


def test_how_durable_a_file_is_stays_in_its_url(here):
    url = store_url("sqlite:///x.db?durability=process")
    assert file_of(url) == (here / "x.db", False)
    assert store_url(url) == url == sqlite_url(here / "x.db", is_durable=False)


@pytest.mark.parametrize("given", ["memory:", ":memory:", "sqlite:///:memory:", "memory://"])
def test_memory_is_memory_however_it_is_written(given):
    assert store_url(given) == "memory:"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_server_may_be_named_in_both_ways(scheme):
    assert store_url(f"{scheme}://me@host:5/db?durability=process&sslmode=prefer") == (
        "postgresql://me@host:5/db?durability=process&sslmode=prefer"
    )


REFUSED = [
    ("", "the store is empty"),
    (" ", "the store is empty"),
    (None, "is a NoneType; give sqlite:///"),
    (b"work.db", "is a bytes"),
    ("work", "'work' is no kind of store; .*: sqlite:///work is a file"),
    ("sqlite://", "names no file; write sqlite:///work.db"),
    ("work", r"; if a file is meant: sqlite:///work is a file; stores are .* or memory:$"),
    ("folder", "the store 'folder' is a folder and no file; name a file in it, as in sqlite:///.*/folder/work.db"),
    ("sqlite:///", "the store 'sqlite:///' is a folder and no file"),
    ("sqlite://work.db", "write sqlite:///work.db"),
    ("sqlite:work.db", "write sqlite:///work.db"),
    ("sqlite:/x/work.db", "write sqlite:////x/work.db"),
    ("file:work.db", "no kind of store"),
    ("mysql://host/db", "'mysql' is no kind of store"),
    ("sqlite:///x.db?mode=ro", "parameter 'mode'"),
    ("sqlite:///x.db?timeout=5", "parameter 'timeout'"),
    ("sqlite:///x.db?durability=", "durability= is unknown"),
    ("postgresql://host/db?durability=never", "durability=never is unknown"),
    ("postgresql://host/db?mode=ro", "parameter 'mode'"),
    ("postgresql:/host/db", "lacks its slashes"),
    ("postgresql://host:many/db", "the store's URL is none"),
    ("sqlite:///folder", "is a folder and no file; name a file in it, as in sqlite:///.*/folder/work.db"),
    ("sqlite:///new/", "is a folder and no file"),
    ("sqlite:///file/x.db", "/file is no folder"),
    ("sqlite:///x%00.db", "is no path of a file"),
    ("sqlite:///x%FF.db", "is no path of a file"),
    ("sqlite:///~nobody-of-that-name/x.db", "is no path of a file"),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("given", "words"), REFUSED)
def test_what_names_no_store_is_refused_with_what_to_write(given, words):
    with pytest.raises(InvalidInput, match=words):
        store_url(given)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("given", ["", "work", "mysql://host/db", "sqlite:///x.db?mode=ro", Path("folder")])
def test_a_program_hears_it_before_anything_is_started(given):
    with pytest.raises(InvalidInput):
        scr.Runtime(store=given)


def test_a_client_for_servers_that_is_missing_is_named_with_the_distribution(monkeypatch):
    monkeypatch.setattr(urls, "CLIENT", "a_client_that_is_not_there")
    with pytest.raises(StoreUnavailable, match=r"supervised-cognitive-runtime\[postgres\]"):
        store_url("postgresql://host/db")


@pytest.mark.parametrize("settings", [None, scr.Settings(store="other.db")])
def test_a_path_in_a_program_is_where_it_was_when_the_runtime_was_made(here, monkeypatch, settings):
    runtime = scr.Runtime(store="work.db" if settings is None else None, settings=settings)
    monkeypatch.chdir("/")
    assert file_of(runtime._settings.store)[0] == here / ("other.db" if settings else "work.db")
