"""A store in a real PostgreSQL: connections that drop, a server that restarts, and what is refused."""

import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest

from scr.errors import RunOwned, ScrError, StoreForeign, StoreUnavailable
from scr.store.archive.archive import open_archive
from scr.store.archive.doctor import examine
from scr.store.sql.address import database_of
from scr.store.sql.lease import Owner, this_process
from tests.conftest import until
from tests.contract.store_harness import Bench, ids, task, turn
from tests.unit.store import version_3
from tests.unit.store.story import image_of, told
from tests.unit.store.version_1 import make_postgres


@pytest.fixture
def database(postgres):
    """The URL of an empty one."""
    return postgres.empty()


@pytest.fixture
def bench(database):
    bench = Bench(database)
    yield bench
    bench.close()


def test_a_store_of_version_1_is_brought_forward(database, tmp_path):
    with psycopg.connect(database, autocommit=True) as connection:
        make_postgres(connection)
    told(f"sqlite:///{tmp_path}/today.db")
    assert image_of(database, "story") == image_of(f"sqlite:///{tmp_path}/today.db", "story")
    with open_archive(database) as archive, open_archive(f"sqlite:///{tmp_path}/today.db") as today:
        assert archive.events("story") == today.events("story")
    assert examine(database_of(database)).is_well


def test_how_the_runs_of_a_store_of_version_3_ended_is_in_their_rows(database, monkeypatch):
    version_3.make(database, monkeypatch)
    with open_archive(database) as archive:
        assert {run.run: run.state for run in archive.runs()} == version_3.STANDS
    with psycopg.connect(database, autocommit=True) as connection:
        assert dict(connection.execute("SELECT run, state FROM scr.runs").fetchall()) == version_3.STANDS


def drop_connections(postgres, bench):
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        name = psycopg.conninfo.conninfo_to_dict(bench.url)["dbname"]
        dropped = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        until(lambda: connection.execute(dropped, [name]).fetchall())


def test_dropped_connections_are_made_again_and_nothing_is_kept_twice(postgres, bench):
    kept = []
    bench.told(bench.store.accept, task("m0"))
    for n in range(60):
        sent = (task(f"m{n + 1}", value=n),)
        bench.store.commit(turn(f"m{n}", sends=sent), lambda n=n: kept.append(n))
        if n % 20 == 10:
            drop_connections(postgres, bench)
    bench.pump(lambda: len(kept) == 60)
    assert kept == list(range(60))
    assert ids(bench.reopened()) == ["m60"]
    with open_archive(bench.url) as archive:
        assert len(archive.turns("run")) == 60
        assert len(archive.messages("run")) == 61
    assert {status.state for status in bench.changed} == {"trouble", "ok"}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_restarts_delays_and_loses_nothing(postgres, bench, how):
    kept = []
    bench.told(bench.store.accept, task("m0"))
    postgres.stop(how)
    try:
        bench.store.accept(task("m1"), lambda: kept.append(1))
        bench.pump(lambda: bench.changed)
        assert (bench.changed[0].state, kept) == ("trouble", [])
        with pytest.raises(StoreUnavailable, match=r"cannot be used.*(No such file|refused)"):
            Bench(bench.url, "another")
    finally:
        postgres.start()
    bench.pump(lambda: kept)
    assert bench.store.status().state == "ok"
    assert ids(bench.reopened()) == ["m0", "m1"]


@pytest.mark.parametrize("again", range(4))
def test_a_store_that_several_make_at_the_same_time_is_used_by_all(database, again):
    together = Barrier(6)

    def make(run):
        store = database_of(database)
        together.wait()
        store.connect(create=True).close()
        return Bench(database, run)

    with ThreadPoolExecutor(6) as threads:
        benches = list(threads.map(make, "abcdef"))
    for bench in benches:
        bench.told(bench.store.accept, task("m0"))
        bench.close()
    with open_archive(database) as archive:
        assert sorted(listed.run for listed in archive.runs()) == list("abcdef")


def test_another_machine_takes_over_only_when_the_lease_has_run_out_on_the_servers_clock(bench):
    elsewhere = Owner("another-boot", "1", 5, 5)
    with pytest.raises(RunOwned, match="'runtime'"):
        bench.open(owner=str(elsewhere))
    bench.store.close(release=False)
    with psycopg.connect(bench.url, autocommit=True) as connection:
        connection.execute("UPDATE scr.runs SET lease_until = extract(epoch FROM clock_timestamp()) - 1")
    taken = bench.open(owner=str(elsewhere), runtime="elsewhere")
    assert taken.image.epoch == 2
    with pytest.raises(RunOwned, match="'elsewhere'"):
        bench.open(owner=str(this_process()))


def test_an_owner_that_stopped_in_a_transaction_holds_nobody_up_for_ever(bench, monkeypatch):
    """The server ends its transaction, and it finds that the run is another's."""
    bench.told(bench.store.accept, task("m0"))
    session = bench.store._writer._session
    session.script("SET idle_in_transaction_session_timeout = '200ms'")
    session.begin()
    session.script("UPDATE scr.runs SET batch = batch")
    taken = bench.open()
    assert ids(taken.image) == ["m0"]
    bench.store.accept(task("m1"), lambda: pytest.fail("it is another's"))
    bench.pump(lambda: bench.lost)
    assert "another runtime has taken the run" in str(bench.lost[0])


def test_a_password_that_is_refused_is_shown_nowhere(postgres):
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'right'")
    postgres.hba("local all guest scram-sha-256", "local all all trust")
    secret = "s3cret/%40"
    for url in (
        f"postgresql://guest:{secret.replace('/', '%2F')}@/postgres?host={postgres.folder}",
        f"postgresql://guest@/postgres?host={postgres.folder}&password=s3cret",
        "postgresql://guest:s3cret@nowhere.invalid:1/postgres?connect_timeout=1",
        "postgresql://guest:s3cret@[nonsense/postgres",
    ):
        with pytest.raises(ScrError) as refused:
            Bench(url)
        said = "".join(str(error) for error in (refused.value, refused.value.__cause__) if error)
        assert "s3cret" not in said
    with pytest.raises(StoreUnavailable, match="password authentication failed"):
        Bench(f"postgresql://guest:s3cret@/postgres?host={postgres.folder}")


def test_a_password_is_in_no_status(postgres, database):
    bench = Bench(database.replace("scr@", "scr:s3cret@"))
    assert "s3cret" not in repr(bench.store.status())
    assert "scr:***@" in bench.store.status().url
    bench.close()


def test_what_is_anothers_or_newer_is_refused(database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA scr")
        with pytest.raises(StoreForeign, match="another program's"):
            Bench(database)
        connection.execute("DROP SCHEMA scr")
        with pytest.raises(StoreUnavailable, match="there is no store in"):
            open_archive(database)
        Bench(database).close()
        connection.execute("UPDATE scr.meta SET version = 99")
    with pytest.raises(StoreForeign, match="version 99"):
        Bench(database)


def test_a_user_who_may_not_make_it_is_told(postgres, database):
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
    with pytest.raises(StoreUnavailable, match="permission denied"):
        Bench(database.replace("scr@", "reader@"))


@pytest.mark.parametrize(("durability", "setting"), [("power", "on"), ("process", "off")])
def test_how_durable_a_commit_is_follows_the_url(database, durability, setting):
    bench = Bench(f"{database}&durability={durability}")
    assert bench.store._writer._session.ask("SHOW synchronous_commit") == (setting,)
    bench.close()
