"""What /proc says of a process."""

import os

from scr.launch.kernel.proc_stats import TICKS_PER_S, Vitals, parsed, vitals_of

STAT = "42 (a (strange) name) {} 1 42 42 0 -1 0 10 0 0 0 {} {} 0 0 20 0 1 0 100 0 0"
ROLLUP = "5581a-7ffc [rollup]\nRss:     9000 kB\nPss:     4000 kB\nPss_Dirty:  100 kB\n"


def test_memory_and_time_are_read_past_a_name_of_any_kind():
    seen = parsed(STAT.format("S", 3 * TICKS_PER_S, TICKS_PER_S), ROLLUP)
    assert seen == Vitals(pss_bytes=4000 * 1024, cpu_s=4.0, is_stopped=False)


def test_a_stopped_process_is_told_from_one_that_sleeps():
    assert [parsed(STAT.format(state, 0, 0), ROLLUP).is_stopped for state in "RSDTt"] == [0, 0, 0, 1, 1]


def test_a_live_process_has_vitals_and_one_that_is_not_there_has_none():
    seen = vitals_of(os.getpid())
    assert seen.pss_bytes > 1e6
    assert seen.cpu_s > 0
    assert not seen.is_stopped
    assert vitals_of(2**30) is None
