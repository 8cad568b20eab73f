"""Which runtime or server is meant: by the moments when they began, and with the servers that are left out named."""

import os
import tempfile
from contextlib import ExitStack

import pytest

from scr.cli.live_systems import Systems
from scr.cli.select_runtime import reached
from scr.errors import InvalidInput
from scr.protocol.running import SeveralRunning
from scr.protocol.socket_dir import CONTROL, scratch_root
from tests.unit.runtime.listening import listening_at

SERVE = "serve.sock"


@pytest.fixture
def running(tmp_path, monkeypatch):
    """Have something listen as these runtimes and servers do; they began in this order."""
    with tempfile.TemporaryDirectory(prefix="scr-t-") as place, ExitStack() as stack:
        monkeypatch.setattr(tempfile, "tempdir", place)

        def begin(*names):
            for began, name in enumerate(names, 1000):
                path = scratch_root() / name
                path.mkdir()
                socket = path / (SERVE if name.startswith("s-") else CONTROL)
                stack.enter_context(listening_at(socket))
                os.utime(socket, (began, began))

        yield begin


@pytest.mark.parametrize(
    "names",
    [
        ("s-00000001", "r-00000002"),
        ("r-00000002", "s-00000001"),
        ("s-00000001", "r-00000003", "r-00000002"),
        ("s-00000002", "s-00000001"),
    ],
)
def test_the_newest_is_the_one_that_began_last_be_it_a_runtime_or_a_server(running, names):
    running(*names)
    with pytest.raises(SeveralRunning) as refused:
        Systems.find(None)
    assert refused.value.newest == names[-1]
    assert refused.value.args[0].startswith(f"{len(names)} runtimes are running: {', '.join(names)}; choose one")


def test_a_command_that_needs_a_runtime_names_the_servers_that_it_leaves_out(running):
    running("r-00000002", "s-00000001", "r-00000001")
    with pytest.raises(SeveralRunning) as refused, reached(None):
        pass
    *_, servers, command = str(refused.value).splitlines()
    assert servers == "servers are no choice here: s-00000001; `scr queue drain` ends one"
    assert command.endswith("--runtime r-00000001")


@pytest.mark.parametrize("name", [None, "s-00000001"])
def test_where_only_a_server_runs_it_is_named(running, name):
    running("s-00000001")
    with pytest.raises(InvalidInput, match="servers are no choice here: s-00000001") as refused, reached(name):
        pass
    assert "no runtime of yours is running" in str(refused.value)
