"""A pipeline of functions: each is an agent in a process of its own, and asks the next one.

A question of one agent to another is recorded: the killed `count` does not have `parse` do its part again.
"""

from __future__ import annotations

import os
import signal

import scr


def parse(ctx: scr.Context, message: scr.Task) -> list[str]:
    """Split a text into words."""
    ctx.log(f"parsing, delivery {ctx.deliveries}")
    return str(message.payload.input).lower().split()


def count(ctx: scr.Context, message: scr.Task) -> dict[str, int]:
    """Count the words of a text that `parse` splits.  The first process is killed when it has the words."""
    words: list[str] = ctx.ask("parse", message.payload.input)
    if ctx.deliveries == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return {word: words.count(word) for word in sorted(set(words))}


def show(ctx: scr.Context, message: scr.Task) -> str:
    """Write the counts as a line."""
    counts = ctx.ask("count", message.payload.input)
    return ", ".join(f"{word} {number}" for word, number in counts.items())


def main() -> None:
    """Count the words of a sentence."""
    with scr.Runtime() as runtime:
        for agent in (parse, count, show):
            runtime.start_agent(agent.__name__, agent)
        print(runtime.ask("show", "No work is lost where no turn is lost"))


if __name__ == "__main__":
    main()
