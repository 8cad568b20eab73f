"""`scr chaos`: an agent of your own on the same tasks twice, undisturbed and under kills, and whether it shows."""

from __future__ import annotations

import json
import secrets
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

import typer

from scr.apps.research.running.interrupts import raised
from scr.chaos.judge.figures import Verdict
from scr.chaos.user.comparison import Comparison
from scr.chaos.user.comparison_run import Trial
from scr.chaos.user.kill_plan import TARGETS
from scr.cli.commands.control import parsed
from scr.cli.options import AsJson
from scr.cli.output import guarded, say_found, say_json, say_trouble
from scr.errors import InvalidInput, StartFailed
from scr.exit_codes import STATUS, ExitCode
from scr.failpoints import POINTS
from scr.launch.module_paths import command_path
from scr.protocol.socket_dir import discard_scratch, make_scratch
from scr.store.url import sqlite_url

UNUSABLE = "InvalidCode: "
CODES = {Verdict.VALID: ExitCode.DONE, Verdict.INVALID: ExitCode.UNSOUND, Verdict.UNKNOWN: ExitCode.UNKNOWN}
SAID = {
    Verdict.VALID: "valid: the same results and as many steps, undisturbed and under kills",
    Verdict.INVALID: "invalid: kills change what the agent does",
    Verdict.UNKNOWN: "unknown: too little was done to say so",
}


def chaos(
    code: Annotated[
        str, typer.Argument(metavar="MODULE:AGENT", help="Your agent, a class or a function.", show_default=False)
    ] = "",
    task: Annotated[str, typer.Option("--task", metavar="JSON", help="What each task gives it.")] = "null",
    tasks: Annotated[int, typer.Option("--tasks", min=1, max=1000, help="How many tasks.")] = 20,
    kills: Annotated[int, typer.Option("--kills", min=1, max=1000, help="How many kills.")] = 20,
    targets: Annotated[
        str, typer.Option("--targets", metavar="NAMES", help=f"What is killed, by commas: {', '.join(TARGETS)}.")
    ] = "agent",
    seed: Annotated[int | None, typer.Option("--seed", help="Which kills.", show_default=False)] = None,
    timeout_s: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="How long a task may take, kills and all.")
    ] = 60.0,
    store: Annotated[
        str,
        typer.Option("--store", metavar="URL", help="Where both runs are kept; a file that is removed if left out."),
    ] = "",
    list_points: Annotated[bool, typer.Option("--list-points", help="List the points of SCR_FAILPOINT, and end.")] = (
        False
    ),
    as_json: AsJson = False,
) -> None:
    """Run your own agent undisturbed, then under kills, and compare: results, recorded steps, steps in doubt.

    Its results must have no times and no fresh ids in them: those differ by
    themselves.  Exit code 0: valid.  1: invalid.  4: unknown, as too few kills
    landed, or none in the middle of a turn.

    [bold]Examples[/bold]

      scr chaos shop.agents:Cashier --task '{"order": 7}'

      scr chaos shop.agents:Cashier --kills 50 --targets agent,zygote,runtime --seed 3 --json

      scr chaos --list-points
    """

    def command() -> ExitCode:
        if list_points:
            return say_found({"points": POINTS}, _points(), as_json=as_json)
        if not code:
            raise InvalidInput("which agent? name it as package.module:Class; `scr chaos --help` has examples")
        sys.path[:] = command_path()  # the agent is often where the command is typed
        trial = Trial(
            code=_checked(code),
            task=parsed(task),
            tasks=tasks,
            kills=kills,
            seed=secrets.randbelow(1 << 31) if seed is None else seed,
            store=store,
            targets=tuple(targets.split(",")),
            timeout_s=timeout_s,
        )
        return _tried(trial, as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _checked(code: str) -> str:
    """Refuse a name whose module cannot be one.  Raises InvalidInput."""
    if not all(part.isidentifier() for part in code.partition(":")[0].split(".")):
        raise InvalidInput(f"{code!r} does not name an agent; write it as package.module:Class")
    return code


def _tried(trial: Trial, *, as_json: bool) -> ExitCode:
    """Carry out the trial and say what it found, or that a signal ended it."""
    try:
        with raised():
            found = _compared(trial)
    except KeyboardInterrupt as stop:
        return _say_stopped(trial, stop, as_json=as_json)
    return _say(trial, found, as_json=as_json)


def _compared(trial: Trial) -> Comparison:
    """Carry out the trial.  Raises InvalidInput where its agent cannot be imported."""
    try:
        with _stored(trial) as stored:
            return stored.compare()
    except StartFailed as error:
        reason = str(error).partition("\n")[0].removeprefix("start_failed: ")
        if not reason.startswith(UNUSABLE):
            raise
        raise InvalidInput(
            f"{reason.removeprefix(UNUSABLE)}; name an agent that this folder or an installed package has"
        ) from error


@contextmanager
def _stored(trial: Trial) -> Iterator[Trial]:
    """Give the trial a file of its own, if it has no store; inside, the file is there."""
    if trial.store:
        yield trial
        return
    name = f"c-{secrets.token_hex(4)}"
    try:
        yield replace(trial, store=sqlite_url(make_scratch(name) / "store.sqlite"))
    finally:
        discard_scratch(name)


def repeat(trial: Trial) -> str:
    """The command line that does the same again."""
    words = ["scr", "chaos", trial.code, "--task", json.dumps(trial.task), "--tasks", trial.tasks]
    words += ["--kills", trial.kills, "--targets", ",".join(trial.targets), "--seed", trial.seed]
    words += ["--timeout", f"{trial.timeout_s:g}", *(["--store", trial.store] if trial.store else [])]
    return shlex.join(map(str, words))


def _say_stopped(trial: Trial, stop: KeyboardInterrupt, *, as_json: bool) -> ExitCode:
    """Say that a signal ended it, and what is left."""
    number = stop.args[0] if stop.args else signal.SIGINT
    code = ExitCode(128 + number)
    kept = "what was done is kept in the store" if trial.store else "nothing is kept"
    sentence = f"stopped by {number.name}; the runs were not compared, and {kept}"
    say_trouble(sentence)
    if as_json:
        say_json({"status": STATUS[code], "error": sentence})
    return code


def _say(trial: Trial, found: Comparison, *, as_json: bool) -> ExitCode:
    again = repeat(trial)
    told: dict[str, Any] = {
        "verdict": found.verdict,
        "reasons": found.reasons,
        "seed": trial.seed,
        "tasks": trial.tasks,
        "kills": {"wanted": found.wanted, "landed": dict(Counter(found.struck)), "in_turns": found.interrupted},
        "repeat": again,
    }
    lines = [
        f"tasks:   {trial.tasks}, undisturbed and again under kills",
        f"kills:   {len(found.struck)} of {found.wanted}, {found.interrupted} in the middle of a turn",
        f"verdict: {SAID[found.verdict]}",
        *(f"  - {reason}" for reason in found.reasons),
        f"repeat:  {again}",
    ]
    return say_found(told, lines, as_json=as_json, code=CODES[found.verdict])


def _points() -> list[str]:
    return [f"{name:30} {what}" for name, what in POINTS.items()]


COMMANDS = (chaos,)
