"""The questions of agents, with everything around them in one object that notes what is ordered."""

import asyncio
from collections import Counter

from scr.runtime.dispatch.open_questions import OpenQuestions
from scr.store.records import OpenAsk
from scr.turns.question_events import Asked, Waiter


class Asking:
    """In place of the store, the router, care, the processes and the log.

    `told` are the answers, each with its agent and incarnation; `steps` what is recorded; `closed` the asks that the
    store is to forget; `waiting` counts the answers that each incarnation waits for.  `hands` are the messages that
    agents have in hand.
    """

    def __init__(self, loop, held_up=lambda within_s: False):
        self.told, self.steps, self.closed, self.waiting, self.hands = [], [], [], Counter(), {}
        self.absent, self.held_up = {}, held_up
        self.asks_ = OpenQuestions(loop, self, self, self, self, self)

    def open(self, question, to="b", timeout_s=5.0, *, ref=1, incarnation=1, deliveries=1, **facts):
        return self.asks_.open(Asked(question, to, Waiter(incarnation, ref, deliveries), timeout_s, **facts))

    @property
    def answers(self):
        return [frame.error or frame.value for _, _, frame in self.told]

    def tell(self, agent, incarnation, frame):
        self.told.append((agent, incarnation, frame))

    def begin_wait(self, agent, incarnation):
        self.waiting[agent, incarnation] += 1

    def end_wait(self, agent, incarnation):
        self.waiting[agent, incarnation] -= 1
        assert self.waiting[agent, incarnation] >= 0

    def close_ask(self, message_id):
        self.closed.append(message_id)

    def emit(self, event, cause=0):
        self.steps.append(self.find(event.agent, event.message_id).steps[event.record or event.step])
        return cause

    def in_hand(self, agent):
        return self.hands.get(agent)

    def find(self, agent, message_id):
        pending = self.hands.get(agent)
        return pending if pending and pending.message.message_id == message_id else None

    def doubt_of(self, message_id):
        return None


def question(n=0):
    return OpenAsk(f"q{n}", "a", f"m{n}", "ask b", 0.0)


def run(scenario, **fields):
    """Play a scenario in a loop of its own; return what was noted."""

    async def main():
        asking = Asking(asyncio.get_running_loop(), **fields)
        await scenario(asking, asking.asks_)
        return asking

    return asyncio.run(main())


async def turn_of_the_loop(fact):
    while not fact():  # noqa: ASYNC110  the loop itself is what is waited for
        await asyncio.sleep(0)
