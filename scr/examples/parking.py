"""An agent with a bug is parked, not restarted for ever: its mail waits until the right code takes it up."""

from __future__ import annotations

import scr

GREETINGS = {"en": "hello"}


def broken(ctx: scr.Context, message: scr.Task) -> str:
    """Greet, with a bug."""
    return f"{GREETINGS['fr']} {message.payload.input}"


def mended(ctx: scr.Context, message: scr.Task) -> str:
    """Greet."""
    return f"{GREETINGS['en']} {message.payload.input}"


def main() -> None:
    """Have five tasks fail, see the agent parked, and start the right code under the same name."""
    with scr.Runtime(quiet=True) as runtime:
        runtime.start_agent("greeter", broken, retry=scr.Retry(attempts=1))
        failed = [runtime.submit("greeter", f"caller {number}") for number in range(5)]
        for task in failed:
            try:
                task.result()
            except scr.TaskFailed as error:
                print(f"failed: {error.error_type}")
        try:
            runtime.ask("greeter", "Ada", key="greet Ada")
        except scr.AgentParked as error:
            print(f"parked: {error}")
        runtime.start_agent("greeter", mended)
        print(runtime.ask("greeter", "Ada", key="greet Ada"))


if __name__ == "__main__":
    main()
