"""An agent with a bug is parked, not restarted for ever: its mail waits until the right code takes it up."""

from __future__ import annotations

import scr
from scr.messages import Task


def broken(ctx: scr.Context, message: Task) -> str:
    """Greet, with a bug."""
    return "hello " + message.payload.input["name"]


def mended(ctx: scr.Context, message: Task) -> str:
    """Greet."""
    return f"hello {message.payload.input}"


def main() -> None:
    """Have five tasks fail, see the agent parked, and start the right code under the same name."""
    with scr.Runtime(quiet=True) as runtime:
        runtime.start_agent("greeter", broken, retry=scr.Retry(attempts=1))
        failed = [runtime.submit("greeter", f"caller {number}") for number in range(5)]
        for task in failed:
            try:
                task.result()
            except scr.TaskFailed as error:
                print(f"{task.id[:0]}failed: {error.error_type}")
        try:
            runtime.ask("greeter", "Ada", key="greet Ada")
        except scr.AgentParked as error:
            print(f"parked: {error}")
        runtime.start_agent("greeter", mended)
        print(runtime.ask("greeter", "Ada", key="greet Ada"))


if __name__ == "__main__":
    main()
