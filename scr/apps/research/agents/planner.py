"""The planner: turns a question into pieces of work, gives them out, and answers with the outcome.

All decisions are pure and elsewhere: `research.job` says what is due, `team` who does it.
This class only carries them out.  Its state holds everything, so that a planner that is
killed goes on where its last turn ended.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, JsonValue, ValidationError

from scr.agent.agent import Agent
from scr.agent.context import Context
from scr.apps.research.agents import team as teams
from scr.apps.research.agents.critic import review_of
from scr.apps.research.agents.team import Team
from scr.apps.research.agents.worker import told_of
from scr.apps.research.facets import plan_for
from scr.apps.research.job import Job, absorb, due, give_up, outcome
from scr.apps.research.plan import Plan
from scr.apps.research.question import clean
from scr.apps.research.text.index import Index, IndexStats
from scr.bounds import counted
from scr.errors import InvalidInput
from scr.messages import Critique, Down, Failure, Message, Result, ResultPayload, StatusPayload, Task, TaskPayload
from scr.telemetry.output import SUBTASKS
from scr.values import Frozen, complaint

WORKER = "scr.apps.research.agents.worker:WorkerAgent"
WORKERS_UNDER = "workers"
MEMORY = "memory"
WORKERS_MAX = 64


class ResearchTask(Frozen):
    """The input of a task of kind "research".  `index` is the path of the file that the index is built in."""

    question: str
    docs: str
    index: str
    workers: Annotated[int, Field(ge=1, le=WORKERS_MAX)] = 3


class Asker(Frozen):
    """Who asked, and for what."""

    agent: str
    message_id: str
    task_id: str
    index: str
    docs: str = ""


class Planning(BaseModel):
    """The planner's state: one job at a time.  `hired` counts workers, so that no name is used twice."""

    client: Asker | None = None
    job: Job | None = None
    team: Team = Team()
    hired: int = 0


class PlannerAgent(Agent):
    """Answers a task of kind "research" with an `Outcome`, or with {"error", "error_type"}.

    The answer says that it failed when it is an error, and when parts failed and nothing of the rest can be stated.
    """

    State = Planning
    state: Planning

    def on_task(self, ctx: Context, message: Task) -> None:
        """See to the index, plan, start the workers, give out the first pieces."""
        task_id = message.payload.task_id
        try:
            request = self._request(message)
            stats = IndexStats.model_validate(ctx.step("count", _counted, request, ctx))
            plan = Plan.model_validate(ctx.step("plan", _plan, request))
        except InvalidInput as error:
            output: JsonValue = {"error": told_of(message, error), "error_type": type(error).__name__}
            ctx.reply(ResultPayload(task_id=task_id, output=output, failed=True))
            return
        self.state.client = Asker(
            agent=message.sender,
            message_id=message.message_id,
            task_id=task_id,
            index=request.index,
            docs=request.docs,
        )
        self.state.job = Job(plan=plan, stats=stats)
        self.state.team = teams.hire(request.workers, after=self.state.hired)
        self.state.hired += request.workers
        for worker in self.state.team.workers:
            self._start(ctx, worker)
        ctx.remember(f"{task_id}/task", {"question": plan.question, "docs": request.docs})
        ctx.remember(f"{task_id}/index", stats.model_dump(mode="json"))
        ctx.remember(f"{task_id}/plan", plan.model_dump(mode="json"))
        ctx.progress(0, len(plan.subtasks), SUBTASKS)
        self._tell(ctx, "planned", {"subtasks": len(plan.subtasks), "facets": [facet.title for facet in plan.facets]})
        self._go_on(ctx)

    def on_result(self, ctx: Context, message: Result) -> None:
        """A worker has done its piece, or the piece cannot be done here."""
        if message.payload.failed:
            self._refused(ctx, message)
        else:
            self._absorb(ctx, message, message.payload.output, "result")

    def on_critique(self, ctx: Context, message: Critique) -> None:
        """The critic has judged the claims."""
        self._absorb(ctx, message, review_of(message.payload), "critique")

    def on_message(self, ctx: Context, message: Message) -> None:
        """A worker has ended for good, or a piece cannot be handled."""
        if self.state.job is None:
            return
        if isinstance(message, Down):
            self._replace(ctx, message.payload.agent, message.payload.detail or str(message.payload.reason))
        elif isinstance(message, Failure):
            self._failed(ctx, message)
        self._go_on(ctx)

    def _request(self, message: Task) -> ResearchTask:
        """Raises InvalidInput for a task that cannot be done."""
        if self.state.job is not None:
            raise InvalidInput(
                f"the planner is busy with {self.state.job.plan.question!r}: ask again when that is answered"
            )
        if message.payload.kind != "research":
            raise InvalidInput(f"the planner does tasks of kind 'research', not {message.payload.kind!r}")
        try:
            request = ResearchTask.model_validate(message.payload.input)
        except ValidationError as error:
            raise InvalidInput(complaint("research task", error)) from error
        clean(request.question)
        return request

    def _absorb(self, ctx: Context, message: Result | Critique, output: JsonValue, what: str) -> None:
        piece_id = self.state.team.errand_of(message.in_reply_to or "")
        if self.state.job is None or self.state.client is None or piece_id is None:
            return
        self.state.team = teams.returned(self.state.team, piece_id)
        self.state.job = absorb(self.state.job, piece_id, output)
        ctx.remember(f"{self.state.client.task_id}/{what}/{piece_id}", output)
        self._go_on(ctx)

    def _refused(self, ctx: Context, message: Result) -> None:
        """Give up a piece that cannot be done, for the reason in the answer."""
        piece_id = self.state.team.errand_of(message.in_reply_to or "")
        if piece_id is not None:
            self.state.team = teams.returned(self.state.team, piece_id)
            told = message.payload.output
            self._give_up(piece_id, str(told.get("error") if isinstance(told, dict) else told))
            self._go_on(ctx)

    def _failed(self, ctx: Context, message: Failure) -> None:
        """Give up a piece that was tried as often as it may be; send one again that only went astray."""
        failure = message.payload
        piece_id = self.state.team.errand_of(failure.message_id)
        if piece_id is None:
            refused = failure.reason == "refused" and not failure.detail.startswith("already_started")
            if refused and failure.agent in self.state.team.workers:
                self._replace(ctx, failure.agent, failure.detail)
            return
        self.state.team = teams.returned(self.state.team, piece_id)
        if failure.reason in {"quarantined", "failed"} or teams.exhausted(self.state.team, piece_id):
            cause = f" ({failure.error.type}: {failure.error.message})" if failure.error else ""
            delivered = counted(failure.deliveries, "delivery", "deliveries")
            self._give_up(piece_id, f"{failure.reason} after {delivered}{cause}")

    def _replace(self, ctx: Context, agent: str, why: str) -> None:
        """Start a worker again that has ended for good; without any worker the rest cannot be done."""
        if agent not in self.state.team.starts:
            return
        self.state.team = teams.lost(self.state.team, agent)
        if teams.may_start(self.state.team, agent):
            self.state.team = teams.started(self.state.team, agent)
            self._start(ctx, agent)
        self._tell(ctx, "worker_lost", {"worker": agent, "why": why})

    def _give_up(self, piece_id: str, reason: str) -> None:
        if self.state.job is not None:
            self.state.job = give_up(self.state.job, piece_id, reason)

    def _start(self, ctx: Context, worker: str) -> None:
        ctx.start_agent(worker, WORKER, under=WORKERS_UNDER, shutdown_s=1.0)
        ctx.monitor(worker)

    def _go_on(self, ctx: Context) -> None:
        """Give out what is due, or answer when nothing is left."""
        job, client = self.state.job, self.state.client
        if job is None or client is None:
            return
        if job.done:
            self._finish(ctx, job, client)
            return
        if not self.state.team.workers:
            left: JsonValue = {"error": "no worker is left to go on with", "error_type": "RunFailed"}
            self._answer(ctx, client, left, failed=True)
            return
        for piece, agent in teams.assign(self.state.team, due(job)):
            place = {"index": client.index, "docs": client.docs} if client.docs else {"index": client.index}
            given: JsonValue = {**place, "title": piece.title, "piece": piece.input}
            task = TaskPayload(task_id=f"{client.task_id}/{piece.piece_id}", kind=piece.kind.value, input=given)
            message = ctx.send(task, to=agent)
            self.state.team = teams.sent(self.state.team, piece.piece_id, agent, message.message_id)
        self._tell(ctx, "working", {"done": len(job.ended), "under_way": sorted(self.state.team.errands)})

    def _finish(self, ctx: Context, job: Job, client: Asker) -> None:
        result = outcome(job)
        if result is None:
            reason = "; ".join(f"{piece}: {why}" for piece, why in sorted(job.failed.items()))
            output: JsonValue = {"error": f"the report could not be written: {reason}", "error_type": "RunFailed"}
        else:
            output = result.model_dump(mode="json")
            ctx.remember(f"{client.task_id}/report", result.report.body)
        self._answer(ctx, client, output, failed=result is None or bool(result.error))

    def _answer(self, ctx: Context, client: Asker, output: JsonValue, *, failed: bool) -> None:
        """Send the answer, stop the workers, be ready for the next question."""
        for worker in self.state.team.workers:
            ctx.stop_agent(worker)
        self._tell(ctx, "done", {"task_id": client.task_id})
        answer = ResultPayload(task_id=client.task_id, output=output, failed=failed)
        ctx.send(answer, to=client.agent, in_reply_to=client.message_id)
        self.state.client, self.state.job, self.state.team = None, None, Team()

    def _tell(self, ctx: Context, state: str, detail: dict[str, Any]) -> None:
        ctx.log(f"{state} {detail}")
        ctx.send(StatusPayload(state=state, detail=detail), to=MEMORY)


def _counted(request: ResearchTask, ctx: Context) -> JsonValue:
    """Count what the documents hold.  The counts are recorded, the index is not: each machine ensures its own."""
    with Index.ensure(Path(request.docs), Path(request.index), ctx.progress) as index:
        return index.stats.model_dump(mode="json")


def _plan(request: ResearchTask) -> JsonValue:
    with Index.ensure(Path(request.docs), Path(request.index)) as index:
        return plan_for(request.question, index).model_dump(mode="json")
