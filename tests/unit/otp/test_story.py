"""What counts as a difference of two stories, and which differences are explained."""

import shutil
from dataclasses import replace
from random import Random

import otp_differential
import pytest
from otp.check import Case, Progress, Verdict, check_policy
from otp.erlang import Otp, story_of
from otp.explain import SAME_ELSEWHERE, explain
from otp.generate import history
from otp.history import Add, Dynamic, Exit, History, Static, Together, Worker
from otp.model import live_through
from otp.story import Event, compare

PAIR = (Worker("w1", "permanent", 40, False), Worker("w2", "permanent", 40, False))


def root(*children, strategy="one_for_all", limit=3):
    return Static("s1", strategy, limit, 1000, "never", "permanent", False, children)


def lived(*operations, tree=None):
    past = History(0, tree or root(*PAIR), (), operations)
    return past, live_through(past)


def changed(story, at, **fields):
    segments = [*story.segments]
    segments[at] = segments[at]._replace(**fields)
    return story._replace(segments=tuple(segments))


def test_the_policy_tells_what_it_did_in_the_words_of_otp():
    _, story = lived(Exit("w1", "boom"), Exit("w9", "boom"))
    boot, ended, nothing = story.segments
    assert boot.answer == "ok"
    assert boot.state == ["s1", [2, 2, 0, 2], [["w1", "up"], ["w2", "up"]]]
    events = [("stop", "w1", "error"), ("stop", "w2", "shutdown"), ("start", "w1", "ok"), ("start", "w2", "ok")]
    assert [tuple(event) for event in ended.events] == events
    assert (nothing.answer, nothing.events) == ("noproc", ())


@pytest.mark.parametrize("mode", ["plain", "time", "stopkills", "kills", "many", "cross"])
def test_every_history_comes_to_rest_and_every_call_is_answered(mode):
    for seed in range(60):
        story = live_through(history(mode, seed))
        assert story.segments[-1].state != "unknown", story.segments[-1].answer
        assert "no reply" not in [segment.answer for segment in story.segments]
        assert compare(history(mode, seed), story, story) is None


def test_what_is_planted_is_found():
    past, story = lived(Exit("w1", "boom"))
    events = story.segments[1].events
    planted = {
        "answered": {"answer": "noproc"},
        "state": {"state": "down"},
        "order of w1 and w2": {"events": (*events[:2], *reversed(events[2:]))},
        "events": {"events": events[:-1]},
    }
    for what, fields in planted.items():
        found = compare(past, story, changed(story, 1, **fields))
        assert (found.at, what in found.what) == (1, True)
    assert compare(past, story, story._replace(segments=story.segments[:1])).at == 1
    assert compare(past, story, changed(story, 1, events=()), traces=False) is None


def test_another_strategy_or_another_limit_is_found_in_some_history():
    for change in ({"strategy": "rest_for_one"}, {"max_restarts": 0}):
        pairs = [(past, replace(past, tree=replace(past.tree, **change))) for past in map(plain, range(40))]
        assert any(compare(past, live_through(past), live_through(other)) for past, other in pairs)


def plain(seed):
    return history("plain", seed)


def test_an_order_below_a_dynamic_supervisor_is_none_and_a_race_has_no_reason():
    pool = Dynamic("s2", 3, 1000, "infinity", "permanent", False)
    hasty = replace(PAIR[1], id="w3", shutdown=0)
    past, story = lived(tree=root(pool, hasty))
    events = (Event("start", "w1", "ok"), Event("start", "w2", "ok"), Event("stop", "w3", "killed"))
    other = (events[1], events[0], Event("stop", "w3", "shutdown"))
    below = History(0, past.tree, (), tuple(Add("s2", worker) for worker in PAIR))
    one, two = changed(story, 0, events=events), changed(story, 0, events=other)
    assert compare(below, one, two) is None
    assert compare(past, one, two).what.startswith("order of w1 and w2")


def test_only_the_order_of_ends_at_once_explains_a_difference():
    past = History(
        0, root(*PAIR, strategy="one_for_one"), (), (Together(("s1",), (Exit("w1", "boom"), Exit("w2", "boom"))),)
    )
    ours = live_through(past)
    theirs = next(story for n in range(50) if compare(past, story := live_through(past, Random(n)), ours))
    assert explain(past, theirs, compare(past, theirs, ours)) == SAME_ELSEWHERE
    wrong = changed(theirs, 1, state="down")
    assert explain(past, wrong, compare(past, wrong, ours)) is None
    alone = replace(past, operations=(Exit("w1", "boom"),))
    assert explain(alone, wrong, compare(past, wrong, ours)) is None


def test_a_line_of_erlang_is_read_and_so_is_its_error():
    story = story_of(b'[3,[["ok",[["start","w1","ok"]],["s1",[1,1,0,1],[["w1","up"]]]]]]')
    assert (story.seed, story.segments[0].events) == (3, (Event("start", "w1", "ok"),))
    assert story_of(b'[4,"not_quiet"]').segments[0].answer == "error: not_quiet"


def test_a_verdict_counts_what_is_explained_apart(capsys):
    cases = [Case(1, "Stop()", "state", None), Case(2, "Stop()", "order", SAME_ELSEWHERE)]
    verdict = Verdict("many", histories=9, operations=40, cases=cases)
    told = verdict.as_json()
    assert [*told] == ["mode", "histories", "operations", "differences", "explained", "cases"]
    assert (told["differences"], told["explained"], told["cases"][1]["explained"]) == (1, 1, SAME_ELSEWHERE)
    text = otp_differential.text(verdict)
    assert "1 differences\nhistory 1, Stop():\n  state\nand 1 that are explained" in text
    progress = Progress(20, clock=0.0)
    for now in (0.9, 1.0, 1.5):
        progress.tell(verdict, 2, now)
    assert capsys.readouterr().err == "many: 9 of 20 histories, 2 of them to be looked at\n"


@pytest.mark.parametrize("words", [["--mode", "odd"], ["--from", "3", "--to", "3"], ["--from", "-1"]])
def test_bad_usage_ends_with_two(monkeypatch, capsys, words):
    monkeypatch.setattr("sys.argv", ["otp_differential.py", *words])
    with pytest.raises(SystemExit) as ended:
        otp_differential.main()
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_without_erlang_it_says_what_to_install_and_ends_with_three(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["otp_differential.py"])
    monkeypatch.setenv("PATH", "")
    assert otp_differential.main() == 3
    assert "apt-get install --no-install-recommends erlang-base elixir" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("elixir"), reason="Erlang and Elixir are not installed")
def test_otp_does_as_the_policy_does(tmp_path):
    verdict = check_policy(Otp(tmp_path), "plain", range(20))
    assert (verdict.histories, verdict.cases) == (20, [])
    assert verdict.operations > 60
