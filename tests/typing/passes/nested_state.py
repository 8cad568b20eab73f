"""An agent without a parameter, with a state in its body or none, is accepted as it is."""

from typing import Any

from pydantic import BaseModel

import scr


class Nested(scr.Agent):
    class State(BaseModel):
        total: int = 0

    def on_task(self, ctx: scr.Context, message: scr.Task) -> int:
        self.state.total += 1
        return 1


class Echo(scr.Agent):
    def on_task(self, ctx: scr.Context, message: scr.Task) -> Any:
        return message.payload.input


class Base(scr.Agent[scr.TaskPayload]):
    pass


class Child(Base):
    def on_task(self, ctx: scr.Context, message: scr.Task) -> str:
        return self.state.kind
