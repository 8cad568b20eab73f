"""A handle says which run, store and process it is for, and its help can be read."""

import pydoc
import socket

import pytest

import scr
from scr.client.server import Client
from scr.client.submitted import Submitted
from scr.protocol.running import Running
from scr.store.url import shown_url


def test_a_runtime_says_its_run_its_store_its_process_and_its_state(tmp_path):
    runtime = scr.Runtime(store=tmp_path / "work.db", run="nightly")
    assert repr(runtime) == f"<Runtime run=nightly store=sqlite:///{tmp_path}/work.db pid=0 not started>"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@host:5432/db?sslmode=require", "postgresql://me@host:5432/db?sslmode=require"),
        ("postgresql://host/db?user=me&password=secret", "postgresql://host/db?user=me"),
        ("postgresql:///db", "postgresql:///db"),
        ("sqlite:////tmp/a:b@c.db", "sqlite:////tmp/a:b@c.db"),
        ("memory:", "memory:"),
    ],
)
def test_a_store_is_shown_without_its_password(url, shown):
    assert shown_url(url) == shown


def test_handles_of_one_runtime_name_it_and_its_process():
    with scr.Runtime(quiet=True) as runtime:
        runtime.start_agent("echo", lambda ctx, message: ctx.reply(1))
        submitted = runtime.submit("echo", {})
        assert repr(runtime) == f"<Runtime run={runtime.run} store=memory: pid={runtime.pid} running>"
        assert repr(submitted) == f"<Submitted {submitted.id} to {runtime!r}>"
        with scr.connect(runtime.id) as client:
            assert repr(client) == f"<Client runtime={runtime.id} run={runtime.run} pid={runtime.pid} running>"
    assert repr(runtime).endswith("pid=0 ended>")


@pytest.mark.parametrize("kind", [scr.Runtime, Submitted, scr.Agent, scr.Context])
def test_the_help_of_a_handle_has_no_line_that_fills_a_screen(kind):
    told = pydoc.plain(pydoc.render_doc(kind))
    assert max(map(len, told.splitlines())) < 600
    assert "SupervisorSpec(" not in told


def test_a_client_of_a_server_names_it_and_its_process():
    ours, theirs = socket.socketpair()
    with theirs, Client(ours, Running("s-1", pid=42)) as client:
        assert repr(client) == "<Client server=s-1 pid=42>"
