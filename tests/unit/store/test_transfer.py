"""A run that is exported and imported is the same run, or nothing is imported."""

import json
import stat
from dataclasses import replace
from hashlib import blake2b

import pytest

from scr.errors import InvalidInput, StoreDamaged, StoreError, StoreForeign, StoreUnavailable, UnknownRun
from scr.store.archive.transfer import export_run, import_run
from scr.store.sql.address import database_of
from scr.store.sql.statements import Statement
from tests.unit.store.story import image_of, told

NAMES = Statement("SELECT run, state, owner FROM runs ORDER BY id")


def names(url):
    session = database_of(url).connect(create=True, read_only=False)
    found = session.rows(NAMES)
    session.close()
    return found


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('origin')}/store.db?durability=process"
    told(url)
    return url


@pytest.fixture(scope="module")
def exported(origin, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "run.jsonl"
    export_run(database_of(origin), "story", path, at=12.5)
    return path


@pytest.fixture
def target(tmp_path):
    return f"sqlite:///{tmp_path}/target.db?durability=process"


def test_it_comes_back_as_it_was(origin, exported, target):
    imported = import_run(database_of(target), exported)
    assert imported.run == "story"
    assert imported.rows == len(exported.read_bytes().splitlines()) - 2
    assert names(target) == [("story", "stopped", None)]
    assert replace(image_of(target, "story"), epoch=0) == replace(image_of(origin, "story"), epoch=0)


def test_what_is_exported_again_is_the_same(exported, target, tmp_path):
    import_run(database_of(target), exported)
    export_run(database_of(target), "story", tmp_path / "again.jsonl", at=12.5)
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()


def test_the_header_tells_what_is_in_it(exported):
    header, *lines, end = map(json.loads, exported.read_bytes().splitlines())
    assert (header["format"], header["version"], header["run"], header["time"]) == ("scr-run", 1, "story", 12.5)
    for table, count in header["counts"].items():
        assert sum(line[0] == table for line in lines) == count
    assert min(header["counts"].values()) > 0, "the story has something of everything"
    assert end["rows"] == len(lines)


def test_nothing_of_its_owner_goes_along_and_nobody_else_may_read_it(exported):
    run = json.loads(exported.read_bytes().splitlines()[1])[1]
    assert not {"owner", "runtime", "lease_until"} & run.keys()
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]


def test_it_can_have_another_name_and_only_one_run_has_it(exported, target):
    import_run(database_of(target), exported)
    with pytest.raises(InvalidInput, match="there is a run 'story'"):
        import_run(database_of(target), exported)
    assert import_run(database_of(target), exported, name="other").run == "other"
    assert names(target) == [("story", "stopped", None), ("other", "stopped", None)]
    assert image_of(target, "story").mail == image_of(target, "other").mail
    session = database_of(target).connect()
    assert session.rows(Statement("SELECT run, root FROM runs ORDER BY id")) == [("story", None), ("other", "story")]
    session.close()


def test_a_file_that_is_truncated_anywhere_brings_nothing(exported, target, tmp_path):
    data, path = exported.read_bytes(), tmp_path / "torn.jsonl"
    for size in [*range(0, len(data), len(data) // 60), len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(StoreError, match=r"torn\.jsonl"):
            import_run(database_of(target), path)
    assert names(target) == []


def test_a_flipped_bit_anywhere_brings_nothing(exported, target, tmp_path):
    data, path = exported.read_bytes(), tmp_path / "flipped.jsonl"
    for place in range(0, len(data), len(data) // 150):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(StoreError, match=r"flipped\.jsonl"):
            import_run(database_of(target), path)
    assert names(target) == []


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b'"scr-run"', b'"scr-ruin"', StoreForeign),
        (b'"version":1', b'"version":2', StoreForeign),
        (b'"schema":4', b'"schema":99', StoreForeign),
        (b'"version":1', b'"version":"1"', StoreForeign),
    ],
)
def test_a_file_of_another_kind_or_of_a_newer_version_is_foreign(exported, target, tmp_path, old, new, error):
    path = tmp_path / "foreign.jsonl"
    path.write_bytes(exported.read_bytes().replace(old, new, 1))
    with pytest.raises(error, match=r"foreign\.jsonl"):
        import_run(database_of(target), path)
    path.write_bytes(b"")
    with pytest.raises(StoreForeign):
        import_run(database_of(target), path)


def test_a_row_that_was_changed_and_sealed_with_a_good_checksum_is_refused_whole(exported, target, tmp_path):
    path = tmp_path / "forged.jsonl"
    path.write_bytes(forged(exported.read_bytes().replace(b"Segmentation", b"segmentation")))
    with pytest.raises(StoreDamaged, match="crashes"):
        import_run(database_of(target), path)
    path.write_bytes(forged(exported.read_bytes().replace(b'"watcher"', b'"watched"', 1)))
    with pytest.raises(StoreDamaged, match="no row with"):
        import_run(database_of(target), path)
    assert names(target) == []


def forged(data):
    *lines, _ = data.splitlines(keepends=True)
    body = b"".join(lines)
    return body + json.dumps({"rows": len(lines) - 1, "blake2b": blake2b(body).hexdigest()}).encode() + b"\n"


def test_an_export_replaces_nothing_and_leaves_nothing_half(origin, exported, tmp_path):
    before = exported.read_bytes()
    with pytest.raises(InvalidInput, match="is there already"):
        export_run(database_of(origin), "story", exported, at=1.0)
    assert exported.read_bytes() == before
    with pytest.raises(UnknownRun):
        export_run(database_of(origin), "nobody", tmp_path / "none.jsonl", at=1.0)
    with pytest.raises(InvalidInput, match="there is no"):
        export_run(database_of(origin), "story", tmp_path / "no" / "folder.jsonl", at=1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_row_is_not_exported(tmp_path):
    url = f"sqlite:///{tmp_path}/store.db?durability=process"
    told(url)
    session = database_of(url).connect()
    session.script("UPDATE turns SET state = '{}' WHERE state IS NOT NULL")
    session.close()
    with pytest.raises(StoreDamaged, match="turns"):
        export_run(database_of(url), "story", tmp_path / "run.jsonl", at=1.0)
    assert not (tmp_path / "run.jsonl").exists()


def test_a_file_that_is_not_there_is_told(target, tmp_path):
    with pytest.raises(InvalidInput, match="there is no"):
        import_run(database_of(target), tmp_path / "never.jsonl")
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        import_run(database_of(target), tmp_path)
