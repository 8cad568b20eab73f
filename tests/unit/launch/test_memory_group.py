"""Where the kernel lets agents have memory groups, and what is written into them and read from them."""

import os
from pathlib import Path

import pytest

from scr.launch.kernel.memory_group import V1, V2, Home, MemoryGroups, divisible, kills_in, own_groups

V1_MOUNTS = """\
22 1 0:5 / /proc rw,nosuid - proc proc rw
30 1 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:29 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu
34 30 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
"""
V2_MOUNTS = "30 1 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
CONTAINER_MOUNTS = "34 30 0:32 /box/7 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"


@pytest.mark.parametrize(
    ("mounts", "groups", "found"),
    [
        (V1_MOUNTS, "4:memory:/jobs/1\n1:cpu:/\n0::/\n", [(V1, "/sys/fs/cgroup/memory/jobs/1")]),
        (V2_MOUNTS, "0::/user.slice/s.scope\n", [(V2, "/sys/fs/cgroup/user.slice/s.scope")]),
        (V1_MOUNTS + V2_MOUNTS, "4:memory:/\n0::/\n", [(V1, "/sys/fs/cgroup/memory"), (V2, "/sys/fs/cgroup")]),
        (CONTAINER_MOUNTS, "4:memory:/box/7/a\n", [(V1, "/sys/fs/cgroup/memory/a")]),
        (CONTAINER_MOUNTS, "4:memory:/box/8\n", []),
        (V2_MOUNTS, "0::/../other.scope\n", []),
        (V1_MOUNTS, "1:cpu:/\n", []),
        ("", "0::/\n", []),
    ],
    ids=["v1", "v2", "both", "container", "another container", "outside our namespace", "no memory", "no mounts"],
)
def test_our_own_group_is_found_below_the_mount_that_shows_it(mounts, groups, found):
    assert [(own.version, str(own.path)) for own in own_groups(mounts, groups)] == found


def test_only_the_count_of_kills_is_read():
    assert kills_in("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n") == 2
    assert kills_in("low 0\nhigh 0\nmax 7\noom 3\noom_kill 1\noom_group_kill 4\n") == 1
    assert kills_in("oom_kill_disable 0\nunder_oom 0\n") == 0


@pytest.fixture
def service(tmp_path):
    """A group of v2 above our own one, which has processes and therefore cannot be divided."""
    own = tmp_path / "service" / "main"
    own.mkdir(parents=True)
    (own / "cgroup.subtree_control").mkdir()  # whatever is written to it is refused
    (own.parent / "cgroup.subtree_control").write_text("pids")
    return own.parent


def delegating(monkeypatch, *paths):
    def getxattr(path, name):
        if path not in paths or name != "user.delegate":
            raise OSError(61, "no data available")
        return b"1"

    monkeypatch.setattr(os, "getxattr", getxattr)


def test_beside_our_own_group_there_is_room_only_where_all_of_it_is_delegated_to_us(monkeypatch, service):
    own = Home(V2, service / "main")
    delegating(monkeypatch)
    assert divisible(own) is None
    assert (service / "cgroup.subtree_control").read_text() == "pids"
    delegating(monkeypatch, service)
    assert divisible(own) == Home(V2, service)
    assert (service / "cgroup.subtree_control").read_text() == "+memory"


def test_a_group_that_is_divided_already_is_left_as_it_is(monkeypatch, service):
    delegating(monkeypatch, service)
    (service / "cgroup.subtree_control").write_text("cpu memory pids")
    assert divisible(Home(V2, service / "main")) == Home(V2, service)
    assert (service / "cgroup.subtree_control").read_text() == "cpu memory pids"


def test_on_v1_our_own_group_will_do_if_we_may_write_to_it(tmp_path):
    assert divisible(Home(V1, tmp_path)) == Home(V1, tmp_path)
    assert divisible(Home(V1, tmp_path / "none")) is None


@pytest.mark.parametrize(
    ("version", "written"),
    [
        (V1, {"memory.limit_in_bytes": "4096", "memory.memsw.limit_in_bytes": "4096"}),
        (V2, {"memory.max": "4096", "memory.swap.max": "0", "memory.oom.group": "1"}),
    ],
    ids=["v1", "v2"],
)
def test_an_agent_joins_a_group_whose_limit_is_a_hard_one(tmp_path, version, written):
    assert MemoryGroups(lambda: Home(version, tmp_path)).make(42, 4096)
    (made,) = tmp_path.iterdir()
    assert made.name == f"scr-{os.getpid()}-42"
    assert {path.name: path.read_text() for path in made.iterdir()} == written | {"cgroup.procs": "42"}


def test_kills_are_read_from_the_agents_own_group(tmp_path):
    group = MemoryGroups(lambda: Home(V2, tmp_path)).make(42, 4096)
    assert group.oom_kills() == 0
    (tmp_path / f"scr-{os.getpid()}-42" / "memory.events").write_text("oom 1\noom_kill 1\n")
    assert group.oom_kills() == 1


def test_where_there_can_be_no_group_there_is_none_and_nothing_is_left(tmp_path):
    assert MemoryGroups(lambda: None).make(42, 4096) is None
    assert MemoryGroups(lambda: Home(V1, tmp_path / "gone")).make(42, 4096) is None
    (tmp_path / f"scr-{os.getpid()}-42").mkdir()
    assert MemoryGroups(lambda: Home(V1, tmp_path)).make(42, 4096)
    assert MemoryGroups(lambda: Home(V1, Path("/proc"))).make(42, 4096) is None


def test_a_group_that_still_has_processes_is_removed_when_the_next_is_made(tmp_path):
    groups = MemoryGroups(lambda: Home(V1, tmp_path))
    first = groups.make(1, 4096)
    left = tmp_path / f"scr-{os.getpid()}-1"
    first.close()
    assert left.exists(), "what is in it keeps it"
    for path in left.iterdir():
        path.unlink()
    groups.make(2, 4096)
    assert not left.exists()
