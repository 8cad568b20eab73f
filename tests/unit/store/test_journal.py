"""The file of events in a run's folder: a torn tail is cut, damage further up is put aside, both are told."""

import pytest

from scr.errors import StoreUnavailable
from scr.store.archive.journal import examine, mend, read
from scr.telemetry.events import Logged, Record

EVENTS = 40


def line(seq):
    record = Record(seq=seq, at=seq / 2, time=9.0 + seq, event=Logged(agent="a", text=f"line {seq} \N{SNOWMAN}"))
    return record.to_json() + b"\n"


WHOLE = b"".join(line(seq) for seq in range(1, EVENTS + 1))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(WHOLE)
    return path


def sentences(found):
    return " ".join(finding.sentence for finding in found)


def test_nothing_is_wrong_with_a_whole_one(path):
    assert (examine(path), mend(path, "now")) == ((), ())
    assert path.read_bytes() == WHOLE
    path.write_bytes(b"")
    assert examine(path) == ()


def test_a_tail_that_is_torn_anywhere_is_cut(path):
    for size in range(len(WHOLE) - 300, len(WHOLE)):
        path.write_bytes(WHOLE[:size])
        is_torn = not WHOLE[:size].endswith(b"\n")
        assert ("half a record" in sentences(mend(path, "now"))) == is_torn
        assert path.read_bytes() == WHOLE[:size][: WHOLE[:size].rfind(b"\n") + 1]
    assert [other.name for other in path.parent.iterdir()] == ["events.jsonl"]


def test_a_tail_of_zeros_is_cut(path):
    path.write_bytes(WHOLE + bytes(4096))
    assert "its last 4096 bytes" in sentences(examine(path))
    mend(path, "now")
    assert path.read_bytes() == WHOLE


def test_an_examination_changes_nothing(path):
    path.write_bytes(WHOLE[:-3])
    assert examine(path)
    assert path.read_bytes() == WHOLE[:-3]


def test_what_is_damaged_further_up_is_put_aside_and_the_rest_is_kept(path):
    data = WHOLE.replace(b"line 7 ", b"line \x00 ").replace(b'"seq":9,', b'"seq":"nine",') + b"torn"
    path.write_bytes(data)
    found = sentences(mend(path, "now"))
    assert "2 of its lines are no records (line 7, 9)" in found
    assert "its last 4 bytes are half a record" in found
    assert path.with_name("events.jsonl.damaged-now").read_bytes() == data
    assert path.read_bytes() == b"".join(line(seq) for seq in range(1, EVENTS + 1) if seq not in {7, 9})
    assert read(path).gaps == ((6, 8), (8, 10))
    assert len(list(path.parent.iterdir())) == 2


def test_a_flipped_bit_in_the_frame_of_a_line_is_found(path):
    for place in range(0, len(WHOLE), 97):
        data = bytearray(WHOLE)
        data[place] ^= 0x80
        path.write_bytes(data)
        assert examine(path), f"at byte {place}"


def test_what_is_missing_is_told(path):
    path.write_bytes(WHOLE.replace(line(5), b"").replace(line(6), b""))
    assert [finding.sentence for finding in examine(path)] == [f"{path}: after event 4 comes event 7"]


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        examine(tmp_path / "none.jsonl")
