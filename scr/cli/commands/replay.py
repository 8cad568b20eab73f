"""The command `scr replay`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from time import monotonic
from typing import Annotated, Any

import typer

from scr.agent.code import code_of
from scr.cli.options import AsJson, Run, Store
from scr.cli.output import guarded, say_json
from scr.cli.select_run import chosen
from scr.errors import InvalidInput
from scr.exit_codes import STATUS, ExitCode
from scr.launch.module_paths import command_path
from scr.replay import replay as replays
from scr.replay.outcome import AgentReplay, Divergence, Replayed
from scr.specs import Code as AgentCode
from scr.store.archive.archive import open_archive
from scr.store.url import DEFAULT_STORE

TICK_S = 0.2
CLEAR = "\r\033[K"


def replay(
    run: Run,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="AGENT", help="Only this agent.", show_default=False)
    ] = None,
    code: Annotated[
        list[str] | None,
        typer.Option(
            "--code", metavar="AGENT=MODULE:NAME", help="Other code for an agent; can be repeated.", show_default=False
        ),
    ] = None,
    turn_s: Annotated[
        float, typer.Option("--turn", metavar="SECONDS", min=0.1, help="How long one turn may take.")
    ] = replays.TURN_S,
    store: Store = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Play the agents of a run again, from its recorded steps, and compare what comes of every turn.

    Nothing is written, sent or paid: a step gives back what the run recorded of it, and one that is not recorded is
    not run. Agents run their code as it is now, looked for where Python looks for modules and in the current folder,
    so that a replay tells whether a change of the code would have changed the run. Code that was shipped with the run
    (a class of a notebook or a script) is as it was then; give another with [bold]--code[/bold].

    What an agent does outside of steps when it starts or handles a message, it does again. A step or an ask that raised
    is not recorded: a turn that went on after it diverges there.

    [bold]Examples[/bold]

      scr replay 20250131-120000-1a2b3c

      scr replay 20250131-120000-1a2b3c --agent planner --json

      scr replay nightly --code worker=team.agents:Worker

    Exit codes: 0 all as it was; 2 the input cannot be used; 3 something was otherwise; 5 failed.
    """

    def command() -> ExitCode:
        sys.path[:] = command_path()  # agents are often beside where the program was started
        screen = ReplayScreen(is_silent=as_json)
        with open_archive(store) as archive:
            name = chosen(archive, run).run
        found = replays.replay(store, name, agent=agent, codes=codes_of(code or []), turn_s=turn_s, told=screen.tell)
        screen.clear()
        ended = ExitCode.DONE if found.is_same else ExitCode.PARTIAL
        if as_json:
            say_json(described(found, ended))
        else:
            for line in replay_lines(found):
                print(line)
        return ended

    raise typer.Exit(guarded(command, as_json=as_json))


class ReplayScreen:
    """How far a replay is, on one line of a terminal; where there is none, nothing."""

    def __init__(self, *, is_silent: bool) -> None:
        self._is_shown = sys.stderr.isatty() and not is_silent
        self._shown = monotonic()

    def tell(self, part: AgentReplay) -> None:
        """A turn was played."""
        if self._is_shown and monotonic() - self._shown > TICK_S:
            self._shown = monotonic()
            print(f"{CLEAR}{part.agent}: {part.played} of {part.turns} turns", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """It is over."""
        if self._is_shown:
            print(CLEAR, end="", file=sys.stderr, flush=True)


def codes_of(given: list[str]) -> dict[str, AgentCode]:
    """The code for each agent.  Raises InvalidInput for what names no agent, InvalidCode for what names no code."""
    found = {}
    for text in given:
        agent, equals, reference = text.partition("=")
        if not (agent and equals):
            raise InvalidInput(f"--code {text!r} names no agent; write it as AGENT=MODULE:NAME")
        found[agent] = code_of(reference)
    return found


def replay_lines(found: Replayed) -> Iterator[str]:
    """What was found, in lines: each agent, its first divergence, and the sum."""
    for part in found.parts:
        yield _summary(part)
        if part.divergences:
            yield from _story(part.divergences[0])
    if found.left_out:
        yield f"left out: {', '.join(found.left_out)}, which live off the store itself"
    agents = f"{len(found.parts)} agent{'s' * (len(found.parts) != 1)}"
    otherwise = sum(len(part.divergences) for part in found.parts)
    sum_ = "all the same" if found.is_same else f"{otherwise} otherwise than the run has it"
    yield f"{found.turns} turn{'s' * (found.turns != 1)} of {agents} replayed, {sum_}"


def _summary(part: AgentReplay) -> str:
    turns = f"{part.agent}: {part.played} turn{'s' * (part.played != 1)}"
    given_up = f"; given up, {part.turns - part.played} not replayed" if part.played < part.turns else ""
    return f"{turns}, {f'{len(part.divergences)} diverged' if part.divergences else 'all the same'}{given_up}"


def _story(first: Divergence) -> Iterator[str]:
    yield f"  first the turn of {first.type} {first.message_id}, committed after event {first.seq}"
    if first.why:
        yield f"    {first.why}"
    for line in first.tail.splitlines()[-5:]:
        yield f"    | {line}"
    for difference in first.differences:
        yield f"    {difference.field}"
        yield f"      recorded: {difference.recorded}"
        yield f"      replayed: {difference.replayed}"


def described(found: Replayed, ended: ExitCode) -> dict[str, Any]:
    """The same for programs, with every divergence."""
    return {
        "status": STATUS[ended],
        "run": found.run,
        "is_same": found.is_same,
        "turns": found.turns,
        "agents": [asdict(part) | {"is_same": part.is_same} for part in found.parts],
        "left_out": list(found.left_out),
    }


COMMANDS = (replay,)
