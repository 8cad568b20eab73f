"""What the kernel tells of an end."""

from scr.launch.wait_status import Usage, WaitStatus


def test_the_status_is_read_from_the_usual_return_code():
    assert WaitStatus.of(-9) == WaitStatus(signal=9)
    assert WaitStatus.of(0) == WaitStatus(code=0)
    assert WaitStatus.of(None).lost
    assert not WaitStatus.of(-9).lost
    assert not WaitStatus.of(0).lost


def test_what_was_used_is_kept_and_makes_no_other_end():
    used = Usage(memory_bytes=1, cpu_s=2.0)
    assert WaitStatus.of(3, used).usage is WaitStatus.of(-3, used).usage is used
    assert WaitStatus.of(3, used) == WaitStatus.of(3)
