"""A short campaign with real processes, and whom an injector may touch."""

import json
import os
import signal
import subprocess
from dataclasses import replace

import pytest

from scr.chaos.inject.injector import DescriptorLimit
from scr.chaos.inject.process_census import VARIABLE, Census, CensusEntry, recognised
from scr.chaos.lab.campaign import CampaignPlan, campaign, report
from scr.chaos.plan.kinds import KINDS
from scr.chaos.user.capabilities import unable
from scr.errors import InvalidInput


@pytest.fixture
def sleepers():
    """Three processes, the first two of which have the mark."""
    environments = [os.environ | {VARIABLE: "ours"}, os.environ | {VARIABLE: "ours"}, dict(os.environ)]
    found = [subprocess.Popen(["sleep", "60"], env=environment) for environment in environments]
    yield [sleeper.pid for sleeper in found]
    for sleeper in found:
        sleeper.kill()
        sleeper.wait()


def test_a_campaign_under_deaths_and_failures_is_valid_and_leaves_its_report(tmp_path):
    kinds = ("kill", "segv", "exit0", "thread", "huge_frame", "poison", "setsid", "raises", "start_fails", "misfit")
    plan = CampaignPlan(
        seed=1292,  # it draws an exception, starts that fail and a deploy
        folder=tmp_path / "report",
        kills=14,
        kinds=kinds,
        targets=("ring", "hand", "lead", "victim", "guest", "standby", "zygote"),
        agents=4,
        gap_s=0.1,
    )
    figures, failed = campaign(plan, lambda *_: None)
    found = [violation for violation in figures.rounds[0].violations if violation.invariant != "recovery"]
    assert not found  # a victim that gets no message before a short run ends is not seen at work again
    assert not figures.rounds[0].failure
    assert figures.verdict == "valid" or failed
    assert figures.kills >= 9
    assert {"start_fails", "misfit"} <= {recovery.landed.kind for recovery in figures.recoveries}
    report(plan, figures, "again", [])
    assert {path.name for path in plan.folder.iterdir()} == {
        *("history.jsonl", "recovery.svg", "report.json", "report.md", "timeline.svg")
    }
    assert json.loads((plan.folder / "report.json").read_text())["lost"] == 0


def test_a_campaign_over_queues_has_no_zygote_to_hit_and_is_valid(tmp_path):
    plan = CampaignPlan(
        seed=3,
        folder=tmp_path / "report",
        kills=3,
        kinds=("kill", "garbage", "close_channel", "fork_refused", "setsid", "fork_bomb"),
        targets=("ring", "standby"),
        workload="ring",
        agents=2,
        gap_s=0.5,
        channel="queue",
    )
    figures, _ = campaign(plan, lambda *_: None)
    assert not [violation for violation in figures.rounds[0].violations if violation.invariant != "recovery"]
    assert not figures.rounds[0].failure
    assert figures.kills >= 1
    assert "without a zygote" in figures.not_tested["fork_refused"]
    with pytest.raises(InvalidInput, match="no target 'zygote'"):
        campaign(replace(plan, targets=("zygote",)), lambda *_: None)


def test_only_a_process_of_the_campaign_is_ever_signalled(sleepers):
    census = Census("ours")
    assert [seen.pid for seen in census.now()] == sleepers[:2]
    assert [census.signal(CensusEntry(pid, ""), signal.SIGCONT) for pid in sleepers] == [True, True, False]
    assert not Census("others").now()
    assert DescriptorLimit.of(Census("ours"), CensusEntry(sleepers[2], "")) is None


def test_a_process_that_has_become_another_is_left_alone(sleepers):
    assert not Census("ours").signal(CensusEntry(sleepers[0], "ring", "ring-1", 1), signal.SIGKILL)


@pytest.mark.parametrize(
    ("title", "seen"),
    [
        ("scr: worker-12 #3", CensusEntry(1, "worker", "worker-12", 3)),
        ("scr: zygote", CensusEntry(1, "zygote")),
        ("scr: runtime r-12", CensusEntry(1, "runtime")),
        ("/bin/sleep 600", CensusEntry(1, "")),
    ],
)
def test_a_process_is_known_by_its_title(title, seen):
    assert recognised(1, title) == seen


def test_what_cannot_be_done_is_told_with_its_reason():
    refused = unable("postgresql://somewhere/x")
    assert {name for name in KINDS if name.startswith("store_")} <= set(refused)
    assert all(refused.values())


def test_a_fault_or_a_target_that_there_is_not_is_refused_before_anything_starts(tmp_path):
    with pytest.raises(InvalidInput, match="no fault 'kil'"):
        campaign(CampaignPlan(1, tmp_path, 1, kinds=("kil",)), lambda *_: None)
    with pytest.raises(InvalidInput, match="no target 'wroker'"):
        campaign(CampaignPlan(1, tmp_path, 1, targets=("wroker",)), lambda *_: None)
