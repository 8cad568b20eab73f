"""What the simulated world has in place of the loop and of the store: virtual time, and writes that are kept late."""

import heapq
from collections import deque

from scr.errors import InvalidMessage, StoreError
from scr.store.records import kept_of
from tests.simulation.turns_agents import UNKEPT

THEN = {"accept": 1, "commit": 1, "record": 2, "bury": 2, "exhume": 1, "resolve": 3, "cancel": 1, "fire": 1}
THEN |= {"set_timers": 2, "sync": 0, "find": 1, "entries": 2}  # where a write has what is called when it is kept
LATE = {*THEN, "append", "failed", "close_ask", "park", "admit", "keep_down", "gone", "carried"}
TWICE = {"accept", "commit", "record", "resolve"}


class Handle:
    """Something that is to happen, and with what runtime it is lost."""

    __slots__ = ("_when", "act", "loop")

    def __init__(self, when, loop, act):
        self._when, self.loop, self.act = when, loop, act

    def cancel(self):
        self.act = None

    def when(self):
        return self._when


class Loop:
    """The loop of one runtime in the world's time."""

    def __init__(self, world):
        self.world, self.lives = world, True

    def time(self):
        return self.world.now

    def call_later(self, delay_s, act, *given):
        return self.call_at(self.world.now + delay_s, act, *given)

    def call_at(self, when, act, *given):
        world = self.world
        world.sequence += 1
        handle = Handle(when, self, lambda: act(*given))
        heapq.heappush(world.queue, (when, world.sequence, handle))
        return handle


class LateStore:
    """Keeps what it is given some time later, in order; refuses some, answers some twice; all else is the memory's."""

    def __init__(self, world, loop):
        self.world, self.loop, self.memory = world, loop, world.memory
        self.pending, self.is_due = deque(), False
        self.image = self.memory.present()

    def __getattr__(self, verb):
        if verb not in LATE:
            return getattr(self.memory, verb)

        def write(*given, **fields):
            self.refuse(verb, given)
            self.world.witness.wrote(verb, given, fields)
            self.pending.append((verb, given, fields))
            if not self.is_due:
                self.is_due = True
                self.loop.call_later(self.world.rng.random() * self.world.lag_s, self.keep)

        setattr(self, verb, write)
        return write

    def refuse(self, verb, given):
        """What no store keeps."""
        if (verb == "commit" and given[0].frame.state == UNKEPT) or (verb == "record" and given[1].value == UNKEPT):
            raise InvalidMessage("it is of a kind that no store keeps")

    def keep(self):
        for _ in range(self.world.rng.randint(1, len(self.pending))):
            self.write(*self.pending.popleft(), is_told=True)
        self.is_due = bool(self.pending)
        if self.is_due:
            self.loop.call_later(self.world.rng.random() * self.world.lag_s, self.keep)

    def lose(self):
        """The runtime is gone: some of the last writes are kept, and of none it is told."""
        for _ in range(self.world.rng.randint(0, len(self.pending))):
            self.write(*self.pending.popleft(), is_told=False)

    def write(self, verb, given, fields, *, is_told):
        world, at = self.world, THEN.get(verb, 9)
        refused = fields.get("refused") or (given[3] if verb == "record" else None)
        if refused and verb != "find" and world.is_hostile(0.1):
            world.witness.refused(verb, given)
            if is_told:
                refused(StoreError("it does not take this one"))
            return
        heard = []
        if then := given[at] if len(given) > at else None:
            given = (*given[:at], lambda *found: heard.append(found), *given[at + 1 :])
        getattr(self.memory, verb)(*given, **fields)
        world.witness.kept(verb, given, heard)
        for found in heard if then and is_told else ():
            then(*found)
            if verb in TWICE and "given" not in fields and world.is_hostile(0.2):
                self.loop.call_later(world.rng.random() * 0.3, then, *found)


def opened(memory):
    """The messages that are open in a store in memory, with what is known of each."""
    return {message_id: kept_of(kept) for message_id, kept in memory._open.items()}
