"""A run as data: the object of `--json`, and the exit code.

Pure, but for the names of files.
"""

from __future__ import annotations

from typing import Any

from scr.apps.research.outcome import ResearchOutcome
from scr.apps.research.running.session import FinishedRun, RunFailure
from scr.exit_codes import STATUS, ExitCode
from scr.views.run import AgentView


def code_of(ended: FinishedRun) -> ExitCode:
    """What the shell is told about a run."""
    match ended.answer:
        case RunFailure(code=code):
            return code
        case ResearchOutcome() as outcome:
            whole = not (outcome.dropped or outcome.failed or ended.folder.trouble) and outcome.report.claims
            return ExitCode.DONE if whole else ExitCode.PARTIAL


def report_of(ended: FinishedRun, outcome: ResearchOutcome) -> str:
    """The report as a file, with the numbers of this run."""
    return outcome.render(restarts=ended.view.restarts, duration_s=ended.duration_s)


def described(ended: FinishedRun) -> dict[str, Any]:
    """Everything about a run that a program may want to know."""
    code = code_of(ended)
    common = {
        "run_id": ended.run_id,
        "status": STATUS[code],
        "folder": str(ended.folder.path),
        "duration_s": round(ended.duration_s, 3),
        "restarts": ended.view.restarts,
        "agents": [agent_as_json(agent) for agent in ended.view.agents.values()],
        "processes_left": ended.processes_left,
    }
    match ended.answer:
        case RunFailure(why=why):
            return common | {"error": why}
        case ResearchOutcome() as outcome:
            return common | outcome_as_json(ended, outcome)


def outcome_as_json(ended: FinishedRun, outcome: ResearchOutcome) -> dict[str, Any]:
    """The part of a run that has an outcome."""
    report = outcome.report
    return {
        "question": report.question,
        "report": report_of(ended, outcome),
        "claims": report.claims,
        "cited": report.cited,
        "dropped": outcome.dropped,
        "sources": len(outcome.sources),
        "revisions": outcome.revisions,
    }


def agent_as_json(agent: AgentView) -> dict[str, Any]:
    """One agent and all processes that it had."""
    return {
        "id": agent.agent,
        "type": agent.type,
        "pids": list(agent.pids),
        "incarnations": len(agent.pids),
        "exit_reasons": list(agent.exit_reasons),
    }
