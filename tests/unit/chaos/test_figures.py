"""Figures, verdicts, and how they are told."""

import xml.etree.ElementTree as ET

from scr.chaos.inject.fault_result import Missed
from scr.chaos.judge.figures import Figures, Verdict, summary
from scr.chaos.judge.pictures import distributions, timeline
from scr.chaos.judge.recovery import recoveries
from scr.chaos.judge.report import markdown, terminal_lines
from scr.chaos.plan.faults import Fault
from tests.unit.chaos.history import story

KEYS = (
    *("seed", "commit", "kills", "faults", "accepted", "completed", "dead_lettered", "lost", "duplicated"),
    *("effects_doubled", "orphans", "leaks", "recovery_ms", "verdict"),
)
FAULT = Fault(1, 0.1, "kill", "hand", 0.5, 0, 0.0)


def figures(of=None, planned=(FAULT,), failure="", **fields):
    evidence = (of or story()).evidence()
    one = summary(1, planned, [Missed(2, "stop", "hand", "nobody was there")], evidence, failure)
    one = type(one)(**{name: getattr(one, name) for name in one.__dataclass_fields__} | {"answers_wanted": 10})
    return Figures(7, "abc", (one,), {"clock_jump": "it cannot be done here"}, 1, **fields)


def test_the_figures_are_those_of_the_history():
    told = figures().as_json()
    assert tuple(told) == KEYS
    assert (told["kills"], told["accepted"], told["completed"], told["lost"]) == (1, 12, 12, 0)
    assert told["faults"] == {
        "clock_jump": {"injected": 0, "recovered": 0, "not_tested": "it cannot be done here"},
        "kill": {"injected": 1, "recovered": 1, "not_tested": None},
    }
    assert 0 < told["recovery_ms"]["p50"] <= told["recovery_ms"]["max"]
    assert told["verdict"] == "valid"


def test_the_report_has_each_kind_and_each_type_of_process_with_what_its_runs_have_lost():
    twice = story()
    twice.effects["once", "t-2", "charge"] = 2
    struck, calm = figures(twice), figures()
    both = Figures(7, "abc", (*struck.rounds, *calm.rounds), calm.not_tested)
    told = both.as_report()
    assert tuple(told) == (*KEYS, "runs", "restarts", "targets", "violated")
    assert told["runs"] == 2
    assert told["targets"]["hand"] == {key: told["faults"]["kill"][key] for key in told["targets"]["hand"]}
    assert (told["faults"]["kill"]["injected"], told["faults"]["kill"]["doubled"]) == (2, 1)
    assert told["faults"]["kill"]["recovery_ms"] == told["recovery_ms"]
    assert calm.as_report()["faults"]["kill"]["doubled"] == 0
    assert told["faults"]["clock_jump"] == both.as_json()["faults"]["clock_jump"]


def test_too_few_faults_or_too_little_work_is_unknown_and_a_violation_is_invalid():
    assert figures(planned=(FAULT,) * 9).verdict is Verdict.UNKNOWN
    idle = story()
    idle.rows["messages"] = [row for row in idle.rows["messages"] if row["type"] != "result"]
    assert figures(idle).rounds[0].counts["completed"] == 0
    assert figures(failure="it never ended").verdict is Verdict.INVALID
    twice = story()
    twice.effects["once", "t-2", "charge"] = 2
    assert figures(twice).verdict is Verdict.INVALID
    assert figures(twice).as_json()["effects_doubled"] == 1
    assert Figures(7, "abc", (), {}).verdict is Verdict.UNKNOWN


def test_the_report_says_everything():
    twice = story()
    twice.effects["once", "t-2", "charge"] = 2
    for text in (
        markdown(figures(twice), "again", ["1: kill to hand"]),
        "\n".join(terminal_lines(figures(twice), "again")),
    ):
        for words in ("kill", "hand", "again", "it cannot be done here", "has happened 2 times", "invalid", "lost 0"):
            assert words in text


def test_pictures_are_svg_with_everybody_in_them():
    of = story()
    events, landed = of.evidence().events(), of.landed
    for picture in (timeline(events, landed), distributions(recoveries(events, landed))):
        assert ET.fromstring(picture).tag.endswith("svg")
    assert all(f">hand-{n}<" in timeline(events, landed) for n in (1, 2, 3))
    assert timeline(events, landed).count('class="up"') == 5
