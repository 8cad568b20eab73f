import pytest

from scr.messages import Result, ResultPayload, Status, StatusPayload, Task, TaskPayload
from scr.protocol.frames import Commit, Entry, StartRequest, Timer
from scr.replay.compare import SHOWN_CHARACTERS, Difference, differences
from scr.specs import AgentSpec, Code


def envelope(to="b", **fields):
    return {"message_id": "m1", "sender": "a", "to": to, "timestamp": 1.0, "trace_id": "t"} | fields


def task(given=1, **fields):
    return Task(payload=TaskPayload(task_id="t", input=given), **envelope(**fields))


def start(**fields):
    return StartRequest(supervisor="agents", spec=AgentSpec(**({"id": "w", "code": Code(reference="m:A")} | fields)))


def timer(**fields):
    return Timer(**({"message": task(), "due": 10.0, "after_s": 5.0} | fields))


TURN = {
    "message_id": "m",
    "state": {"n": 1, "names": ["x", "y"]},
    "sends": (task(), task(to="c")),
    "starts": (start(),),
    "stops": ("s",),
    "monitors": ("x",),
    "demonitors": ("y",),
    "entries": (Entry(key="k", value=[1]),),
    "timers": (timer(),),
    "cancels": ("old",),
}


@pytest.mark.parametrize(
    ("field", "change", "found"),
    [
        ("state", {"n": 2, "names": ["x", "y"]}, ("state.n", "1", "2")),
        ("state", {"n": 1.0, "names": ["x", "y"]}, ("state.n", "1", "1.0")),
        ("state", {"n": True, "names": ["x", "y"]}, ("state.n", "1", "true")),
        ("state", {"n": 1, "names": ["x"]}, ("state.names[1]", '"y"', "nothing")),
        ("state", None, ("state", '{"n": 1, "names": ["x", "y"]}', "nothing")),
        ("sends", (task(), task(to="d")), ("sends[1].to", '"c"', '"d"')),
        ("sends", (task(given={"a": 1}), task(to="c")), ("sends[0].payload.input", "1", '{"a": 1}')),
        ("sends", (task(in_reply_to="q"), task(to="c")), ("sends[0].in_reply_to", "null", '"q"')),
        ("starts", (start(options={"depth": 3}),), ("starts[0].spec.options.depth", "nothing", "3")),
        ("starts", (start(code=Code(reference="m:B")),), ("starts[0].spec.code.reference", '"m:A"', '"m:B"')),
        ("stops", (), ("stops[0]", '"s"', "nothing")),
        ("monitors", ("x", "z"), ("monitors[1]", "nothing", '"z"')),
        ("demonitors", ("z",), ("demonitors[0]", '"y"', '"z"')),
        ("entries", (Entry(key="k", value=[2]),), ("remembers[0].value[0]", "1", "2")),
        ("entries", (Entry(key="l", value=[1]),), ("remembers[0].key", '"k"', '"l"')),
        ("timers", (timer(after_s=6.0),), ("timers[0].after_s", "5.0", "6.0")),
        ("timers", (timer(message=task(to="c")),), ("timers[0].to", '"b"', '"c"')),
        ("cancels", (), ("cancels[0]", '"old"', "nothing")),
        ("ends", True, ("ends", "false", "true")),
    ],
)
def test_whatever_a_turn_does_otherwise_is_named_with_both_sides(field, change, found):
    assert differences(Commit(**TURN), Commit(**TURN | {field: change})) == (Difference(*found),)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("sends", (task(timestamp=2.0), task(to="c", timestamp=3.0))),
        ("timers", (timer(due=99.0),)),
        ("entries", (Entry(key="k", value=[1], version=7),)),
        ("state", {"names": ["x", "y"], "n": 1}),
    ],
)
def test_clocks_versions_and_the_order_of_names_make_no_difference(field, change):
    assert differences(Commit(**TURN), Commit(**TURN | {field: change})) == ()


def test_code_that_was_shipped_is_not_compared_and_code_that_is_named_now_is():
    def turn(code):
        return Commit(message_id="m", starts=(start(code=code),))

    shipped, other, named = Code(pickled="QQ=="), Code(pickled="Qg=="), Code(reference="m:A")
    assert differences(turn(shipped), turn(other)) == ()
    assert {found.field for found in differences(turn(shipped), turn(named))} == {
        "starts[0].spec.code.pickled",
        "starts[0].spec.code.reference",
    }


def test_a_message_of_another_type_is_another_message():
    done = Result(payload=ResultPayload(task_id="t", output=1), **envelope())
    told = Status(payload=StatusPayload(state="t"), **envelope())
    found = differences(Commit(message_id="m", sends=(done,)), Commit(message_id="m", sends=(told,)))
    assert found[0] == Difference("sends[0].type", '"result"', '"status"')


def test_a_long_text_is_shown_from_where_it_differs():
    text = "a" * 5000
    (found,) = differences(
        Commit(message_id="m", state={"text": text + "x" + text}),
        Commit(message_id="m", state={"text": text + "y" + text}),
    )
    assert found.recorded[:40].endswith("aax" + found.recorded[32:40])
    assert "x" in found.recorded
    assert "y" in found.replayed
    assert max(len(found.recorded), len(found.replayed)) <= SHOWN_CHARACTERS + 2


def test_no_more_differences_are_listed_than_a_person_reads():
    state = {f"field {n}": n for n in range(100)}
    other = {f"field {n}": n + 1 for n in range(100)}
    assert len(differences(Commit(message_id="m", state=state), Commit(message_id="m", state=other))) == 5
