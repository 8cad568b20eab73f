from scr.apps.research.running.session import RunFailure
from scr.cli.follow_run import answer_of, standing
from scr.protocol.server import Followed, RunStatus, ServerStatus
from scr.views.server_queue import lines_of


def run(name, state, **fields):
    return RunStatus(run=name, title=f"the {name}", state=state, priority="normal", agents=5, **fields)


def test_a_queue_is_two_lines_and_a_row_for_each_run():
    status = ServerStatus(
        server="s-1",
        pid=7,
        store="sqlite:///s",
        state="paused",
        agents=5,
        agents_most=64,
        runs_most=4,
        queue_most=100,
        waiting=1,
        runs=(
            run("a", "running", since=10.0, submitter="me"),
            run("b", "queued", since=-8000.0),
            run("c", "aside", detail="it crashed"),
        ),
    )
    assert list(lines_of(status, 100.0, None)) == [
        "server s-1 (pid 7): paused, `scr queue unpause` goes on; runs of sqlite:///s",
        "1 of 4 runs, 5 of 64 agents, 1 of 100 waiting",
        "",
        "RUN  STATE    PRIORITY  AGENTS  AGE  SUBMITTER  TITLE",
        "a    running  normal         5  90s  me         the a",
        "b    queued   normal         5   2h  -          the b",
        "c    aside    normal         5   2m  -          the c (it crashed)",
    ]
    assert len(list(lines_of(status.model_copy(update={"runs": ()}), 100.0, None))) == 2


def test_where_a_run_stands_is_a_few_words():
    for ahead, words in ((None, "r is queued"), (0, "r is queued, next"), (3, "r is queued, 3 before it")):
        assert standing(Followed(run="r", state="queued", ahead=ahead)) == words


def test_a_run_without_a_result_says_why_and_whether_it_can_be_gone_on_with():
    for end, resumable in (("failed", False), ("cancelled", False), ("aside", True)):
        answer = answer_of(Followed(run="r", state="stopped", end=end, why="so it was"))
        assert isinstance(answer, RunFailure)
        assert answer.why == "the run r has no result: so it was"
        assert answer.resumable is resumable
