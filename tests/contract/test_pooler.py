"""A pooler between a runtime and its server: one that keeps no session is named, one that does is used."""

import os
import shutil
import subprocess

import psycopg
import pytest

from scr.errors import StoreUnavailable
from scr.store.sql.address import database_of
from scr.store.sql.postgres import PostgresDatabase, timeouts
from tests.conftest import until
from tests.contract.postgres_server import NOBODY
from tests.contract.store_harness import Bench, ids, task

CONFIG = """
[databases]
* = host={server} user=scr
[pgbouncer]
unix_socket_dir = {folder}
listen_addr =
auth_type = any
pool_mode = {mode}
default_pool_size = 4
ignore_startup_parameters = extra_float_digits
"""


@pytest.fixture
def pooled(postgres, tmp_path_factory):
    """The URL of an empty database through a pooler in that mode."""
    program, started = shutil.which("pgbouncer"), []
    if program is None:
        pytest.skip("pgbouncer is not installed")

    def start(mode):
        folder = tmp_path_factory.mktemp("pooler")
        for path in (folder, *folder.parents[:3]):
            if os.geteuid() == 0 and path.owner() == "root" and path != path.parent:
                path.chmod(0o755)
        os.chmod(folder, 0o777)
        (folder / "ini").write_text(CONFIG.format(server=postgres.folder, folder=folder, mode=mode))
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        started.append(subprocess.Popen([program, "-q", folder / "ini"], stderr=subprocess.DEVNULL, **who))
        until((folder / ".s.PGSQL.6432").exists)
        name = psycopg.conninfo.conninfo_to_dict(postgres.empty())["dbname"]
        return f"postgresql://scr@/{name}?host={folder}&port=6432"

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_that_keeps_no_session_is_named_and_the_store_is_not_called_damaged(pooled, mode):
    url = pooled(mode)
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match=r"pooler in transaction mode|statement pooling mode"):
            Bench(url)


def test_a_pooler_in_session_mode_is_used(pooled):
    bench = Bench(pooled("session"))
    bench.told(bench.store.accept, task("m0"))
    assert ids(bench.reopened()) == ["m0"]
    bench.close()


@pytest.mark.parametrize("error", [psycopg.errors.DuplicatePreparedStatement, psycopg.errors.InvalidSqlStatementName])
def test_a_statement_that_another_had_prepared_is_no_damage(error):
    explained = PostgresDatabase("postgresql://u@h/d").explain(error('prepared statement "_pg3_0" already exists'))
    assert isinstance(explained, StoreUnavailable)
    assert "pooler in transaction mode" in str(explained)


@pytest.mark.parametrize(
    ("lease_s", "given"),
    [
        (0.5, {"connect_timeout": "2", "tcp_user_timeout": "250", "keepalives_idle": "1", "keepalives_count": "1"}),
        (5.0, {"connect_timeout": "3", "tcp_user_timeout": "2500", "keepalives_idle": "1", "keepalives_count": "1"}),
        (60.0, {"connect_timeout": "30", "tcp_user_timeout": "30000", "keepalives_idle": "15"}),
    ],
)
def test_an_owner_finds_out_within_its_lease_that_it_is_cut_off(lease_s, given):
    assert given.items() <= timeouts(lease_s).items()
    assert timeouts(None) == {}


def test_the_connection_of_an_owner_has_the_timeouts_of_its_lease(postgres):
    database = database_of(postgres.empty())
    session = database.within(3.0).connect(create=True)
    assert session._connection.info.get_parameters()["tcp_user_timeout"] == "1500"
    session.follow(3.0)
    assert session.ask("SHOW statement_timeout") == ("3s",)
    session.follow(3600.0)
    assert session.ask("SHOW statement_timeout") == ("30s",)
    session.close()
    given = database_of(postgres.url("again", connect_timeout=9)).within(3.0).connect()
    assert given._connection.info.get_parameters()["connect_timeout"] == "9", "what the URL says is kept"
    given.close()
