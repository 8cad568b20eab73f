"""Events in the program's own logging."""

import logging
import threading

import pytest

from scr.telemetry.events import AgentExited, AgentParkedEvent, Printed, Record, TurnFailed
from scr.telemetry.program_log import OUTPUT_MAX, ProgramLog

LIMIT_S = 10.0


class Kept(logging.Handler):
    """Keeps records; waits before each as long as it is held."""

    def __init__(self):
        super().__init__()
        self.records, self.held, self.waits = [], threading.Event(), threading.Event()
        self.held.set()

    def emit(self, record):
        self.waits.set()
        assert self.held.wait(LIMIT_S)
        self.records.append((record.levelname, record.name, record.getMessage(), record.agent))


@pytest.fixture
def handler():
    kept, logger = Kept(), logging.getLogger("scr")
    logger.addHandler(kept)
    logger.setLevel(logging.INFO)
    yield kept
    logger.removeHandler(kept)
    logger.setLevel(logging.NOTSET)


def record(event, seq=1, cause=0):
    return Record(seq=seq, at=1.0, time=1.0, event=event, cause=cause)


def printed(n):
    return record(Printed(agent="a", stream="stdout", text=f"line {n}"))


PARKED = record(AgentParkedEvent(agent="a", reason="error", detail="boom"))
DEATH = {"agent": "a", "incarnation": 1}


def test_what_was_heard_is_written_in_order_when_the_log_is_closed(handler):
    log = ProgramLog()
    for n in range(3):
        log.hear(printed(n))
    log.close()
    assert handler.records == [("INFO", "scr.agents.a", f"line {n}", "a") for n in range(3)]
    log.close()


def test_a_death_and_the_failed_turn_that_follows_from_it_are_one_record(handler):
    log = ProgramLog()
    log.hear(record(AgentExited(**DEATH, pid=7, reason="killed", in_hand="m", deliveries=1), seq=5))
    log.hear(record(TurnFailed(**DEATH, message_id="m", error="killed", attempts=1, deaths=1), seq=6, cause=5))
    log.close()
    assert [text for _, _, text, _ in handler.records] == [
        "agent a (pid 7) died (killed), with message m in hand (delivery 1)"
    ]


FLOOD = 5 * OUTPUT_MAX


def test_a_flood_is_bounded_what_was_left_out_is_said_once_and_troubles_are_kept(handler):
    log = ProgramLog()
    handler.held.clear()
    log.hear(printed(0))
    assert handler.waits.wait(LIMIT_S)
    for n in range(1, FLOOD):
        log.hear(printed(n))
    log.hear(PARKED)
    handler.held.set()
    log.close()
    texts = [text for _, _, text, _ in handler.records]
    assert texts[: OUTPUT_MAX + 1] == [f"line {n}" for n in range(OUTPUT_MAX + 1)]
    assert [text.split(":")[0] for text in texts[OUTPUT_MAX + 1 :]] == [
        "agent a is parked",
        f"{FLOOD - OUTPUT_MAX - 1} records were left out",
    ]


def test_output_that_no_handler_wants_costs_no_thread():
    log = ProgramLog()
    log.hear(printed(0))
    assert log._writer is None


def test_a_filter_that_raises_ends_nothing(handler):
    def refuses(record):
        if "line 0" in record.getMessage():
            raise ValueError("not this one")
        return True

    handler.addFilter(refuses)
    log = ProgramLog()
    log.hear(printed(0))
    log.hear(printed(1))
    log.close()
    assert [text for _, _, text, _ in handler.records] == ["line 1"]
