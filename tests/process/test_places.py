"""A runtime whose temporary directory is unusual: it works, or says why it does not."""

import tempfile

import pytest

import scr
from scr.errors import InvalidInput
from scr.protocol.socket_dir import find_runtimes


def echo(ctx, message):
    return message.payload.input


@pytest.fixture
def tmpdir(monkeypatch):
    def use(path):
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setenv("TMPDIR", str(path))

    return use


def test_a_long_temporary_directory_works_and_nothing_stays(tmp_path, tmpdir):
    long = tmp_path / ("x" * 100) / ("y" * 100)
    long.mkdir(parents=True)
    tmpdir(long)
    with scr.Runtime() as runtime:
        runtime.start_agent("echo", echo)
        assert runtime.ask("echo", 1) == 1
        (mine,) = [path for path in find_runtimes() if path.name == runtime.id]
    assert not mine.exists()
    assert list(long.iterdir()) == []


def test_a_temporary_directory_of_others_is_one_sentence_in_the_program(tmp_path, tmpdir):
    tmpdir(tmp_path)
    (tmp_path / f"scr-{tmp_path.stat().st_uid}").mkdir(mode=0o755)
    with pytest.raises(InvalidInput, match="must be a directory of yours with mode 0700"), scr.Runtime():
        pass
