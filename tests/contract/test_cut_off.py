"""A runtime whose server answers nothing: at the end of its lease its agents end, and they go on when it answers."""

import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

import scr
from scr.config import Settings
from scr.errors import RunOwned
from scr.store.sql import lease
from scr.store.sql.postgres import PostgresDatabase
from tests.conftest import until
from tests.contract.store_harness import Bench


class Slow(scr.Agent):
    """Tells its process, and does not end before it is told to."""

    def on_task(self, ctx, message):
        given = message.payload.input
        Path(given, str(os.getpid())).touch()
        while not Path(given, "go").exists():
            ctx.progress()
            time.sleep(0.01)
        ctx.reply([os.getpid(), ctx.deliveries])


def is_gone(pid):
    return not Path(f"/proc/{pid}").exists()


def test_an_owner_that_is_cut_off_ends_its_agents_with_its_lease_and_goes_on_when_it_is_back(postgres, tmp_path):
    settings = Settings(store=postgres.empty(), lease_s=2.0)
    exits = []
    with scr.Runtime(settings=settings, listener=lambda record: exits.append(record.event)) as runtime:
        runtime.start_agent("slow", Slow)
        asked = runtime.submit("slow", str(tmp_path))
        (first,) = until(lambda: list(tmp_path.iterdir()))
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            found = connection.execute("SELECT pid FROM pg_stat_activity WHERE datname = 'again'").fetchall()
        for (pid,) in found:
            os.kill(pid, signal.SIGSTOP)
        try:
            until(lambda: is_gone(first.name))
            assert list(tmp_path.iterdir()) == [first], "nothing is delivered to another process"
        finally:
            for (pid,) in found:
                os.kill(pid, signal.SIGCONT)
        (second,) = until(lambda: [path for path in tmp_path.iterdir() if path != first])
        (tmp_path / "go").touch()
        assert asked.result(20) == [int(second.name), 2]
    told = [event.detail for event in exits if event.kind == "agent_exited" and event.pid == int(first.name)]
    assert told == ["by its runtime, which could not renew the lease of the run"]


@pytest.mark.parametrize(
    ("said", "is_down"),
    [
        ('connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused', True),
        ("connection to server on socket failed: No such file or directory", True),
        ("connection failed: FATAL:  the database system is starting up", True),
        ("connection timeout expired", False),
        ("connection to server failed: No route to host", False),
        ("server closed the connection unexpectedly", False),
    ],
)
def test_a_server_that_is_away_for_all_is_told_from_a_network_that_is_away_for_one(said, is_down):
    explained = PostgresDatabase("postgresql://u@h/d").explain(psycopg.OperationalError(said))
    assert explained.is_down is is_down


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_machine_whose_clock_is_wrong_by_an_hour_takes_no_run_that_is_owned(postgres, monkeypatch, hours):
    bench = Bench(postgres.empty())
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600 * hours)
    elsewhere = str(lease.Owner("another-boot", "1", 5, 5))
    with pytest.raises(RunOwned):
        bench.open(owner=elsewhere)
    bench.store.close()
    taken = bench.open(owner=elsewhere, lease_s=60.0)
    monkeypatch.undo()
    with pytest.raises(RunOwned):
        bench.open()
    taken.close()
