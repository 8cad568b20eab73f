"""What a run has recorded of the turns of its agents, read from its store.

Nothing is written, and no transaction is held between two reads: a run at work
may go on meanwhile.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Self

from pydantic import JsonValue

from scr.errors import StoreDamaged, UnknownRun
from scr.messages import Message
from scr.protocol.frames import Commit, Deliver, Entry, StepRecord, Timer
from scr.replay.outcome import ReplayedTurn
from scr.specs import AgentSpec
from scr.store.sql import opening, queries
from scr.store.sql.address import database_of
from scr.store.sql.rows import check_turn, effect_of, entry_of, message_of, spec_of, step_of, unseal, value_of
from scr.store.sql.session import Session
from scr.store.sql.statements import MESSAGE_COLUMNS, STEPS_OF, TURN_COLUMNS, Statement

PAGE = 500
DELIVERED = "message_delivered"

# ruff: noqa: S608  every name that these texts are made of is written in this project
AGENTS = Statement("SELECT agent, count(*) FROM turns WHERE run = :run GROUP BY agent ORDER BY min(n)")
LIVES = Statement("SELECT agent, supervisor, incarnation, spec, crc FROM agents WHERE run = :run ORDER BY n")
TURNS = Statement(
    f"SELECT {TURN_COLUMNS} FROM turns WHERE run = :run AND agent = :agent AND n > :after ORDER BY n LIMIT :limit"
)
MESSAGE = Statement(f"SELECT {MESSAGE_COLUMNS} FROM messages m WHERE m.run = :run AND m.message_id = :message_id")
EFFECT = Statement(
    "SELECT effect_id, agent, message_id, start, stop, crc FROM effects WHERE run = :run AND effect_id = :effect_id"
)
TIMER = Statement("SELECT timer_id, due, after_s, crc FROM timers WHERE run = :run AND timer_id = :timer_id")
ENTRIES = Statement(
    "SELECT version, key, value, crc FROM entries WHERE run = :run AND version > :after ORDER BY version LIMIT :limit"
)
ENTRIES_THEN = Statement(
    "SELECT version, key, value, crc FROM entries e WHERE run = :run AND version > :after AND version <= :until"
    " AND NOT EXISTS (SELECT 1 FROM entries x WHERE x.run = e.run AND x.key = e.key AND x.version > e.version"
    " AND x.version <= :until) ORDER BY version LIMIT :limit"
)
ENTRY_SEQS = Statement("SELECT version, seq FROM entries WHERE run = :run ORDER BY version")


class Recording:
    """One run in a store; use it as a context manager, from one thread.

    Every method blocks, and raises StoreUnavailable, StoreDamaged.
    """

    def __init__(self, url: str, run: str) -> None:
        """Raises InvalidInput for a URL that is none, UnknownRun, StoreUnavailable, StoreDamaged, StoreForeign."""
        self._session: Session = database_of(url).connect(read_only=True)
        row = opening.find(self._session, run)
        if row is None:
            self.close()
            raise UnknownRun(f"there is no run {run!r} in the store; `scr runs` lists those that there are")
        self._run = row.id

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def agents(self) -> dict[str, int]:
        """Who has committed turns, and how many, in order of their first."""
        return dict(self._session.rows(AGENTS, run=self._run))

    def specs(self) -> dict[str, list[tuple[int, AgentSpec]]]:
        """Of every agent that there ever was, its lives: the last incarnation of each, and what it ran then."""
        found: dict[str, list[tuple[int, AgentSpec]]] = {}
        for columns in self._session.rows(LIVES, run=self._run):
            agent, _, incarnation, _, _ = columns
            found.setdefault(agent, []).append((incarnation, spec_of(columns)))
        return found

    def turns(self, agent: str) -> Iterator[ReplayedTurn]:
        """Its committed turns, in order."""
        lives = self.specs()[agent]
        after, life, state = 0, 0, None
        while page := self._session.rows(TURNS, run=self._run, agent=agent, after=after, limit=PAGE):
            for columns in page:
                now = _life_of(columns[4], lives)
                state, life = (state if now == life else None), now
                turn = self._turn(columns, now, lives[now][1], state)
                yield turn
                state = state if turn.commit.state is None else turn.commit.state
            after = page[-1][0]

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """All that was ever remembered, what was replaced later included, from above version `after`."""
        return [entry_of(found) for found in self._session.rows(ENTRIES, run=self._run, after=after, limit=limit)]

    def entries_then(self, until: int, after: int, limit: int) -> Sequence[Entry]:
        """What was remembered at version `until`, the newest of each key, from above version `after`."""
        found = self._session.rows(ENTRIES_THEN, run=self._run, until=until, after=after, limit=limit)
        return [entry_of(columns) for columns in found]

    def _turn(self, columns: Any, life: int, spec: AgentSpec, before: JsonValue) -> ReplayedTurn:
        check_turn(columns)
        _, seq, message_id, _, incarnation, state, sends, caused, _ = columns
        message = self._message(message_id)
        delivered, deliveries = self._delivered.get(message_id, (seq, 1))
        did: Any = value_of(caused) if caused else {}
        first, count = did.get("entries") or (self._before(seq + 1) + 1, 0)
        return ReplayedTurn(
            seq=seq,
            spec=spec,
            life=life,
            incarnation=incarnation,
            state=before,
            delivery=Deliver(
                message=message,
                deliveries=deliveries,
                steps=self._steps(message_id),
                deadline_s=spec.deadline_of(message.type),
                entries_version=self._before(delivered),
                replay=True,
            ),
            commit=Commit(
                message_id=message_id,
                state=value_of(state) if state else None,
                sends=tuple(map(self._message, sends.split() if sends else ())),
                **self._effects(did),
                monitors=did.get("monitors", ()),
                demonitors=did.get("demonitors", ()),
                entries=self.entries(first - 1, count) if count else (),
                timers=tuple(map(self._timer, did.get("timers", ()))),
                cancels=did.get("cancels", ()),
                ends=did.get("ends", False),
            ),
            until=first - 1,
        )

    def _effects(self, did: Any) -> dict[str, Any]:
        rows = [self._only(EFFECT, "effect_id", effect_id) for effect_id in did.get("effects", ())]
        effects = [effect_of(columns) for columns in rows]
        return {
            "starts": tuple(effect.start for effect in effects if effect.start),
            "stops": tuple(effect.stop for effect in effects if effect.stop),
        }

    def _timer(self, timer_id: str) -> Timer:
        _, due, after_s, crc = self._only(TIMER, "timer_id", timer_id)
        unseal(f"timer {timer_id!r}", crc, (timer_id, due, after_s))
        return Timer(message=self._message(timer_id), due=due, after_s=after_s)

    def _message(self, message_id: str) -> Message:
        return message_of(self._only(MESSAGE, "message_id", message_id))

    def _steps(self, message_id: str) -> tuple[StepRecord, ...]:
        found = self._session.rows(STEPS_OF, run=self._run, message_id=message_id)
        return tuple(step for step in map(step_of, found) if step)

    def _only(self, statement: Statement, name: str, value: str) -> Any:
        found = self._session.rows(statement, run=self._run, **{name: value})
        if not found:
            raise StoreDamaged(
                f"a turn in the store tells of {name} {value!r}, and there is none; `scr doctor` says what can be saved"
            )
        return found[0]

    @cached_property
    def _delivered(self) -> dict[str, tuple[int, int]]:
        """After which event each message was delivered for the last time, and which delivery that was."""
        found: dict[str, tuple[int, int]] = {}
        for seq, _, _, _, kind, fields in queries.events(self._session, self._run, 0):
            if kind == DELIVERED:
                found[fields["message_id"]] = (seq, fields.get("deliveries", 1))
        return found

    @cached_property
    def _dates(self) -> tuple[list[int], list[int]]:
        """Of every entry its version, and the event that it was written after."""
        rows = self._session.rows(ENTRY_SEQS, run=self._run)
        return [version for version, _ in rows], [seq for _, seq in rows]

    def _before(self, seq: int) -> int:
        """The version of the last entry that was written before event `seq`; 0 when there was none."""
        versions, seqs = self._dates
        found = bisect_left(seqs, seq)
        return versions[found - 1] if found else 0


def _life_of(incarnation: int, lives: Sequence[tuple[int, AgentSpec]]) -> int:
    """Which of an agent's lives an incarnation was in: their numbers ascend."""
    return next((n for n, (last, _) in enumerate(lives) if incarnation <= last), len(lives) - 1)
