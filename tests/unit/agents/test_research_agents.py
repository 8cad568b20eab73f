"""Planner, workers and critic together, without processes: a stage that carries their messages.

The stage does what the runtime promises (a turn is whole or has not happened, steps are
recorded) and nothing more; what dies and when is up to the test.
"""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path

import pytest

from scr.agent.agent import handle
from scr.apps.research.agents.critic import CriticAgent, critique_of, review_of
from scr.apps.research.agents.planner import PlannerAgent
from scr.apps.research.agents.team import STARTS_MAX
from scr.apps.research.agents.worker import WorkerAgent
from scr.apps.research.checks import ClaimFault, Objection, Review
from scr.apps.research.outcome import ResearchOutcome
from scr.apps.research.pipeline import research
from scr.apps.research.running.session import RunFailure, read_answer
from scr.messages import (
    Down,
    DownPayload,
    ExitReason,
    Failure,
    FailurePayload,
    Result,
    ResultPayload,
    Task,
    TaskPayload,
    derive_id,
    of_payload,
    origin,
)
from scr.retry import ErrorInfo
from scr.telemetry.output import SUBTASKS

QUESTION = "How does a worker recover after a crash?"
PAGES = {
    f"{name.lower()}.md": f"# {name}\n\nWhen a worker of {name} crashes, its supervisor restarts the worker within {n} "
    f"seconds.\nIt keeps a journal for the recovery after a crash of a worker of {name}.\n\n## Queue\n\nThe queue of "
    f"{name} survives the crash of a worker, so that recovery loses no task.\n"
    for n, name in enumerate(["Heron", "Osprey", "Kestrel"], 2)
}


class Killed(Exception):
    """The process of the agent is gone."""


class Ctx:
    """The context of one turn."""

    def __init__(self, stage, agent, message, steps):
        self.stage, self.agent, self.message, self.steps = stage, agent, message, steps
        self.sends, self.starts, self.stops, self.monitors, self.entries, self.names = [], [], [], [], {}, []

    def send(self, payload, *, to, in_reply_to=None):
        message_id = derive_id(self.message.message_id, len(self.sends))
        run_id = self.message.run_id
        envelope = origin(message_id=message_id, sender=self.agent, to=to, at=0.0, run_id=run_id)
        envelope |= {"in_reply_to": in_reply_to}
        self.sends.append(of_payload(payload, envelope))
        return self.sends[-1]

    def reply(self, payload):
        if not hasattr(payload, "task_id"):
            payload = ResultPayload(task_id=self.message.payload.task_id, output=payload)
        return self.send(payload, to=self.message.sender, in_reply_to=self.message.message_id)

    def step(self, name, fn, *args):
        self.stage.maybe_kill(self.agent, name)
        if name not in self.steps:
            self.steps[name] = json.loads(json.dumps(fn(*args)))
            self.stage.ran.append((self.agent, name))
        return self.steps[name]

    def start_agent(self, agent, code, **spec):
        self.starts.append(agent)

    def stop_agent(self, agent):
        self.stops.append(agent)

    def monitor(self, agent):
        self.monitors.append(agent)

    def remember(self, key, value):
        self.entries[key] = value

    def log(self, text):
        assert text

    def progress(self, done, total, note):
        self.stage.progress[note] = (done, total)


class Stage:
    """Agents by name with their states, one mailbox for all, and a plan of kills: (agent, step) -> how often."""

    def __init__(self, kills=None):
        self.kinds = {"planner": PlannerAgent, "critic": CriticAgent}
        self.agents, self.states, self.steps = {}, {}, {}
        self.mail, self.ran, self.table = deque(), [], {}
        self.kills, self.deaths, self.started, self.stopped = dict(kills or {}), [], [], []
        self.answers, self.progress = {}, {}

    def maybe_kill(self, agent, step):
        for key in ((agent, step), (agent.split("-")[0], step)):
            if self.kills.get(key, 0) > 0:
                self.kills[key] -= 1
                raise Killed

    def ask(self, folder, path, workers=3, task_id="t", run_id=None, **given):
        request = {"question": QUESTION, "docs": str(folder), "index": str(path), "workers": workers} | given
        task = TaskPayload(task_id=task_id, kind="research", input=request)
        envelope = origin(message_id=f"m-{task_id}", sender="client", to="planner", at=0.0, run_id=run_id)
        self.mail.append(Task(payload=task, **envelope))

    def run(self, folder, path, workers=3, **given):
        self.ask(folder, path, workers, **given)
        for _ in range(500):
            if not self.mail:
                return self.answers["t"]
            self.deliver(self.mail.popleft())
        raise AssertionError("they do not come to an end")

    def deliver(self, message, deliveries=1):
        if message.to == "client":
            self.answers[message.payload.task_id] = message
            return
        if message.to not in self.kinds:
            return
        agent = self.agents.setdefault(message.to, self.incarnation(message.to))
        ctx = Ctx(self, message.to, message, self.steps.setdefault(message.message_id, {}))
        try:
            handle(agent, ctx, message)
        except Killed:
            self.deaths.append(message.to)
            del self.agents[message.to]
            if deliveries == 3:
                self.tell(
                    message.sender,
                    FailurePayload(message_id=message.message_id, agent=message.to, reason="quarantined", deliveries=3),
                )
            else:
                self.deliver(message, deliveries + 1)
            return
        self.states[message.to] = agent.state.model_dump_json() if hasattr(agent, "state") else None
        for name in ctx.starts:
            self.kinds[name] = WorkerAgent
            self.started.append(name)
        self.stopped += ctx.stops
        self.table |= ctx.entries
        self.mail.extend(ctx.sends)

    def incarnation(self, name):
        agent = self.kinds[name]()
        if self.kinds[name] is PlannerAgent:
            saved = self.states.get(name)
            agent.state = agent.State.model_validate_json(saved) if saved else agent.State()
        return agent

    def tell(self, to, payload):
        envelope = origin(message_id=f"told-{len(self.deaths)}-{len(self.mail)}", sender="runtime", to=to, at=0.0)
        self.mail.append((Down if isinstance(payload, DownPayload) else Failure)(payload=payload, **envelope))


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "docs"
    root.mkdir()
    for name, text in PAGES.items():
        (root / name).write_text(text)
    return root


@pytest.fixture
def wanted(folder, tmp_path):
    return research(QUESTION, folder, tmp_path / "yardstick")


def outcome_of(answer):
    assert isinstance(answer, Result)
    return ResearchOutcome.model_validate(answer.payload.output)


@pytest.mark.parametrize("workers", [1, 3, 9])
def test_the_agents_together_do_what_one_process_does(folder, tmp_path, wanted, workers):
    stage = Stage()
    answer = stage.run(folder, tmp_path / "index", workers)
    assert outcome_of(answer) == wanted
    assert (answer.in_reply_to, answer.payload.task_id) == ("m-t", "t")
    assert stage.started == stage.stopped == [f"worker-{n}" for n in range(1, workers + 1)]


@pytest.mark.parametrize(
    "kill",
    [
        ("planner", "count"),
        ("planner", "plan"),
        ("worker", "retrieve"),
        ("worker", "extract"),
        ("worker", "compare"),
        ("worker", "revise"),
        ("worker", "write"),
        ("critic", "check"),
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_kill_before_any_step_changes_nothing_in_the_outcome(folder, tmp_path, wanted, kill, times):
    stage = Stage({kill: times})
    assert outcome_of(stage.run(folder, tmp_path / "index")) == wanted
    assert len(stage.deaths) == times


def test_steps_that_were_finished_are_not_run_again(folder, tmp_path):
    stage = Stage({("worker", "extract"): 2})
    stage.run(folder, tmp_path / "index")
    undisturbed = Stage()
    undisturbed.run(folder, tmp_path / "other")
    assert sorted(name for _, name in stage.ran) == sorted(name for _, name in undisturbed.ran)


def test_a_piece_that_kills_its_worker_three_times_is_given_up_and_told(folder, tmp_path):
    done = outcome_of(Stage({("worker-2", "extract"): 3}).run(folder, tmp_path / "index"))
    assert len(done.failed) == 1
    assert "quarantined after 3 deliveries" in done.failed[0]
    assert any("A part of the work failed" in line for line in done.not_found)


def test_a_critic_that_cannot_check_leaves_nothing_stated(folder, tmp_path):
    done = outcome_of(Stage({("critic", "check"): 99}).run(folder, tmp_path / "index"))
    assert done.report.claims == 0
    assert done.dropped > 0


def test_a_worker_that_ended_for_good_is_started_again_and_its_piece_given_out_anew(folder, tmp_path, wanted):
    class WorkerLost(Stage):
        lost = False

        def deliver(self, message, deliveries=1):
            if message.to == "worker-2" and not self.lost:
                self.lost = True
                del self.kinds["worker-2"]
                self.tell("planner", DownPayload(agent="worker-2", reason=ExitReason.KILLED))
                return
            super().deliver(message, deliveries)

    stage = WorkerLost()
    assert outcome_of(stage.run(folder, tmp_path / "index")) == wanted
    assert stage.started.count("worker-2") == 2


class Moved(Stage):
    """Another machine takes the run over before the first task to `agent`, where `moved` has been called."""

    def __init__(self, agent, moved):
        super().__init__()
        self.agent, self.moved, self.index = agent, moved, None

    def ask(self, folder, path, workers=3, **given):
        self.index = path
        super().ask(folder, path, workers, **given)

    def deliver(self, message, deliveries=1):
        if message.to == self.agent and self.moved:
            self.index.unlink()
            self.moved()
            self.agents, self.moved = {}, None
        super().deliver(message, deliveries)


@pytest.mark.parametrize("agent", ["worker-1", "worker-2", "critic"])
def test_a_machine_that_has_the_documents_builds_the_index_anew_and_the_outcome_is_the_same(
    folder, tmp_path, wanted, agent
):
    stage = Moved(agent, lambda: None)
    assert outcome_of(stage.run(folder, tmp_path / "index")) == wanted
    assert (tmp_path / "index").exists()
    assert "index" not in {name for _, name in stage.ran}, "what is local to a machine is no recorded step"


@pytest.mark.parametrize("agent", ["planner", "worker-1", "critic"])
def test_on_a_machine_without_the_documents_the_run_fails_and_says_why(folder, tmp_path, agent):
    stage = Moved(agent, lambda: folder.rename(tmp_path / "elsewhere"))
    if agent == "planner":
        (tmp_path / "index").touch()
    answer = stage.run(folder, tmp_path / "index", run_id="run-1")
    assert answer.payload.failed
    assert answer.payload.output["error"].endswith(
        "when they are back: `scr fork run-1 --at 1`, then `scr resume` the run that it makes"
    )
    told = read_answer(answer.payload.output)
    assert isinstance(told, RunFailure)
    assert told.why.count(f"the documents folder '{folder}' is not on this machine") == 1
    assert stage.deaths == []


def test_a_run_whose_parts_are_dead_letters_has_failed_and_names_the_reasons(folder, tmp_path):
    answer = Stage({("worker", "extract"): 99}).run(folder, tmp_path / "index")
    assert answer.payload.failed
    assert "quarantined after 3 deliveries" in read_answer(answer.payload.output).why


def test_a_dead_letter_is_not_sent_again_and_its_error_is_named(folder, tmp_path):
    class Refused(Stage):
        tried = 0

        def deliver(self, message, deliveries=1):
            if message.to.startswith("worker") and message.payload.kind == "research":
                self.tried += 1
                error = ErrorInfo(type="OSError", message="no disk")
                failure = FailurePayload(
                    message_id=message.message_id, agent=message.to, reason="failed", deliveries=4, error=error
                )
                self.tell(message.sender, failure)
                return
            super().deliver(message, deliveries)

    stage = Refused()
    outcome = outcome_of(stage.run(folder, tmp_path / "index"))
    assert stage.tried == len(outcome.failed) > 0
    assert all("failed after 4 deliveries (OSError: no disk)" in why for why in outcome.failed)


def test_when_no_worker_can_be_kept_the_client_is_told(folder, tmp_path):
    class NoWorkers(Stage):
        def deliver(self, message, deliveries=1):
            if message.to.startswith("worker"):
                self.tell("planner", DownPayload(agent=message.to, reason=ExitReason.START_FAILED))
                return
            super().deliver(message, deliveries)

    stage = NoWorkers()
    answer = stage.run(folder, tmp_path / "index", workers=2)
    assert (answer.payload.output["error_type"], answer.payload.failed) == ("RunFailed", True)
    assert stage.started.count("worker-1") == STARTS_MAX


def test_a_start_that_is_refused_is_tried_again_and_then_given_up(folder, tmp_path):
    class Refused(Stage):
        def deliver(self, message, deliveries=1):
            if message.to.startswith("worker"):
                refusal = FailurePayload(message_id="m-t", agent=message.to, reason="refused", detail="taken")
                self.tell("planner", refusal)
                return
            super().deliver(message, deliveries)

    assert Refused().run(folder, tmp_path / "index").payload.output["error_type"] == "RunFailed"


def test_a_message_that_went_astray_is_sent_again(folder, tmp_path, wanted):
    class Astray(Stage):
        astray = 2

        def deliver(self, message, deliveries=1):
            if message.to == "critic" and self.astray:
                self.astray -= 1
                failure = FailurePayload(message_id=message.message_id, agent="critic", reason="mailbox_full")
                self.tell("planner", failure)
                return
            super().deliver(message, deliveries)

    assert outcome_of(Astray().run(folder, tmp_path / "index")) == wanted


@pytest.mark.parametrize(
    ("given", "error_type", "sentence"),
    [
        ({"question": "  "}, "InvalidInput", "the question is empty"),
        ({"question": "word " * 20_000}, "InvalidInput", "the limit is 2000"),
        ({"docs": "/nowhere/at/all"}, "InvalidDocuments", "there is no folder"),
        ({"workers": 0}, "InvalidInput", "workers"),
        ({"workers": 1000}, "InvalidInput", "workers"),
        ({"colour": "blue"}, "InvalidInput", "colour"),
    ],
)
def test_bad_input_is_answered_in_one_sentence_and_nothing_is_started(folder, tmp_path, given, error_type, sentence):
    stage = Stage()
    answer = stage.run(folder, tmp_path / "index", **given).payload.output
    assert answer["error_type"] == error_type
    assert sentence in answer["error"]
    assert stage.started == []


def test_a_planner_that_is_busy_says_so_and_takes_the_next_question_when_it_is_done(folder, tmp_path, wanted):
    stage = Stage()
    stage.ask(folder, tmp_path / "first", task_id="first")
    assert "the planner is busy" in stage.run(folder, tmp_path / "index").payload.output["error"]
    assert outcome_of(stage.answers["first"]) == wanted
    assert outcome_of(stage.run(folder, tmp_path / "index")) == wanted
    assert stage.started == [f"worker-{n}" for n in range(1, 7)]


def test_what_the_planner_knows_is_remembered(folder, tmp_path):
    stage = Stage()
    stage.run(folder, tmp_path / "index")
    kept = set(stage.table)
    assert {
        "t/task",
        "t/plan",
        "t/report",
        "t/critique/critique-1",
        "t/result/research-1",
        "t/result/synthesis",
    } <= kept
    assert stage.table["t/report"].startswith("# ")


def test_the_planner_tells_how_many_subtasks_there_are(folder, tmp_path):
    stage = Stage()
    stage.run(folder, tmp_path / "index")
    assert stage.progress[SUBTASKS] == (0, len(stage.table["t/plan"]["subtasks"]))


def test_a_review_survives_its_way_through_a_critique():
    objection = Objection(claim_id="a", fault=ClaimFault.WRONG_NUMBER, reason="3 is not in the cited lines")
    judged = Review(score=0.5, objections=(objection,), uncovered=("research-2",), checked=2)
    again = Review.model_validate(review_of(critique_of(judged, "t")))
    assert (again.score, again.objections, again.uncovered) == (0.5, (objection,), ("research-2",))


@pytest.mark.parametrize(
    ("agent", "kind", "steps"),
    [
        (WorkerAgent, "research", {"retrieve": [1], "extract": {"claims": []}}),
        (CriticAgent, "critique", {"check": {"score": 1.0, "objections": [], "uncovered": [], "checked": 0}}),
    ],
)
def test_a_piece_whose_steps_are_all_recorded_needs_no_index(tmp_path, agent, kind, steps):
    task = TaskPayload(task_id="t", kind=kind, input={"index": str(Path(tmp_path) / "gone"), "piece": {}})
    message = Task(payload=task, **origin(message_id="m", sender="planner", to="worker-1", at=0.0))
    ctx = Ctx(Stage(), "worker-1", message, dict(steps))
    handle(agent(), ctx, message)
    assert [sent.to for sent in ctx.sends] == ["planner"]


def test_a_worker_whose_index_is_gone_crashes_and_says_why(tmp_path):
    given = {"question": QUESTION, "subtask": {}}
    task = TaskPayload(task_id="t", kind="research", input={"index": str(Path(tmp_path) / "gone"), "piece": given})
    message = Task(payload=task, **origin(message_id="m", sender="planner", to="worker-1", at=0.0))
    with pytest.raises(Exception, match="gone"):
        handle(WorkerAgent(), Ctx(Stage(), "worker-1", message, {}), message)
