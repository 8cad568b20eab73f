from functools import reduce

import pytest

from scr.telemetry.events import (
    RECORD,
    AgentExited,
    AgentGoneEvent,
    AgentStarting,
    AgentUp,
    Logged,
    MessageAccepted,
    MessageBuried,
    MessageDelivered,
    Progressed,
    RuntimeUp,
    StepRecorded,
    TurnCommitted,
)
from scr.telemetry.output import SUBTASKS
from scr.views.run import AgentActivity, Reading, RunView

TEAM = ("worker-1", "worker-2", "worker-3")


def starting(agent, incarnation=1):
    return AgentStarting(agent=agent, incarnation=incarnation, supervisor="workers", code="WorkerAgent")


def up(agent, pid, incarnation=1, down_ms=None):
    return AgentUp(agent=agent, incarnation=incarnation, pid=pid, down_ms=down_ms)


def task(message_id, to, title="research: Ponds", sender="planner"):
    return MessageAccepted(message_id=message_id, type="task", sender=sender, to=to, title=title)


def delivered(message_id, agent, **more):
    return MessageDelivered(message_id=message_id, agent=agent, incarnation=1, **more)


def committed(message_id, agent):
    return TurnCommitted(message_id=message_id, agent=agent, incarnation=1)


def killed(agent, pid, in_hand=None, **more):
    return AgentExited(agent=agent, incarnation=1, pid=pid, reason="killed", in_hand=in_hand, **more)


@pytest.fixture
def seen(record):
    """The view after these events."""
    return lambda *events: reduce(RunView.after, map(record, events), RunView())


def team():
    return [event for n, agent in enumerate(TEAM) for event in (starting(agent), up(agent, 100 + n))]


def states(view):
    return {name: agent.state for name, agent in view.agents.items()}


def test_an_agent_is_starting_until_it_is_up_and_waits_then(seen):
    assert states(seen(starting("critic")))["critic"] is AgentActivity.STARTING
    view = seen(RuntimeUp(runtime="r-1", pid=7), starting("critic"), up("critic", 41))
    critic = view.agents["critic"]
    assert (critic.state, critic.pid, critic.type, critic.restarts) == (AgentActivity.WAITING, 41, "WorkerAgent", 0)
    assert view.runtime_pid == 7


def test_only_the_agent_that_has_the_task_works_on_it(seen):
    view = seen(*team(), task("m1", "worker-2"), delivered("m1", "worker-2"))
    assert states(view) == {
        "worker-1": AgentActivity.WAITING,
        "worker-2": AgentActivity.WORKING,
        "worker-3": AgentActivity.WAITING,
    }
    assert view.agents["worker-2"].work == "research: Ponds"


def test_a_step_is_shown_while_its_message_is_in_hand_and_not_after(seen):
    begun = [*team(), task("m1", "worker-2"), delivered("m1", "worker-2")]
    step = StepRecorded(message_id="m1", agent="worker-2", step="retrieve")
    assert seen(*begun, step).agents["worker-2"].step == "retrieve"
    stale = StepRecorded(message_id="m0", agent="worker-2", step="old")
    assert seen(*begun, step, stale).agents["worker-2"].step == "retrieve"
    after = seen(*begun, step, committed("m1", "worker-2")).agents["worker-2"]
    assert (after.state, after.step, after.work) == (AgentActivity.WAITING, "", "")


def test_a_killed_agent_is_restarting_and_keeps_its_task_while_its_siblings_go_on(seen):
    begun = [*team(), task("m1", "worker-2"), delivered("m1", "worker-2")]
    lost = seen(*begun, killed("worker-2", 101, in_hand="m1"), starting("worker-2", 2))
    assert states(lost) == {
        "worker-1": AgentActivity.WAITING,
        "worker-2": AgentActivity.RESTARTING,
        "worker-3": AgentActivity.WAITING,
    }
    assert lost.agents["worker-2"].work == "research: Ponds"
    assert lost.agents["worker-2"].exit_reasons == ("killed",)
    back = seen(*begun, killed("worker-2", 101, in_hand="m1"), starting("worker-2", 2), up("worker-2", 200, 2))
    assert (back.agents["worker-2"].pids, back.agents["worker-2"].restarts, back.restarts) == ((101, 200), 1, 1)


def test_an_agent_that_was_asked_to_stop_has_ended_and_so_has_one_that_is_gone(seen):
    stopped = AgentExited(agent="worker-1", incarnation=1, pid=100, reason="shutdown", asked="stop")
    gone = AgentGoneEvent(agent="worker-3", reason="error")
    view = seen(*team(), stopped, killed("worker-3", 102), gone)
    assert states(view) == {
        "worker-1": AgentActivity.ENDED,
        "worker-2": AgentActivity.WAITING,
        "worker-3": AgentActivity.ENDED,
    }


def test_an_agent_that_hung_comes_back(seen):
    hung = AgentExited(agent="worker-1", incarnation=1, pid=100, reason="hung", asked="hung")
    assert seen(*team(), hung).agents["worker-1"].state is AgentActivity.RESTARTING


def test_subtasks_are_what_agents_give_to_agents_and_they_are_done_when_committed(seen):
    view = seen(
        *team(),
        task("m0", "planner", title="research", sender="client"),
        task("m1", "worker-1"),
        task("m2", "worker-2"),
        MessageAccepted(message_id="m3", type="result", sender="worker-1", to="planner"),
        delivered("m1", "worker-1"),
        committed("m1", "worker-1"),
        committed("m3", "planner"),
    )
    assert (view.done, view.total) == (1, 2)
    assert {name: agent.done for name, agent in view.agents.items() if agent.done} == {"worker-1": 1}


def test_the_plan_says_how_many_subtasks_there_will_be_and_revision_may_add_to_them(seen):
    planned = Progressed(agent="planner", done=0, total=3, note=SUBTASKS)
    assert (seen(planned).done, seen(planned).total, seen(planned).reading) == (0, 3, None)
    more = [task(f"m{n}", "worker-1") for n in range(5)]
    assert seen(planned, *more).total == 5


def test_an_agent_that_counts_its_subtasks_itself_is_believed(seen):
    view = seen(*(Progressed(agent="a", done=n, total=5, note=SUBTASKS) for n in (1, 4)))
    assert (view.done, view.total) == (4, 5)


@pytest.mark.parametrize("text", ["7 subtasks", "planned {'subtasks': 7}", "planned 7 subtasks: Ponds"])
def test_a_line_that_an_agent_logs_is_no_plan_whatever_it_says(seen, text):
    assert seen(Logged(agent="a", text=text)) == RunView()


def test_a_buried_message_is_known_no_more_and_its_subtask_is_not_done(seen):
    buried = MessageBuried(message_id="m1", type="task", to="worker-1", reason="quarantined", deliveries=3)
    view = seen(*team(), task("m1", "worker-1"), buried)
    assert "m1" not in view.mail
    assert (view.done, view.total) == (0, 1)


def test_a_result_and_a_critique_are_named_after_who_sent_them(seen):
    accepted = MessageAccepted(message_id="m1", type="critique", sender="critic", to="planner")
    view = seen(starting("planner"), up("planner", 5), accepted, delivered("m1", "planner"))
    assert view.agents["planner"].work == "critique of critic"


def test_a_redelivered_task_still_shows_the_step_that_it_does_not_do_again(seen):
    step = StepRecorded(message_id="m1", agent="worker-2", step="retrieve")
    again = delivered("m1", "worker-2", deliveries=2, steps_reused=1)
    begun = [*team(), task("m1", "worker-2"), delivered("m1", "worker-2"), step]
    back = [killed("worker-2", 101, in_hand="m1"), starting("worker-2", 2), up("worker-2", 200, 2)]
    assert seen(*begun, *back, again).agents["worker-2"].step == "retrieve"
    assert not seen(*begun, *back, again, delivered("m2", "worker-2")).agents["worker-2"].step


def test_how_far_something_is_is_kept_in_numbers_and_is_no_plan(seen):
    view = seen(Progressed(agent="planner", done=240, total=1000, note="reading documents"))
    assert (view.reading, view.total) == (Reading("reading documents 240 of 1,000", 240, 1000), 0)


def test_the_progress_in_a_store_of_an_earlier_scr_is_shown_as_before(seen):
    old = {"kind": "logged", "agent": "planner", "text": "reading documents 240 of 1,000", "done": 240, "total": 1000}
    event = RECORD.validate_python({"seq": 1, "at": 1.0, "time": 1.0, "event": old}).event
    assert seen(event).reading == Reading("reading documents 240 of 1,000", 240, 1000)
