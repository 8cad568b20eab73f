"""Messages that no frame can hold are dead letters, however many they are, and hold up no other."""

import asyncio

from scr.errors import FrameTooLarge
from scr.store.memory import MemoryStore
from tests.contract.store_harness import dead_in
from tests.unit.runtime.test_no_answer import Stand
from tests.unit.runtime.test_turn_machine import Agent

MANY = 500  # more than the frames of the interpreter's stack, were each handed over by the one before it


class Narrow(Agent):
    """A process whose frames hold no message but the last."""

    def send(self, frame):
        if frame.message.message_id != "last":
            raise FrameTooLarge("it is too large")
        super().send(frame)

    send_next = send


def test_messages_that_no_frame_can_hold_are_dead_letters_and_the_next_one_is_handed_over():
    loop = asyncio.new_event_loop()
    one = Stand(loop, MemoryStore())
    one.agents["c"] = narrow = Narrow(1)
    for n in range(MANY):
        one.send(f"m{n}", "c")
    one.send("last", "c")
    one.turns.up("c", 1, narrow)
    assert one.take("c").message_id == "last"
    buried = dead_in(one.store)
    assert {letter.reason for letter in buried} == {"quarantined"}
    assert (len(buried), one.store.counts().open_messages) == (MANY, 1)
    loop.close()
