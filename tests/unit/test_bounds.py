"""What no frame can carry is refused where it is given, with its name; what is given can be read by everyone after."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from scr.agent.code import spec_of
from scr.agent.turn import compose, plain
from scr.bounds import DEPTH_MAX, READ_DEPTH, is_deeper, most_of, shown
from scr.client.client import as_payload
from scr.config import Settings
from scr.errors import InvalidMessage, InvalidSpec
from scr.messages import CritiquePayload, Result, ResultPayload, StatusPayload, Task, TaskPayload, origin
from scr.protocol.boot import Boot
from scr.protocol.control import FROM_CONTROL, REQUEST, Answered, Resolve, SendMessage, StartAgent
from scr.protocol.frames import (
    FROM_AGENT,
    FROM_RUNTIME,
    Answer,
    Ask,
    Become,
    Commit,
    Deliver,
    Entry,
    StartRequest,
    StepDone,
    StepRecord,
    Timer,
)
from scr.protocol.server import Followed
from scr.specs import AgentSpec, Code, SupervisorSpec, check, check_size

ENVELOPE = origin(message_id="m", sender="a", to="b", at=0.0)
CODE = Code(reference="a:b")


def nest(levels, kind=list):
    value = 1
    for _ in range(levels):
        value = [value] if kind is list else {"k": value}
    return value


DEEPEST = plain(nest(DEPTH_MAX), "it")
TASK = Task(payload=TaskPayload(task_id="t", input=DEEPEST), **ENVELOPE)
RESULT = Result(payload=ResultPayload(task_id="t", output=DEEPEST), **ENVELOPE)
STEP = StepRecord(name="s", value=DEEPEST)
SPEC = AgentSpec(id="a", code=CODE, options={"k": nest(DEPTH_MAX - 1)})
TREE = SupervisorSpec(
    id="root", strategy="one_for_one", children=(SupervisorSpec(id="s", strategy="one_for_one", children=(SPEC,)),)
)
CARRIERS = {
    FROM_RUNTIME: [
        Deliver(message=TASK, steps=(STEP,)),
        Answer(ref=1, value=[Entry(key="k", value=DEEPEST).model_dump()]),
        Answer(ref=1, value=[STEP.model_dump()]),
        Become(agent="a", incarnation=1, code=CODE, options=SPEC.options, state=DEEPEST),
    ],
    FROM_AGENT: [
        Commit(message_id="m", sends=(TASK, RESULT), timers=(Timer(message=TASK, due=0.0),)),
        Commit(message_id="m", state=DEEPEST, entries=(Entry(key="k", value=DEEPEST),)),
        Commit(message_id="m", starts=(StartRequest(supervisor="s", spec=SPEC),)),
        StepDone(ref=1, message_id="m", step=STEP),
        Ask(ref=1, message_id="m", step="s", message=TASK, timeout_s=1.0),
    ],
    REQUEST: [
        SendMessage(ref=1, message_id="m", to="a", payload=TASK.payload),
        StartAgent(ref=1, supervisor="s", spec=SPEC),
        Resolve(ref=1, message_id="m", is_done=True, value=DEEPEST),
    ],
    FROM_CONTROL: [
        Answered(ref=1, value=DEEPEST),
        Answered(ref=1, value=Followed(run="r", state="done", output=DEEPEST).model_dump(mode="json")),
    ],
}


def test_every_frame_that_carries_the_deepest_value_can_be_read():
    for adapter, frames in CARRIERS.items():
        for frame in frames:
            assert adapter.validate_json(frame.model_dump_json()) == frame
    boot = Boot(runtime="r", run="r", tree=TREE, settings=Settings())
    assert Boot.model_validate_json(boot.model_dump_json()) == boot


@pytest.mark.parametrize("kind", [list, dict])
def test_what_is_as_deep_as_may_be_is_taken_whole_and_what_is_deeper_is_refused(kind):
    deepest = nest(DEPTH_MAX, kind)
    assert plain(deepest, "it") == deepest
    for levels in (DEPTH_MAX + 1, READ_DEPTH, READ_DEPTH + 1, 300, 5_000):
        with pytest.raises(InvalidMessage, match=f"it must be nested at most {DEPTH_MAX} levels"):
            plain(nest(levels, kind), "it")


def test_many_values_side_by_side_are_not_deep():
    wide = [{"a": [n]} for n in range(1000)]
    assert plain(wide, "it") == wide
    assert plain("[" * 1000, "it") == "[" * 1000


def test_what_contains_itself_is_refused_with_the_same_sentence():
    endless = []
    endless.append(endless)
    with pytest.raises(InvalidMessage, match="not contain itself"):
        plain(endless, "it")


class Unspeakable:
    def __repr__(self):
        raise RuntimeError("no")

    __str__ = __repr__


class Nameless(list):
    def __iter__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize("value", [Unspeakable(), [Unspeakable()], {"k": Unspeakable()}])
def test_an_error_about_a_value_that_cannot_be_shown_is_the_real_one(value):
    with pytest.raises(InvalidMessage, match=r"must be JSON.*Unspeakable"):
        plain(value, "it")


@pytest.mark.parametrize("value", [Unspeakable(), Nameless([1]), nest(5_000), "x" * 10_000, {1: Unspeakable()}])
def test_whatever_a_value_is_it_is_shown_in_a_few_words(value):
    assert type(value).__name__ in shown(value)
    assert len(shown(value)) < 200


PAYLOADS = {
    "task": lambda value: TaskPayload(task_id="t", input=value),
    "result": lambda value: ResultPayload(task_id="t", output=value),
    "status": lambda value: StatusPayload(state="s", detail=value),
    "critique": lambda value: CritiquePayload(task_id="t", score=0.5, failing=(value,)),
}


@pytest.mark.parametrize("make", PAYLOADS.values(), ids=PAYLOADS)
def test_a_payload_that_is_given_as_a_model_is_measured_too(make):
    small, deep = make(nest(DEPTH_MAX - 1)), make(nest(DEPTH_MAX + 1))
    assert as_payload(small) is small
    assert compose(small, ENVELOPE, 1000).payload == small
    for refused in (lambda: as_payload(deep), lambda: compose(deep, ENVELOPE)):
        with pytest.raises(InvalidMessage, match=f"{type(deep).__name__} must be nested at most"):
            refused()
    with pytest.raises(InvalidMessage, match=r"1\d\d\d bytes as JSON, and 1000 can be handed on"):
        compose(make("x" * 1000), ENVELOPE, 1000)


def test_a_value_is_as_large_as_may_be_to_the_byte():
    assert plain("x" * 98, "it", 100) == "x" * 98
    with pytest.raises(InvalidMessage, match="it is 101 bytes as JSON, and 100 can be handed on"):
        plain("x" * 99, "it", 100)
    with pytest.raises(InvalidMessage, match="it is 102 bytes"):
        plain("ü" * 50, "it", 100)


def test_options_that_no_process_could_be_given_are_refused_by_the_name_of_their_agent():
    deep = {"k": nest(DEPTH_MAX)}
    with pytest.raises(InvalidSpec, match="the options of 'a' must be nested at most"):
        spec_of("a", CODE, deep, {})
    with pytest.raises(InvalidSpec, match="the options of 'a' must be nested at most"):
        check(SupervisorSpec(id="r", strategy="one_for_one", children=(AgentSpec(id="a", code=CODE, options=deep),)))
    with pytest.raises(InvalidSpec, match="the options of 'd' must be nested at most"):
        check(SupervisorSpec(id="d", strategy="one_for_one", dynamic=True, extra_options=deep))


def test_a_tree_that_no_frame_can_carry_is_refused_for_its_size_or_its_depth():
    check_size(TREE, 16 << 10)
    large = SupervisorSpec(id="d", strategy="one_for_one", dynamic=True, extra_options={"k": "x" * (12 << 10)})
    with pytest.raises(InvalidSpec, match="the tree is 12"):
        check_size(large, 16 << 10)
    deep = SPEC
    for n in range(100):
        deep = SupervisorSpec(id=f"s{n}", strategy="one_for_one", children=(deep,))
    with pytest.raises(InvalidSpec, match="the tree must be nested at most"):
        check_size(deep, 16 << 20)


@given(st.recursive(st.text('[]{}"\\x', max_size=4), lambda inner: st.lists(inner, max_size=3), max_leaves=30))
def test_a_text_is_deeper_than_its_value_is_nested_by_nothing(value):
    def depth(of):
        return 1 + max(map(depth, of)) if isinstance(of, list) and of else 0  # no reader goes into an empty one

    for around in (0, DEPTH_MAX - depth(value), DEPTH_MAX - depth(value) + 1):
        wrapped = value
        for _ in range(around):
            wrapped = [wrapped]
        assert is_deeper(to_json(wrapped), DEPTH_MAX) == (depth(wrapped) > DEPTH_MAX)


def test_a_frame_has_room_for_more_than_its_value_however_small_it_is():
    assert [most_of(size) for size in (1024, 64 << 10, 16 << 20)] == [512, (64 << 10) - 4096, (16 << 20) - 4096]
