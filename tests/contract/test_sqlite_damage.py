"""A store in a file that was cut, bent, or is not one: never a wrong answer."""

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from scr.errors import InvalidInput, StoreDamaged, StoreError, StoreForeign, StoreUnavailable
from scr.protocol.frames import Entry, StartRequest, StepRecord, Timer
from scr.store.archive.archive import open_archive
from scr.store.records import DeadLetter, OpenAsk
from scr.store.sql import schema
from scr.store.sql import snapshot as images
from scr.store.sql.opening import find
from scr.store.sql.schema import Migration
from scr.store.sql.snapshot import Counters
from scr.store.sql.sqlite import SqliteDatabase
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import Logged, Record
from tests.contract.store_harness import Bench, answer, comparable, failure, spec, task, turn

FAST = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(dir=FAST, prefix="scr-damage-") as name:
        yield Path(name)


def present(path):
    """What a runtime would begin from, with the same checks; nobody's run is touched."""
    session = SqliteDatabase(path).connect(create=True)
    try:
        session.check()
        row = find(session, "run")
        if row is None:
            return None
        return images.read(session, row.id, Counters(0, row.seq, row.n), crashes=10)[0]
    finally:
        session.close()


def story(bench):
    """A bit of everything, in steps that are acknowledged."""
    store = bench.store
    for agent in "bcd":
        store.admit(spec(agent), "root", 1)
    for n in range(6):
        store.append(Record(seq=n + 1, at=1.0, time=2.0, event=Logged(agent="b", text=f"line {n}")))
        bench.told(store.accept, task(f"m{n}", value={"text": "payload " * 20}))
    bench.told(store.record, "m1", StepRecord(name="fetch", value="page " * 30))
    bench.told(store.record, "m1", StepRecord(name="pay", state="begun"))
    frame = {"state": {"seen": ["m0"]}, "sends": (task("s0"), answer("r0", "m0")), "monitors": ("c", "d")}
    bench.told(store.commit, turn("m0", **frame, timers=(Timer(message=task("t0"), due=9.0),)))
    starts = (StartRequest(supervisor="root", spec=spec("w")),)
    bench.told(store.commit, turn("m2", "c", state=[1], starts=starts, entries=(Entry(key="k", value=[1, 2]),)))
    bench.told(store.accept, task("q0", to="c"), ask=OpenAsk("q0", "b", "m1", "ask c", 9.0))
    bench.told(store.bury, DeadLetter(task("m3"), "quarantined", "why", 3), failure("f0", "m3"))
    store.crash(CrashRecord(agent="b", incarnation=1, pid=1, reason="error"))
    bench.settle()


@pytest.fixture
def written(folder):
    path = folder / "store.db"
    bench = Bench(f"sqlite:///{path}")
    story(bench)
    bench.close()
    return path


def outcome(path):
    """The image, or the error that was raised in its place."""
    try:
        return present(path)
    except StoreError as error:
        return error


def test_a_file_cut_anywhere_is_never_opened_as_another_run(written, folder):
    whole, data, cut = present(written), written.read_bytes(), folder / "cut.db"
    for size in range(0, len(data), 512):
        cut.write_bytes(data[:size])
        found = outcome(cut)
        assert isinstance(found, StoreDamaged | StoreForeign), size
        assert str(cut) in str(found)
    cut.write_bytes(data)
    assert outcome(cut) == whole


def test_a_file_with_a_flipped_bit_is_refused_or_is_the_same_run(written, folder):
    """What counts deliveries, and the order of steps and of monitors, is not sealed: it may be another."""

    def sealed(image):
        mail = (replace(kept, deliveries=0, deaths=0, parked="") for kept in comparable(image).mail)
        return replace(image, mail=tuple(mail), monitors=tuple(sorted(image.monitors)))

    whole, data, bent = sealed(present(written)), written.read_bytes(), folder / "bent.db"
    rng, refused = random.Random(4), 0
    used = [place for place, byte in enumerate(data) if byte]  # the rest is unused, nearly all of it
    for _ in range(400):
        place = rng.choice(used)
        flipped = bytearray(data)
        flipped[place] ^= 1 << rng.randrange(8)
        bent.write_bytes(flipped)
        found = outcome(bent)
        if isinstance(found, StoreDamaged | StoreForeign):
            refused += 1
        else:
            assert not isinstance(found, Exception), found
            assert sealed(found) == whole, place
    assert refused > 200


def test_after_a_crash_at_any_moment_all_that_was_acknowledged_is_there(folder):
    """Of what was written after the last sync, any sector may have come to the disk or not, be torn, or be zero.

    A commit writes the log alone; a checkpoint writes the file alone, and only then may it cut the log.
    """
    path = folder / "store.db"
    bench = Bench(f"sqlite:///{path}")
    bench.settle()
    bench.store._writer._session.pragma("wal_autocheckpoint = 0")
    rng, seen, torn = random.Random(3), 0, 0
    before, known = snapshot(path), present(path)
    for n in range(24):
        act(bench, n, rng)
        after = snapshot(path)
        now = imaged(folder, after)
        for image in crashes(rng, before, after):
            found = imaged(folder, image)
            assert found in (known, now), f"after write {n}"
            seen, torn = seen + 1, torn + (found == known != now)
        before, known = after, now
    bench.close()
    assert seen > 250
    assert torn > 50


def act(bench, n, rng):
    if n % 6 < 5:
        bench.told(bench.store.accept, task(f"m{n}", value="x" * rng.randrange(3000)))
    else:
        bench.store._writer._session.pragma(f"wal_checkpoint({'TRUNCATE' if n % 12 == 5 else 'PASSIVE'})")


def snapshot(path):
    return path.read_bytes(), path.with_name(f"{path.name}-wal").read_bytes()


def imaged(folder, image):
    path = folder / "image.db"
    path.write_bytes(image[0])
    (folder / "image.db-wal").write_bytes(image[1])
    (folder / "image.db-shm").unlink(missing_ok=True)
    return present(path)


def crashes(rng, before, after):
    for _ in range(12):
        if before[0] != after[0]:
            yield mixed(rng, before[0], after[0]), before[1]
        if before[1] != after[1]:
            yield after[0], mixed(rng, before[1], after[1])


def mixed(rng, old, new, sector=512):
    """Each sector as it was, as it is, torn, or zero where it had been nothing."""
    if old == new:
        return new
    made, share = bytearray(old if len(new) >= len(old) else new), rng.random()
    for begin in range(0, len(new), sector):
        was, now = old[begin : begin + sector], new[begin : begin + sector]
        if was == now:
            continue
        if len(made) < begin:
            made.extend(b"\0" * (begin - len(made)))
        cut = rng.randrange(len(now))
        choice = rng.random()
        if choice < share:
            made[begin : begin + sector] = now
        elif choice < share + 0.1:
            made[begin : begin + sector] = now[:cut] + (was[cut:] or b"\0" * (len(now) - cut))
    return bytes(made)


def test_what_is_not_a_store_is_refused_and_left_as_it_is(tmp_path):
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE things (x)")
    connection.close()
    (tmp_path / "text.db").write_text("not a database\n" * 100)
    (tmp_path / "empty.db").touch()
    for name, error in [("other.db", StoreForeign), ("text.db", StoreForeign), ("empty.db", StoreDamaged)]:
        before = (tmp_path / name).read_bytes()
        with pytest.raises(error, match=name):
            Bench(f"sqlite:///{tmp_path}/{name}")
        assert (tmp_path / name).read_bytes() == before


def test_a_store_of_a_newer_version_is_refused_with_both_versions(written):
    connection = sqlite3.connect(written)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreForeign, match=r"version 99.*versions up to 4"):
        Bench(f"sqlite:///{written}")


def test_a_store_of_an_older_version_is_brought_forward_once(written, monkeypatch):
    second = Migration(("ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'",))
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, second))
    whole = present(written)
    assert present(written) == whole
    session = SqliteDatabase(written).connect()
    assert (session.pragma("user_version"), session.ask("SELECT colour FROM runs")) == (5, ("blue",))
    session.close()


def test_a_migration_that_fails_leaves_the_older_version_as_it_was(written, monkeypatch):
    whole, landed = present(written), schema.MIGRATIONS
    wrong = Migration(("ALTER TABLE runs ADD COLUMN colour TEXT", "NO SUCH STATEMENT"))
    monkeypatch.setattr(schema, "MIGRATIONS", (*landed, wrong))
    with pytest.raises(StoreDamaged):
        present(written)
    monkeypatch.setattr(schema, "MIGRATIONS", landed)
    assert present(written) == whole


def test_a_new_store_is_its_users_alone_and_whole_at_once(tmp_path):
    path = tmp_path / "some/where/store.db"
    bench = Bench(f"sqlite:///{path}")
    bench.told(bench.store.accept, task("m0"))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}
    bench.close()
    assert [file.name for file in path.parent.iterdir()] == ["store.db"]


def test_an_archive_makes_no_store(tmp_path):
    with pytest.raises(StoreUnavailable, match="there is no store at"):
        open_archive(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["sqlite:", "sqlite:///", "mysql://x/y", "store.db", "sqlite:///x?durability=none", "sqlite://host/x", ""]
)
def test_what_is_no_url_of_a_store_is_refused_with_what_would_be(url):
    with pytest.raises(InvalidInput, match=r"postgresql://|power or process"):
        open_archive(url)


def test_a_relative_path_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Bench("sqlite:///here.db?durability=process").close()
    assert [path.name for path in tmp_path.iterdir()] == ["here.db"]


def test_another_program_that_holds_the_store_locked_delays_and_loses_nothing(tmp_path):
    bench = Bench(f"sqlite:///{tmp_path}/store.db")
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    heard = []
    bench.store.accept(task("m0"), lambda: heard.append(1))
    bench.pump(lambda: bench.changed)
    assert (bench.changed[0].state, heard) == ("trouble", [])
    assert "holds the store" in bench.changed[0].detail
    other.execute("COMMIT")
    other.close()
    bench.pump(lambda: heard)
    assert [status.state for status in bench.changed] == ["trouble", "ok"]
    assert [kept.message.message_id for kept in bench.reopened().mail] == ["m0"]
    bench.close()


HOLDER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
input()
"""


def test_who_holds_the_store_locked_is_named_and_what_to_do_when_it_is_stopped(tmp_path):
    path = tmp_path / "store.db"
    Bench(f"sqlite:///{path}").close()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StoreUnavailable, match=rf"process {other.pid} \(.+\) holds the store .+; end it, or wait"):
            Bench(f"sqlite:///{path}")
        other.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, other.pid, os.WSTOPPED | os.WNOWAIT)
        with pytest.raises(StoreUnavailable, match=f"is stopped and holds .+`kill -CONT {other.pid}` has it go on"):
            Bench(f"sqlite:///{path}")
        other.kill()
    Bench(f"sqlite:///{path}").close()


def test_a_disk_that_fills_up_or_is_read_only_loses_nothing_and_says_so(tmp_path):
    script = ["unshare", "--map-root-user", "--mount", sys.executable, "-m", "tests.contract.full_disk", str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    lost, read_only, kept = done.stdout.splitlines()
    assert lost == f"lost: there is no space left for the store {tmp_path}/store.db; make some"
    assert f"the store {tmp_path}/store.db cannot be written" in read_only
    assert int(kept.removeprefix("kept: ")) > 3
