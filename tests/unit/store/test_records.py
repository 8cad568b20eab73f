"""Why a run has failed, as the answer to its first message says it."""

import pytest

from scr.messages import CLIENT, Failure, Result, origin
from scr.store.records import REASON_MAX, reason_of

ENVELOPE = origin(message_id="a", sender="agent", to=CLIENT, at=1.0)
FAILURE = {"message_id": "m", "agent": "agent", "deliveries": 4}
ERROR = {"type": "OSError", "message": "no disk"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Failure(payload=FAILURE | {"reason": "failed", "error": ERROR}, **ENVELOPE), "failed: OSError: no disk"),
        (Failure(payload=FAILURE | {"reason": "failed", "detail": "so", "error": ERROR}, **ENVELOPE), "failed: so"),
        (Failure(payload=FAILURE | {"reason": "quarantined"}, **ENVELOPE), "quarantined"),
        (
            Result(payload={"task_id": "t", "failed": True, "output": {"error": "no documents"}}, **ENVELOPE),
            "no documents",
        ),
        (Result(payload={"task_id": "t", "failed": True, "output": "sold out"}, **ENVELOPE), "sold out"),
        (Result(payload={"task_id": "t", "output": {"error": "is a word"}}, **ENVELOPE), ""),
        (None, ""),
    ],
)
def test_an_answer_says_why_a_run_has_failed(answer, reason):
    assert reason_of(answer) == reason


def test_a_long_reason_is_cut():
    answer = Result(payload={"task_id": "t", "failed": True, "output": "x" * (2 * REASON_MAX)}, **ENVELOPE)
    assert reason_of(answer) == "x" * REASON_MAX + "…"
