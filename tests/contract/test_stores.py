"""The contract of all stores: memory, SQLite, PostgreSQL."""

from dataclasses import replace
from itertools import count

import pytest

from scr.charging import Charges
from scr.errors import InvalidMessage
from scr.messages import CLIENT, Tick, TimerPayload, derive_id, origin
from scr.protocol.frames import Entry, StartRequest, StepRecord, Timer
from scr.store.records import AskAnswer, DeadLetter, OpenAsk, effects_of, given_of
from scr.store.sql.statements import FAILED, PARKED, STEP_DONE
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import Logged, Record
from tests.contract.store_harness import Bench, answer, comparable, down, failure, ids, spec, task, turn

NUMBERS = count()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def bench(request, tmp_path):
    match request.param:
        case "memory":
            url = "memory:"
        case "sqlite":
            url = f"sqlite:///{tmp_path}/store.db"
        case _:
            url = request.getfixturevalue("postgres").url()
    bench = Bench(url, f"run-{next(NUMBERS)}")
    yield bench
    bench.close()


def accept(bench, *messages):
    for message in messages:
        bench.told(bench.store.accept, message)


def event(seq):
    return Record(seq=seq, at=float(seq), time=1.0, event=Logged(agent="b", text=f"line {seq} \ud800"))


def test_an_accepted_message_is_open_until_its_one_outcome(bench):
    accept(bench, *(task(f"m{n}", value={"n": n, "text": "é\0\N{OLD ITALIC LETTER A}"}) for n in range(5)))
    bench.told(bench.store.commit, turn("m0"))
    bench.told(bench.store.cancel, "m1")
    bench.told(bench.store.bury, DeadLetter(task("m2"), "quarantined", "why", 3), None)
    assert bench.store.counts().open_messages == 2
    image = bench.reopened()
    assert ids(image) == ["m3", "m4"]
    assert image.mail[0].message == task("m3", value={"n": 3, "text": "é\0\N{OLD ITALIC LETTER A}"})


def test_a_message_that_is_accepted_twice_is_there_once(bench):
    accept(bench, task("m0"), task("m1"), task("m0", value="another"))
    assert bench.store.counts().open_messages == 2
    assert [kept.message.payload.input for kept in bench.reopened().mail] == [None, None]


def test_what_calls_back_does_so_once_and_in_order(bench):
    heard = []
    for n in range(50):
        bench.store.accept(task(f"m{n}"), lambda n=n: heard.append(n))
    bench.pump(lambda: len(heard) == 50)
    bench.settle()
    assert heard == list(range(50))


def test_what_nobody_waits_for_is_kept_with_what_comes_after_it(bench):
    for n in range(3):
        bench.store.append(event(n + 1))
        bench.store.accept(task(f"m{n}"))
    assert bench.reopened().seq == 3
    assert ids(bench.store.image) == ["m0", "m1", "m2"]


def test_a_state_is_the_last_committed_one_and_survives_restarts_but_not_the_end_of_its_agent(bench):
    for agent in "bcd":
        bench.store.admit(spec(agent), "root", 1)
    accept(bench, *(task(f"m{n}") for n in range(5)))
    bench.told(bench.store.commit, turn("m0", state={"n": 1}))
    bench.told(bench.store.commit, turn("m1"))
    bench.told(bench.store.commit, turn("m2", "c", state=[2]))
    bench.store.admit(spec("b"), "other", 2)
    bench.store.gone("c")
    bench.store.gone("d")
    bench.store.admit(spec("c"), "root", 3)
    agents = bench.reopened().agents
    assert [(kept.spec.id, kept.supervisor, kept.incarnation, kept.state) for kept in agents] == [
        ("b", "other", 2, {"n": 1}),
        ("c", "root", 3, None),
    ]


def test_what_is_written_again_and_again_while_the_store_is_slow_is_as_it_was_written_last(bench):
    """A hundred restarts, and a hundred times the same step, wait for one transaction."""
    accept(bench, task("m0"), task("m1"))
    for n in range(1, 101):
        bench.store.admit(spec("b"), "root", n)
        bench.store.record("m0", StepRecord(name="pay", state="begun"))
        bench.store.record("m1", StepRecord(name="look", value=n))
    bench.settle()
    image = bench.reopened()
    assert [(kept.spec.id, kept.incarnation) for kept in image.agents] == [("b", 100)]
    assert [kept.steps for kept in image.mail] == [
        (StepRecord(name="pay", state="begun"),),
        (StepRecord(name="look", value=100),),
    ]


def test_what_a_step_was_called_with_is_kept_with_it_until_it_is_taken_back(bench):
    accept(bench, task("m0"))

    def recorded(**fields):
        bench.told(bench.store.record, "m0", StepRecord(name="pay~0", **fields))
        return bench.reopened().mail[0].steps

    for digest in ("d" * 64, "e" * 64):
        assert recorded(state="begun", digest=digest) == (StepRecord(name="pay~0", state="begun", digest=digest),)
        assert recorded(state="not done", digest=digest) == ()
    assert recorded(state="begun", digest="f" * 64)[0].digest == "f" * 64
    done = StepRecord(name="pay~0", value=1, digest="f" * 64)
    assert recorded(value=1, digest="f" * 64) == (done,)
    assert recorded(state="not done") == (done,)


def test_a_step_that_is_taken_back_and_begins_again_in_one_transaction_has_begun(bench):
    accept(bench, task("m0"))
    for state in ("begun", "not done", "begun"):
        bench.store.record("m0", StepRecord(name="pay", state=state, digest="d"))
    bench.settle()
    assert bench.reopened().mail[0].steps == (StepRecord(name="pay", state="begun", digest="d"),)


def test_the_sends_of_a_turn_are_open_after_it_in_their_order(bench):
    accept(bench, task("m0"), task("m1"))
    bench.told(bench.store.commit, turn("m0", sends=(task("s0"), task("s1"))))
    assert ids(bench.reopened()) == ["m1", "s0", "s1"]


def test_a_client_finds_its_message_unknown_open_and_answered(bench):
    assert bench.told(bench.store.find, "m0").state == "unknown"
    accept(bench, task("m0", sender=CLIENT), task("m1", sender=CLIENT))
    assert bench.told(bench.store.find, "m0").state == "open"
    bench.told(bench.store.commit, turn("m0", sends=(answer("r0", "m0"),)))
    found = bench.told(bench.store.find, "m0")
    assert (found.state, found.answer) == ("ended", answer("r0", "m0"))
    bench.told(bench.store.cancel, "m1")
    found = bench.told(bench.store.find, "m1")
    assert (found.state, found.answer) == ("ended", None)
    assert bench.store.counts().open_messages == 0


def test_a_step_is_kept_until_its_message_has_its_outcome_and_what_is_done_stays_done(bench):
    accept(bench, task("m0"), task("m1"))
    bench.told(bench.store.record, "m0", StepRecord(name="pay", state="begun"))
    bench.told(bench.store.record, "m0", StepRecord(name="fetch", value={"x": [1]}))
    bench.told(bench.store.record, "m0", StepRecord(name="fetch", state="begun"))
    bench.told(bench.store.record, "m1", StepRecord(name="fetch", value=2))
    steps = {step.name: step for step in bench.reopened().mail[0].steps}
    assert steps == {
        "pay": StepRecord(name="pay", state="begun"),
        "fetch": StepRecord(name="fetch", value={"x": [1]}),
    }
    bench.told(bench.store.record, "m0", StepRecord(name="pay", value="receipt"))
    bench.told(bench.store.commit, turn("m1"))
    assert {step.name: step.state for step in bench.reopened().mail[0].steps} == {"pay": "done", "fetch": "done"}


def asked(bench, n):
    ask = OpenAsk(f"q{n}", "b", f"m{n}", "ask c", 9)
    accept(bench, task(f"m{n}"))
    bench.told(bench.store.accept, task(f"q{n}", sender="b", to="c"), ask=ask)
    return ask


def test_an_open_ask_is_answered_closed_or_ends_with_the_turn_that_asked(bench):
    asks = [asked(bench, n) for n in range(4)]
    reply = AskAnswer("r1", "q1", "m1", StepRecord(name="ask c", value="yes"))
    bench.told(bench.store.commit, turn("q1", "c", (reply,), sends=(task("r1", sender="c", reply="q1"), task("s1"))))
    bench.store.close_ask("q2")
    bench.told(bench.store.commit, turn("m3"))
    image = bench.reopened()
    assert image.asks == (asks[0],)
    assert ids(image) == ["m0", "q0", "m1", "m2", "q2", "q3", "s1"]
    assert image.mail[2].steps == (StepRecord(name="ask c", value="yes"),)


def test_an_answer_that_comes_when_what_asked_is_a_dead_letter_is_a_step_of_its_next_delivery(bench):
    ask = asked(bench, 0)
    bench.told(bench.store.bury, DeadLetter(task("m0"), "failed", "why", 1), None)
    if bench.url != "memory:":  # what is dead is in no image of that
        assert bench.reopened().asks == (ask,)
    step = StepRecord(name="ask c", value="yes", digest="q0")
    reply = AskAnswer("r0", "q0", "m0", step)
    bench.told(bench.store.commit, turn("q0", "c", (reply,), sends=(task("r0", sender="c", reply="q0"),)))
    assert bench.told(bench.store.exhume, "m0").steps == (step,)
    assert bench.reopened().mail[-1].steps == (step,)
    assert bench.store.image.asks == ()


def test_a_monitor_lasts_until_it_is_taken_back_used_up_or_its_watcher_is_gone(bench):
    accept(bench, *(task(f"m{n}") for n in range(3)))
    bench.told(bench.store.commit, turn("m0", monitors=("c", "d", "e", "d")))
    bench.told(bench.store.commit, turn("m1", "z", monitors=("c", "b")))
    bench.told(bench.store.commit, turn("m2", demonitors=("c", "e"), monitors=("e",)))
    accept(bench, down("n0", "b", "d"))
    assert set(bench.reopened().monitors) == {("b", "e"), ("z", "c"), ("z", "b")}
    bench.store.gone("z")
    bench.store.gone("e")
    assert bench.reopened().monitors == (("b", "e"),)


def tick(message_id, due):
    payload = TimerPayload(name="tick", every_s=5.0)
    message = Tick(payload=payload, **origin(message_id=message_id, sender="b", to="b", at=0.5))
    return Timer(message=message, due=due, after_s=5.0)


def test_a_timer_that_fires_again_is_set_in_the_same_write_and_others_are_set_and_ended_without_a_turn(bench):
    bench.told(bench.store.set_timers, (tick("t0", 5.0), tick("t1", 6.0)), ())
    bench.told(bench.store.fire, "t0", following=tick("t2", 10.0))
    bench.told(bench.store.fire, "t0", following=tick("t3", 15.0))
    bench.told(bench.store.set_timers, (), ("t1", "never"))
    image = bench.reopened()
    assert (ids(image), image.timers) == (["t0"], (tick("t2", 10.0),))


def test_a_turn_ends_the_timers_that_it_replaces_and_gives_a_client_the_failure_that_is_its_answer(bench):
    accept(bench, task("m0", sender=CLIENT))
    bench.told(bench.store.set_timers, (tick("t0", 5.0),), ())
    kept = turn("m0", timers=(tick("t1", 7.0),))
    told = failure("f", "m0", CLIENT)
    bench.told(bench.store.commit, replace(kept, ended=("t0",), failure=told))
    assert bench.told(bench.store.find, "m0").answer == told
    image = bench.reopened()
    assert (ids(image), image.timers) == ([], (tick("t1", 7.0),))


def test_a_timer_is_kept_until_it_fires_once_or_is_cancelled(bench):
    accept(bench, task("m0"), task("m1"))
    timers = tuple(Timer(message=task(f"t{n}"), due=5.5, after_s=n or None) for n in range(4))
    bench.told(bench.store.commit, turn("m0", timers=timers))
    assert ids(bench.reopened()) == ["m1"]
    assert bench.store.image.timers == timers
    for _ in range(2):
        bench.told(bench.store.fire, "t1")
    bench.told(bench.store.commit, turn("m1", cancels=("t2", "t9")))
    bench.told(bench.store.fire, "t2")
    assert ids(bench.reopened()) == ["t1"]
    assert bench.store.image.timers == (timers[0], timers[3])
    bench.told(bench.store.commit, turn("t1"))
    bench.told(bench.store.fire, "t1")
    assert bench.store.counts().open_messages == 0


def test_what_a_turn_wants_of_the_supervisor_is_kept_until_it_is_carried_out(bench):
    accept(bench, task("m0"))
    starts = tuple(StartRequest(supervisor="root", spec=spec(f"w{n}")) for n in range(3))
    wanted = turn("m0", starts=starts, stops=("x",))
    bench.told(bench.store.commit, wanted)
    effects = effects_of("b", wanted.frame)
    assert bench.reopened().effects == effects
    bench.store.carried(effects[0].effect_id)
    bench.store.carried(effects[2].effect_id, failure("f2", "m0", to="b"))
    image = bench.reopened()
    assert image.effects == (effects[1], effects[3])
    assert ids(image) == ["f2"]


def test_a_parked_agent_is_parked_in_the_next_image_until_an_incarnation_is_admitted(bench):
    bench.store.admit(spec("a"), "agents", 1)
    bench.store.keep_down("a", "it failed \0")
    bench.store.keep_down("b", "there is no such agent")
    (kept,) = bench.reopened().agents
    assert (kept.spec.id, kept.incarnation, kept.parked[:9]) == ("a", 1, "it failed")
    bench.store.admit(spec("a"), "agents", 2)
    (kept,) = bench.reopened().agents
    assert (kept.incarnation, kept.parked) == (2, "")


def test_a_message_that_was_refused_may_come_again_as_another(bench, monkeypatch):
    if bench.url == "memory:":
        return
    refused = []
    with monkeypatch.context() as patched:
        patched.setattr(bench.store, "_put", lambda rows, then, refused: refused(InvalidMessage("too long")))
        bench.store.accept(task("m0"), refused=refused.append)
    assert len(refused) == 1
    bench.told(bench.store.accept, task("m0"))
    assert bench.store.counts().open_messages == 1
    bench.told(bench.store.cancel, "m0")
    assert bench.reopened().mail == ()


def test_entries_are_the_newest_of_each_key_in_order_of_version(bench):
    accept(bench, *(task(f"m{n}") for n in range(4)))
    for n, key in enumerate("abca"):
        bench.store.commit(turn(f"m{n}", entries=(Entry(key=key, value=n),)), lambda: None)
        assert bench.store.entries_version == n + 1
    found = bench.told(bench.store.entries, 0, 10)
    assert [(entry.key, entry.value, entry.version) for entry in found] == [("b", 1, 2), ("c", 2, 3), ("a", 3, 4)]
    assert [entry.version for entry in bench.told(bench.store.entries, 2, 1)] == [3]
    assert bench.reopened().entries_version == 4


def test_a_dead_letter_can_be_opened_again_at_the_end_of_its_mailbox(bench):
    accept(bench, *(task(f"m{n}") for n in range(3)))
    bench.told(bench.store.record, "m0", StepRecord(name="fetch", value=1))
    bench.store.failed("m0", 3, Charges(deaths=3), None)
    letter = DeadLetter(task("m0"), "quarantined", "three deaths", 3, 7.5)
    bench.told(bench.store.bury, letter, failure("f0", "m0"))
    bench.told(bench.store.bury, letter, failure("f1", "m0"))
    assert bench.dead() == (letter,)
    assert bench.store.counts().dead_letters == 1
    assert ids(bench.reopened()) == ["m1", "m2", "f0"]
    if bench.url == "memory:":
        return  # what is dead is not in an image
    assert bench.told(bench.store.exhume, "m9") is None
    found = bench.told(bench.store.exhume, "m0")
    assert (found.message, found.deliveries) == (task("m0"), 3)
    assert found.steps == (StepRecord(name="fetch", value=1),)
    assert bench.dead() == ()
    assert (bench.store.counts().dead_letters, bench.store.counts().open_messages) == (0, 4)
    kept = bench.reopened().mail[-1]
    assert (kept.message, kept.deliveries, kept.deaths) == (task("m0"), 3, 0)
    assert kept.steps == (StepRecord(name="fetch", value=1),)
    bench.told(bench.store.commit, turn("m0"))
    assert ids(bench.reopened()) == ["m1", "m2", "f0"]


def test_another_message_takes_the_place_of_a_dead_letter_under_its_id(bench):
    letter = DeadLetter(task("m0", to="wroker", sender=CLIENT), "unknown_agent", "", 0, 7.5)
    bench.told(bench.store.accept, letter.message, given=given_of(letter.message))
    bench.told(bench.store.bury, letter, failure("f0", "m0", to=CLIENT))
    instead = task("m0", to="worker", sender=CLIENT, value={"n": 2})
    assert bench.told(bench.store.exhume, "m0", instead=instead).message == instead
    found = bench.told(bench.store.find, "m0")
    assert (found.state, found.answer, found.given) == ("open", None, given_of(instead))
    assert bench.dead() == ()
    (kept,) = bench.reopened().mail
    assert (kept.message, kept.deliveries) == (instead, 0)


def test_of_dead_letters_and_crashes_the_last_are_read_oldest_first(bench):
    for n in range(5):
        accept(bench, task(f"m{n}"))
        bench.told(bench.store.bury, DeadLetter(task(f"m{n}"), "unknown_agent", "", 0), None)
        bench.store.crash(CrashRecord(agent="ab"[n % 2], incarnation=n, pid=9, reason="error", stderr="\udce9"))
    assert [letter.message.message_id for letter in bench.dead()] == ["m2", "m3", "m4"]
    assert [record.incarnation for record in bench.told(bench.store.crashes, None, 9)] == [2, 3, 4]
    assert [record.incarnation for record in bench.told(bench.store.crashes, "a", 1)] == [4]
    assert bench.told(bench.store.crashes, "nobody", 9) == ()
    assert bench.store.counts().crashes == 3


@pytest.mark.parametrize("said", [StepRecord(name="pay", value="receipt"), None])
def test_a_parked_message_waits_until_a_person_has_said_how_its_step_ended(bench, said):
    accept(bench, task("m0"), task("m1"))
    bench.told(bench.store.record, "m0", StepRecord(name="pay", state="begun"))
    bench.store.park("m0", "pay")
    assert bench.store.counts().parked == 1
    assert [kept.parked for kept in bench.reopened().mail] == ["pay", ""]
    bench.told(bench.store.resolve, "m0", said, "pay")
    assert bench.store.counts().parked == 0
    kept = bench.reopened().mail[0]
    assert (kept.parked, kept.steps) == ("", (said,) if said else ())
    bench.told(bench.store.record, "m0", StepRecord(name="pay", state="begun"))
    assert [step.state for step in bench.reopened().mail[0].steps] == ["done" if said else "begun"]


def test_what_a_message_was_charged_with_is_kept(bench):
    accept(bench, task("m0"), task("m1"))
    bench.store.failed("m0", 2, Charges(1, 1, 7.5), 9.5)
    bench.store.failed("m9", 5, Charges(deaths=5), None)
    charged = [
        (kept.deliveries, kept.attempts, kept.deaths, kept.outage_since, kept.due) for kept in bench.reopened().mail
    ]
    assert charged == [(2, 1, 1, 7.5, 9.5), (0, 0, 0, None, None)]


def test_a_turn_with_everything_is_there_whole(bench):
    accept(bench, task("m0"), task("m1"))
    bench.store.admit(spec("b"), "root", 1)
    frame = {
        "state": {"big": "x" * 5000},
        "sends": (task("s0"), answer("r0", "m0")),
        "starts": (StartRequest(supervisor="root", spec=spec("w")),),
        "stops": ("y",),
        "monitors": ("w",),
        "entries": (Entry(key="k", value=None), Entry(key="k", value=[1.5])),
        "timers": (Timer(message=task(derive_id("m0", "t")), due=1e9),),
        "ends": True,
    }
    bench.told(bench.store.commit, turn("m0", **frame))
    image = bench.reopened()
    assert ids(image) == ["m1", "s0"]
    assert image.agents[0].state == {"big": "x" * 5000}
    assert (len(image.effects), image.monitors, image.entries_version) == (2, (("b", "w"),), 2)
    assert comparable(image) == comparable(bench.reopened())


def test_a_store_says_how_it_does(bench):
    status = bench.store.status()
    assert (status.url.partition(":")[0], status.state) == (bench.url.partition(":")[0], "ok")


def test_what_was_before_is_in_the_past_of_agents(bench):
    bench.store.admit(spec("b"), "root", 4)
    bench.store.admit(spec("c"), "root", 2)
    bench.store.gone("c")
    image = bench.reopened()
    assert replace(image, past={}).agents[0].incarnation == 4
    assert bench.url == "memory:" or dict(image.past) == {"c": 2}


def test_a_client_finds_what_it_had_given_under_its_key_while_it_is_open_when_it_is_answered_and_when_it_was_dead(
    bench,
):
    """After a restart, too, in a store that has one."""
    message = task("m0", sender=CLIENT, value={"n": 1})
    bench.told(bench.store.accept, message, given=given_of(message))
    assert bench.told(bench.store.find, "m0").given == given_of(message)
    bench.told(bench.store.bury, DeadLetter(message, "quarantined", "why", 1), None)
    assert bench.told(bench.store.find, "m0").given == given_of(message)
    bench.told(bench.store.exhume, "m0")
    bench.told(bench.store.commit, turn("m0", sends=(answer("r0", "m0"),)))
    if bench.url != "memory:":
        bench.reopened()
    found = bench.told(bench.store.find, "m0")
    assert (found.state, found.given) == ("ended", given_of(message))
    with pytest.raises(InvalidMessage, match="NUL"):
        bench.store.find("m\0", lambda _: None)


def test_a_value_that_a_database_cannot_hold_is_no_outage(bench):
    if bench.url == "memory:":
        return
    refused, deep = [], "k" * 5000
    values = [
        (FAILED, (1 << 70, 0, 0, None, None, 1, 1)),
        (FAILED, (0, 0, 1, None, None, "\ud800", 1)),
        (PARKED, (deep + "\ud800", 1, 1)),
    ]
    for row in values:
        bench.store._put([row], lambda: pytest.fail("it is not kept"), refused=refused.append)
    bench.told(bench.store.accept, task("m0"))
    assert [type(error) for error in refused] == [InvalidMessage] * len(values)
    for name in ("s" * 513, "s\0"):
        with pytest.raises(InvalidMessage):
            bench.store.record("m0", StepRecord(name=name, value=1))
        with pytest.raises(InvalidMessage):
            bench.store.commit(turn("m0", entries=(Entry(key="k"), Entry(key=name)), sends=(task("s0"),)), lambda: None)
    assert (bench.store.counts().open_messages, bench.store.entries_version) == (1, 0)
    bench.told(bench.store.commit, turn("m0", entries=(Entry(key="k", value=2),), sends=(task("s0"),)))
    bench.told(bench.store.commit, turn("s0"))
    assert bench.told(bench.store.entries, 0, 9) == (Entry(key="k", value=2, version=1),)
    assert (ids(bench.reopened()), bench.store.entries_version) == ([], 1)
    assert (bench.lost, bench.changed) == ([], [])


def test_postgres_refuses_what_is_too_long_for_an_index_and_goes_on(postgres):
    bench = Bench(postgres.url(), f"run-{next(NUMBERS)}")
    refused, noise = [], "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(3000))
    row = (STEP_DONE, (1, "m0", noise, 1, "done", "null", "", 1, 1))
    bench.store._put([row], lambda: pytest.fail("it is not kept"), refused=refused.append)
    bench.told(bench.store.accept, task("m0"))
    assert "index row" in str(refused[0])
    assert (bench.lost, bench.changed) == ([], [])
    bench.close()
