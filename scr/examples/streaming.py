"""An answer that is read while it is made, and begins anew where the writer's process was killed."""

from __future__ import annotations

import os
import signal

import scr


def write(ctx: scr.Context, message: scr.Task) -> str:
    """Stream the words of a text one by one.  The first process is killed after three of them."""
    words = str(message.payload.input).split()
    for number, word in enumerate(words):
        ctx.stream(word)
        if number == 2 and ctx.deliveries == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    return f"{len(words)} words"


def main() -> None:
    """Read a text word by word.  A chunk of a later delivery replaces what earlier ones streamed."""
    with scr.Runtime() as runtime:
        runtime.start_agent("writer", write)
        submitted = runtime.submit("writer", "agents that do not lose work")
        text: list[str] = []
        delivery = 0
        for chunk in submitted.stream():
            if chunk.delivery > delivery:
                text, delivery = [], chunk.delivery
            text.append(chunk.data)
            print(f"delivery {delivery}: {' '.join(text)}")
        print(submitted.result())


if __name__ == "__main__":
    main()
