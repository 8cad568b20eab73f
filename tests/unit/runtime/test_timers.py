"""Messages that are sent later."""

import asyncio
import time

from scr.messages import Ping, origin
from scr.protocol.frames import Timer
from scr.runtime.dispatch.timers import Timers


def timer(n, due=0.0, after_s=None):
    message = Ping(**origin(message_id=f"t{n}", sender="a", to="b", at=0.0))
    return Timer(message=message, due=due, after_s=after_s)


def fired(scenario, count):
    async def main():
        due = []
        timers = Timers(asyncio.get_running_loop(), lambda timer: due.append(timer.message.message_id))
        scenario(timers)
        while len(due) < count:  # noqa: ASYNC110  the loop itself is what is waited for
            await asyncio.sleep(0)
        return due

    return asyncio.run(main())


def test_what_was_due_while_no_runtime_lived_is_due_at_once():
    assert fired(lambda timers: [timers.restore(timer(n, due=n)) for n in range(3)], 3) == ["t0", "t1", "t2"]


def test_what_counts_from_its_commit_does_not_look_at_the_wall_clock():
    long_ago_and_far_away = (timer(1, due=0.0, after_s=0.002), timer(2, due=time.time() + 1e6, after_s=0.001))
    assert fired(lambda timers: [timers.set(one) for one in long_ago_and_far_away], 2) == ["t2", "t1"]


def test_a_timer_far_away_is_looked_at_again_and_one_that_was_cancelled_never_fires():
    def scenario(timers):
        timers.set(timer(0, after_s=0.0))
        timers.set(timer(1, due=time.time() + 86_400))
        timers.set(timer(2, after_s=0.001))
        for n in (0, 1, 7):
            timers.cancel(f"t{n}")

    assert fired(scenario, 1) == ["t2"]
