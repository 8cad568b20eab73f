"""Messages: a closed set, frozen, exact on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scr.errors import InvalidMessage
from scr.messages import (
    MESSAGE_OF,
    Critique,
    CritiquePayload,
    Down,
    DownPayload,
    ExitReason,
    Failure,
    FailurePayload,
    Ping,
    PingPayload,
    Pong,
    Result,
    ResultPayload,
    Status,
    StatusPayload,
    Stop,
    StopPayload,
    Task,
    TaskPayload,
    decode,
    derive_id,
    encode,
    follow,
    of_payload,
    origin,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ids = st.text("abcxyz0189-", min_size=1, max_size=24)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
envelopes = st.fixed_dictionaries(
    {
        "message_id": ids,
        "sender": ids,
        "to": ids,
        "timestamp": st.floats(0, 4e9),
        "in_reply_to": st.none() | ids,
        "run_id": st.none() | text,
        "trace_id": ids,
    }
)
payloads = {
    Task: st.builds(TaskPayload, task_id=text, kind=text, input=values),
    Result: st.builds(ResultPayload, task_id=text, output=values),
    Critique: st.builds(
        CritiquePayload, task_id=text, score=st.floats(0, 1), failing=st.lists(values, max_size=3), comment=text
    ),
    Status: st.builds(StatusPayload, state=text, detail=values),
    Ping: st.builds(PingPayload, nonce=text),
    Pong: st.builds(PingPayload, nonce=text),
    Stop: st.builds(StopPayload, reason=text),
    Down: st.builds(DownPayload, agent=ids, reason=st.sampled_from(ExitReason), detail=text),
    Failure: st.builds(
        FailurePayload,
        message_id=ids,
        agent=ids,
        reason=st.sampled_from(["quarantined", "unknown_agent", "mailbox_full", "agent_gone", "cancelled", "refused"]),
        detail=text,
        deliveries=st.integers(0, 9),
    ),
}
FIELDS = origin(message_id="m", sender="a", to="b", at=1.0)


@pytest.mark.parametrize("kind", payloads, ids=lambda kind: kind.__name__)
def test_the_round_trip_through_bytes_is_exact_for_every_type(kind):
    @given(envelopes, payloads[kind])
    def exact(envelope, payload):
        message = kind(payload=payload, **envelope)
        again = decode(encode(message))
        assert again == message
        assert type(again) is kind

    exact()


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (b'{"type":"gossip"}', "gossip"),
        (b'{"message_id":"m","sender":"a","to":"b","timestamp":1,"trace_id":"m","type":"task"}', "payload"),
        (encode(Ping(**FIELDS)).replace(b'"to"', b'"too"'), "too"),
        (encode(Ping(**FIELDS)).replace(b'"nonce"', b'"once"'), "once"),
        (b"not json", "JSON"),
        (b"[]", "message"),
    ],
)
def test_an_unknown_type_or_field_is_refused_with_an_error_that_names_it(broken, named):
    with pytest.raises(InvalidMessage, match=named):
        decode(broken)


def test_a_message_does_not_change():
    with pytest.raises(ValidationError):
        Ping(**FIELDS).to = "c"


def test_what_json_cannot_say_is_refused():
    with pytest.raises(InvalidMessage, match="task"):
        encode(Task(payload=TaskPayload(task_id="t", input="\ud800"), **FIELDS))
    with pytest.raises(ValidationError):
        TaskPayload(task_id="t", input=float("nan"))


@pytest.mark.parametrize("name", ["", "has space", "x" * 129, "semi;colon"])
def test_an_address_that_is_no_name_is_refused(name):
    with pytest.raises(ValidationError):
        Ping(**FIELDS | {"to": name})


def test_ids_in_a_repeated_turn_are_the_same_and_differ_within_it():
    assert derive_id("m", 1) == derive_id("m", 1)
    assert len({derive_id("m", 1), derive_id("m", 2), derive_id("n", 1), derive_id("m", "ask b")}) == 4


def test_what_follows_keeps_the_run_and_the_trace():
    cause = Ping(**FIELDS | {"run_id": "r", "trace_id": "t"})
    fields = follow(cause, 3, sender="b", to="a", at=2.0, in_reply_to="m")
    assert (fields["run_id"], fields["trace_id"], fields["in_reply_to"]) == ("r", "t", "m")


def test_agents_can_send_only_what_is_theirs_to_send():
    assert {type(of_payload(kind.model_construct(task_id="t"), FIELDS)) for kind in (TaskPayload,)} == {Task}
    assert {Down, Failure} & set(MESSAGE_OF.values()) == set()
    with pytest.raises(InvalidMessage, match="DownPayload"):
        of_payload(DownPayload(agent="a", reason=ExitReason.NORMAL), FIELDS)
