"""Who may take a run over: a table, and random histories in which the owner is paused, killed and comes back."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from scr.store.sql.lease import Lease, Owner, boot_time, is_alive, is_claimable, parse, this_process

ME = Owner("boot-1", "4026531836", 10, 500)
OTHER = replace(ME, pid=20)
ELSEWHERE = replace(ME, boot="boot-2")


@pytest.mark.parametrize(
    ("owner", "alive", "shared", "until", "claimable"),
    [
        (None, None, False, 99.0, True),
        (str(ME), True, False, 99.0, True),
        (str(OTHER), True, False, 99.0, False),
        (str(OTHER), True, False, 49.0, True),
        (str(OTHER), False, False, 99.0, True),
        (str(OTHER), None, False, 99.0, False),
        (str(OTHER), None, False, 50.0, True),
        (str(ELSEWHERE), None, False, 99.0, True),
        (str(ELSEWHERE), None, True, 99.0, False),
        (str(ELSEWHERE), None, True, 49.0, True),
        (str(OTHER), False, True, 99.0, True),
        ("nonsense", None, False, 99.0, False),
        ("nonsense", None, False, 49.0, True),
    ],
)
def test_who_may_take_a_run(owner, alive, shared, until, claimable):
    assert is_claimable(Lease(owner, until), ME, is_alive=alive, is_shared=shared, now=50.0) is claimable


def test_a_process_is_known_by_its_name_until_it_has_ended():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(") ")[2].split()
        owner = replace(this_process(), pid=child.pid, started=int(fields[19]))
        assert is_alive(str(owner)) is True
        assert is_alive(str(replace(owner, started=owner.started - 1))) is False
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_alive(str(owner)) is False, "what is left of a process is no process"
    finally:
        child.kill()
        child.communicate()
    assert is_alive(str(owner)) is False


def test_a_process_of_another_boot_or_namespace_cannot_be_seen():
    me = this_process()
    assert parse(str(me)) == me
    assert is_alive(str(me)) is True
    assert is_alive(str(replace(me, boot="another"))) is None
    assert is_alive(str(replace(me, namespace="1"))) is None
    assert is_alive("nonsense") is None


def test_leases_are_not_on_the_wall_clock():
    assert abs(boot_time() - float(Path("/proc/uptime").read_text().split()[0])) < 60


LEASE_S = 5.0


class Leases(RuleBasedStateMachine):
    """Several runtimes on several machines, and one row: writes and renewals are compare-and-set on its epoch."""

    who = st.integers(0, 3)

    def __init__(self):
        super().__init__()
        self.now, self.epoch, self.owner, self.until = 0.0, 0, None, 0.0
        self.alive, self.running = [True] * 4, [True] * 4
        self.tenure = [None] * 4
        self.started = [1] * 4
        self.renewed = [0.0] * 4
        self.accepted = []

    def name(self, n):
        """Two on each of two machines."""
        return Owner(f"boot-{n % 2}", "1", n, self.started[n])

    def seen(self, n):
        """Whether the owner lives, as n sees it."""
        owner = parse(self.owner) if self.owner else None
        if owner is None or owner.boot != self.name(n).boot:
            return None
        return self.alive[owner.pid] and self.started[owner.pid] == owner.started

    @rule(n=who)
    def claim(self, n):
        if not (self.alive[n] and self.running[n]) or self.tenure[n] is not None:
            return
        lease, me = Lease(self.owner, self.until), self.name(n)
        if is_claimable(lease, me, is_alive=self.seen(n), is_shared=True, now=self.now):
            robbed = parse(self.owner) if self.owner else None
            if robbed and robbed != me and self.alive[robbed.pid] and self.started[robbed.pid] == robbed.started:
                assert not self.running[robbed.pid] or self.now - self.renewed[robbed.pid] >= LEASE_S
            self.epoch, self.owner, self.until = self.epoch + 1, str(me), self.now + LEASE_S
            self.tenure[n], self.renewed[n] = self.epoch, self.now

    @rule(n=who)
    def write(self, n):
        if not (self.alive[n] and self.running[n]) or self.tenure[n] is None:
            return
        if self.tenure[n] == self.epoch:
            self.until, self.renewed[n] = self.now + LEASE_S, self.now
            self.accepted.append((self.epoch, n))
        else:
            self.tenure[n] = None

    @rule(n=who)
    def crash(self, n):
        self.alive[n], self.tenure[n] = False, None

    @rule(n=who)
    def start_again(self, n):
        if not self.alive[n]:
            self.alive[n], self.running[n], self.started[n] = True, True, self.started[n] + 1

    @rule(n=who)
    def pause(self, n):
        self.running[n] = False

    @rule(n=who)
    def go_on(self, n):
        self.running[n] = True

    @rule(by=st.sampled_from([0.5, 2.0, 6.0]))
    def time_passes(self, by):
        self.now += by

    @rule(n=who)
    def release(self, n):
        if self.tenure[n] == self.epoch and self.alive[n] and self.running[n]:
            self.owner, self.tenure[n] = None, None

    @invariant()
    def one_writer_an_epoch_and_epochs_only_rise(self):
        epochs = [epoch for epoch, _ in self.accepted]
        assert epochs == sorted(epochs)
        assert len(dict(self.accepted)) == len(set(self.accepted))


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
