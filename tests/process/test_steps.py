"""Steps and timers, with real agents that are really killed: a file counts what has happened in the world outside."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from pydantic import BaseModel

import scr
from tests.conftest import until


def happened(path):
    """How often it has."""
    return Path(path).read_text().count("\n") if Path(path).exists() else 0


def happen(path, *, dies=False):
    """Something in the world outside, after which the process dies where it is told to, for the first time."""
    with Path(path).open("a") as file:
        file.write("it happened\n")
    if dies and happened(path) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"times": happened(path)}


def found(path, *, dies):
    return scr.Done({"found": happened(path)})


def not_found(path, *, dies):
    return scr.NotDone()


def unknown(path, *, dies):
    raise scr.StepInDoubt("the bank does not answer")


class Charger(scr.Agent):
    """Charges once for each task; a task without a file asks how many it has handled."""

    class State(BaseModel):
        handled: int = 0

    def on_task(self, ctx, message):
        given = message.payload.input
        if not given:
            ctx.reply({"handled": self.state.handled, "incarnation": ctx.incarnation})
            return
        self.state.handled += 1
        ctx.send("a turn that never was", to="bystander-1")
        looks = {"found": found, "not found": not_found, "unknown": unknown}.get(given["reconcile"])
        ctx.reply(ctx.step_once("charge", happen, given["file"], dies=True, reconcile=looks))


@pytest.fixture
def charger(story):
    for name in ("bystander-1", "bystander-2"):
        story.runtime.start_agent(name, lambda ctx, message: message.payload.input)
    story.runtime.start_agent("charger", Charger)
    return story


def test_a_once_step_that_was_killed_is_not_run_again_and_waits_for_a_person(charger, tmp_path):
    file = str(tmp_path / "charges")
    given = {"file": file, "reconcile": None}
    with pytest.raises(
        scr.StepInDoubt, match=r"step 'charge' of charger is in doubt: .*Runtime\.resolve\('charge it',"
    ):
        charger.runtime.ask("charger", given, key="charge it")
    parked = charger.until("message_parked", agent="charger")
    assert parked.step == "charge"
    assert "no `reconcile`" in parked.detail
    assert charger.runtime.ask("charger", None) == {"handled": 0, "incarnation": 2}
    assert happened(file) == 1
    assert not charger.events("message_accepted", sender="charger", to="bystander-1")
    assert [charger.runtime.ask(name, name) for name in ("bystander-1", "bystander-2")] == [
        "bystander-1",
        "bystander-2",
    ]
    assert {status.id: status.incarnation for status in charger.runtime.status().agents}["bystander-2"] == 1
    charger.runtime.resolve(parked.message_id, is_done=True, value="charged, says the bank")
    assert charger.runtime.ask("charger", given, key="charge it") == "charged, says the bank"
    assert happened(file) == 1


def test_reconcile_decides_what_becomes_of_a_once_step_that_was_killed(charger, tmp_path):
    lost, done, silent = (str(tmp_path / name) for name in ("lost", "done", "silent"))
    assert charger.runtime.ask("charger", {"file": done, "reconcile": "found"}) == {"found": 1}
    assert charger.runtime.ask("charger", {"file": lost, "reconcile": "not found"}) == {"times": 2}
    assert not charger.events("message_parked")
    charger.runtime.send("charger", {"file": silent, "reconcile": "unknown"})
    assert charger.until("message_parked").detail == "the bank does not answer"
    assert charger.runtime.ask("charger", None) == {"handled": 2, "incarnation": 4}
    assert [happened(file) for file in (done, lost, silent)] == [1, 2, 1]


@scr.step
def noted(path):
    return happen(path)


async def slowly(path):
    await asyncio.sleep(0)
    return happen(path)


def dies_after_steps(ctx, message):
    ctx.log(ctx.step_key("third"))
    first = ctx.step("first", happen, f"{message.payload.input}-1")
    second = noted(f"{message.payload.input}-2")
    if ctx.deliveries == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return [first, second, ctx.step("third", happen, f"{message.payload.input}-3")]


async def dies_after_async_steps(ctx, message):
    ctx.log(ctx.step_key("third"))
    paths = [f"{message.payload.input}-{n}" for n in (1, 2, 3)]
    seen = await asyncio.gather(*(ctx.step_once_async(f"step {path}", slowly, path) for path in paths))
    if ctx.deliveries == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return seen


def test_a_step_that_had_returned_before_a_kill_is_not_run_again(story, tmp_path):
    for name, agent in (("plain", dies_after_steps), ("async", dies_after_async_steps)):
        story.runtime.start_agent(name, agent)
        seen = story.runtime.ask(name, str(tmp_path / name))
        assert seen == [{"times": 1}] * 3
        assert [happened(tmp_path / f"{name}-{n}") for n in (1, 2, 3)] == [1, 1, 1]
        assert len(story.events("message_delivered", agent=name)) == 2
        first, second = story.events("logged", agent=name)
        assert first.text == second.text


def dies(folder, here):
    """Here, if this is the place, and once."""
    place = folder / "place"
    if place.exists() and place.read_text() == here:
        place.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def paid_in(folder):
    return sorted((folder / "paid").read_text().splitlines()) if (folder / "paid").exists() else []


async def quote(folder, who):
    """A price; bob's comes first, before the process has died."""
    while who == "ann" and (folder / "place").exists() and not paid_in(folder):  # noqa: ASYNC110  what another step does
        await asyncio.sleep(0.001)
    return {"ann": 10, "bob": 900}[who]


async def pay(folder, who, amount):
    dies(folder, f"before paying {who}")
    with (folder / "paid").open("a") as file:
        file.write(f"{who} {amount}\n")
    dies(folder, f"after paying {who}")
    return f"{who} got {amount}"


class Payer(scr.Agent):
    """Asks two prices and pays them, together."""

    async def on_task(self, ctx, message):
        folder = Path(message.payload.input)

        async def one(who):
            amount = await ctx.step_async("quote", quote, folder, who)
            dies(folder, f"after the quote of {who}")
            return await ctx.step_once_async("pay", pay, folder, who, amount)

        ctx.reply(await asyncio.gather(one("ann"), one("bob")))


GOT = {"ann": "ann got 10", "bob": "bob got 900"}
PLACES = [f"{where} {who}" for where in ("after the quote of", "before paying", "after paying") for who in GOT]


def test_each_result_goes_to_the_step_that_made_it_wherever_the_agent_is_killed(story, tmp_path):
    story.runtime.start_agent("payer", Payer)
    for place in PLACES:
        folder = tmp_path / place
        folder.mkdir()
        (folder / "place").write_text(place)
        task = story.runtime.submit("payer", str(folder))
        if "paying" in place:  # what had begun is told, whichever payment comes first now
            parked, who = story.until("message_parked", message_id=task.id), place[-3:]
            assert parked.step == "pay"
            story.runtime.resolve(task.id, is_done=place.startswith("after"), value=GOT[who])
        assert task.result() == [*GOT.values()]
        assert paid_in(folder) == ["ann 10", "bob 900"]
        recorded = story.events("step_recorded", message_id=task.id)
        assert sorted({event.step for event in recorded}) == ["pay", "quote"]
        assert len({event.record for event in recorded}) == len(recorded)


def price(ctx, message):
    return f"price of {message.payload.input}"


async def asks_in_stages(ctx, message):
    """Two stages for each of two; the order of the second differs between the deliveries."""
    first, asked = ctx.deliveries == 1, asyncio.Event()

    async def one(who):
        found = await ctx.ask_async("price", who)
        if who == "x" and first:
            await asked.wait()
        asked.set()
        again = await ctx.ask_async("price", f"{found}, again")
        if first:
            os.kill(os.getpid(), signal.SIGKILL)
        return [who, found, again]

    return await asyncio.gather(one("x"), one("y"))


def test_each_answer_goes_to_its_own_question_in_whatever_order_they_are_asked(story):
    story.runtime.start_agent("price", price)
    story.runtime.start_agent("asker", asks_in_stages)
    for _ in range(2):
        assert story.runtime.ask("asker", None) == [
            [who, f"price of {who}", f"price of price of {who}, again"] for who in ("x", "y")
        ]


@scr.step_once(retry=scr.Retry(attempts=2, base_s=0.01), key=lambda folder, error: folder)
def declined(folder, error):
    calls = happen(Path(folder) / "calls")["times"]
    if calls <= 3:
        raise scr.NotHappened(ValueError(error))
    return calls


def declines(ctx, message):
    try:
        return declined(message.payload.input, "declined")
    except ValueError:
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_once_step_that_has_not_happened_is_tried_again_and_never_in_doubt(story, tmp_path):
    story.runtime.start_agent("declines", declines)
    assert story.runtime.ask("declines", str(tmp_path)) == 4
    assert len(story.events("message_delivered", agent="declines")) == 2
    assert not story.events("message_parked")


class Clock(scr.Agent):
    """Sets the timers that it is told to, and tells which have come."""

    class State(BaseModel):
        come: list[str] = []
        pending: scr.Message | None = None

    def on_task(self, ctx, message):
        match message.payload.input:
            case {"after": seconds, "name": name}:
                self.state.pending = ctx.send_after(seconds, {"come": name}, to=ctx.agent)
                ctx.reply(self.state.pending.message_id)
            case {"at": when, "name": name}:
                ctx.reply(ctx.wake_at(when, {"come": name}).message_id)
            case {"cancel": True}:
                ctx.cancel_timer(self.state.pending)
                ctx.reply(None)
            case {"come": name}:
                self.state.come.append(name)
            case _:
                ctx.reply(self.state.come)


def test_timers_fire_outlive_the_process_that_set_them_and_are_cancelled(story):
    clocks = ("clock-1", "clock-2", "clock-3")
    for name in clocks:
        story.runtime.start_agent(name, Clock)
    cancelled = story.runtime.ask("clock-3", {"after": 1.5, "name": "cancelled"})
    story.runtime.ask("clock-3", {"cancel": True})
    story.runtime.ask("clock-3", {"at": time.time() + 1.6, "name": "after it"})
    story.runtime.ask("clock-1", {"after": 0.3, "name": "sent after"})
    story.runtime.ask("clock-2", {"at": time.time() - 60, "name": "late"})
    os.kill(story.pid("clock-1"), signal.SIGKILL)
    until(lambda: [story.runtime.ask(name, None) for name in clocks] == [["sent after"], ["late"], ["after it"]])
    assert not story.events("message_accepted", message_id=cancelled)
