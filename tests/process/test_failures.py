"""Failures are charged to whom they belong: to the message, or to the agent, and never to its siblings."""

import os
import signal
import time

import pytest
from pydantic import BaseModel

import scr
import scr.errors
import scr.specs
from scr.client.runtime import Runtime
from scr.messages import TaskPayload
from scr.specs import SupervisorSpec
from tests.conftest import until
from tests.process.conftest import Story

QUICK = scr.Retry(base_s=0.01, cap_s=0.02)


class Flaky(scr.Agent):
    """Fails as often as its task says, after it has changed its state and sent a message."""

    class State(BaseModel):
        done: int = 0

    def on_task(self, ctx, message):
        self.state.done += 1
        ctx.send({"from": ctx.agent}, to="listener")
        if ctx.attempt <= message.payload.input:
            raise ConnectionError(f"try {ctx.attempt}")
        ctx.reply([self.state.done, ctx.attempt, ctx.deliveries, ctx.incarnation])


class Listener(scr.Agent):
    class State(BaseModel):
        heard: list = []

    def on_task(self, ctx, message):
        if message.sender == "client":
            ctx.reply(self.state.heard)
        else:
            self.state.heard.append(message.payload.input["from"])

    def on_message(self, ctx, message):
        """Failures and downs are of no interest."""


def status_of(runtime, agent):
    return next(status for status in runtime.status().agents if status.id == agent)


def raises(ctx, message):
    raise ValueError("no such customer")


def test_flaky_workers_answer_every_task_and_none_is_restarted_for_it(story):
    story.runtime.start_agent("listener", Listener)
    for n in range(4):
        story.runtime.start_agent(f"w{n}", Flaky, retry=QUICK)
    tasks = [story.runtime.submit(f"w{n % 4}", n % 3) for n in range(24)]
    assert sorted(task.result(30)[1] for task in tasks) == [1] * 8 + [2] * 8 + [3] * 8
    assert {status.restarts for status in story.runtime.status().agents} == {0}
    assert len(story.events("turn_failed")) == 24
    assert not story.events("supervisor_gave_up")


def test_a_failed_try_leaves_nothing_and_the_next_has_a_fresh_process(story):
    story.runtime.start_agent("listener", Listener)
    story.runtime.start_agent("flaky", Flaky, retry=QUICK)
    assert story.runtime.ask("flaky", 2) == [1, 3, 3, 3]
    assert story.runtime.ask("flaky", 0) == [2, 1, 1, 3]
    assert story.runtime.ask("listener", None) == ["flaky", "flaky"]


def test_without_a_fresh_process_the_same_one_goes_on_with_the_committed_state(story):
    story.runtime.start_agent("listener", Listener)
    story.runtime.start_agent("flaky", Flaky, retry=QUICK, fresh_process=False)
    tasks = [story.runtime.submit("flaky", n % 2) for n in range(8)]
    answers = [task.result(20) for task in tasks]
    assert sorted(answer[0] for answer in answers) == list(range(1, 9))
    assert {answer[3] for answer in answers} == {1}


def test_who_asked_hears_what_failed_and_how_often(story):
    story.runtime.start_agent("a", raises, retry=QUICK)
    with pytest.raises(
        scr.TaskFailed, match=r"a failed, and it was tried 4 times.*ValueError: no such customer"
    ) as told:
        story.runtime.ask("a", 1)
    error = told.value
    assert (error.error_type, error.error_message, error.attempts, error.deaths) == (
        "ValueError",
        "no such customer",
        4,
        0,
    )
    assert 'raise ValueError("no such customer")' in error.traceback
    until(lambda: status_of(story.runtime, "a").phase == "up")


def test_an_agent_that_asked_hears_it_too(story):
    def asks(ctx, message):
        try:
            ctx.ask("a", 1)
        except scr.TaskFailed as error:
            return [error.error_type, error.attempts, "no such customer" in error.traceback]

    story.runtime.start_agent("a", raises, retry=QUICK)
    story.runtime.start_agent("b", asks)
    assert story.runtime.ask("b", 1) == ["ValueError", 4, True]


def fatal(ctx, message):
    raise scr.Fatal("this customer can never be served")


@pytest.mark.parametrize(
    ("code", "retry"), [(fatal, QUICK), (raises, QUICK.model_copy(update={"never_on": ("ValueError",)}))]
)
def test_what_can_never_succeed_is_tried_once_and_never_parks_its_agent(story, code, retry):
    story.runtime.start_agent("a", code, retry=retry)
    for _ in range(6):
        with pytest.raises(scr.TaskFailed) as told:
            story.runtime.ask("a", 1)
        assert told.value.attempts == 1
    until(lambda: status_of(story.runtime, "a").phase == "up")


def test_an_outage_costs_no_attempt_and_no_process(story):
    def put_off(ctx, message):
        if ctx.deliveries < 4:
            raise scr.TryLater(0.01, "the provider is away")
        return [ctx.deliveries, ctx.attempt, ctx.incarnation]

    story.runtime.start_agent("a", put_off, retry=scr.Retry(attempts=1))
    assert story.runtime.ask("a", 1) == [4, 1, 1]


def test_an_outage_ends_when_the_message_may_not_be_put_off_for_longer(story):
    def away(ctx, message):
        raise scr.TryLater(31_536_000, "a year")

    story.runtime.start_agent("a", away, retry=scr.Retry(outage_s=0.05))
    with pytest.raises(scr.TaskFailed, match=r"put off for 0\.05 s"):
        story.runtime.ask("a", 1)


def test_a_task_may_bring_its_own_policy(story):
    story.runtime.start_agent("a", raises, retry=QUICK)
    twice = scr.Retry(attempts=2, base_s=0.01)
    for ask in (
        lambda: story.runtime.ask("a", TaskPayload(task_id="t", retry=twice)),
        lambda: story.runtime.ask("a", 1, retry=twice),
        lambda: story.runtime.submit("a", 1, retry=twice).result(20),
    ):
        with pytest.raises(scr.TaskFailed) as told:
            ask()
        assert told.value.attempts == 2
    with pytest.raises(scr.errors.InvalidMessage, match=r"give a scr\.Retry"):
        story.runtime.submit("a", 1, retry=3)


def test_tasks_of_programs_wait_behind_a_retry_only_when_they_share_an_order_key(story):
    def notes(ctx, message):
        if message.payload.input == "first" and ctx.attempt == 1:
            raise ConnectionError("not yet")
        ctx.log(message.payload.input)
        return message.payload.input

    story.runtime.start_agent("a", notes, retry=scr.Retry(base_s=0.3, jitter="none"))
    first = story.runtime.submit("a", "first", order_key="orders")
    story.until("turn_failed", agent="a")
    others = [story.runtime.submit("a", "second", order_key="orders"), story.runtime.submit("a", "free")]
    assert [task.result(20) for task in (first, *others)] == ["first", "second", "free"]
    assert [event.text for event in story.events("logged", agent="a")] == ["free", "first", "second"]


def test_a_step_that_has_returned_is_not_run_again_by_the_next_try(story, tmp_path):
    def pays(ctx, message):
        def pay():
            with (tmp_path / "paid").open("a") as file:
                file.write("x")
            return 1

        ctx.step("pay", pay)
        if ctx.attempt < 3:
            raise ValueError("after the payment")
        return (tmp_path / "paid").read_text()

    story.runtime.start_agent("a", pays, retry=QUICK)
    assert story.runtime.ask("a", 1) == "x"


def test_later_messages_of_the_same_agent_wait_behind_a_retry_and_those_of_others_go_on(story):
    def sends(ctx, message):
        for n in range(3):
            ctx.send([ctx.agent, n], to="store")

    def store(ctx, message):
        sender, n = message.payload.input if message.sender != "client" else ("client", 0)
        if (sender, n) == ("one", 0) and ctx.attempt < 3:
            raise ConnectionError("not yet")
        ctx.log(f"{sender} {n}")

    story.runtime.start_agent("store", store, retry=scr.Retry(base_s=0.2, jitter="none"))
    story.runtime.start_agent("one", sends)
    story.runtime.start_agent("two", sends)
    story.runtime.send("one", 1)
    story.until("turn_failed", agent="store")
    story.runtime.send("two", 1)
    until(lambda: len(story.events("logged", agent="store")) == 6)
    order = [event.text for event in story.events("logged", agent="store")]
    assert [line for line in order if line.startswith("one")] == ["one 0", "one 1", "one 2"]
    assert order[:3] == ["two 0", "two 1", "two 2"]


def test_five_dead_letters_in_a_row_park_an_agent_and_its_mail_waits_until_it_is_taken_up(story):
    def fails_until_mended(ctx, message):
        if not os.path.exists(message.payload.input):
            raise ConnectionError("the database is away")
        return "served"

    class Monitor(scr.Agent):
        def on_task(self, ctx, message):
            ctx.monitor("a")

        def on_message(self, ctx, message):
            ctx.log(f"{message.payload.agent} {message.payload.reason}")

    story.runtime.start_agent("sibling", lambda ctx, message: ctx.incarnation)
    story.runtime.start_agent("a", fails_until_mended, retry=scr.Retry(attempts=1))
    story.runtime.start_agent("monitor", Monitor)
    story.runtime.send("monitor", 1)
    for _ in range(5):
        with pytest.raises(scr.TaskFailed):
            story.runtime.ask("a", "/nowhere")
    parked = story.until("agent_parked", agent="a")
    assert "5 messages in a row became dead letters" in parked.detail
    assert story.until("logged", agent="monitor").text == "a parked"
    with pytest.raises(scr.AgentParked, match="restart_agent"):
        story.runtime.ask("a", "/", key="waits")
    waiting = story.runtime.submit("a", "/")
    with pytest.raises(scr.AgentParked):
        waiting.result(5)
    assert (status_of(story.runtime, "a").phase, status_of(story.runtime, "a").mailbox) == ("parked", 2)
    assert story.runtime.ask("sibling", 1) == 1
    story.runtime.restart_agent("a")
    assert (story.runtime.ask("a", "/", key="waits"), waiting.result(10)) == ("served", "served")


def test_one_question_that_an_agent_asks_again_and_again_parks_neither_of_them(story):
    def looks_up(ctx, message):
        if message.payload.input == "bad":
            raise KeyError("no such customer")
        return "found"

    story.runtime.start_agent("lookup", looks_up, retry=scr.Retry(attempts=1))
    story.runtime.start_agent("front", lambda ctx, message: ctx.ask("lookup", message.payload.input), retry=QUICK)
    for _ in range(4):
        with pytest.raises(scr.TaskFailed):
            story.runtime.ask("front", "bad")
    assert story.runtime.ask("front", "good") == "found"
    assert not story.events("agent_parked")


def test_a_payments_key_may_be_part_of_its_result(story):
    def pays(ctx, message):
        key = ctx.step_key("pay", "ann", 100)
        paid = ctx.step_once("pay", lambda who, amount, key: {"who": who, "key": key}, "ann", 100, key)
        return [paid, key]

    story.runtime.start_agent("payer", pays)
    paid, key = story.runtime.ask("payer", None)
    assert paid == {"who": "ann", "key": key}


def test_new_code_takes_a_parked_agent_up(story):
    story.runtime.start_agent("a", raises, retry=scr.Retry(attempts=1))
    for _ in range(5):
        with pytest.raises(scr.TaskFailed):
            story.runtime.ask("a", 1)
    story.until("agent_parked", agent="a")
    story.runtime.start_agent("a", lambda ctx, message: "new")
    assert story.runtime.ask("a", 1) == "new"


def test_a_turn_that_commits_breaks_the_row(story):
    story.runtime.start_agent("a", lambda ctx, message: 1 / message.payload.input, retry=scr.Retry(attempts=1))
    for n in [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]:
        if n:
            assert story.runtime.ask("a", n) == 1.0
        else:
            with pytest.raises(scr.TaskFailed):
                story.runtime.ask("a", n)
    assert not story.events("agent_parked")


def test_deaths_with_a_message_in_hand_count_against_the_message_alone(story):
    story.runtime.start_agent("sibling", lambda ctx, message: ctx.incarnation)
    story.runtime.start_agent("a", lambda ctx, message: os.kill(os.getpid(), message.payload.input))
    for _ in range(4):
        with pytest.raises(scr.TaskFailed) as told:
            story.runtime.ask("a", int(signal.SIGKILL))
        assert (told.value.error_type, told.value.attempts, told.value.deaths) == ("killed", 0, 3)
    assert status_of(story.runtime, "a").restarts == 0
    assert story.runtime.ask("sibling", 1) == 1


def test_deaths_that_no_message_explains_park_the_agent_and_harm_no_sibling():
    tree = SupervisorSpec(
        id="root",
        strategy="one_for_one",
        children=(SupervisorSpec(id="agents", strategy="one_for_one", dynamic=True, max_restarts=2, within_s=60),),
    )
    story = Story(tree)
    with story.runtime as runtime:
        runtime.start_agent("sibling", lambda ctx, message: ctx.incarnation)
        runtime.start_agent("a", lambda ctx, message: ctx.incarnation)
        for n in range(3):
            story.until("agent_up", agent="a", incarnation=n + 1)
            os.kill(story.pid("a"), signal.SIGKILL)
            story.until("agent_exited", agent="a", count=n + 1)
        story.until("agent_parked", agent="a")
        assert runtime.ask("sibling", 1) == 1


def test_a_start_that_fails_tells_its_cause(story):
    class Broken(scr.Agent):
        def on_start(self, ctx):
            raise RuntimeError("no config")

        def on_task(self, ctx, message):
            """It never comes to that."""

    with pytest.raises(scr.ScrError, match="RuntimeError: no config") as told:
        story.runtime.start_agent("c", Broken)
    assert "on_start" in str(told.value)
    assert type(told.value).__name__ == "StartFailed"


class Count(scr.Agent):
    """`on_start` fails with the environment that its options name."""

    class State(BaseModel):
        n: int = 0

    def on_start(self, ctx):
        if self.options["mode"] == "broken":
            raise RuntimeError("no config")

    def on_task(self, ctx, message):
        self.state.n += message.payload.input
        ctx.reply(self.state.n)


def test_a_deploy_that_does_not_start_keeps_the_state_and_the_tasks(tmp_path):
    store = f"sqlite:///{tmp_path}/deploy.db"

    def deployed(mode):
        return Runtime(store=store, run="x"), {"options": {"mode": mode}}

    runtime, options = deployed("ok")
    with runtime:
        runtime.start_agent("c", Count, **options)
        assert runtime.ask("c", 1) == 1
        os.kill(status_of(runtime, "c").pid, signal.SIGSTOP)
        runtime.submit("c", 10, key="order-1")
    runtime, options = deployed("broken")
    with runtime, pytest.raises(scr.ScrError, match="RuntimeError: no config"):
        runtime.start_agent("c", Count, **options)
    runtime, options = deployed("ok")
    with runtime:
        runtime.start_agent("c", Count, **options)
        assert runtime.ask("c", 10, key="order-1") == 11
        assert runtime.ask("c", 0) == 11
        assert runtime.status().dead_letters == 0


def test_the_right_code_may_follow_a_deploy_that_does_not_start_at_once(story):
    story.runtime.start_agent("c", Count, options={"mode": "ok"}, retry=scr.Retry(attempts=1))
    assert story.runtime.ask("c", 1) == 1
    for _ in range(5):
        with pytest.raises(scr.TaskFailed):
            story.runtime.ask("c", "x")
    story.until("agent_parked", agent="c")
    with pytest.raises(scr.ScrError, match="RuntimeError: no config"):
        story.runtime.start_agent(
            "c", Count, options={"mode": "broken"}, backoff=scr.specs.Backoff(base_s=0.4, cap_s=0.4)
        )
    story.runtime.start_agent("c", Count, options={"mode": "ok"})
    assert story.runtime.ask("c", 1) == 2


def test_a_retry_waits_for_its_time_whatever_dies_meanwhile(tmp_path):
    def fails_once(ctx, message):
        if ctx.attempt == 1:
            raise ConnectionError("away")
        return [ctx.attempt, ctx.deliveries]

    story = Story(store=f"sqlite:///{tmp_path}/retry.db")
    with story.runtime as runtime:
        runtime.start_agent("a", fails_once, retry=scr.Retry(base_s=1.5, cap_s=1.5, jitter="none"))
        task = runtime.submit("a", 1)
        due = story.until("turn_failed", agent="a").due
        runtime.submit("a", 2)  # it is in the store, and so is all that was written before it
        os.kill(runtime.pid, signal.SIGKILL)
        story.until("runtime_up", count=2)
        assert task.result(20) == [2, 2]
        assert time.time() >= due


def test_an_agent_that_is_forgotten_with_its_supervisor_is_down_and_its_mail_and_state_wait(story):
    crash = {"on_error": "crash", "restart": "permanent"}
    story.runtime.start_agent("sibling", Count, options={"mode": "ok"}, **crash)
    story.runtime.start_agent("a", lambda ctx, message: os.abort(), max_deliveries=1000, **crash)
    assert story.runtime.ask("sibling", 3) == 3
    story.runtime.send("a", 1)
    story.until("supervisor_gave_up", supervisor="agents")
    story.until("agent_gone", agent="sibling", fate="forgotten")
    assert status_of(story.runtime, "sibling").phase == "down"
    with pytest.raises(scr.ScrError, match="its mail waits"):
        story.runtime.ask("sibling", 4, key="waits")
    story.runtime.start_agent("sibling", Count, options={"mode": "ok"})
    assert story.runtime.ask("sibling", 4, key="waits") == 7


def test_a_person_may_restart_or_stop_an_agent_that_is_down(story):
    crash = {"on_error": "crash"}
    for name in ("one", "two"):
        story.runtime.start_agent(name, lambda ctx, message: ctx.incarnation, **crash)
    story.runtime.start_agent("a", lambda ctx, message: os.abort(), max_deliveries=1000, **crash)
    story.runtime.send("a", 1)
    story.until("agent_gone", agent="two", fate="forgotten")
    until(lambda: status_of(story.runtime, "agents").phase == "up")
    story.runtime.restart_agent("one")
    assert story.runtime.ask("one", 1) == 2
    story.runtime.stop_agent("two")
    with pytest.raises(scr.ScrError, match="there is no agent 'two'"):
        story.runtime.ask("two", 1)


class Billed(scr.Agent):
    """Charges once, and then finds that something is missing; or fails in the middle of charging."""

    def on_task(self, ctx, message):
        path, in_the_middle = message.payload.input
        ctx.step_once("charge", self.charge, path, in_the_middle)
        if not os.path.exists(f"{path}.mended"):
            raise ValueError("something is missing")
        ctx.reply("done")

    def charge(self, path, in_the_middle):
        with open(path, "a") as ledger:
            ledger.write("charged\n")
        if in_the_middle:
            raise ConnectionError("no answer came")


@pytest.mark.parametrize("place", ["memory:", "sqlite:///{}/bills.db"])
def test_a_dead_letter_that_is_delivered_once_more_knows_its_steps(place, tmp_path):
    ledger = tmp_path / "ledger"
    with scr.Runtime(store=place.format(tmp_path)) as runtime:
        runtime.start_agent("bills", Billed, retry=scr.Retry(attempts=1))
        with pytest.raises(scr.errors.TaskFailed):
            runtime.ask("bills", [str(ledger), False], key="bill")
        (tmp_path / "ledger.mended").touch()
        runtime.retry_dead("bill")
        assert runtime.ask("bills", [str(ledger), False], key="bill") == "done"
        assert ledger.read_text() == "charged\n"


@pytest.mark.parametrize("place", ["memory:", "sqlite:///{}/bills.db"])
def test_a_step_that_failed_in_the_middle_is_in_doubt_when_its_dead_letter_is_delivered_once_more(place, tmp_path):
    ledger = tmp_path / "ledger"
    with scr.Runtime(store=place.format(tmp_path)) as runtime:
        runtime.start_agent("bills", Billed, retry=scr.Retry(attempts=1))
        with pytest.raises(scr.errors.TaskFailed):
            runtime.ask("bills", [str(ledger), True], key="bill")
        (tmp_path / "ledger.mended").touch()
        runtime.retry_dead("bill")
        until(lambda: runtime.status().in_doubt == 1)
        runtime.resolve("bill", is_done=True)
        assert runtime.ask("bills", [str(ledger), True], key="bill") == "done"
        assert ledger.read_text() == "charged\n"


def puts_off(ctx, message):
    """Is put off for long the first time, where the task says so."""
    if message.payload.input == "late" and ctx.deliveries == 1:
        raise scr.TryLater(600)
    return [message.payload.input, ctx.deliveries]


def test_what_waited_behind_a_task_that_is_cancelled_is_done_at_once(story):
    story.runtime.start_agent("a", puts_off)
    story.runtime.submit("a", "late", key="late", order_key="orders")
    story.until("turn_failed", agent="a")
    behind = story.runtime.submit("a", "two", order_key="orders")
    assert story.runtime.cancel("late") == 1
    assert behind.result(20) == ["two", 1]


class Holding(scr.Agent):
    """Fails once, and holds the second try."""

    def on_task(self, ctx, message):
        if message.payload.input == "first":
            if ctx.attempt == 1:
                raise ConnectionError("not yet")
            ctx.log("holds")
            time.sleep(600)


def test_what_waits_behind_a_retry_has_an_outcome_when_its_agent_is_stopped(story):
    story.runtime.start_agent("a", Holding, retry=QUICK, shutdown_s=0.1)
    tasks = [story.runtime.submit("a", "first", order_key="orders")]
    story.until("turn_failed", agent="a")
    tasks += [story.runtime.submit("a", name, order_key="orders") for name in ("two", "three")]
    story.until("logged", agent="a")
    story.runtime.stop_agent("a")
    for task in tasks:
        with pytest.raises(scr.errors.AgentGone):
            task.result(20)
    assert story.runtime.status().open_messages == 0


def test_who_asks_again_under_a_key_hears_that_the_agent_is_parked(story):
    story.runtime.start_agent("a", raises, retry=scr.Retry(attempts=1))
    for _ in range(5):
        with pytest.raises(scr.errors.TaskFailed):
            story.runtime.ask("a", 1)
    for _ in range(2):
        with pytest.raises(scr.AgentParked):
            story.runtime.ask("a", 1, key="again", timeout_s=20)


def test_a_task_in_doubt_ends_when_it_is_cancelled_or_its_agent_is_stopped(story, tmp_path):
    story.runtime.start_agent("bills", Billed, retry=scr.Retry(attempts=1))
    for key, end in (("x", story.runtime.cancel), ("y", lambda _: story.runtime.stop_agent("bills"))):
        with pytest.raises(scr.errors.TaskFailed):
            story.runtime.ask("bills", [str(tmp_path / key), True], key=key)
        story.runtime.retry_dead(key)
        until(lambda: story.runtime.status().in_doubt == 1)
        end(key)
        until(lambda: story.runtime.status().in_doubt == 0)
        assert story.runtime.status().open_messages == 0


def versioned(n):
    """An agent as its nth version is: the first one always raises."""

    def answers(ctx, message):
        if n == 1:
            raise ValueError("the fault of version 1")
        return f"done by {n}"

    return answers


@pytest.mark.parametrize("kills", [False, True])
def test_what_waits_for_a_parked_agent_is_done_by_the_code_that_the_next_program_brings(tmp_path, kills):
    place = {"store": f"sqlite:///{tmp_path}/s.db", "run": "r"}
    with scr.Runtime(**place) as runtime:
        runtime.start_agent("a", versioned(1), retry=scr.Retry(attempts=1))
        for _ in range(5):
            with pytest.raises(scr.errors.TaskFailed):
                runtime.ask("a", 1)
        until(lambda: status_of(runtime, "a").phase == "parked")
        waiting = [runtime.submit("a", n, key=f"w{n}") for n in range(4)]
        with pytest.raises(scr.AgentParked):
            waiting[0].result(20)
        if kills:
            pid = runtime.pid
            os.kill(pid, signal.SIGKILL)
            until(lambda: runtime.pid != pid)
            runtime.wait_ready()
            assert status_of(runtime, "a").phase == "parked"
            with pytest.raises(scr.AgentParked):
                runtime.ask("a", 0, key="w0")
    with scr.Runtime(**place) as runtime:
        assert status_of(runtime, "a").phase == "parked"
        runtime.start_agent("a", versioned(2))
        assert [runtime.ask("a", n, key=f"w{n}") for n in range(4)] == ["done by 2"] * 4
        assert status_of(runtime, "a").phase == "up"
