"""Who holds a file locked, as the kernel tells."""

from scr.store.sql.lock_holder import writers

LOCKS = """\
1: POSIX  ADVISORY  WRITE 11 fe:00:77 120 120
1: -> POSIX  ADVISORY  WRITE 12 fe:00:77 120 120
2: POSIX  ADVISORY  READ 13 fe:00:77 124 124
3: POSIX  ADVISORY  WRITE 14 fe:00:78 120 120
4: FLOCK  ADVISORY  WRITE 15 fe:00:99 0 EOF
5: OFDLCK ADVISORY  WRITE -1 fe:00:77 120 120
6: POSIX  ADVISORY  WRITE 16 fe:01:77 120 120
"""


def test_who_writes_is_told_from_who_waits_reads_or_holds_another_file():
    assert list(writers(LOCKS, {"fe:00:77", "fe:00:99"})) == [11, 15]


def test_nothing_is_made_of_what_is_no_list_of_locks():
    assert list(writers("", {"fe:00:77"})) == []
    assert list(writers("what else\n\n", {"fe:00:77"})) == []
