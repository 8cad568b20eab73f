"""New code under a run: an agent goes from one version to the next between two messages, with its state."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel

import scr


class Euros(BaseModel):
    """The state of the first version."""

    euros: int = 0


class First(scr.Agent[Euros]):
    """A till that counts euros."""

    def on_task(self, ctx: scr.Context, message: scr.Task) -> str:
        """Add an amount in euros."""
        self.state.euros += cast("int", message.payload.input)
        return f"{self.state.euros} euros"


class Cents(BaseModel, extra="forbid"):
    """The state of the second version.  One of the first does not fit it, and is migrated."""

    cents: int = 0


class Second(scr.Agent[Cents]):
    """The same till, which counts cents."""

    @classmethod
    def migrate(cls, state: dict[str, Any]) -> dict[str, Any]:
        """Make cents of the euros that the first version has left."""
        return {"cents": state["euros"] * 100}

    def on_task(self, ctx: scr.Context, message: scr.Task) -> str:
        """Add an amount in euros."""
        self.state.cents += round(cast("float", message.payload.input) * 100)
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
