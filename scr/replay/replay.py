"""A run played again: each agent's committed turns in order, in processes of its code, against what is stored.

The steps of a turn, answers of other agents among them, are those that the run
recorded; one that is not recorded is not run.  A step or an ask that raised is
not recorded: a turn whose handler went on after that cannot be played, and
diverges there.  What a handler or `on_start` does outside of steps is done
again: prints, files, whatever it reads.

A turn begins as it did then: the state that was committed before it, the same
incarnation, the same number of the delivery; and a fresh process where the run
had one.  What it recalls is of the version of the entries that it must have
seen, the last before its message was delivered.  It may have seen a later one:
whatever was committed until its own turn was.  So a turn that diverges and has
recalled a key of which there was a newer value by then is tried with each of
those, up to `ATTEMPTS_MAX`, and is as it was if one of them makes it so.

After a turn that diverged the next one begins with what the run has, in a fresh process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from scr.errors import UnknownAgent
from scr.mail.suggestions import meant
from scr.protocol.frames import Become, Commit, Ready
from scr.replay.outcome import AgentReplay, Divergence, Over, Replayed, ReplayedTurn, judged
from scr.replay.recording import Recording
from scr.replay.replayed_process import FRAME_BYTES, Puppet
from scr.replay.sandbox_runtime import SandboxRuntime, raised
from scr.specs import Code
from scr.table import TABLE_SERVICE

LEFT_OUT = {"scr.services.table:TableAgent", "scr.services.memory:MemoryAgent"}
TURN_S = 30.0
ATTEMPTS_MAX = 8
DIVERGENCES_MAX = 20

Told = Callable[[AgentReplay], None]


def replay(
    url: str,
    run: str,
    *,
    agent: str | None = None,
    codes: Mapping[str, Code] | None = None,
    turn_s: float = TURN_S,
    told: Told = lambda _part: None,
) -> Replayed:
    """Play a run, or one `agent` of it, again.  Blocks; call it in the main thread of a program without a loop.

    An agent runs what its specification names, as it is imported now, or was
    shipped then, or what `codes` has for it.  Each turn has `turn_s`.  `told`
    hears of each agent after each of its turns.  An agent of which
    `DIVERGENCES_MAX` turns diverged, or that cannot be started, is given up.
    Nothing is written and nothing leaves; whatever was started is gone when
    this returns or raises: UnknownRun, UnknownAgent, InvalidInput,
    LaunchFailed, StoreUnavailable, StoreDamaged, StoreForeign.
    """
    with Recording(url, run) as recording:
        counts = recording.agents()
        kept_out = {name for name, lives in recording.specs().items() if lives[-1][1].code.reference in LEFT_OUT}
        for wanted in {agent, *(codes or {})} - {None}:
            if wanted not in counts.keys() - kept_out:
                near = meant(str(wanted), counts.keys() - kept_out)
                raise UnknownAgent(f"the run {run!r} has no turns of an agent {wanted!r} that can be replayed{near}")
        names = [name for name in counts if name not in kept_out and agent in {None, name}]
        parts = asyncio.run(_played(recording, {name: counts[name] for name in names}, codes or {}, turn_s, told))
    return Replayed(run, parts, () if agent else tuple(sorted(kept_out)))


async def _played(
    recording: Recording, counts: Mapping[str, int], codes: Mapping[str, Code], turn_s: float, told: Told
) -> tuple[AgentReplay, ...]:
    if not counts:
        return ()
    async with raised(recording) as stage:
        return tuple(
            [
                await Player(stage, codes.get(name), turn_s).play(recording, AgentReplay(name, counts[name]), told)
                for name in counts
            ]
        )


class Player:
    """Plays one agent again.  `code` is what it runs instead of what the run has."""

    def __init__(self, stage: SandboxRuntime, code: Code | None, turn_s: float) -> None:
        self._stage, self._code, self._turn_s = stage, code, turn_s
        self._puppet: Puppet | None = None
        self._is_stuck = False

    async def play(self, recording: Recording, part: AgentReplay, told: Told) -> AgentReplay:
        """All of its turns, in order."""
        who = None
        for turn in recording.turns(part.agent):
            if who != (turn.life, turn.incarnation):
                await self._drop()
            who = (turn.life, turn.incarnation)
            part = part.after(await self._turn(turn))
            told(part)
            if self._is_stuck or len(part.divergences) >= DIVERGENCES_MAX:
                break
        await self._drop()
        return part

    async def _turn(self, turn: ReplayedTurn) -> Divergence | None:
        """The verdict on one turn; after one that diverged, there is no process."""
        found = judged(turn, await self._attempt(turn, turn.delivery.entries_version))
        later = await self._stage.later(turn.until) if found else []
        for version in later[:ATTEMPTS_MAX]:
            await self._drop()
            if judged(turn, await self._attempt(turn, version)) is None:
                return None
        if found:
            await self._drop()
        return found

    async def _attempt(self, turn: ReplayedTurn, version: int) -> Commit | Over:
        """Give it the message, with the table as at that version."""
        await self._stage.turn_table(version)
        if self._puppet is None and (failed := await self._start(turn)):
            return failed
        assert self._puppet is not None
        said = await self._puppet.tell(turn.delivery.model_copy(update={"entries_version": version}), self._turn_s)
        return said if isinstance(said, Commit | Over) else Over("it said that it was ready instead of handling it")

    async def _start(self, turn: ReplayedTurn) -> Over | None:
        """A process that is who handled the turn then; why there is none, if its start failed."""
        spec = turn.spec
        become = Become(
            agent=spec.id,
            incarnation=turn.incarnation,
            code=self._code or spec.code,
            options=spec.options,
            state=turn.state,
            services={TABLE_SERVICE: self._stage.table},
            limits=spec.limits,
            max_frame_bytes=FRAME_BYTES,
            messages=spec.messages,
        )
        self._puppet = await self._stage.puppet()
        said = await self._puppet.tell(become, spec.start_timeout_s)
        if isinstance(said, Ready):
            return None
        self._is_stuck = True
        why, tail = (said.why, said.tail) if isinstance(said, Over) else ("it committed a turn", "")
        return Over(f"it could not be started: {why}", tail)

    async def _drop(self) -> None:
        puppet, self._puppet = self._puppet, None
        if puppet:
            await self._stage.drop(puppet)
