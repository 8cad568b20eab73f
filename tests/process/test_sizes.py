"""What is accepted comes back: in this life, after a kill and in the next.  What could not is refused by its name."""

import os
import signal

import pytest
from pydantic import BaseModel

import scr
from scr.bounds import DEPTH_MAX, ROOM_BYTES
from scr.client.connection import Connection
from scr.config import Limits, Settings
from scr.errors import AgentError, InvalidInput, InvalidMessage, InvalidSpec, StartFailed, TaskFailed
from scr.messages import CLIENT, ResultPayload, Task, TaskPayload, origin
from scr.protocol.control import Resolve, SendMessage
from scr.protocol.frames import Exiting, StepDone, StepRecord
from scr.protocol.socket_dir import reach
from scr.runtime.tree import AGENTS_TREE
from scr.specs import Code
from scr.store.archive.archive import open_archive
from tests.process.conftest import Story

FRAME = 64 << 10
PART = 10_000  # of many, which are more than a frame together
NARROW = Limits(frame_bytes=FRAME)
MOST = FRAME - ROOM_BYTES - 2  # of text in one value


def nest(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.sqlite"


@pytest.fixture
def narrow():
    """A runtime whose frames are small."""
    told = Story(limits=NARROW)
    with told.runtime:
        yield told


def life(url):
    """The next life of a run."""
    settings = Settings(store=url, limits=NARROW)
    return scr.Runtime(AGENTS_TREE, settings=settings, run="r")


def remembers(ctx, message):
    match message.payload.input:
        case ["put", key, size]:
            ctx.remember(key, "x" * size)
            return "put"
        case key:
            return len(ctx.recall(key, ""))


class Keeps(scr.Agent):
    class State(BaseModel):
        text: str = ""

    def on_task(self, ctx, message):
        if isinstance(message.payload.input, int):
            self.state.text = "x" * message.payload.input
        ctx.reply(len(self.state.text))


def test_any_amount_of_entries_and_a_large_state_come_back_after_a_kill_and_in_the_next_life(url):
    keys = ("k0", "k19", "largest")
    with life(url) as runtime:
        runtime.start_agent("a", remembers)
        runtime.start_agent("keeps", Keeps, options={"pad": "p" * 20_000})
        runtime.ask("keeps", 40_000)
        for n in range(20):
            runtime.send("a", ["put", f"k{n}", PART])
        runtime.ask("a", ["put", "largest", MOST])
        pids = {status.id: status.pid for status in runtime.status().agents}
        for agent in ("table", "keeps"):
            os.kill(pids[agent], signal.SIGKILL)
        assert [runtime.ask("a", key) for key in keys] == [PART, PART, MOST]
        assert runtime.ask("keeps", "size") == 40_000
    with life(url) as runtime:
        runtime.start_agent("a", remembers)
        assert [runtime.ask("a", key) for key in keys] == [PART, PART, MOST]
        assert runtime.ask("keeps", "size") == 40_000


def counted(path, n):
    with open(path, "a") as file:
        file.write("x")
    return f"{n}" * PART


def steps(ctx, message):
    """Many steps, an ask among them, and a death before the end."""
    results = [ctx.step(f"s{n}", counted, message.payload.input, n) for n in range(10, 30)]
    small = [ctx.step(f"small{n}", counted, message.payload.input, n)[:2] for n in range(10, 15)]
    asked = len(ctx.ask("large", None))
    if ctx.deliveries == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return [sum(map(len, results)), small, asked, ctx.deliveries]


async def steps_async(ctx, message):
    async def count(path, n):
        return counted(path, n)

    results = [await ctx.step_async(f"s{n}", count, message.payload.input, n) for n in range(10, 30)]
    asked = len(await ctx.ask_async("large", None))
    if ctx.deliveries == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return [sum(map(len, results)), asked, ctx.deliveries]


def test_the_steps_of_a_turn_come_back_whatever_their_total_size_and_are_not_run_again(narrow, tmp_path):
    runtime = narrow.runtime
    runtime.start_agent("large", lambda ctx, message: "x" * MOST)
    runtime.start_agent("a", steps)
    runtime.start_agent("b", steps_async)
    small = [f"{n}" for n in range(10, 15)]
    assert runtime.ask("a", str(tmp_path / "a")) == [40 * PART, small, MOST, 2]
    assert runtime.ask("b", str(tmp_path / "b")) == [40 * PART, MOST, 2]
    assert [len((tmp_path / name).read_text()) for name in "ab"] == [25, 20]
    assert narrow.until("message_delivered", agent="a", deliveries=2).steps_reused == 26


def refused(use):
    try:
        use()
    except InvalidInput as error:
        return str(error)


class Oversteps(scr.Agent):
    class State(BaseModel):
        text: str = "as it was"

    def on_task(self, ctx, message):
        match message.payload.input:
            case "values":
                ctx.reply(
                    {
                        "step": refused(lambda: ctx.step("s", lambda: "x" * (MOST + 1))),
                        "entry": refused(lambda: ctx.remember("k", "x" * (MOST + 1))),
                        "message": refused(lambda: ctx.send("x" * (MOST + 1), to="a")),
                        "model": refused(lambda: ctx.reply(ResultPayload(task_id="t", output="x" * MOST))),
                        "name": refused(lambda: ctx.step("s" * 2000, list)),
                    }
                )
            case "state":
                self.state.text = "x" * 45_000
            case "turn":
                for _ in range(8):
                    ctx.send("x" * PART, to="nobody")
            case "is":
                ctx.reply(self.state.text)


def test_what_could_not_come_back_is_refused_in_its_turn_by_its_name_and_all_stays_as_it_was(narrow):
    runtime = narrow.runtime
    runtime.start_agent("a", Oversteps, options={"pad": "p" * 20_000}, max_deliveries=1)
    said = runtime.ask("a", "values")
    assert said.pop("name").endswith("of 2000 characters cannot be a step's name: give text of 1 to 512 characters")
    assert {name: sentence.partition(" bytes")[0] for name, sentence in said.items()} == {
        "step": f"the result of step 's' is {MOST + 3}",
        "entry": f"what is remembered as 'k' is {MOST + 3}",
        "message": f"a payload is {MOST + 3}",
        "model": f"a ResultPayload is {MOST + 27}",
    }
    for payload in ("x" * (MOST + 1), ResultPayload(task_id="t", output="x" * MOST)):
        with pytest.raises(InvalidMessage, match="can be handed on"):
            runtime.ask("a", payload)
    assert not narrow.events("agent_exited", agent="a")
    with pytest.raises(AgentError, match=r"the state of a is 45011 bytes as JSON.*beside 2\d{4} bytes of code and opt"):
        runtime.ask("a", "state")
    with pytest.raises(AgentError, match="cannot be committed, its sends are 8"):
        runtime.ask("a", "turn")
    assert runtime.ask("a", "is") == "as it was"


def deep(ctx, message):
    """What is nested too deep, given in every way that there is; the sentences."""
    value, found = nest(DEPTH_MAX + 1), {}
    ways = {
        "reply": lambda: ctx.reply(value),
        "send": lambda: ctx.send(value, to="a"),
        "model": lambda: ctx.send(TaskPayload(task_id="t", input=value), to="a"),
        "after": lambda: ctx.send_after(1, value, to="a"),
        "wake": lambda: ctx.wake_at(0, value),
        "step": lambda: ctx.step("s", lambda: value),
        "once": lambda: ctx.step_once("o", lambda: value),
        "remember": lambda: ctx.remember("k", value),
        "ask": lambda: ctx.ask("other", value),
        "options": lambda: ctx.start_agent("b", deep, options={"o": value}),
    }
    for way, use in ways.items():
        try:
            use()
        except InvalidInput as error:
            found[way] = str(error)
    return found


class DeepState(scr.Agent):
    class State(BaseModel):
        value: list | int = 0

    def on_task(self, ctx, message):
        self.state.value = nest(message.payload.input)
        ctx.reply("kept")


def test_what_is_nested_too_deep_is_refused_where_it_is_given_and_no_process_ends(story):
    runtime, value = story.runtime, nest(DEPTH_MAX + 1)
    runtime.start_agent("a", deep)
    found = runtime.ask("a", None)
    assert len(found) == 10
    assert all(f"nested at most {DEPTH_MAX} levels" in sentence for sentence in found.values())
    refused = {
        InvalidMessage: [
            lambda: runtime.ask("a", value),
            lambda: runtime.send("a", value),
            lambda: runtime.submit("a", TaskPayload(task_id="t", input=value)),
            lambda: runtime.resolve("m", is_done=True, value=value),
        ],
        InvalidSpec: [lambda: runtime.start_agent("b", deep, options={"o": value})],
    }
    for error, ways in refused.items():
        for use in ways:
            with pytest.raises(error, match="nested at most"):
                use()
    assert runtime.ask("a", nest(DEPTH_MAX)) == found
    assert not story.events("agent_exited")
    runtime.start_agent("deep", DeepState, max_deliveries=1)
    assert runtime.ask("deep", DEPTH_MAX - 1) == "kept"
    with pytest.raises(AgentError, match="the state of deep must be nested at most"):
        runtime.ask("deep", DEPTH_MAX)


def alive(ctx, message):
    return f"alive {ctx.incarnation}"


def test_a_deep_message_of_an_older_store_or_of_another_client_ends_no_process(url):
    first = Task(
        payload=TaskPayload(task_id="t", input=nest(198)), **origin(message_id="old", sender=CLIENT, to="a", at=0.0)
    )
    agent = scr.AgentSpec(id="a", code=Code(reference="tests.process.test_sizes:alive"))
    tree = scr.SupervisorSpec(id="root", strategy="one_for_one", children=(agent,))
    with open_archive(url, create=True) as archive:
        archive.create("r", tree, first)
    with scr.Runtime(tree, store=url, run="r") as runtime:
        with pytest.raises(
            TaskFailed, match=f"it cannot be handed to a: a TaskPayload must be nested at most {DEPTH_MAX}"
        ):
            runtime.attach("old").result(10)
        payload = TaskPayload.model_construct(task_id="t", kind="task", input=nest(198))
        with Connection() as stranger:
            stranger.open(reach(runtime.id))
            for request in (
                SendMessage(ref=1, message_id="new", to="a", payload=payload),
                Resolve(ref=2, message_id="m", is_done=True, value=nest(198)),
            ):
                with pytest.raises(InvalidMessage, match="nested at most"):
                    stranger.request(request, 10)
        assert runtime.ask("a", None) == "alive 1"


def records_a_step_of_a_long_name(ctx, message):
    step = StepRecord(name="n" * (FRAME - 150))
    ctx._link.inquire(lambda ref: StepDone(ref=ref, message_id=message.message_id, step=step))
    return "recorded"


def ends_with_many_words(ctx, message):
    ctx._link.send(Exiting(reason="error", error_type="E", message="m", traceback="t" * (FRAME - 1000)))
    os._exit(1)


def test_what_is_larger_than_a_frame_is_told_in_part_and_the_runtime_goes_on(narrow):
    """Events go to whoever listens, from the midst of what the runtime does."""
    runtime = narrow.runtime
    runtime.start_agent("a", records_a_step_of_a_long_name)
    assert runtime.ask("a", {"title": "t" * 50_000}) == "recorded"
    assert narrow.until("step_recorded", agent="a").step == "n" * 128
    assert narrow.until("message_accepted", to="a").title == ("task: " + "t" * 500)[:500]
    runtime.start_agent("b", ends_with_many_words, max_deliveries=3)
    with pytest.raises(TaskFailed):
        runtime.ask("b", None)
    assert [(record.agent, record.deliveries) for record in runtime.crashes()] == [("b", 3)]


def test_what_is_too_large_to_be_told_to_a_process_fails_its_start_at_once_and_nothing_else():
    def tree(size):
        options = {"pad": "x" * size}
        agents = scr.SupervisorSpec(id="agents", strategy="one_for_one", dynamic=True, extra_options=options)
        return scr.SupervisorSpec(id="root", strategy="one_for_one", children=(agents,))

    with pytest.raises(InvalidSpec, match="the tree is 17"):
        scr.Runtime(tree(17 << 20))
    settings = Settings(limits=Limits(frame_bytes=1 << 20))
    with scr.Runtime(tree(600_000), settings=settings) as runtime:
        runtime.start_agent("a", alive)
        with pytest.raises(StartFailed, match=r"code, options and state .*frame \(Become\) of 12\d{5} bytes is above"):
            runtime.start_agent("b", alive, options={"own": "x" * 600_000})
        assert runtime.ask("a", None) == "alive 1"
