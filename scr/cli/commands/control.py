"""The commands that steer a live system: `scr kill`, `scr restart`, `scr reload`, `scr stop`, `scr send`."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from scr.cli.options import Agent, AsJson, Chosen
from scr.cli.output import guarded, say_json
from scr.cli.select_runtime import reached
from scr.client.client import RuntimeClient
from scr.errors import InvalidInput, RunFailed
from scr.exit_codes import ExitCode

END_S = 20.0
STDIN = "-"


def kill(
    agent: Agent,
    name: Annotated[str, typer.Option("--signal", metavar="NAME", help="Which signal: KILL, TERM, STOP, 9 …")] = "KILL",
    runtime: Chosen = None,
    as_json: AsJson = False,
) -> None:
    """Send a signal to an agent's process.  One that dies of it is restarted by its supervisor, as after any crash.

    [bold]Examples[/bold]

      scr kill worker-1

      scr kill worker-1 --signal STOP      and CONT to let it go on
    """

    def command() -> ExitCode:
        number = signal_number(name)
        with reached(runtime) as client:
            pid = client.signal_agent(agent, number)
        told = {"status": "done", "agent": agent, "pid": pid, "signal": number.name}
        return _say(told, f"{number.name} sent to {agent} (pid {pid})", as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def restart(agent: Agent, runtime: Chosen = None, as_json: AsJson = False) -> None:
    """Replace an agent's process by a fresh one, or start an agent that is down.

    It stops in order, after the message in hand; its state and its mailbox
    stay, and no restart is counted.

    [bold]Examples[/bold]

      scr restart planner

      scr restart planner --runtime r-1a2b3c4d --json
    """
    raise typer.Exit(
        guarded(lambda: _replaced(RuntimeClient.restart_agent, agent, runtime, as_json=as_json), as_json=as_json)
    )


def reload(agent: Agent, runtime: Chosen = None, as_json: AsJson = False) -> None:
    """Have an agent run the code that is on disk now, from its next message on.

    Its state and its mailbox stay, and its siblings are not touched.  When the
    new code does not start, or ends by itself within ten seconds, the old code
    is put back.

    [bold]Examples[/bold]

      scr reload critic
    """
    raise typer.Exit(
        guarded(lambda: _replaced(RuntimeClient.reload_agent, agent, runtime, as_json=as_json), as_json=as_json)
    )


def _replaced(
    replace: Callable[[RuntimeClient, str], None], agent: str, runtime: str | None, *, as_json: bool
) -> ExitCode:
    """Have a fresh process of an agent, and say which."""
    with reached(runtime) as client:
        replace(client, agent)
        now = next((one for one in client.status().agents if one.id == agent), None)
    pid, incarnation = (now.pid, now.incarnation) if now else (None, None)
    told = {"status": "done", "agent": agent, "pid": pid, "incarnation": incarnation}
    where = f": pid {pid}, incarnation {incarnation}" if pid else ""
    return _say(told, f"{agent} is up again{where}", as_json=as_json)


def stop(runtime: Chosen = None, as_json: AsJson = False) -> None:
    """Stop a whole runtime: every agent in order, last started first, then itself.

    [bold]Examples[/bold]

      scr stop

      scr stop --runtime r-1a2b3c4d
    """

    def command() -> ExitCode:
        with reached(runtime) as client:
            status = client.status()
            client.shut_down("scr stop")
            if not client.wait_end(END_S):
                raise RunFailed(f"runtime {status.runtime} (pid {status.pid}) has not ended within {END_S:g} s")
        ended = sum(one.pid is not None for one in status.agents)
        told = {"status": "done", "runtime": status.runtime, "agents": ended}
        return _say(told, f"runtime {status.runtime} and its {ended} agents have stopped", as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def send(
    agent: Agent,
    task: Annotated[
        str, typer.Argument(metavar="JSON", help="The task's input; - reads it from stdin.", show_default=False)
    ],
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the result and print it.")] = True,
    timeout_s: Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="How long to wait.")] = (
        30.0
    ),
    runtime: Chosen = None,
    as_json: AsJson = False,
) -> None:
    """Send a task to an agent and print its result.

    [bold]Examples[/bold]

      scr send counter 5

      scr send worker-1 '{"path": "README.md"}' --timeout 120

      scr send worker-1 - --no-wait < task.json
    """

    def command() -> ExitCode:
        given = parsed(sys.stdin.read() if task == STDIN else task)
        with reached(runtime) as client:
            if wait:
                output = client.ask(agent, given, timeout_s=timeout_s)
                told = {"status": "done", "agent": agent, "output": output}
                return _say(told, json.dumps(output, ensure_ascii=False, indent=2), as_json=as_json)
            message_id = client.send(agent, given)
        told = {"status": "done", "agent": agent, "message_id": message_id}
        return _say(told, message_id, as_json=as_json)

    raise typer.Exit(guarded(command, as_json=as_json))


def _say(told: dict[str, Any], sentence: str, *, as_json: bool) -> ExitCode:
    if as_json:
        say_json(told)
    else:
        print(sentence, flush=True)
    return ExitCode.DONE


def signal_number(name: str) -> signal.Signals:
    """The signal of that name, with or without SIG, or of that number.  Raises InvalidInput."""
    try:
        return (
            signal.Signals(int(name)) if name.isdecimal() else signal.Signals[f"SIG{name.upper().removeprefix('SIG')}"]
        )
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"there is no signal {name!r}; `kill -l` lists those that there are") from error


def parsed(text: str) -> Any:
    """JSON as a value.  Raises InvalidInput saying where it breaks off."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"the task is not JSON ({error}); put text in quotes of its own, as in '\"text\"'"
        ) from error


COMMANDS = (kill, restart, reload, stop, send)
