"""An agent whose state is known to type checkers, and the program that asks it."""

from typing import assert_type

from pydantic import BaseModel

import scr


class Total(BaseModel):
    total: int = 0


class Answer(BaseModel):
    n: int


class Counter(scr.Agent[Total]):
    def on_start(self, ctx: scr.Context) -> None:
        ctx.timer("report", every_s=60.0)

    def on_task(self, ctx: scr.Context, message: scr.Task) -> dict[str, int]:
        self.state.total += 1
        assert_type(self.state, Total)
        other = ctx.ask("doubler", {"n": self.state.total}, output=Answer)
        assert_type(other, Answer)
        return {"n": other.n}

    async def on_result(self, ctx: scr.Context, message: scr.Result) -> None:
        assert_type(await ctx.ask_async("doubler", 1, output=Answer), Answer)

    def on_message(self, ctx: scr.Context, message: scr.Message) -> None:
        match message:
            case scr.Down(payload=scr.DownPayload(agent=agent)):
                assert_type(agent, str)
            case scr.Failure():
                ctx.log(message.payload.detail)
            case _:
                pass


def main() -> None:
    with scr.Runtime(store="work.db") as runtime:
        runtime.start_agent(
            "counter",
            Counter,
            restart="transient",
            retry=scr.Retry(attempts=2),
            limits=scr.AgentLimits(max_messages=1000),
            backoff=scr.Backoff(base_s=0.1, cap_s=1.0),
        )
        assert_type(runtime.ask("counter", {}, output=Answer), Answer)
        print(runtime.ask("counter", {})["n"] + 1)
        submitted = runtime.submit("counter", {}, output=Answer)
        assert_type(submitted, scr.Submitted[Answer])
        assert_type(submitted.result(), Answer)
        try:
            runtime.ask("nobody", {})
        except (scr.UnknownAgent, scr.AskTimedOut, scr.MailboxFull, scr.AgentGone, scr.TaskFailed) as error:
            print(error)


async def later() -> None:
    client = scr.connect()
    assert_type(await client.ask_async("counter", {}, output=Answer), Answer)
    assert_type(await client.submit("counter", {}, output=Answer), Answer)
    assert_type(client.attach("id", output=Answer).result(), Answer)
    n: int = client.ask("counter", {})
    print(n)
