"""What the program's log says of each event."""

from typing import get_args

import pytest

from scr.telemetry.events import (
    AgentExited,
    AgentGoneEvent,
    AgentHalted,
    AgentParkedEvent,
    AgentUnkillable,
    AgentUp,
    Event,
    LinesDropped,
    Logged,
    MessageBuried,
    MessageDelivered,
    MessageParked,
    Printed,
    Progressed,
    Record,
    ReloadReverted,
    StoreChanged,
    SupervisorGaveUp,
    TurnCommitted,
    TurnFailed,
)
from scr.telemetry.log_lines import KINDS, line_of

END = {"agent": "a", "incarnation": 1, "pid": 7}
FAILED = {"message_id": "m", "agent": "a", "incarnation": 1}


def said(event, **place):
    line = line_of(Record(seq=9, at=1.0, time=100.0, event=event, **place))
    return line and (line.level, line.logger, line.text)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            AgentExited(**END, reason="killed", detail="by SIGKILL from outside", in_hand="m", deliveries=2),
            (
                "WARNING",
                "scr.agents.a",
                "agent a (pid 7) died (killed: by SIGKILL from outside), with message m in hand (delivery 2)",
            ),
        ),
        (AgentExited(**END, reason="hung", asked="hung"), ("WARNING", "scr.agents.a", "agent a (pid 7) died (hung)")),
        (
            AgentExited(**END, reason="killed", asked="operator"),
            ("WARNING", "scr.agents.a", "agent a (pid 7) died (killed)"),
        ),
        (AgentExited(**END, reason="error", asked="stop"), ("WARNING", "scr.agents.a", "agent a (pid 7) died (error)")),
        (AgentExited(**END, reason="killed", asked="kill"), None),
        (AgentExited(**END, reason="shutdown", asked="stop"), None),
        (AgentExited(**END, reason="normal"), None),
        (
            TurnFailed(**FAILED, error="ValueError: no", attempts=2, due=101.5),
            (
                "WARNING",
                "scr.agents.a",
                "agent a failed in message m, attempt 2: ValueError: no; its next try is in 1.5 s",
            ),
        ),
        (
            TurnFailed(**FAILED, error="ValueError: no", attempts=4),
            ("WARNING", "scr.agents.a", "agent a failed in message m, attempt 4: ValueError: no"),
        ),
        (
            TurnFailed(**FAILED, error="ValueError: no", attempts=1, due=100.04),
            (
                "WARNING",
                "scr.agents.a",
                "agent a failed in message m, attempt 1: ValueError: no; its next try is at once",
            ),
        ),
        (TurnFailed(**FAILED, error="TryLater: away", due=130.0), None),
        (TurnFailed(**FAILED, error="TryLater: away", attempts=1, due=130.0), None),
        (
            MessageBuried(message_id="m", type="task", to="a", reason="failed", deliveries=4),
            ("ERROR", "scr", "task m to a is a dead letter after 4 deliveries (failed); see `scr dead`"),
        ),
        (
            MessageBuried(message_id="m", type="task", to="x", reason="unknown_agent"),
            ("WARNING", "scr", "task m to x is a dead letter (unknown_agent); see `scr dead`"),
        ),
        (
            MessageParked(message_id="m", agent="a", step="charge"),
            (
                "WARNING",
                "scr.agents.a",
                "message m to a waits for a person, step 'charge' is in doubt; see `scr doubts`",
            ),
        ),
        (
            AgentParkedEvent(agent="a", reason="error", detail="five in a row"),
            ("ERROR", "scr.agents.a", "agent a is parked: five in a row; its mail waits, `scr restart a` takes it up"),
        ),
        (
            AgentGoneEvent(agent="a", reason="error", detail="boom", fate="forgotten"),
            ("WARNING", "scr.agents.a", "agent a is down, its mail waits: error: boom"),
        ),
        (AgentGoneEvent(agent="a", reason="error", fate="ended"), None),
        (AgentGoneEvent(agent="a", reason="shutdown", fate="forgotten"), None),
        (AgentGoneEvent(agent="a", reason="killed", detail="by its supervisor", fate="stopped"), None),
        (
            SupervisorGaveUp(supervisor="agents", causes=("a: boom", "b: boom")),
            ("ERROR", "scr", "supervisor agents gave up: too many restarts\n  a: boom\n  b: boom"),
        ),
        (
            AgentUnkillable(**END),
            ("ERROR", "scr.agents.a", "agent a (pid 7) is still there after SIGKILL; the others go on without it"),
        ),
        (
            ReloadReverted(agent="a", why="boom"),
            ("WARNING", "scr.agents.a", "agent a runs its old code again, the new one failed: boom"),
        ),
        (StoreChanged(state="trouble", detail="disk full"), ("WARNING", "scr", "the store: trouble: disk full")),
        (StoreChanged(state="lost", detail="disk full"), ("ERROR", "scr", "the store: lost: disk full")),
        (StoreChanged(state="ok"), None),
        (Logged(agent="a.b", text="%s hello"), ("INFO", "scr.agents.a.b", "%s hello")),
        (Progressed(agent="a", done=1000, total=2000, note="read"), ("INFO", "scr.agents.a", "read 1,000 of 2,000")),
        (Printed(agent="a", stream="stdout", text="hello"), ("INFO", "scr.agents.a", "hello")),
        (LinesDropped(agent="a", count=3), ("INFO", "scr.agents.a", "3 more lines of a were left out")),
        (LinesDropped(agent="a", count=1), ("INFO", "scr.agents.a", "1 more line of a was left out")),
        (LinesDropped(agent="", count=3), ("INFO", "scr", "3 more lines were left out")),
        (AgentUp(**END), None),
        (AgentHalted(**END), None),
        (MessageDelivered(message_id="m", agent="a", incarnation=1), None),
        (TurnCommitted(message_id="m", agent="a", incarnation=1), None),
    ],
)
def test_each_event_has_its_level_its_logger_and_its_words_or_no_line(event, expected):
    assert said(event) == expected
    assert expected is None or event.kind in KINDS


def test_a_turn_that_failed_because_its_agent_died_is_told_by_the_death_alone():
    failed = Record(seq=9, at=1.0, time=1.0, event=TurnFailed(**FAILED, error="killed", attempts=1, deaths=1), cause=8)
    assert line_of(failed, last_exit=8) is None
    assert line_of(failed, last_exit=7) is not None


def test_the_kinds_that_are_asked_for_are_kinds_of_events():
    known = {event.__dataclass_fields__["kind"].default for event in get_args(get_args(Event)[0])}
    assert set(KINDS) < known
