"""Names, methods and keywords that are not there."""

from pydantic import BaseModel

import scr


class Total(BaseModel):
    total: int = 0


class Counter(scr.Agent[Total]):
    def on_task(self, ctx: scr.Context, message: scr.Task) -> None:
        self.state.totl += 1  # E: attr-defined / reportAttributeAccessIssue
        self.state.total = "one"  # E: assignment / reportAttributeAccessIssue
        ctx.remembr("key", 1)  # E: attr-defined / reportAttributeAccessIssue
        ctx.start_agent("other", Counter, mailbox=3)  # E: call-arg / reportCallIssue

    def on_timer(self, ctx: scr.Context, message: scr.Task) -> None:  # E: override / reportIncompatibleMethodOverride
        pass


class Stateful(scr.Agent[int]):  # E: type-var / reportInvalidTypeArguments
    pass


def main(runtime: scr.Runtime) -> None:
    print(scr.Agnet)  # E: attr-defined / reportAttributeAccessIssue
    runtime.nonsense()  # E: attr-defined / reportAttributeAccessIssue
    runtime.start_agent("a", Counter, restart="sometimes")  # E: arg-type / reportArgumentType
    runtime.start_agent("a", Counter, restarts=3)  # E: call-arg / reportCallIssue
    runtime.start_agent("a", Counter, retry=3)  # E: arg-type / reportArgumentType
    runtime.ask("a", {}, timeout=1)  # E: call-arg / reportCallIssue
    print(runtime.ask("a", {}, output=Total).totl)  # E: attr-defined / reportAttributeAccessIssue
    print(runtime.submit("a", {}, output=Total).result().totl)  # E: attr-defined / reportAttributeAccessIssue
    runtime.ask("a", {}, output=Total())  # E: arg-type / reportArgumentType
