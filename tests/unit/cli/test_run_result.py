import pytest

from scr.apps.research.outcome import ResearchOutcome
from scr.apps.research.running.run_result import code_of, described
from scr.apps.research.running.session import RunFailure, read_answer
from scr.exit_codes import ExitCode
from scr.views.run import AgentView, RunView


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, ExitCode.DONE),
        ({"dropped": 1}, ExitCode.PARTIAL),
        ({"failed": ("Ponds: quarantined",)}, ExitCode.PARTIAL),
        ({"claims": 0}, ExitCode.PARTIAL),
    ],
)
def test_a_run_is_done_only_when_nothing_is_missing(ended, outcome, given, code):
    assert code_of(ended(outcome(**given))) is code


def test_a_folder_that_could_not_be_written_is_a_part_that_is_missing(ended):
    run = ended()
    run.folder.trouble = "the disk is full"
    assert code_of(run) is ExitCode.PARTIAL


@pytest.mark.parametrize("code", [ExitCode.BAD_INPUT, ExitCode.FAILED, ExitCode.INTERRUPTED])
def test_a_run_without_an_outcome_says_why(ended, code):
    found = described(ended(RunFailure("no luck", code)))
    assert (found["error"], found["processes_left"]) == ("no luck", 0)
    assert found["status"] in {"bad_input", "failed", "interrupted"}


def test_the_object_tells_all_processes_of_each_agent(ended):
    worker = AgentView("worker-1", type="WorkerAgent", pids=(5, 9), exit_reasons=("killed", "shutdown"))
    found = described(ended(view=RunView(agents={"worker-1": worker, "critic": AgentView("critic", pids=(6,))})))
    assert found["agents"][0] == {
        "id": "worker-1",
        "type": "WorkerAgent",
        "pids": [5, 9],
        "incarnations": 2,
        "exit_reasons": ["killed", "shutdown"],
    }
    wanted = {"run_id", "status", "question", "report", "claims", "cited", "dropped", "sources", "revisions"}
    assert wanted | {"duration_s", "agents", "processes_left"} <= set(found)
    assert (found["status"], found["claims"], found["sources"], found["restarts"]) == ("done", 2, 1, 1)
    assert "restarts: 1" in found["report"]


def test_what_the_planner_answers_is_an_outcome_or_a_failure(outcome):
    made = outcome()
    assert read_answer(made.model_dump(mode="json")) == made
    assert read_answer({"error": "no folder", "error_type": "InvalidDocuments"}) == RunFailure(
        "no folder", ExitCode.BAD_INPUT
    )
    assert read_answer({"error": "no worker", "error_type": "RunFailed"}) == RunFailure("no worker", ExitCode.FAILED)
    strange = read_answer(["?"])
    assert not isinstance(strange, ResearchOutcome)
    assert strange.code is ExitCode.FAILED
