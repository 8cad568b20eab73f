"""Every statement that a store executes, once, for both dialects.

A value is a `:name` here, for the reader, and is bound by position, in the
order in which the names stand in the text: to bind by name costs a quarter
more a row.  No builder of statements: SQLAlchemy Core adds 11 us to each of
the eight of a durable hop (2.7 us without it), a quarter of the hop, and 190 ms to every start.
"""

# ruff: noqa: S608  every name that these texts are made of is written here
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from scr.store.sql.schema import Dialect

NAME = re.compile(r"(?<!:):([a-z_]+)")


@dataclass(frozen=True, eq=False, slots=True)
class Statement:
    """One statement.

    Those of one `lane` are executed in their order; between lanes the order
    does not matter but for this: a lower one goes first.  So a group of
    writes becomes a few long batches.  One without a lane waits for all before it.
    """

    sql: str
    lane: int | None = None

    @property
    def names(self) -> list[str]:
        """The names of its values, in order."""
        return NAME.findall(self.sql)


@lru_cache(maxsize=512)
def spelt(statement: Statement, dialect: Dialect, mark: str) -> tuple[str, tuple[str, ...]]:
    """The text for one database, `mark` in place of each value, and the names of the values in order."""
    text = statement.sql.replace("{now}", dialect.words["now"])
    return NAME.sub(mark, text), tuple(NAME.findall(text))


@lru_cache(maxsize=512)
def spelt_for(statement: Statement, dialect: Dialect, mark: str, rows: int) -> str:
    """The text that takes the values of so many rows; empty when the statement has no list of rows.

    Nor has one that updates what is there: PostgreSQL refuses the same row twice in one such list.
    """
    if "DO UPDATE" in statement.sql:
        return ""
    text, _ = spelt(statement, dialect, mark)
    listed = re.search(rf"VALUES (\((?:{re.escape(mark)}(?:, )?)+\))", text)
    return text.replace(listed[1], ", ".join([listed[1]] * rows), 1) if listed else ""


def _insert(table: str, columns: str, lane: int, conflict: str = "") -> Statement:
    names = [name.strip() for name in columns.split(",")]
    values = ", ".join(f":{name}" for name in names)
    return Statement(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values}) {conflict}".strip(), lane)


# Writes in bulk: every lane is a table, but for the ends of messages, which go after the messages.

MESSAGE = _insert(
    "messages",
    "run, n, message_id, sender, recipient, type, in_reply_to, run_id, trace_id, time, payload, crc,"
    " seq, end_seq, outcome",
    0,
    "ON CONFLICT (run, message_id) DO NOTHING",
)
TURN = _insert("turns", "run, n, seq, message_id, agent, incarnation, state, sends, caused, crc", 1)
STEP_BEGUN = _insert(
    "steps", "run, message_id, name, n, state, value, digest, crc, begun_seq", 2,
    "ON CONFLICT (run, message_id, name) DO UPDATE SET state = 'begun', n = excluded.n, value = excluded.value,"
    " digest = excluded.digest, crc = excluded.crc, begun_seq = excluded.begun_seq WHERE steps.state = 'not done'",
)  # fmt: skip
STEP_DONE = _insert(
    "steps", "run, message_id, name, n, state, value, digest, crc, seq", 2,
    "ON CONFLICT (run, message_id, name) DO UPDATE SET state = 'done', value = excluded.value,"
    " digest = excluded.digest, crc = excluded.crc, seq = excluded.seq",
)  # fmt: skip
STEP_NOT_DONE = Statement(
    "UPDATE steps SET state = 'not done', digest = '', crc = :crc"
    " WHERE run = :run AND message_id = :message_id AND name = :name AND state = 'begun'",
    2,
)
EVENT_PAGE = _insert("events", "run, seq, first_seq, first_time, last_time, body, crc", 3)
END = Statement(
    "UPDATE messages SET end_seq = :seq, outcome = :outcome WHERE run = :run AND n = :n AND end_seq IS NULL", 4
)
ENTRY = _insert("entries", "run, version, seq, key, value, crc", 5)
MONITOR = _insert("monitors", "run, n, watcher, target, seq", 6, "ON CONFLICT DO NOTHING")
DEMONITOR = Statement(
    "UPDATE monitors SET end_seq = :seq WHERE run = :run AND watcher = :watcher AND target = :target"
    " AND end_seq IS NULL",
    6,
)
WATCHER_GONE = Statement(
    "UPDATE monitors SET end_seq = :seq WHERE run = :run AND watcher = :watcher AND end_seq IS NULL", 6
)
ASK = _insert("asks", "run, message_id, n, agent, asked_in, step, until, crc, seq", 7, "ON CONFLICT DO NOTHING")
ASK_CLOSED = Statement(
    "UPDATE asks SET end_seq = :seq WHERE run = :run AND message_id = :message_id AND end_seq IS NULL", 7
)
TIMER = _insert("timers", "run, timer_id, n, due, after_s, crc, seq", 8, "ON CONFLICT DO NOTHING")
TIMER_ENDED = Statement(
    "UPDATE timers SET end_seq = :seq WHERE run = :run AND timer_id = :timer_id AND end_seq IS NULL", 8
)
EFFECT = _insert("effects", "run, effect_id, n, agent, message_id, start, stop, crc, seq", 9, "ON CONFLICT DO NOTHING")
EFFECT_ENDED = Statement(
    "UPDATE effects SET end_seq = :seq WHERE run = :run AND effect_id = :effect_id AND end_seq IS NULL", 9
)
AGENT = _insert(
    "agents", "run, n, seq, agent, supervisor, incarnation, spec, crc", 10,
    "ON CONFLICT (run, agent) WHERE gone_seq IS NULL DO UPDATE SET supervisor = excluded.supervisor,"
    " incarnation = excluded.incarnation, spec = excluded.spec, crc = excluded.crc, parked = ''",
)  # fmt: skip
AGENT_PARKED = Statement("UPDATE agents SET parked = :why WHERE run = :run AND agent = :agent AND gone_seq IS NULL", 10)
AGENT_GONE = Statement("UPDATE agents SET gone_seq = :seq WHERE run = :run AND agent = :agent AND gone_seq IS NULL", 10)
LETTER = _insert(
    "letters", "run, n, message_id, reason, detail, deliveries, time, crc, error, seq", 11, "ON CONFLICT DO NOTHING"
)
CRASH = _insert("crashes", "run, n, seq, agent, body, crc", 12)
CRASH_FORGOTTEN = Statement("DELETE FROM crashes WHERE run = :run AND n <= :n", 12)
ENDED = "(state IN ('done', 'cancelled') OR (state = 'failed' AND reason = ''))"  # by the answer to its first message
OVER = Statement(f"UPDATE runs SET state = :state, reason = '' WHERE id = :run AND NOT {ENDED}", 13)

# Writes that change messages in other ways.

FIRED = Statement(
    "UPDATE messages SET n = :n, seq = :seq, end_seq = :end_seq, outcome = :outcome"
    " WHERE run = :run AND message_id = :message_id AND seq IS NULL"
)
REOPENED = Statement(
    "UPDATE messages SET n = :n, end_seq = NULL, outcome = NULL, deliveries = :deliveries, deaths = 0, attempts = 0,"
    " due = NULL, outage_since = NULL, parked = '' WHERE run = :run AND message_id = :message_id"
)
READDRESSED = Statement(
    "UPDATE messages SET sender = :sender, recipient = :recipient, type = :type, in_reply_to = :in_reply_to,"
    " run_id = :run_id, trace_id = :trace_id, time = :time, payload = :payload, crc = :crc"
    " WHERE run = :run AND message_id = :message_id"
)
LETTER_ENDED = Statement(
    "UPDATE letters SET end_seq = :seq WHERE run = :run AND message_id = :message_id AND end_seq IS NULL"
)
FAILED = Statement(
    "UPDATE messages SET deliveries = :deliveries, attempts = :attempts, deaths = :deaths,"
    " outage_since = :outage_since, due = :due WHERE run = :run AND n = :n"
)
PARKED = Statement("UPDATE messages SET parked = :parked WHERE run = :run AND n = :n")
DOUBTED = Statement("UPDATE messages SET doubt = :doubt WHERE run = :run AND n = :n")
DOUBT_OF = Statement("SELECT doubt FROM messages WHERE run = :run AND message_id = :message_id")

# The run itself.

RUN_NEW = Statement(
    "INSERT INTO runs (run, title, priority, tree, created, crc, state, runtime, epoch, lease_until, batch, seq, n)"
    " VALUES (:run, :title, :priority, :tree, :created, :crc, :state, '', 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING"
)
RUN_OF = (
    "id, run, title, priority, tree, created, crc, state, owner, runtime, epoch, lease_until, batch, seq, n,"
    " reason, parent_run, parent_seq, coalesce(root, run) AS first_id, {now} AS now_s FROM runs"
)
RUN = Statement(f"SELECT {RUN_OF} WHERE run = :run")
RUNS = Statement(f"SELECT {RUN_OF} ORDER BY id DESC LIMIT :limit")
RUNS_QUEUED = Statement(
    f"SELECT {RUN_OF} WHERE state = 'queued'"
    " ORDER BY CASE priority WHEN 'high' THEN 0 WHEN 'normal' THEN 1 ELSE 2 END, created, id LIMIT :limit"
)
OPEN_OF = "id, created, run, state, owner, epoch, lease_until, seq, {now} AS now_s FROM runs"
RUNS_OPEN = Statement(
    f"SELECT {OPEN_OF} WHERE state = 'queued' UNION ALL SELECT {OPEN_OF} WHERE state IN ('running', 'stopped')"
    " ORDER BY created, id LIMIT :limit"
)
CLAIM = Statement(
    f"UPDATE runs SET state = CASE WHEN {ENDED} THEN state ELSE 'running' END, reason = '', owner = :owner,"
    " runtime = :runtime, epoch = epoch + 1, lease_until = {now} + :lease_s WHERE id = :id AND epoch = :epoch"
)
HELD = Statement(
    "UPDATE runs SET owner = :owner, epoch = epoch + 1, lease_until = {now} + :lease_s"
    " WHERE id = :id AND epoch = :epoch"
)
FENCE = Statement(
    "UPDATE runs SET batch = :batch, seq = :seq, n = :n, lease_until = {now} + :lease_s"
    " WHERE id = :id AND epoch = :epoch"
)
RELEASE = Statement(
    f"UPDATE runs SET owner = NULL, state = CASE WHEN {ENDED} THEN state ELSE :state END"
    " WHERE id = :id AND epoch = :epoch"
)
TICKET_RENEWED = Statement("UPDATE runs SET lease_until = {now} + :lease_s WHERE run = :run AND owner = :ticket")
TICKET_RETURNED = Statement("UPDATE runs SET owner = NULL WHERE run = :run AND owner = :ticket")
LET_GO = Statement("UPDATE runs SET owner = NULL WHERE id = :id")
NOT_OVER = Statement("UPDATE runs SET state = :state, reason = '' WHERE id = :id AND state = 'failed'")
STANDS = Statement("UPDATE runs SET state = :state WHERE id = :id")
MARKED = Statement("UPDATE runs SET owner = NULL, state = :state, reason = :reason WHERE id = :id")
KEPT = Statement("SELECT epoch, batch, runtime FROM runs WHERE id = :id")

# Reads of a run that is opened.

MESSAGE_COLUMNS = (
    "m.message_id, m.sender, m.recipient, m.type, m.in_reply_to, m.run_id, m.trace_id, m.time, m.payload, m.crc"
)
OPEN_MESSAGES = Statement(
    f"SELECT {MESSAGE_COLUMNS}, m.n, m.deliveries, m.attempts, m.deaths, m.outage_since, m.due, m.parked, m.doubt"
    " FROM messages m WHERE m.run = :run AND m.end_seq IS NULL AND m.seq IS NOT NULL ORDER BY m.n"
)
OPEN_STEPS = Statement(
    "SELECT s.message_id, s.name, s.state, s.value, s.digest, s.crc FROM messages m CROSS JOIN steps s"
    " WHERE m.run = :run AND m.end_seq IS NULL AND m.seq IS NOT NULL"
    " AND s.run = m.run AND s.message_id = m.message_id ORDER BY s.n"
)
STEPS_OF = Statement(
    "SELECT message_id, name, state, value, digest, crc FROM steps"
    " WHERE run = :run AND message_id = :message_id ORDER BY n"
)
AGENTS = Statement(
    "SELECT n, agent, supervisor, incarnation, spec, crc, parked FROM agents"
    " WHERE run = :run AND gone_seq IS NULL ORDER BY n"
)
PAST_AGENTS = Statement(
    "SELECT agent, max(incarnation) FROM agents WHERE run = :run GROUP BY agent"
    " HAVING sum(CASE WHEN gone_seq IS NULL THEN 1 ELSE 0 END) = 0"
)
TURN_COLUMNS = "n, seq, message_id, agent, incarnation, state, sends, caused, crc"
LAST_STATE = Statement(
    f"SELECT {TURN_COLUMNS} FROM turns WHERE run = :run AND agent = :agent AND n > :since AND state IS NOT NULL"
    " ORDER BY n DESC LIMIT 1"
)
MONITORS = Statement("SELECT watcher, target FROM monitors WHERE run = :run AND end_seq IS NULL ORDER BY n")
ASKS = Statement(
    "SELECT a.message_id, a.agent, a.asked_in, a.step, a.until, a.crc FROM asks a CROSS JOIN messages m"
    " WHERE a.run = :run AND a.end_seq IS NULL AND m.run = a.run AND m.message_id = a.asked_in"
    " AND (m.end_seq IS NULL OR m.outcome = 'dead') ORDER BY a.n"
)
TIMERS = Statement(
    f"SELECT {MESSAGE_COLUMNS}, t.due, t.after_s, t.crc FROM timers t JOIN messages m"
    " ON m.run = t.run AND m.message_id = t.timer_id WHERE t.run = :run AND t.end_seq IS NULL ORDER BY t.n"
)
EFFECTS = Statement(
    "SELECT effect_id, agent, message_id, start, stop, crc FROM effects WHERE run = :run AND end_seq IS NULL ORDER BY n"
)
VERSION = Statement("SELECT coalesce(max(version), 0) FROM entries WHERE run = :run")
LAST_EVENT = Statement("SELECT coalesce(max(seq), 0) FROM events WHERE run = :run")
LAST_MESSAGE = Statement("SELECT coalesce(max(n), 0) FROM messages WHERE run = :run")
LAST_TURN = Statement("SELECT coalesce(max(n), 0) FROM turns WHERE run = :run")
LETTER_COUNT = Statement("SELECT count(*) FROM letters WHERE run = :run AND end_seq IS NULL")
CRASH_NUMBERS = Statement("SELECT n FROM crashes WHERE run = :run ORDER BY n")

# Reads of a run at work.

KNOWN = Statement("SELECT n, end_seq FROM messages WHERE run = :run AND message_id = :message_id AND seq IS NOT NULL")
GIVEN = Statement(f"SELECT {MESSAGE_COLUMNS} FROM messages m WHERE m.run = :run AND m.message_id = :message_id")
ANSWER = Statement(
    f"SELECT {MESSAGE_COLUMNS} FROM messages m WHERE m.run = :run AND m.in_reply_to = :message_id AND m.n > :n"
    " AND m.outcome = 'answer' ORDER BY m.n LIMIT 1"
)
LETTERS = Statement(
    f"SELECT {MESSAGE_COLUMNS}, l.reason, l.detail, l.deliveries, l.time, l.crc, l.error"
    " FROM letters l JOIN messages m ON m.run = l.run AND m.message_id = l.message_id"
    " WHERE l.run = :run AND l.end_seq IS NULL ORDER BY l.n DESC LIMIT :limit"
)
LETTER_OF = Statement(
    f"SELECT {MESSAGE_COLUMNS}, l.deliveries FROM letters l JOIN messages m"
    " ON m.run = l.run AND m.message_id = l.message_id"
    " WHERE l.run = :run AND l.message_id = :message_id AND l.end_seq IS NULL"
)
ENTRIES = Statement(
    "SELECT version, key, value, crc FROM entries e WHERE run = :run AND version > :after AND NOT EXISTS"
    " (SELECT 1 FROM entries x WHERE x.run = e.run AND x.key = e.key AND x.version > e.version)"
    " ORDER BY version LIMIT :limit"
)
CRASHES = Statement("SELECT agent, body, crc FROM crashes WHERE run = :run ORDER BY n DESC LIMIT :limit")
CRASHES_OF = Statement(
    "SELECT agent, body, crc FROM crashes WHERE run = :run AND agent = :agent ORDER BY n DESC LIMIT :limit"
)

# Reads of a run at rest.

LISTED_COLUMNS = f"{MESSAGE_COLUMNS}, m.n, m.seq, m.end_seq, m.outcome, m.deliveries, m.deaths, m.parked"
EVENTS = Statement(
    "SELECT seq, first_seq, first_time, last_time, body, crc FROM events WHERE run = :run AND seq > :after"
    " ORDER BY seq LIMIT :limit"
)
MESSAGES = Statement(
    f"SELECT {LISTED_COLUMNS} FROM messages m WHERE m.run = :run AND m.n > :after ORDER BY m.n LIMIT :limit"
)
MESSAGE_OF = Statement(f"SELECT {LISTED_COLUMNS} FROM messages m WHERE m.run = :run AND m.message_id = :message_id")
PARKED_MESSAGES = Statement(
    f"SELECT {LISTED_COLUMNS} FROM messages m WHERE m.run = :run AND m.end_seq IS NULL AND m.seq IS NOT NULL"
    " AND m.parked <> '' ORDER BY m.n"
)
TURNS = Statement(f"SELECT {TURN_COLUMNS} FROM turns WHERE run = :run AND n > :after ORDER BY n LIMIT :limit")
LIVES = Statement(
    "SELECT n, agent, supervisor, incarnation, spec, crc, seq, gone_seq FROM agents WHERE run = :run ORDER BY n"
)
STATE_WITHIN = Statement(
    f"SELECT {TURN_COLUMNS} FROM turns WHERE run = :run AND agent = :agent AND n > :since AND n < :until"
    " AND state IS NOT NULL ORDER BY n DESC LIMIT 1"
)
