"""Whether the rows of one run fit together: what must hold whatever was killed, and when (I1, I2, I9).

Pure.  Every check is a function of a `History` to the sentences that say what
does not hold; `CHECKS` lists them all, each with the table that it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

from scr.store.archive import order_checks
from scr.store.archive.findings import Finding, Severity
from scr.store.archive.row_index import History, Row

SHOWN = 5
REMEDY = "a repair marks the run as failed, so that nobody works on it; a fork from before that goes on without it"


def check(run: Row, rows: Mapping[str, Iterable[Row]]) -> tuple[Finding, ...]:
    """What does not hold of the run: at most a few findings of each kind, and how many more there are."""
    history = History(run, rows)
    found = []
    for table, holds in CHECKS:
        sentences = list(holds(history))
        if len(sentences) > SHOWN:
            sentences[SHOWN:] = [f"and {len(sentences) - SHOWN} more like that"]
        found += [Finding(Severity.CONTRADICTION, sentence, REMEDY, table, run["run"]) for sentence in sentences]
    return tuple(found)


def _every_message_has_one_outcome_or_is_open(of: History) -> Iterator[str]:
    """Its outcome is proved by what else is there; nothing proves another one."""
    for message_id, row in of.messages.items():
        outcome, turned, dead = row["outcome"], message_id in of.turns, message_id in of.letters
        match outcome:
            case _ if (row["end_seq"] is None) != (outcome is None):
                yield f"message {message_id!r} has the outcome {outcome!r} and ended after event {row['end_seq']}"
            case _ if turned != (outcome == "turn"):
                yield f"message {message_id!r} has {'a' if turned else 'no'} turn, and the outcome {outcome!r}"
            case _ if dead != (outcome == "dead"):
                yield f"message {message_id!r} has {'a' if dead else 'no'} dead letter, and the outcome {outcome!r}"
            case None if row["seq"] is None and message_id not in of.timers:
                yield f"message {message_id!r} was never accepted, and is of no timer"


def _a_message_has_one_turn(of: History) -> Iterator[str]:
    for message_id, times in Counter(row["message_id"] for row in of.rows["turns"]).items():
        if times > 1:
            yield f"message {message_id!r} has {times} turns"


def _turns_are_of_messages(of: History) -> Iterator[str]:
    for turn in of.rows["turns"]:
        message = of.messages.get(turn["message_id"])
        if message is None:
            yield f"a turn of {turn['agent']!r} is of a message {turn['message_id']!r} that there is not"
        elif message["recipient"] != turn["agent"]:
            yield f"message {turn['message_id']!r} to {message['recipient']!r} has a turn of {turn['agent']!r}"
        elif message["end_seq"] != turn["seq"]:
            yield (
                f"message {turn['message_id']!r} ended after event {message['end_seq']},"
                f" and its turn is of after event {turn['seq']}"
            )


def _turns_are_of_agents(of: History) -> Iterator[str]:
    """An agent's state is that of its newest turn: every turn falls into one life of its agent."""
    for turn in of.rows["turns"]:
        lives = [life for life in of.lives[turn["agent"]] if _holds(life, turn)]
        if not lives:
            yield f"the turn of message {turn['message_id']!r} is of {turn['agent']!r}, who was not there then"
        elif turn["incarnation"] > lives[-1]["incarnation"]:
            yield (
                f"the turn of message {turn['message_id']!r} is of incarnation {turn['incarnation']} of"
                f" {turn['agent']!r}, whose last is {lives[-1]['incarnation']}"
            )


def _holds(life: Row, turn: Row) -> bool:
    return life["n"] < turn["n"] and (life["gone_seq"] is None or turn["seq"] <= life["gone_seq"])


def _incarnations_ascend(of: History) -> Iterator[str]:
    last: dict[str, int] = {}
    for turn in sorted(of.rows["turns"], key=lambda row: row["n"]):
        before = last.get(turn["agent"], 0)
        if turn["incarnation"] < before:
            yield (
                f"the turn of message {turn['message_id']!r} is of incarnation {turn['incarnation']} of"
                f" {turn['agent']!r}, after one of incarnation {before}"
            )
        last[turn["agent"]] = turn["incarnation"]


def _agents_live_one_after_the_other(of: History) -> Iterator[str]:
    for agent, lives in of.lives.items():
        for before, after in pairwise(lives):
            if before["gone_seq"] is None or before["gone_seq"] > after["seq"]:
                yield f"agent {agent!r} came after event {after['seq']}, and had not gone before"


def _sends_are_there(of: History) -> Iterator[str]:
    for turn in of.rows["turns"]:
        for message_id in (turn["sends"] or "").split():
            if message_id not in of.messages:
                yield f"the turn of message {turn['message_id']!r} sent {message_id!r}, which is not there"


def _steps_are_of_messages(of: History) -> Iterator[str]:
    for step in of.rows["steps"]:
        message = of.messages.get(step["message_id"])
        what = f"step {step['name']!r} of message {step['message_id']!r}"
        date = step["seq"] if step["state"] == "done" else step["begun_seq"]
        if message is None or message["seq"] is None:
            yield f"{what} is of a message that was not accepted"
        elif date is None:
            yield f"{what} is {step['state']}, and has no date"
        elif message["end_seq"] is not None and date > message["end_seq"] and message["outcome"] != "dead":
            yield f"{what} is of after event {date}, and the message ended after event {message['end_seq']}"


def _asks_are_of_messages(of: History) -> Iterator[str]:
    for ask in of.rows["asks"]:
        turn_of = of.messages.get(ask["asked_in"])
        if ask["message_id"] not in of.messages:
            yield f"the question {ask['message_id']!r} is not among the messages"
        elif turn_of is None or turn_of["recipient"] != ask["agent"]:
            yield f"{ask['agent']!r} asked {ask['message_id']!r} in a turn of {ask['asked_in']!r}, which is not its own"


def _answers_close_asks(of: History) -> Iterator[str]:
    asks = {row["message_id"]: row for row in of.rows["asks"]}
    answers = [row for row in of.rows["messages"] if row["outcome"] == "answer" and row["in_reply_to"] in asks]
    for question, times in Counter(row["in_reply_to"] for row in answers).items():
        if times > 1:
            yield f"the question {question!r} has {times} answers"
        if asks[question]["end_seq"] is None:
            yield f"the question {question!r} is answered, and somebody waits for the answer"


def _versions_ascend(of: History) -> Iterator[str]:
    entries = of.rows["entries"]
    for before, after in pairwise(entries):
        if after["version"] <= before["version"] or after["seq"] < before["seq"]:
            yield (
                f"entry {after['version']} is of after event {after['seq']},"
                f" and entry {before['version']} of after event {before['seq']}"
            )


def _effects_have_owners(of: History) -> Iterator[str]:
    for effect in of.rows["effects"]:
        turn = of.turns.get(effect["message_id"])
        if turn is None or turn["agent"] != effect["agent"]:
            yield f"effect {effect['effect_id']!r} of {effect['agent']!r} is of no turn of its"


def _timers_have_messages(of: History) -> Iterator[str]:
    """A timer at work has not sent; one that ended after it sent was done with it."""
    for timer_id, timer in of.timers.items():
        message = of.messages.get(timer_id)
        if message is None:
            yield f"the timer {timer_id!r} has no message"
        elif message["seq"] is not None and timer["end_seq"] != message["seq"]:
            yield f"the timer {timer_id!r} ended after event {timer['end_seq']}, and sent after event {message['seq']}"


def _letters_are_of_messages(of: History) -> Iterator[str]:
    for letter in of.rows["letters"]:
        message = of.messages.get(letter["message_id"])
        if message is None:
            yield f"the dead letter {letter['message_id']!r} has no message"
        elif letter["end_seq"] is None and message["end_seq"] != letter["seq"]:
            yield (
                f"message {letter['message_id']!r} ended after event {message['end_seq']},"
                f" and its dead letter is of after event {letter['seq']}"
            )


def _watchers_are_there(of: History) -> Iterator[str]:
    for monitor in of.rows["monitors"]:
        is_live = any(life["gone_seq"] is None for life in of.lives[monitor["watcher"]])
        if monitor["end_seq"] is None and not is_live:
            yield f"{monitor['watcher']!r} watches {monitor['target']!r}, and is not there"


CHECKS: tuple[tuple[str, Callable[[History], Iterator[str]]], ...] = (
    ("events", order_checks.events_are_contiguous),
    ("events", order_checks.causes_come_before),
    ("events", order_checks.epochs_ascend),
    ("events", order_checks.events_tell_of_what_is_there),
    ("runs", order_checks.writes_are_numbered_once),
    ("runs", order_checks.dates_are_in_the_run),
    ("runs", order_checks.nothing_ends_before_it_begins),
    ("runs", order_checks.dates_follow_numbers),
    ("messages", _every_message_has_one_outcome_or_is_open),
    ("turns", _a_message_has_one_turn),
    ("turns", _turns_are_of_messages),
    ("turns", _turns_are_of_agents),
    ("turns", _incarnations_ascend),
    ("turns", _sends_are_there),
    ("agents", _agents_live_one_after_the_other),
    ("steps", _steps_are_of_messages),
    ("asks", _asks_are_of_messages),
    ("asks", _answers_close_asks),
    ("entries", _versions_ascend),
    ("effects", _effects_have_owners),
    ("timers", _timers_have_messages),
    ("letters", _letters_are_of_messages),
    ("monitors", _watchers_are_there),
)
