"""New code under a run: an agent goes from one version to the next between two messages, with its state."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

import scr
from scr.messages import Task


class First(scr.Agent):
    """A till that counts whole euros."""

    class State(BaseModel):
        """The sum in euros."""

        euros: int = 0

    state: State

    def on_task(self, ctx: scr.Context, message: Task) -> str:
        """Add an amount in euros."""
        self.state.euros += message.payload.input
        return f"{self.state.euros} euros"


class Second(scr.Agent):
    """The same till, which counts cents."""

    class State(BaseModel, extra="forbid"):
        """The sum in cents."""

        cents: int = 0

    state: State

    @classmethod
    def migrate(cls, state: dict[str, Any]) -> dict[str, Any]:
        """Make cents of the euros that the first version has left."""
        return {"cents": state["euros"] * 100}

    def on_task(self, ctx: scr.Context, message: Task) -> str:
        """Add an amount in euros."""
        self.state.cents += round(message.payload.input * 100)
        return f"{self.state.cents} cents"


def main() -> None:
    """Count with the first version, then with the second."""
    with scr.Runtime() as runtime:
        runtime.start_agent("till", First)
        print(runtime.ask("till", 3))
        runtime.replace_code("till", Second)
        print(runtime.ask("till", 1.5))


if __name__ == "__main__":
    main()
