"""What is kept comes back in frames that hold it: all of it, in order, whatever its size."""

from hypothesis import given
from hypothesis import strategies as st

from scr.errors import FrameTooLarge
from scr.mail.pending import MessageTurn, Pending
from scr.messages import Task, TaskPayload, origin
from scr.protocol.frames import Answer, Commit, Deliver, Entry, Fetch, ReadStep, ReadSteps, StepRecord
from scr.protocol.framing import packed
from scr.runtime.dispatch.pages import Pages, fitting
from scr.store.memory import MemoryStore
from scr.store.records import CommittedTurn
from tests.unit.runtime.test_turn_machine import Nobody

FRAME = 16 << 10
MOST = FRAME - 4096


def message(size=0):
    payload = TaskPayload(task_id="t", input="x" * size)
    return Task(payload=payload, **origin(message_id="m", sender="client", to="a", at=0.0))


class Reader:
    """An agent that reads, over frames that must fit."""

    def __init__(self, store=None):
        self.answers = []
        self.pages = Pages(store, Nobody(), self, FRAME)

    def tell(self, agent, incarnation, frame):
        try:
            packed(frame, FRAME)
        except FrameTooLarge as error:
            frame = Answer(ref=frame.ref, error="FrameTooLarge", detail=str(error))
        self.answers.append(frame)

    def steps(self, pending):
        """All steps, as `Link` reads them."""
        first, more = self.pages.first(pending)
        packed(Deliver(message=pending.message, steps=first, more=more, deliveries=2), FRAME)
        found = list(first)
        while more:
            page = self.ask(pending, ReadSteps(ref=1, message_id="m", after=len(found)))
            found += map(StepRecord.model_validate, page)
            more = bool(page)
        return [self.whole(pending, step) for step in found]

    def whole(self, pending, step):
        if not step.later:
            return step
        value = self.ask(pending, ReadStep(ref=2, message_id="m", name=step.name))
        return StepRecord(name=step.name, value=value, state=step.state)

    def ask(self, pending, frame):
        self.pages.steps("a", 1, pending, frame)
        answer = self.answers.pop()
        assert answer.error is None, answer
        return answer.value

    def entries(self):
        found, page = [], [None]
        while page:
            self.pages.entries("a", 1, Fetch(ref=1, after=found[-1]["version"] if found else 0, limit=500))
            page = self.answers.pop().value
            found += page
        return found


def pending_with(sizes, message_bytes=0):
    steps = {f"s{n}": StepRecord(name=f"s{n}", value="x" * size) for n, size in enumerate(sizes)}
    steps["begun"] = StepRecord(name="begun", state="begun")
    return Pending(MessageTurn(message(message_bytes)), steps)


SIZES = st.lists(st.sampled_from([0, 10, 500, 1023, 1024, 4000, MOST - 100]), max_size=60)


@given(SIZES, st.sampled_from([0, 1000, MOST - 300]))
def test_all_steps_of_a_turn_come_back_as_they_were(sizes, message_bytes):
    pending = pending_with(sizes, message_bytes)
    assert Reader().steps(pending) == list(pending.steps.values())


def test_a_turn_without_steps_asks_for_nothing_and_small_ones_go_along_whole():
    assert Reader().pages.first(Pending(MessageTurn(message()))) == ((), False)
    pending = pending_with([10, 10])
    assert Reader().pages.first(pending) == (tuple(pending.steps.values()), False)


def test_a_step_that_is_recorded_while_the_others_are_read_is_read_too():
    pending, reader = pending_with([500] * 40), Reader()
    first, more = reader.pages.first(pending)
    assert more
    pending.steps["late"] = StepRecord(name="late", value=1)
    page = reader.ask(pending, ReadSteps(ref=1, message_id="m", after=len(first)))
    while page and page[-1]["name"] != "late":
        first += tuple(page)
        page = reader.ask(pending, ReadSteps(ref=1, message_id="m", after=len(first)))
    assert page


def test_a_step_that_is_not_recorded_is_an_error_to_who_wants_it():
    reader = Reader()
    reader.pages.steps("a", 1, pending_with([]), ReadStep(ref=7, message_id="m", name="nothing"))
    assert (reader.answers[0].ref, reader.answers[0].error) == (7, "ScrError")


def remembered(sizes):
    store = MemoryStore()
    for n, size in enumerate(sizes):
        entries = (Entry(key=f"k{n}", value="x" * size),)
        store.commit(CommittedTurn("a", 1, Commit(message_id="m", entries=entries)), lambda: None)
    return store


@given(SIZES)
def test_all_that_is_remembered_comes_back_in_order_of_version(sizes):
    found = Reader(remembered(sizes)).entries()
    assert [(row["key"], len(row["value"])) for row in found] == [(f"k{n}", size) for n, size in enumerate(sizes)]


def test_an_entry_that_is_larger_than_the_frames_of_this_runtime_is_named():
    reader = Reader(remembered([10, FRAME]))
    reader.pages.entries("a", 1, Fetch(ref=1, after=1))
    assert reader.answers[0].error == "FrameTooLarge"
    assert "'k1' is 16" in reader.answers[0].detail
    assert "limits.frame_bytes" in reader.answers[0].detail


def test_a_page_has_as_many_as_fit_and_one_at_least():
    steps = [StepRecord(name=str(n), value="x" * 100) for n in range(9)]
    assert fitting(steps, 500) == steps[:3]
    assert fitting(steps, 1) == steps[:1]
    assert fitting([], 1) == []
