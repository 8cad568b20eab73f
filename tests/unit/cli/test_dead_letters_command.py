"""What waits for a person: dead letters and steps in doubt, in runs at rest."""

import shlex
from functools import partial

import pytest

from scr.protocol.frames import StepRecord
from scr.runtime.tree import AGENTS_TREE
from scr.store.records import DeadLetter
from scr.telemetry.events import Logged, Record
from tests.unit.store.story import image_of, opened, story, task, told


def calls_until(text):
    """How many calls of the story there are until this was logged."""
    for number, call in enumerate(story().calls, 1):
        if (
            isinstance(call, partial)
            and call.args
            and getattr(getattr(call.args[0], "event", None), "text", "") == text
        ):
            return number
    raise AssertionError(text)


@pytest.fixture
def dead(store):
    told(store, "deadly", calls=calls_until("it is dead"))
    return store


@pytest.fixture
def doubtful(store):
    told(store, "doubtful", calls=calls_until("was it paid?"))
    return store


def kept(url, run, message_id):
    return next((kept for kept in image_of(url, run).mail if kept.message.message_id == message_id), None)


def test_dead_letters_of_all_runs_are_listed_with_how_to_deliver_them(scr, dead):
    said = scr("dead", "--store", dead)
    assert said.code == 0
    assert "s2  task from a to c" in said.out
    assert "quarantined after 3 deliveries: three times" in said.out
    assert "once more: scr retry-dead deadly s2" in said.out
    (letter,) = scr("dead", "deadly", "--store", dead, "--json").json["dead_letters"]
    assert (letter["run_id"], letter["message"]["message_id"], letter["reason"]) == ("deadly", "s2", "quarantined")
    assert scr("dead", "story", "--store", dead).out == "no dead letters\n"


def test_a_dead_letter_is_open_again_when_it_is_retried(scr, dead):
    said = scr("retry-dead", "deadly", "s2", "--store", dead)
    assert said.out == "s2 is delivered to c once more, when the run goes on: scr resume deadly\n"
    assert kept(dead, "deadly", "s2")
    again = scr("retry-dead", "deadly", "s2", "--store", dead)
    assert (again.code, again.err) == (2, "scr: there is no dead letter 's2'; `scr dead deadly` lists them\n")


def test_steps_in_doubt_are_listed_with_how_to_resolve_them(scr, doubtful):
    said = scr("doubts", "--store", doubtful)
    assert "pay  step of b, in task m2 from client" in said.out
    assert "it was done:  scr resolve doubtful m2 --done JSON" in said.out
    (doubt,) = scr("doubts", "--store", doubtful, "--json").json["doubts"]
    assert (doubt["run_id"], doubt["step"], doubt["message"]["to"]) == ("doubtful", "pay", "b")
    assert scr("doubts", "story", "--store", doubtful).out == "nothing is in doubt\n"
    assert "`scr doubts doubtful` lists what waits" in scr("show", "doubtful", "--store", doubtful).out


@pytest.mark.parametrize("which", ["pay", "m2"])
def test_a_step_that_was_done_has_its_result(scr, doubtful, which):
    said = scr("resolve", "doubtful", which, "--done", '{"receipt": 17}', "--store", doubtful)
    assert said.out == "noted: the step was done, when the run goes on: scr resume doubtful\n"
    message = kept(doubtful, "doubtful", "m2")
    assert [(step.name, step.state, step.value) for step in message.steps] == [("pay", "done", {"receipt": 17})]
    assert message.parked == ""


def test_a_step_that_was_not_done_is_run_again(scr, doubtful):
    assert scr("resolve", "doubtful", "pay", "--not-done", "--store", doubtful, "--json").json["is_done"] is False
    message = kept(doubtful, "doubtful", "m2")
    assert (message.steps, message.parked) == ((), "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pay"], "give either --done JSON"),
        (["pay", "--done", "1", "--not-done"], "give either --done JSON"),
        (["pay", "--done", "{"], "the result is not JSON"),
        (["fly", "--not-done"], "there is no step in doubt 'fly'; `scr doubts doubtful` lists them"),
    ],
)
def test_what_cannot_be_resolved_changes_nothing(scr, doubtful, arguments, words):
    said = scr("resolve", "doubtful", *arguments, "--store", doubtful)
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert kept(doubtful, "doubtful", "m2").parked == "pay"


@pytest.fixture
def many(store):
    """A run with three dead letters for two reasons."""
    run = opened(store, "many")
    run.append(Record(seq=1, at=1.0, time=1.0, event=Logged(agent="c", text="begun")))
    for name, why in (("m1", "ConnectionError: away"), ("m2", "ValueError: no"), ("m3", "ConnectionError: away")):
        run.accept(task(name, "c"))
        run.bury(DeadLetter(task(name, "c"), "quarantined", why, 3, 110.0), None)
    run.close()
    return store


def test_all_dead_letters_of_a_run_are_retried_at_once(scr, many):
    said = scr("retry-dead", "many", "--all", "--store", many)
    assert said.out == "3 dead letters are delivered once more, when the run goes on: scr resume many\n"
    assert all(kept(many, "many", name) for name in ("m1", "m2", "m3"))
    assert scr("retry-dead", "many", "--all", "--store", many).out == "0 dead letters are delivered once more\n"


def test_those_with_a_reason_are_retried_and_the_others_stay_dead(scr, many):
    told = scr("retry-dead", "many", "--all", "--reason", "connectionerror", "--store", many, "--json").json
    assert told["dead_letters"] == [{"message_id": "m1", "to": "c"}, {"message_id": "m3", "to": "c"}]
    assert told["delivered"] == 2
    assert [
        letter["message"]["message_id"]
        for letter in scr("dead", "many", "--store", many, "--json").json["dead_letters"]
    ] == ["m2"]


def test_a_reason_that_none_has_is_named(scr, many):
    said = scr("retry-dead", "many", "--all", "--reason", "Nope", "--store", many)
    assert said.out == "no dead letter of many has 'Nope' in its reason; `scr dead many` lists them\n"
    assert said.code == 0


@pytest.mark.parametrize("reason", ["", " "])
def test_an_empty_reason_is_refused_since_all_have_it(scr, many, reason):
    said = scr("retry-dead", "many", "--all", "--reason", reason, "--store", many)
    assert (said.code, said.out) == (2, "")
    assert "--reason is empty" in said.err
    assert not kept(many, "many", "m1")


@pytest.mark.parametrize("arguments", [[], ["m1", "--all"], ["m1", "--reason", "x"], ["--reason", "x"]])
def test_which_dead_letters_are_meant_must_be_said_once(scr, many, arguments):
    said = scr("retry-dead", "many", *arguments, "--store", many)
    assert (said.code, said.err) == (
        2,
        "scr: give the ID of one dead letter, or --all, with --reason TEXT for some of them\n",
    )


@pytest.fixture
def crawled(store):
    """A program's run whose dead letters have keys of the program's, one of them the beginning of another."""
    run = opened(store, "crawl", AGENTS_TREE)
    run.append(Record(seq=1, at=1.0, time=1.0, event=Logged(agent="c", text="begun")))
    for key in ("https://example.org/a", "https://example.org/a?b=1&c=it's"):
        run.accept(task(key, "c"))
        run.bury(DeadLetter(task(key, "c"), "failed", "no", 3, 110.0), None)
    run.accept(task("pay~1", "b"))
    run.record("pay~1", StepRecord(name="pay", state="begun"))
    run.park("pay~1", "pay")
    run.close()
    return store


def commands_in(text):
    """The commands that lines end with, as a shell takes them apart."""
    return [
        shlex.split(line.partition("scr ")[2]) for line in text.splitlines() if ":  " in line or "once more" in line
    ]


def test_the_commands_that_a_list_ends_with_work_as_they_stand(scr, crawled):
    again = "start its program again, with run='crawl' and its store\n"
    for command in commands_in(scr("dead", "crawl", "--store", crawled).out):
        said = scr(*command)
        assert (said.code, said.out.endswith(f" is delivered to c once more, when the run goes on: {again}")) == (
            0,
            True,
        )
    assert scr("dead", "crawl", "--store", crawled).out == "no dead letters\n"
    done, _ = commands_in(scr("doubts", "--store", crawled).out)
    assert scr(*(word.replace("JSON", "1") for word in done)).out.endswith(f"was done, when the run goes on: {again}")


def test_a_store_that_a_command_finds_by_itself_is_not_named(scr, crawled, monkeypatch):
    monkeypatch.setenv("SCR_STORE", crawled)
    assert "--store" not in scr("dead").out + scr("doubts").out


def test_of_a_run_of_a_program_it_is_said_that_the_program_takes_it_up(scr, crawled):
    again = "start its program again, with run='crawl' and its store"
    assert scr("show", "crawl", "--store", crawled).out.splitlines()[-1].strip() == again
    forked = scr("fork", "crawl", "--at", "1", "--store", crawled).out.splitlines()
    assert forked[1] == f"go on with it: {again.replace('crawl', forked[0].split()[0])}"
    assert "start that program again, with run='crawl'" in scr("resume", "crawl", "--store", crawled).err
